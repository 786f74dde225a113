"""Connections to one PostgreSQL server from one event loop: a bounded free-list, last in first out.

asyncpg's own pool wraps and resets a connection on every use, which costs as much as a short query; here one is looked
at only where it was idle for a while, or where something went wrong on it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from time import monotonic

import msgspec

from holdall.store import PoolFigures, Watchdog
from holdall.stores.sql.postgres_connection import PostgresConnection

__all__ = ["Ages", "PostgresPool"]

_FRESH = 0.001  # seconds for which an idle connection is used again without a look
_SIGN_SECONDS = 1.0  # for a sign of life


class Ages(msgspec.Struct, frozen=True):
    """The ages of connections, in seconds, at which they are pinged, replaced or closed.

    One that was idle for ``ping_after`` is asked for a sign of life before it is used, one that is ``recycle`` old is
    replaced, and one that was idle for ``idle_timeout`` is closed.
    """

    ping_after: float = 5.0
    recycle: float | None = None
    idle_timeout: float | None = None


class PostgresPool:
    """The connections of one event loop: ``connect`` opens one, at most ``most`` are open, waiters take turns.

    ``courtesy`` is how long, in seconds, a connection may take to be reset or closed before it is broken off,
    ``patience`` how long callers wait for one.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[PostgresConnection]],
        most: int,
        courtesy: float,
        ages: Ages,
        patience: float = 10.0,
    ) -> None:
        self._connect = connect
        self._most = most
        self._courtesy = courtesy
        self._ages = ages
        self._patience = Watchdog(patience, _give_up)
        self._sweeping: asyncio.TimerHandle | None = None
        self._open = 0
        self._free: list[PostgresConnection] = []
        self._waiters: deque[asyncio.Future[PostgresConnection | None]] = deque()
        self._resetting: set[asyncio.Task[None]] = set()
        self._opening: set[asyncio.Task[PostgresConnection]] = set()
        self._is_closed = False

    @property
    def figures(self) -> PoolFigures:
        """How the connections are used at this moment."""
        waiting = sum(not waiter.done() for waiter in self._waiters)
        return PoolFigures(self._most, self._open, len(self._free), waiting)

    def take_now(self) -> PostgresConnection | None:
        """A connection that was in use a moment ago, if there is one."""
        if self._free:
            connection = self._free[-1]
            if monotonic() - connection.idle_since < _FRESH and not connection.raw.is_closed():
                return self._free.pop()
        return None

    async def take(self) -> PostgresConnection:
        """Lend an idle or new connection, or the next one given back. Raises TimeoutError if that does not come."""
        while self._free:
            connection = self._free.pop()
            if await self._is_usable(connection):
                return connection
        if self._open >= self._most:
            handed = await self._wait()
            if handed is not None:
                return handed
        else:
            self._open += 1
        try:
            return await self._opened()
        except BaseException:
            self._vacate()
            raise

    def give(self, connection: PostgresConnection) -> None:
        """Take back a connection that is as it was when it was taken.

        A connection in a transaction is reset first: its next user would write into that transaction.
        """
        if self._is_closed or connection.raw.is_closed():
            self.drop(connection)
            return
        if connection.raw.is_in_transaction():
            self.give_dirty(connection)
            return
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        connection.idle_since = monotonic()
        self._free.append(connection)
        if self._ages.idle_timeout is not None and self._sweeping is None:
            self._sweep()

    def give_dirty(self, connection: PostgresConnection) -> None:
        """Take back a connection on which something was broken off: it is reset, in the background, or dropped."""
        if connection.raw.is_closed():
            self._vacate()
            return
        self._in_background(self._reset(connection))

    def renew(self) -> None:
        """End all idle connections, as they lead to a server that is gone, or is not the primary any more."""
        free, self._free = self._free, []
        for connection in free:
            self.drop(connection)

    def drop(self, connection: PostgresConnection) -> None:
        """End a connection that is of no more use."""
        connection.raw.terminate()
        self._vacate()

    def forget(self) -> None:
        """Prepare every statement of the idle connections anew, because tables have changed."""
        for connection in self._free:
            connection.forget()

    async def close(self) -> None:
        """Close idle connections now, the others when they are given back.

        A connection that is being reset may still be asking the server to stop a statement; closing waits for that, as
        asyncpg leaves a future behind where it is broken off.
        """
        self._is_closed = True
        if self._sweeping is not None:
            self._sweeping.cancel()
        free, self._free = self._free, []
        closing = [connection.raw.close(timeout=self._courtesy) for connection in free]
        await asyncio.gather(*closing, *self._resetting, *self._opening, return_exceptions=True)

    def abandon(self) -> None:
        """Let go of connections whose loop has ended."""
        free, self._free = self._free, []
        for connection in free:
            connection.abandon()

    async def _wait(self) -> PostgresConnection | None:
        """A connection somebody gave back, or None for the right to open one. Raises TimeoutError."""
        waiter: asyncio.Future[PostgresConnection | None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        watched = self._patience.watch(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                handed = waiter.result()
                if handed is None:
                    self._vacate()
                else:
                    self.give(handed)
            raise
        finally:
            watched.pop(waiter, None)

    def _vacate(self) -> None:
        """One connection fewer: the first waiter may open another."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self._open -= 1

    async def _opened(self) -> PostgresConnection:
        """A new connection. A cancelled caller leaves it to be ended once it is open.

        Broken off within, asyncpg leaves a future behind that nobody looks at, of which the loop complains.
        """
        task = asyncio.ensure_future(self._connect())
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_end)
            raise

    async def _is_usable(self, connection: PostgresConnection) -> bool:
        """Whether an idle connection is alive and not too old; else it is ended, and if it is dead all others too."""
        if connection.raw.is_closed():
            self._vacate()
            return False
        now = monotonic()
        if self._ages.recycle is not None and now - connection.born > self._ages.recycle:
            self._in_background(self._retire(connection))
            return False
        if now - connection.idle_since < self._ages.ping_after and not connection.has_news:
            return True
        try:
            answers = await connection.answers(_SIGN_SECONDS)
        except BaseException:
            self.drop(connection)
            raise
        if not answers:
            self.drop(connection)
            self.renew()
        return answers

    async def _reset(self, connection: PostgresConnection) -> None:
        """End what is open on it. Its settings are those it was opened with; behind a pooler they are not its own."""
        try:
            async with asyncio.timeout(self._courtesy):
                await connection.end_transaction()
        except BaseException:
            self.drop(connection)
            return
        self.give(connection)

    def _sweep(self) -> None:
        """Close what was idle for too long, and look again when the next may have been."""
        assert self._ages.idle_timeout is not None
        oldest = monotonic() - self._ages.idle_timeout
        while self._free and self._free[0].idle_since <= oldest:
            self._in_background(self._retire(self._free.pop(0)))
        self._sweeping = None
        if self._free:
            wait = self._free[0].idle_since - oldest
            self._sweeping = asyncio.get_running_loop().call_later(wait, self._sweep)

    async def _retire(self, connection: PostgresConnection) -> None:
        try:
            with suppress(Exception):
                await connection.raw.close(timeout=self._courtesy)
        finally:
            self._vacate()

    def _in_background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._resetting.add(task)
        task.add_done_callback(self._resetting.discard)


def _give_up(waiter: asyncio.Future[PostgresConnection | None]) -> None:
    """End the wait for a connection that did not come in time."""
    if not waiter.done():
        waiter.set_exception(TimeoutError())


def _end(task: asyncio.Task[PostgresConnection]) -> None:
    """End a connection that nobody waits for any more."""
    if not task.cancelled() and task.exception() is None:
        task.result().raw.terminate()
