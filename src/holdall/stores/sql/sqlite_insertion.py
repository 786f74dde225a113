"""Single rows for SQLite, each inserted by a statement that was made ready once, in a commit shared with others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import apsw

from holdall.store import APPLIED, Outcome, Row
from holdall.stores.sql.sqlite_connection import ApswConnection
from holdall.stores.sql.sqlite_jobs import NothingLeft
from holdall.stores.sql.sqlite_references import has_broken_references
from holdall.stores.sql.sqlite_reservations import SqliteReservations
from holdall.stores.sql.sqlite_steps import statement_of
from holdall.stores.sql.steps import Insert

__all__ = ["SqliteInsertion"]

_REFUSALS = (apsw.Error, OverflowError, ValueError, TypeError)


_MAY_DO_MORE = """
SELECT 1 FROM sqlite_schema WHERE tbl_name = ? COLLATE NOCASE
AND (type = 'trigger' OR sql LIKE '%CONFLICT%' OR sql LIKE '%REFERENCES%')
""".strip()


class SqliteInsertion:
    """Inserts rows as one step says; ``run`` has the writer carry out a work. Raises our errors."""

    __slots__ = ("_is_alone", "_is_counted", "_looked", "_reservations", "_run", "_sql", "_table")

    def __init__(
        self,
        run: Callable[[Callable[[ApswConnection], Outcome]], Awaitable[Outcome]],
        reservations: SqliteReservations,
        step: Insert,
    ) -> None:
        self._run = run
        self._reservations = reservations
        self._sql = statement_of(step)
        self._table = step.table.name
        self._is_counted = step.generated is not None
        self._looked: tuple[ApswConnection, int] | None = None
        self._is_alone = False

    async def __call__(self, row: Row) -> Outcome | None:
        """Insert a row; None where nothing was written: the works of the store then do it, or say what is wrong."""
        try:
            return await self._run(partial(self._insert, row))
        except NothingLeft:
            return None

    def _insert(self, row: Row, connection: ApswConnection) -> Outcome:
        """Insert it in the writer's thread. Raises NothingLeft: SQLite takes back by itself what a statement has done
        that is refused, unless triggers, conflict clauses or references are there.
        """
        looked = connection, connection.stretch
        if self._looked != looked:
            if self._reservations.is_any(connection):
                raise NothingLeft
            self._is_alone = connection.execute(_MAY_DO_MORE, (self._table,)).get is None
            self._looked = looked
        if not self._is_alone:
            self._insert_in_savepoint(row, connection)
        else:
            try:
                connection.execute(self._sql, row)
            except _REFUSALS as error:
                raise NothingLeft from error
        return Outcome(connection.last_insert_rowid()) if self._is_counted else APPLIED

    def _insert_in_savepoint(self, row: Row, connection: ApswConnection) -> None:
        connection.execute("SAVEPOINT row")
        try:
            connection.execute(self._sql, row)
            is_done = connection.changes() == 1 and not has_broken_references(connection)
        except _REFUSALS:
            is_done = False
        if not is_done and connection.in_transaction:
            connection.execute("ROLLBACK TO row")
        if connection.in_transaction:
            connection.execute("RELEASE row")
        if not is_done:
            raise NothingLeft
