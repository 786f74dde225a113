"""One transaction on SQLite's writing connection, shared by works: one that fails takes nothing of the others with it.

Everything here runs in the writer's thread.
"""

from __future__ import annotations

from contextlib import suppress

import apsw

from holdall.query import Value
from holdall.stores.sql.sqlite_connection import ApswConnection
from holdall.stores.sql.sqlite_jobs import Ended, Job, NothingLeft, set_outcomes

__all__ = ["Group", "begin", "roll_back"]


class Group:
    """The works that have joined so far; those who wait for them are told once they are committed."""

    __slots__ = ("_connection", "_ended")

    def __init__(self, connection: ApswConnection) -> None:
        self._connection = connection
        self._ended: Ended = []

    def add_first(self, job: Job[Value]) -> bool:
        """Begin a transaction with this work; return whether it went well. One that fails is rolled back, and told."""
        connection = self._connection
        try:
            begin(connection)
            self._ended.append((job, job.work(connection), None))
        except BaseException as error:
            roll_back(connection)
            set_outcomes([(job, None, error)])
            return False
        connection.stretch += not job.is_bare
        return True

    def add(self, job: Job[Value]) -> None:
        """Carry out one more work, in a savepoint unless it is bare. One that fails is told with the others, later."""
        connection, is_bare = self._connection, job.is_bare
        try:
            if not connection.in_transaction:
                begin(connection)
            if is_bare:
                result = job.work(connection)
            else:
                connection.execute("SAVEPOINT work")
                result = job.work(connection)
                connection.execute("RELEASE work")
        except BaseException as error:
            if not connection.in_transaction or (is_bare and not isinstance(error, NothingLeft)):
                self._begin_again_without(job, error)
                return
            if not is_bare:
                connection.execute("ROLLBACK TO work")
                connection.execute("RELEASE work")
            self._ended.append((job, None, error))
        else:
            self._ended.append((job, result, None))
        connection.stretch += not is_bare

    def add_alone(self, job: Job[Value]) -> None:
        """Carry out a work in a transaction of its own."""
        if self.add_first(job):
            self.commit()

    def commit(self) -> None:
        """Commit what is open, and tell all works."""
        ended, self._ended = self._ended, []
        if self._connection.in_transaction:
            try:
                self._connection.commit()
            except BaseException as error:
                roll_back(self._connection)
                ended = [(job, None, error) for job, _, _ in ended]
        set_outcomes(ended)

    def _begin_again_without(self, job: Job[Value], error: BaseException) -> None:
        """Tell a work whose failure has ended the whole transaction; the others are not to blame and begin again, those
        that were refused as well: perhaps for what was rolled back.
        """
        roll_back(self._connection)
        set_outcomes([(job, None, error)])
        again, self._ended = self._ended, []
        for other, _, _ in again:
            self.add_alone(other)


def begin(connection: ApswConnection) -> None:
    """Begin a transaction that writes. Raises apsw's errors."""
    connection.execute("BEGIN IMMEDIATE")
    connection.stretch += 1


def roll_back(connection: ApswConnection | None) -> None:
    """Take back what is open; a connection that is not there yet, or has lost it, has nothing to take back."""
    if connection is not None and connection.in_transaction:
        with suppress(apsw.Error):
            connection.execute("ROLLBACK")
