"""Single rows for SQLite, each inserted by a statement that was made ready once, in a commit shared with others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import apsw

from holdall.store import APPLIED, Outcome, Row
from holdall.stores.sql.sqlite_references import has_broken_references
from holdall.stores.sql.sqlite_reservations import SqliteReservations
from holdall.stores.sql.sqlite_steps import statement_of
from holdall.stores.sql.steps import Insert

__all__ = ["SqliteInsertion"]


class SqliteInsertion:
    """Inserts rows as one step says; ``run`` has the writer carry out a work. Raises our errors."""

    __slots__ = ("_is_counted", "_reservations", "_run", "_sql")

    def __init__(
        self,
        run: Callable[[Callable[[apsw.Connection], Outcome]], Awaitable[Outcome]],
        reservations: SqliteReservations,
        step: Insert,
    ) -> None:
        self._run = run
        self._reservations = reservations
        self._sql = statement_of(step)
        self._is_counted = step.generated is not None

    async def __call__(self, row: Row) -> Outcome | None:
        """Insert a row; None where nothing was written: the works of the store then do it, or say what is wrong."""
        try:
            return await self._run(partial(self._insert, row))
        except _Refused:
            return None

    def _insert(self, row: Row, connection: apsw.Connection) -> Outcome:
        """Insert it in the writer's thread. Raises _Refused, so that the writer takes back whatever triggers did."""
        if self._reservations.is_any(connection):
            raise _Refused
        try:
            connection.execute(self._sql, row)
        except (apsw.Error, OverflowError, ValueError, TypeError) as error:
            raise _Refused from error
        if connection.changes() != 1 or has_broken_references(connection):
            raise _Refused
        return Outcome(connection.last_insert_rowid()) if self._is_counted else APPLIED


class _Refused(Exception):
    """A row was not inserted."""
