"""Access to one PostgreSQL database: connections lent to callers, and the meaning of their errors."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from weakref import WeakKeyDictionary, ref

import asyncpg

from holdall.errors import HoldallError, StoreError, StoreTimeout, StoreUnavailable
from holdall.store import AnewInChild, PoolFigures, keep_for_ever, watch_forks
from holdall.stores.sql.errors import Meaning, error_of, is_read_only
from holdall.stores.sql.postgres_connecting import PostgresConnector, PostgresOptions
from holdall.stores.sql.postgres_connection import PostgresConnection
from holdall.stores.sql.postgres_pool import Ages, PostgresPool
from holdall.stores.sql.postgres_refusal import refusal
from holdall.stores.sql.postgres_reservations import is_reservation_table
from holdall.stores.sql.postgres_transaction import CONNECTION_LOST, DRIVER_ERRORS, OUTDATED
from holdall.stores.sql.steps import Step
from holdall.stores.sql.tables import Tables

__all__ = ["PostgresAccess"]

Begin = Callable[[PostgresConnection], Awaitable[None]]
_COURTESY_SECONDS = 5.0  # for taking leave of a connection


class _Lent:
    """One connection of this loop's pool, for a block."""

    __slots__ = ("_access", "_begin", "_connection", "_pool")

    def __init__(self, access: PostgresAccess, begin: Begin | None) -> None:
        self._access = access
        self._begin = begin
        self._pool: PostgresPool
        self._connection: PostgresConnection

    async def __aenter__(self) -> PostgresConnection:
        self._pool = pool = self._access.pool()
        self._connection = await self._access.lend(pool, self._begin)
        return self._connection

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if error is None:
            self._pool.give(self._connection)
        elif isinstance(error, Exception):
            await self._access.mend(self._pool, self._connection, error)
        else:
            self._pool.give_dirty(self._connection)


class _Translating:
    __slots__ = ("_access", "_steps")

    def __init__(self, access: PostgresAccess, steps: list[Step]) -> None:
        self._access = access
        self._steps = steps

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if error is None or isinstance(error, OUTDATED) or not isinstance(error, DRIVER_ERRORS):
            return
        if not is_reservation_table(error):
            raise self._access.translated(error, self._steps) from error


class PostgresAccess(AnewInChild):
    """One database, for one store. Each event loop that uses it gets connections of its own, and each process."""

    def __init__(self, store: str, url: str, tables: Tables, options: PostgresOptions) -> None:
        self.store = store
        self.options = options
        self._connector = PostgresConnector(store, url, options)
        self.lock_patience = self._connector.lock_patience
        self.plain = self._connector.plain
        self._tables = tables
        self._pools: WeakKeyDictionary[asyncio.AbstractEventLoop, PostgresPool] = WeakKeyDictionary()
        self._last: tuple[ref[asyncio.AbstractEventLoop], PostgresPool] | None = None  # of them
        watch_forks(self)

    def connected(self, begin: Begin | None = None) -> AbstractAsyncContextManager[PostgresConnection]:
        """A connection for more than one statement; whatever is left open on it is rolled back.

        ``begin`` is awaited first. Where that finds the connection lost, another one has a try: nothing was done.
        """
        return _Lent(self, begin)

    async def lend(self, pool: PostgresPool, begin: Begin | None) -> PostgresConnection:
        """Take a connection of the pool, and begin on it. Raises our errors."""
        try:
            connection = pool.take_now() or await pool.take()
            return connection if begin is None else await self._begun(pool, connection, begin)
        except DRIVER_ERRORS as error:
            raise self.translated(error, []) from error

    def translating(self, steps: list[Step]) -> AbstractContextManager[None]:
        """Raises our errors for the driver's; what only needs to be prepared anew passes."""
        return _Translating(self, steps)

    def translated(self, error: BaseException, steps: list[Step]) -> HoldallError:
        """Our error for the driver's."""
        name = type(error).__name__
        if isinstance(error, asyncpg.PostgresError) and error.sqlstate:
            return refusal(self.store, self._tables, error, steps)
        if isinstance(error, TimeoutError):
            return StoreTimeout(self.store, Meaning.TIMEOUT.value.format(name))
        if isinstance(error, asyncpg.DataError | OverflowError | UnicodeError):
            return error_of(Meaning.VALUE, self.store, name, steps[-1].collection if steps else None)
        if isinstance(error, asyncpg.exceptions.ClientConfigurationError):
            return StoreError(
                self.store, f"its URL cannot be used by the driver ({name}): compare with its documentation"
            )
        if "SSL upgrade" in str(error):
            return StoreUnavailable(
                self.store, f"the server at {self._connector.where} offers no TLS, which sslmode= asks"
            )
        return StoreUnavailable(self.store, Meaning.UNAVAILABLE.value.format(f"at {self._connector.where}: {name}"))

    def pool(self) -> PostgresPool:
        """This loop's connections."""
        loop, last = asyncio.get_running_loop(), self._last
        if last is not None and last[0]() is loop:
            return last[1]
        pool = self._pools.get(loop)
        if pool is None:
            for other, abandoned in list(self._pools.items()):
                if other.is_closed():
                    del self._pools[other]
                    abandoned.abandon()
            pool = self._pools[loop] = PostgresPool(
                self._connector.connect,
                self.options.connections,
                min(self.options.timeout, _COURTESY_SECONDS),
                Ages(self.options.ping_after, self.options.recycle, self.options.idle_timeout),
                self.options.acquire_timeout,
            )
        self._last = ref(loop), pool
        return pool

    @property
    def figures(self) -> PoolFigures:
        """The connections of all event loops."""
        return PoolFigures.together(self.options.connections, [pool.figures for pool in list(self._pools.values())])

    async def close(self) -> None:
        """Close this loop's connections; those of loops that have ended are let go of."""
        self._last = None
        pool = self._pools.pop(asyncio.get_running_loop(), None)
        if pool is not None:
            await pool.close()

    def after_fork_in_child(self) -> None:
        """Open connections of its own."""
        for loop, pool in list(self._pools.items()):
            keep_for_ever(loop)
            keep_for_ever(pool)
        self._last = None
        self._pools = WeakKeyDictionary()

    async def _begun(self, pool: PostgresPool, connection: PostgresConnection, begin: Begin) -> PostgresConnection:
        try:
            await begin(connection)
        except CONNECTION_LOST as error:
            pool.drop(connection)
            if isinstance(error, TimeoutError):
                raise
            pool.renew()
        except BaseException:
            pool.give_dirty(connection)
            raise
        else:
            return connection
        connection = await pool.take()
        try:
            await begin(connection)
        except BaseException:
            pool.give_dirty(connection)
            raise
        return connection

    async def mend(self, pool: PostgresPool, connection: PostgresConnection, error: Exception) -> None:
        """Give back a connection on which something failed: as it was, or not at all."""
        if is_read_only(error):  # a server that is not the primary any more; a new connection may lead to it
            pool.drop(connection)
            pool.renew()
            return
        if isinstance(error.__cause__, CONNECTION_LOST) and not isinstance(error, StoreTimeout):
            pool.renew()
        if connection.raw.is_closed() or isinstance(error, StoreTimeout | StoreUnavailable):
            pool.give_dirty(connection)
            return
        try:
            # one of our errors is raised once a statement was answered; after any other, an answer may be to come
            if connection.raw.is_in_transaction() or not isinstance(error, HoldallError):
                await connection.end_transaction()
        except BaseException:
            pool.give_dirty(connection)
            raise error from error.__cause__
        pool.give(connection)
