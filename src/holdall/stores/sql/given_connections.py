"""Connections of an engine that somebody else made, sync or async, lent for a while; functions run on them.

A sync engine's connections are used in threads, one thread for each loan. The engine's pool, events and settings are
its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa
from anyio.to_thread import run_sync
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import NullPool, SingletonThreadPool, StaticPool

from holdall.errors import DeclarationError, StateError
from holdall.stores.sql.dialect import Dialect

__all__ = ["Connections", "Loan", "connections_of", "dialect_of"]

T = TypeVar("T")
Act = Callable[[sa.Connection], T]


class Loan(Protocol):
    """A connection that stays the same for several acts."""

    @property
    def connection(self) -> object:
        """The connection itself, sync or async."""
        ...

    async def run(self, act: Callable[[sa.Connection], T]) -> T:
        """Return what the function gives for the connection."""
        ...


class Connections(Protocol):
    """The connections of one engine."""

    async def run(self, act: Callable[[sa.Connection], T]) -> T:
        """Return what the function gives for a connection; what it does not commit is rolled back."""
        ...

    def lent(self) -> AbstractAsyncContextManager[Loan]:
        """A connection for several acts; what is not committed is rolled back."""
        ...

    def forget(self) -> None:
        """Leave all connections to the process that opened them."""
        ...


def dialect_of(store: str, engine: object) -> Dialect:
    """The dialect of an Engine or an AsyncEngine. Raises DeclarationError for what is none."""
    return Dialect.of(_sync(store, engine).dialect)


def _sync(store: str, engine: object) -> sa.Engine:
    sync = engine.sync_engine if isinstance(engine, AsyncEngine) else engine
    if isinstance(sync, sa.Engine):
        return sync
    raise DeclarationError(
        f"store {store!r}: engine= takes an Engine or an AsyncEngine of SQLAlchemy, not a {type(engine).__name__}"
    )


def connections_of(store: str, engine: object) -> Connections:
    """The connections of an Engine or an AsyncEngine; raises DeclarationError for what is none, or cannot be shared."""
    sync = _sync(store, engine)
    if isinstance(sync.pool, SingletonThreadPool):
        raise DeclarationError(
            f"store {store!r}: its engine keeps a database in memory for each thread: make it by create_engine(url, "
            'poolclass=StaticPool, connect_args={"check_same_thread": False})'
        )
    is_single = isinstance(sync.pool, StaticPool)
    if isinstance(engine, AsyncEngine):
        return _Awaited(store, engine, is_single)
    return _Threaded(sync, is_single)


class _Awaited:
    """Those of an AsyncEngine, which belong to the event loop that opened them."""

    def __init__(self, store: str, engine: AsyncEngine, is_single: bool) -> None:
        self._store = store
        self._engine = engine
        self._is_single = is_single
        self._loop: asyncio.AbstractEventLoop | None = None
        self._turn = asyncio.Lock()

    async def run(self, act: Act[T]) -> T:
        async with self._connected() as connection:
            return await connection.run_sync(act)

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[Loan]:
        async with self._connected() as connection:
            yield _AwaitedLoan(connection)

    def forget(self) -> None:
        self._engine.sync_engine.dispose(close=False)
        self._loop = None

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AsyncConnection]:
        await self._demand_own_loop()
        if not self._is_single:
            async with self._engine.connect() as connection:
                yield connection
            return
        async with self._turn, self._engine.connect() as connection:  # which all who ask for one are given
            yield connection

    async def _demand_own_loop(self) -> None:
        """Raise StateError where the engine's connections belong to another event loop that is still there."""
        loop = asyncio.get_running_loop()
        if loop is self._loop:
            return
        is_threaded = self._engine.dialect.driver == "aiosqlite"  # whose connections are threads, of any loop's use
        is_free = self._loop is None or is_threaded or isinstance(self._engine.sync_engine.pool, NullPool)
        if not is_free and self._loop is not None and not self._loop.is_closed():
            raise StateError(
                f"store {self._store!r}: its AsyncEngine is in use by another event loop; give the store an Engine, or "
                "an AsyncEngine with poolclass=NullPool"
            )
        if not is_free and not self._is_single:
            self._engine.sync_engine.dispose(close=False)  # what a closed loop has left
        self._loop, self._turn = loop, asyncio.Lock()


class _AwaitedLoan:
    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection

    async def run(self, act: Act[T]) -> T:
        return await self.connection.run_sync(act)


class _Threaded:
    """Those of an Engine, used in threads."""

    def __init__(self, engine: sa.Engine, is_single: bool) -> None:
        self._engine = engine
        self._is_single = is_single
        self._loop: asyncio.AbstractEventLoop | None = None
        self._turn = asyncio.Lock()

    async def run(self, act: Act[T]) -> T:
        def acted() -> T:
            with self._engine.connect() as connection:
                return act(connection)

        if not self._is_single:
            return await run_sync(acted)
        async with self._own_turn():
            return await run_sync(acted)

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[Loan]:
        if not self._is_single:
            async with self._lent() as loan:
                yield loan
            return
        async with self._own_turn(), self._lent() as loan:
            yield loan

    @asynccontextmanager
    async def _lent(self) -> AsyncIterator[Loan]:
        """Lend a connection with a thread of its own, which carries out acts in order, also those nobody waits for."""
        thread, loop = ThreadPoolExecutor(1, "holdall-loan"), asyncio.get_running_loop()
        connections = ExitStack()
        try:
            opening = loop.run_in_executor(thread, lambda: connections.enter_context(self._engine.connect()))
            yield _ThreadedLoan(await asyncio.shield(opening), thread)
        finally:
            closing = loop.run_in_executor(thread, connections.close)
            thread.shutdown(wait=False)
            await asyncio.shield(closing)

    def forget(self) -> None:
        self._engine.dispose(close=False)

    def _own_turn(self) -> asyncio.Lock:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._turn = loop, asyncio.Lock()
        return self._turn


class _ThreadedLoan:
    def __init__(self, connection: sa.Connection, thread: ThreadPoolExecutor) -> None:
        self.connection = connection
        self._thread = thread

    async def run(self, act: Act[T]) -> T:
        loop = asyncio.get_running_loop()
        given: Any = await asyncio.shield(loop.run_in_executor(self._thread, act, self.connection))
        return given  # type: ignore[no-any-return]
