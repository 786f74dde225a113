"""Works on the writer's connection: their steps one after another, and what it means when one is refused."""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from holdall.store import Outcome
from holdall.stores.sql.errors import Meaning, error_of, violation_of
from holdall.stores.sql.sqlite_connection import ApswConnection
from holdall.stores.sql.sqlite_references import broken_reference, has_broken_references
from holdall.stores.sql.sqlite_reservations import SqliteReservations
from holdall.stores.sql.sqlite_step_refusal import step_refusal
from holdall.stores.sql.sqlite_steps import StepRefused, run_step
from holdall.stores.sql.steps import Step, Work
from holdall.stores.sql.tables import Tables

__all__ = ["SqliteWorks"]


class SqliteWorks:
    """Carries out the works of one store. Everything here runs in the writer's thread and raises our errors."""

    def __init__(self, store: str, path: str | None, tables: Tables, reservations: SqliteReservations) -> None:
        self._store = store
        self._path = path
        self._tables = tables
        self._reservations = reservations

    def apart(self) -> SqliteWorks:
        """Return works for one longer transaction: the schema at which they found no reservations may be undone."""
        return SqliteWorks(self._store, self._path, self._tables, SqliteReservations(self._store))

    def whole(self, connection: apsw.Connection, work: Work, *, was_held: bool = False) -> list[Outcome]:
        """Carry out a work that is to be committed as it is: its references must hold.

        One that ``was_held`` passes fences: who sets them waits for it.
        """
        done: list[Step] = []
        outcomes = self._unreserved(connection, work, done, was_held=was_held)
        self.demand_references(connection, done)
        return outcomes

    def part(self, connection: apsw.Connection, work: Work, done: list[Step]) -> list[Outcome]:
        """Carry out a work inside a longer transaction, its steps put into ``done``; if it fails, nothing stays."""
        connection.execute("SAVEPOINT part")
        steps: list[Step] = []
        try:
            outcomes = self._unreserved(connection, work, steps)
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK TO part")
                connection.execute("RELEASE part")
            raise
        connection.execute("RELEASE part")
        done.extend(steps)
        return outcomes

    def commit(self, connection: ApswConnection, done: list[Step]) -> None:
        """Commit a longer transaction."""
        self.demand_references(connection, done)
        try:
            connection.commit()
        except apsw.ConstraintError as error:  # a driver that cannot tell before
            raise error_of(Meaning.REFERENCE, self._store, "COMMIT", done[-1].collection if done else None) from error

    def demand_references(self, connection: apsw.Connection, done: Sequence[Step]) -> None:
        """Raise ReferenceViolation if the transaction leaves a reference without its target."""
        is_broken = has_broken_references(connection)
        if is_broken is False:
            return
        found = broken_reference(connection, self._tables, done)
        if found is None:
            if is_broken is None:
                return
            raise error_of(Meaning.REFERENCE, self._store, "FOREIGN KEY", done[-1].collection if done else None)
        raise violation_of(self._store, *found)

    def _unreserved(
        self, connection: apsw.Connection, work: Work, done: list[Step], *, was_held: bool = False
    ) -> list[Outcome]:
        """The outcomes of all steps. Raises Reserved if another commit holds anything they touch."""
        held = self._reservations.held(connection)
        if was_held:
            held = [item for item in held if item.fence is None]
        if not held:
            return self._steps(connection, work, done)
        work.demand_unreserved(self._store, held)
        outcomes = self._steps(connection, work, done)
        # once more, as by now it is known which keys SQLite has made
        work.demand_unreserved(self._store, held, outcomes)
        return outcomes

    def _steps(self, connection: apsw.Connection, work: Work, done: list[Step]) -> list[Outcome]:
        steps = work()
        try:
            step = next(steps)
            while True:
                reply = run_step(connection, step)
                done.append(step)
                step = steps.send(reply)
        except StopIteration as end:
            outcomes: list[Outcome] = end.value
            return outcomes
        except StepRefused as refused:
            cause = refused.__cause__
            step, index = refused.step, refused.index
            position = step.positions[index] if 0 <= index < len(step.rows) else None
            raise step_refusal(self._store, self._path, self._tables, connection, cause, step, position) from cause
