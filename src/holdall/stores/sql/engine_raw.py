"""Databases behind SQLAlchemy's engine by statements as users write them, and their connections lent as they are."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from holdall.query import Value
from holdall.store import Answer
from holdall.stores.sql.raw import RawStatement

__all__ = ["EngineRaw", "answer_by", "answered", "streamed"]

_AS_IT_IS = {"no_parameters": True}


class _Connecting(Protocol):
    """A database of which connections can be had. Raises our errors."""

    def connected(self) -> AbstractAsyncContextManager[AsyncConnection]: ...

    async def commit(self, connection: AsyncConnection) -> None: ...


class EngineRaw:
    """The way past the contract into one database. Raises our errors."""

    def __init__(self, database: _Connecting) -> None:
        self._database = database

    async def answer(self, statement: RawStatement, limit: int) -> Answer:
        """The answer to a statement; one that writes is committed."""
        async with self._database.connected() as connection:
            found = await answer_by(connection, statement, limit)
            if not statement.is_read:
                await self._database.commit(connection)
            return found

    async def batches(self, statement: RawStatement, size: int) -> AsyncGenerator[Answer]:
        """The rows of a statement that reads, at most ``size`` at a time."""
        async with self._database.connected() as connection:
            result = await connection.run_sync(streamed, statement)
            try:
                columns = tuple(result.keys())
                while found := await connection.run_sync(lambda _: result.fetchmany(size)):
                    yield Answer(columns, list(map(tuple, found)))
            finally:
                await connection.run_sync(lambda _: result.close())

    @asynccontextmanager
    async def native(self) -> AsyncIterator[AsyncConnection]:
        """A connection of SQLAlchemy's engine; what is not committed when the block ends is rolled back.

        The connection is closed then, as no statement takes back all settings and variables of a session.
        """
        async with self._database.connected() as connection:
            try:
                yield connection
            finally:
                if not connection.closed:
                    await connection.invalidate()


async def answer_by(connection: AsyncConnection, statement: RawStatement, limit: int) -> Answer:
    """Run a statement on a connection. Raises SQLAlchemy's errors."""
    return await connection.run_sync(answered, statement, limit)


def answered(connection: sa.Connection, statement: RawStatement, limit: int) -> Answer:
    """Run a statement on a connection that does not wait. Raises SQLAlchemy's errors."""
    if statement.parameters:
        result: sa.CursorResult[Value] = connection.exec_driver_sql(statement.sql, statement.parameters)
    else:
        result = connection.exec_driver_sql(statement.sql, execution_options=_AS_IT_IS)
    if not result.returns_rows:
        return Answer((), [], result.rowcount if result.rowcount >= 0 else None)
    rows = list(map(tuple, result.fetchmany(limit + 1)))
    columns = tuple(result.keys())
    result.close()
    return Answer(columns, rows)


def streamed(connection: sa.Connection, statement: RawStatement) -> sa.CursorResult[Value]:
    """Run a statement for rows that come in parts. Raises SQLAlchemy's errors."""
    streaming = connection.execution_options(stream_results=True)
    if statement.parameters:
        return streaming.exec_driver_sql(statement.sql, statement.parameters)
    return streaming.exec_driver_sql(statement.sql, execution_options=_AS_IT_IS)
