"""Single rows for PostgreSQL, each inserted by a statement that is a transaction by itself and was made ready once."""

from __future__ import annotations

import asyncpg

from holdall.errors import StoreUnavailable
from holdall.store import APPLIED, Outcome, Row
from holdall.stores.sql.errors import deciding
from holdall.stores.sql.postgres_access import PostgresAccess
from holdall.stores.sql.postgres_combined import REFUSED
from holdall.stores.sql.postgres_connection import PostgresConnection
from holdall.stores.sql.postgres_driver import DRIVER_ERRORS, OUTDATED
from holdall.stores.sql.postgres_guards import Guards
from holdall.stores.sql.postgres_pool import PostgresPool
from holdall.stores.sql.postgres_reservations import is_reservation_table, nothing_reserved
from holdall.stores.sql.postgres_steps import statement_of
from holdall.stores.sql.steps import Insert, Step

__all__ = ["PostgresInsertion", "demand_nothing_written", "is_alone_safe"]


class PostgresInsertion:
    """Inserts rows as one step says. Raises our errors."""

    __slots__ = ("_access", "_step", "_table", "_texts")

    def __init__(self, access: PostgresAccess, step: Insert) -> None:
        self._access = access
        self._step = step
        self._table = step.table.key
        self._texts: dict[bool, str] = {}  # by whether the connection has seen a table of reservations

    async def __call__(self, row: Row) -> Outcome | None:
        """Insert a row by a statement that is the whole commit; None where that may not be, or nothing was written.

        The works of the store then do it in another way, have a try on another connection, or say what is wrong.
        """
        pool, outcome = self._access.pool(), None
        try:
            connection = pool.take_now() or await pool.take()
        except DRIVER_ERRORS as error:
            raise self._access.translated(error, []) from error
        try:
            sql = self._text(connection)
            if sql is not None:
                outcome = self._outcome(connection, await connection.fetch(sql, row))
                if outcome is None:
                    await demand_nothing_written(self._access, connection, self._step, 0)
        except REFUSED:
            pass
        except Exception as error:
            await self._settle(pool, connection, error)
            return None
        except BaseException:
            pool.give_dirty(connection)
            raise
        pool.give(connection)
        return outcome

    def _text(self, connection: PostgresConnection) -> str | None:
        """The statement; None where it may not be the whole commit."""
        guards = connection.guards
        if guards is None or not connection.is_bounded or not is_alone_safe(connection, guards):
            return None
        if self._table in guards.tables:
            return None
        is_reserving = connection.is_reserving
        text = self._texts.get(is_reserving)
        if text is None:
            text = self._texts[is_reserving] = statement_of(self._step, nothing_reserved(is_reserving))
        return text

    def _outcome(self, connection: PostgresConnection, found: list[asyncpg.Record]) -> Outcome | None:
        if self._step.generated is not None:
            return Outcome(found[0][0]) if found else None
        return APPLIED if connection.written else None

    async def _settle(self, pool: PostgresPool, connection: PostgresConnection, error: Exception) -> None:
        """Give back a connection on which this was raised. Raises our error, unless the works may have a try."""
        if isinstance(error, OUTDATED) or is_reservation_table(error):
            connection.forget()
            pool.give(connection)
            return
        try:
            if isinstance(error, DRIVER_ERRORS):
                with deciding():
                    raise self._access.translated(error, [self._step]) from error
            raise error
        except Exception as told:
            await self._access.mend(pool, connection, told)
            if not isinstance(told, StoreUnavailable) or told.is_outcome_unknown:
                raise


def is_alone_safe(connection: PostgresConnection, guards: Guards) -> bool:
    """Whether a single statement sees, once it has its locks, what others have reserved."""
    return guards.is_read_committed and not connection.is_holding


async def demand_nothing_written(
    access: PostgresAccess, connection: PostgresConnection, step: Step, written: int
) -> None:
    """Raise StoreUnavailable where a statement that missed something may yet have written something, and lasts."""
    with deciding(), access.translating([step]):
        connection.guards = None
        guards = await connection.learned()
    if written or step.table.key in guards.tables:
        told = f"table {step.table.key} was given a trigger or rule meanwhile, which may have written other rows"
        raise StoreUnavailable(access.store, told, is_outcome_unknown=True)
