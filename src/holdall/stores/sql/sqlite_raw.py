"""SQLite by statements as users write them, and its connections lent as they are."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from itertools import islice
from threading import Lock
from typing import Protocol, TypeVar

import apsw
from anyio.to_thread import run_sync

from holdall.query import Value
from holdall.store import Answer, Rows
from holdall.stores.sql.raw import RawStatement
from holdall.stores.sql.steps import Step

__all__ = ["SqliteRaw", "answer_of", "columns_of"]


T = TypeVar("T")


class _Writer(Protocol):
    lock: Lock

    def connection(self) -> apsw.Connection: ...


class _Works(Protocol):
    def demand_references(self, connection: apsw.Connection, done: Sequence[Step]) -> None: ...


class _Database(Protocol):
    """A SQLite database that reads and writes. Raises our errors."""

    @property
    def works(self) -> _Works: ...

    @property
    def path(self) -> str | None: ...

    @property
    def writer(self) -> _Writer: ...

    def open_writer(self) -> apsw.Connection: ...

    async def answer(self, statement: RawStatement, limit: int) -> Answer: ...

    async def run(self, work: Callable[[apsw.Connection], T]) -> T: ...

    def batches(self, sql: str, parameters: Value, size: int, columns: list[str]) -> AsyncGenerator[Rows]: ...


class SqliteRaw:
    """The way past the contract into one database. Raises our errors."""

    def __init__(self, database: _Database) -> None:
        self._database = database

    async def answer(self, statement: RawStatement, limit: int) -> Answer:
        """The answer to a statement; one that writes is committed, alone or with others that come at the same time."""
        database = self._database
        if statement.is_read:
            return await database.answer(statement, limit)

        def work(connection: apsw.Connection) -> Answer:
            found = answer_of(connection, statement, limit)
            database.works.demand_references(connection, [])
            return found

        return await database.run(work)

    async def batches(self, statement: RawStatement, size: int) -> AsyncGenerator[Answer]:
        """The rows of a statement that reads, at most ``size`` at a time, from one snapshot."""
        columns: list[str] = []
        batches = self._database.batches(statement.sql, statement.parameters, size, columns)
        try:
            async for rows in batches:
                yield Answer(tuple(columns), rows)
        finally:
            await batches.aclose()

    @asynccontextmanager
    async def native(self) -> AsyncIterator[apsw.Connection]:
        """A connection that nobody else has, closed when the block ends; a database in memory lends its only one.

        Its calls block the event loop.
        """
        database = self._database
        if database.path is not None:
            connection: apsw.Connection = await run_sync(database.open_writer)
            try:
                yield connection
            finally:
                await run_sync(connection.close, True)
            return
        writer = database.writer
        await run_sync(writer.lock.acquire)
        try:
            with _rolled_back(writer.connection()) as connection:
                yield connection
        finally:
            writer.lock.release()


@contextmanager
def _rolled_back(connection: apsw.Connection) -> Iterator[apsw.Connection]:
    try:
        yield connection
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def answer_of(connection: Value, statement: RawStatement, limit: int) -> Answer:
    """Run a statement on a connection. Raises LimitExceeded for more rows, and apsw's errors."""
    before = connection.total_changes()
    cursor = connection.execute(statement.sql, statement.parameters)
    columns = columns_of(cursor)
    rows = list(islice(cursor, limit + 1))
    cursor.close(True)
    return Answer(columns, rows, connection.total_changes() - before)


def columns_of(cursor: Value) -> tuple[str, ...]:
    """The names of a statement's columns; apsw knows none where there is no row."""
    try:
        return tuple([column[0] for column in cursor.description or ()])
    except apsw.ExecutionCompleteError:
        return ()
