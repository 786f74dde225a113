"""An open transaction of a SQLite database, on the connection of its writer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias, TypeVar

from holdall.errors import StoreError
from holdall.query import Value
from holdall.store import Answer, Outcome, Rows
from holdall.stores.sql.raw import RawStatement
from holdall.stores.sql.sqlite_connection import ApswConnection
from holdall.stores.sql.sqlite_jobs import Channel, rows_of
from holdall.stores.sql.sqlite_raw import answer_of
from holdall.stores.sql.sqlite_work import SqliteWorks
from holdall.stores.sql.steps import Step, Work

__all__ = ["SqliteTransaction"]

T = TypeVar("T")

Ask: TypeAlias = Callable[[Channel, Callable[[ApswConnection], Any]], Awaitable[Any]]
"""Runs something in the transaction of a channel; raises our errors."""


class SqliteTransaction:
    """An open transaction on the writer's connection."""

    def __init__(self, store: str, works: SqliteWorks, channel: Channel, ask: Ask) -> None:
        self._store = store
        self._works = works
        self._channel = channel
        self._ask_of = ask
        self._done: list[Step] = []
        self._depth = 0  # of savepoints

    async def rows(self, sql: str, parameters: Sequence[Value]) -> Rows:
        """The rows of a reading statement, this transaction's own changes included."""
        return await rows_of(self._ask, sql, parameters)

    async def answer(self, statement: RawStatement, limit: int) -> Answer:
        """The answer to a statement as its user wrote it."""
        return await self._ask(lambda connection: answer_of(connection, statement, limit))

    async def write(self, work: Work) -> list[Outcome]:
        """Carry out the work's steps; if one is refused, none of them lasts and the transaction goes on."""
        return await self._ask(lambda connection: self._works.part(connection, work, self._done))

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part of the transaction: an exception in its block undoes what was written in it."""
        self._depth += 1
        name, done = f"point_{self._depth}", len(self._done)
        try:
            await self._ask(lambda connection: connection.execute(f"SAVEPOINT {name}"))
            try:
                yield
            except BaseException:
                await self._ask(lambda connection: connection.execute(f"ROLLBACK TO {name}"))
                await self._ask(lambda connection: connection.execute(f"RELEASE {name}"))
                del self._done[done:]
                raise
            await self._ask(lambda connection: connection.execute(f"RELEASE {name}"))
        finally:
            self._depth -= 1

    async def commit(self) -> None:
        """Make it last. Raises ReferenceViolation if a reference would be left without its target."""
        await self._ask(lambda connection: self._works.commit(connection, self._done))

    async def _ask(self, work: Callable[[ApswConnection], T]) -> T:
        def inside(connection: ApswConnection) -> T:
            if not connection.in_transaction:  # else what follows would be a commit of its own
                raise StoreError(self._store, "SQLite has ended this transaction and undone it; open another")
            return work(connection)

        answer: T = await self._ask_of(self._channel, inside)
        return answer
