"""MariaDB, MySQL and every other database SQLAlchemy has an async dialect for, through its async engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from time import monotonic
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from msgspec import structs
from sqlalchemy import exc
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from holdall.errors import HoldallError, StoreUnavailable
from holdall.query import Value
from holdall.store import AnewInChild, Deadlines, Isolation, Outcome, PoolFigures, Rows, keep_for_ever, watch_forks
from holdall.stores.sql.altering import lent_by
from holdall.stores.sql.database import found_in_catalogue
from holdall.stores.sql.dialect import Dialect
from holdall.stores.sql.engine_bounds import bound
from holdall.stores.sql.engine_connecting import EngineOptions, engine_at, figures_of, stopping_at
from holdall.stores.sql.engine_liveness import is_alive, is_lost
from holdall.stores.sql.engine_raw import EngineRaw
from holdall.stores.sql.engine_refusal import refusal
from holdall.stores.sql.engine_steps import StepRefused, statement_of
from holdall.stores.sql.engine_transaction import AS_IT_IS, EngineTransaction, carry_out, rows_of
from holdall.stores.sql.errors import deciding, is_read_only
from holdall.stores.sql.given_connections import Connections
from holdall.stores.sql.inspection import FoundTable, inspect_connection
from holdall.stores.sql.steps import Step, Work
from holdall.stores.sql.tables import Tables

__all__ = ["EngineDatabase"]

T = TypeVar("T")

_TURN = "SELECT GET_LOCK(MD5(CONCAT('holdall ', DATABASE())), 60)"
_DONE = "SELECT RELEASE_LOCK(MD5(CONCAT('holdall ', DATABASE())))"
_ERRORS = (exc.SQLAlchemyError, OSError)
_ALTERING = 86_400.0  # seconds
_GRACE = 1.0  # seconds, in which the server says by itself that something takes too long


class _Left(Exception):
    """A block was left by an exception."""


class EngineDatabase(AnewInChild):
    """One database behind SQLAlchemy's async engine. Each event loop that uses it gets an engine of its own."""

    is_durable = True

    def __init__(self, store: str, url: sa.URL, tables: Tables, options: EngineOptions) -> None:
        self.store = store
        self._url = url
        self._tables = tables
        self._options = options
        self.inspected_rows = options.inspected_rows
        self._where = f"{url.host or 'its socket'}{f':{url.port}' if url.port else ''}"
        self._engines: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncEngine] = WeakKeyDictionary()
        self._stopping = stopping_at(url)
        self._deadlines = Deadlines(options.timeout + _GRACE)
        self._patience = options.acquire_timeout + options.connect_timeout  # seconds, for a connection
        self.raw = EngineRaw(self)
        watch_forks(self)

    def text_of(self, step: Step) -> str:
        """The statement that carries out a step."""
        return statement_of(self._tables.dialect.sqlalchemy, step)

    def pool(self) -> PoolFigures:
        """The connections of all event loops."""
        most = self._options.connections
        return PoolFigures.together(most, [figures_of(most, engine) for engine in list(self._engines.values())])

    async def learned(self, dialect: Dialect) -> Dialect:
        """The dialect of the server, which it tells when it is first connected to."""
        async with self.connected() as connection:
            return replace(Dialect.of(connection.dialect), lower_collation=dialect.lower_collation)

    async def rows(self, sql: str, parameters: Value) -> Rows:
        """The rows of a reading statement, which is asked once more where its connection was lost."""

        async def read(connection: AsyncConnection) -> Rows:
            return await rows_of(connection, sql, parameters)

        return await self._again_if_lost(read)

    async def batches(self, sql: str, parameters: Value, size: int) -> AsyncGenerator[Rows]:
        """The rows of a reading statement, at most ``size`` at a time, from one snapshot."""
        async with self.connected() as connection:
            result = await connection.run_sync(_streamed, sql, parameters)
            try:
                while found := await self._deadlines.within(connection.run_sync(lambda _: result.fetchmany(size))):
                    yield list(map(tuple, found))
            finally:
                await connection.run_sync(lambda _: result.close())

    async def write(self, work: Work) -> list[Outcome]:
        """Carry out the work's steps in one transaction, once more where the connection was lost before its end."""

        async def carry(connection: AsyncConnection) -> list[Outcome]:
            outcomes = await carry_out(connection, work)
            await self.commit(connection)
            return outcomes

        return await self._again_if_lost(carry)

    @asynccontextmanager
    async def transaction(self, isolation: Isolation | None = None) -> AsyncIterator[EngineTransaction]:
        """A transaction of one's own, READ COMMITTED where the database has it, unless it is to be of another level."""
        failure: BaseException | None = None
        try:
            async with self.connected() as connection:
                if isolation is not None:
                    await connection.execution_options(isolation_level=isolation.value.upper())
                transaction = EngineTransaction(self.store, self.translating, connection)
                try:
                    yield transaction
                except BaseException as error:
                    failure = error
                    raise _Left from None
                transaction.demand_there()
                await self.commit(connection)
        except _Left:
            pass
        if failure is not None:  # of the block itself, and no error of the driver whatever its class
            raise failure

    async def execute(self, statements: Sequence[str]) -> None:
        """Run statements that define tables; few databases can do so in a transaction.

        In MariaDB and MySQL nobody else does so by this package meanwhile.
        """
        takes_turns = self._tables.dialect.family == "mysql"
        async with self.connected() as connection:
            if takes_turns:
                await connection.exec_driver_sql(_TURN, execution_options=AS_IT_IS)
            try:
                for statement in statements:
                    await connection.exec_driver_sql(statement, execution_options=AS_IT_IS)
                await self._deadlines.within(connection.commit())
            finally:
                if takes_turns:
                    with suppress(exc.SQLAlchemyError):  # with the connection the lock is gone, too
                        await connection.exec_driver_sql(_DONE, execution_options=AS_IT_IS)

    async def found(self, tables: Tables) -> dict[str, FoundTable]:
        """The tables that are there."""
        if tables.dialect.family == "mysql":
            return await found_in_catalogue(self, tables, None)
        async with self.connected() as connection:
            return await connection.run_sync(inspect_connection, tables.metadata.tables.values())

    def altering(self) -> AbstractAsyncContextManager[Connections]:
        """Connections of an engine made for it, on which a statement may take as long as large tables do."""
        return lent_by(self.store, engine_at(self._url, structs.replace(self._options, timeout=_ALTERING)))

    async def close(self) -> None:
        """Close this loop's connections, once what was broken off on them is stopped."""
        engine = self._engines.pop(asyncio.get_running_loop(), None)
        if self._stopping is not None:
            await self._stopping.ended()
        if engine is not None:
            await engine.dispose()

    def after_fork_in_child(self) -> None:
        """Make engines of its own."""
        for loop, engine in list(self._engines.items()):
            keep_for_ever(loop)
            keep_for_ever(engine)
        self._engines = WeakKeyDictionary()

    async def _again_if_lost(self, act: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Return the result of an act, repeated once where its connection is gone, or takes no writes, and nothing was
        done.

        Then the others are given up, too: the next connection may lead to another server.
        """
        try:
            async with self.connected(is_repeated=True) as connection:
                return await act(connection)
        except StoreUnavailable as error:
            if error.is_outcome_unknown or not (is_read_only(error) or is_lost(_cause(error))):
                raise
            await self._engine().dispose()
        async with self.connected(is_repeated=True) as connection:
            return await act(connection)

    async def commit(self, connection: AsyncConnection) -> None:
        """Make what was written on a connection last. Raises our errors."""
        with deciding(), self.translating():
            await self._deadlines.within(connection.commit())

    @asynccontextmanager
    async def connected(self, *, is_repeated: bool = False) -> AsyncIterator[AsyncConnection]:
        """A connection; what is not committed when the block ends is rolled back. Raises our errors.

        The connection has been pinged, unless the block is repeated where the connection turns out to be lost.
        """
        with self.translating():
            if not is_repeated and not await self._is_alive():
                await self._engine().dispose()
            async with self.lent() as connection:
                yield connection

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[AsyncConnection]:
        """A connection, as it comes. Raises SQLAlchemy's errors, and TimeoutError."""
        connection = await self.taken()
        try:
            yield connection
        finally:
            with suppress(TimeoutError):  # the connection is ended
                await self._deadlines.within(connection.close())

    async def taken(self) -> AsyncConnection:
        """A connection that is to be closed. Raises SQLAlchemy's errors, and TimeoutError."""
        connection = self._engine().connect()
        await self._deadlines.within(connection.start(), monotonic() + self._patience)
        return connection

    async def _is_alive(self) -> bool:
        """Whether the connection that comes next is alive; the pool gives the last one first."""
        async with self.lent() as connection:
            return await connection.run_sync(is_alive)

    @contextmanager
    def translating(self) -> Iterator[None]:
        """Raises our errors for SQLAlchemy's."""
        try:
            yield
        except StepRefused as refused:
            cause = refused.__cause__
            assert cause is not None
            raise refusal(self.store, self._tables, cause, refused.step, refused.position, self._where) from cause
        except _ERRORS as error:
            raise refusal(self.store, self._tables, error, where=self._where) from error

    def _engine(self) -> AsyncEngine:
        loop = asyncio.get_running_loop()
        engine = self._engines.get(loop)
        if engine is None:
            engine = self._engines[loop] = engine_at(self._url, self._options, self._stopping)
            if self._stopping is not None:
                bound(engine.sync_engine, self._deadlines)
        return engine


def _cause(error: HoldallError) -> BaseException:
    """The driver's error behind ours."""
    return error if error.__cause__ is None else error.__cause__


def _streamed(connection: sa.Connection, sql: str, parameters: Value) -> sa.CursorResult[Any]:
    return connection.execution_options(stream_results=True).exec_driver_sql(sql, parameters)
