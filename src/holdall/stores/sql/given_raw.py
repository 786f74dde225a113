"""Databases behind somebody else's engine by statements as users write them, and its connections lent as they are."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from typing import Protocol, TypeVar

import sqlalchemy as sa

from holdall.store import Answer
from holdall.stores.sql.engine_raw import answered, streamed
from holdall.stores.sql.given_connections import Loan
from holdall.stores.sql.given_setup import writing
from holdall.stores.sql.raw import RawStatement

__all__ = ["GivenRaw"]

T = TypeVar("T")


class _Database(Protocol):
    """A database of which connections can be had. Raises our errors."""

    async def run(self, act: Callable[[sa.Connection], T]) -> T: ...

    def lent(self) -> AbstractAsyncContextManager[Loan]: ...

    def translating(self) -> AbstractContextManager[None]: ...

    def settle_level(self, connection: sa.Connection) -> None: ...

    def commit(self, connection: sa.Connection) -> None: ...


class GivenRaw:
    """The way past the contract into one database. Raises our errors."""

    def __init__(self, database: _Database) -> None:
        self._database = database

    async def answer(self, statement: RawStatement, limit: int) -> Answer:
        """The answer to a statement; one that writes is committed."""

        def act(connection: sa.Connection) -> Answer:
            if statement.is_read:
                return answered(connection, statement, limit)
            self._database.settle_level(connection)
            with writing(connection):
                found = answered(connection, statement, limit)
                self._database.commit(connection)
            return found

        return await self._database.run(act)

    async def batches(self, statement: RawStatement, size: int) -> AsyncGenerator[Answer]:
        """The rows of a statement that reads, at most ``size`` at a time."""
        with self._database.translating():
            async with self._database.lent() as loan:
                result = await loan.run(lambda connection: streamed(connection, statement))
                try:
                    columns = tuple(result.keys())
                    while found := await loan.run(lambda _: result.fetchmany(size)):
                        yield Answer(columns, list(map(tuple, found)))
                finally:
                    await loan.run(lambda _: result.close())

    @asynccontextmanager
    async def native(self) -> AsyncIterator[object]:
        """A connection of the engine, async as that is; what is not committed when the block ends is rolled back."""
        with self._database.translating():
            async with self._database.lent() as loan:
                yield loan.connection
