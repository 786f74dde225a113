"""PostgreSQL by statements as users write them, and its connections lent as they are."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from holdall.errors import HoldallError
from holdall.store import Answer
from holdall.stores.sql.errors import deciding
from holdall.stores.sql.postgres_access import PostgresAccess
from holdall.stores.sql.postgres_answer import answer_on, names_of
from holdall.stores.sql.postgres_connection import PostgresConnection
from holdall.stores.sql.postgres_driver import DRIVER_ERRORS, as_tuple
from holdall.stores.sql.raw import RawStatement

__all__ = ["PostgresRaw"]

_CLEAN = "DISCARD TEMP; CLOSE ALL; UNLISTEN *; SELECT pg_advisory_unlock_all(); RESET ALL"


class PostgresRaw:
    """The way past the contract into one database. Raises our errors."""

    def __init__(self, access: PostgresAccess) -> None:
        self._access = access

    async def answer(self, statement: RawStatement, limit: int) -> Answer:
        """The answer to a statement, which is a transaction by itself."""
        if not statement.is_read:
            async with self._access.connected() as connection:
                with deciding(), self._access.translating([]):
                    return await answer_on(connection, statement, limit)
        pool = self._access.pool()
        try:
            reader = pool.take_now() or await pool.take()
            try:
                answer = await answer_on(reader, statement, limit)
            except BaseException:
                pool.give_dirty(reader)
                raise
            pool.give(reader)
            return answer
        except DRIVER_ERRORS as error:
            raise self._access.translated(error, []) from error

    async def batches(self, statement: RawStatement, size: int) -> AsyncGenerator[Answer]:
        """The rows of a statement that reads, at most ``size`` at a time, from one snapshot."""
        async with self._access.connected() as connection:
            try:
                async with connection.raw.transaction():
                    prepared = await connection.raw.prepare(statement.sql, name="")
                    columns = names_of(prepared)
                    cursor = await prepared.cursor(*statement.parameters)
                    while records := await cursor.fetch(size):
                        yield Answer(columns, list(map(as_tuple, records)))
            except DRIVER_ERRORS as error:
                raise self._access.translated(error, []) from error

    @asynccontextmanager
    async def native(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection of the pool; what is left open, set or listened to on it ends with the block."""
        async with self._access.connected() as connection:
            try:
                yield connection.raw
            finally:
                await self._clean(connection)

    async def _clean(self, connection: PostgresConnection) -> None:
        """Make a connection as it was, or end it where that cannot be done."""
        connection.forget()
        if connection.raw.is_closed():
            return
        try:
            await connection.end_transaction()
            await connection.raw.execute(_CLEAN)
        except (*DRIVER_ERRORS, HoldallError):
            connection.raw.terminate()
        except BaseException:
            connection.raw.terminate()
            raise
