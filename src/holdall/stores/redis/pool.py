"""Connections to one Redis server from one event loop: a bounded free-list, last in first out.

A call is one command and one reply. redis-py makes the connections and parses with hiredis, which also packs; its own
pools and clients would send a call again after a lost answer, which must not happen to a change.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Any

import msgspec
from hiredis import pack_command
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import BusyLoadingError, MasterDownError, ReadOnlyError, RedisError, ResponseError

from holdall.query import Value
from holdall.store import Deadlines, PoolFigures, Seam, end_transport, has_news
from holdall.stores.redis.errors import from_driver
from holdall.stores.redis.scripts import spoken

__all__ = ["Pool", "Pooling"]

_ELSEWHERE = (ReadOnlyError, BusyLoadingError, MasterDownError)
"""What a server says that is a replica, or is starting: a new connection may lead to the primary."""

Argument = bytes | str | int

_FRESH = 0.001  # seconds after which the system is asked, too; the event loop may have had no time to see the end

_SIGN_SECONDS = 1.0  # for a sign of life

_packed: Any = pack_command  # its stub speaks of a single word


class Pooling(msgspec.Struct, frozen=True, kw_only=True):
    """How the connections to one server are used: the most that are open, and seconds.

    ``timeout`` bounds each call, ``acquire_timeout`` the wait for a connection. One that is ``recycle`` old is
    replaced, one that was idle for ``idle_timeout`` is closed, and one that was idle for ``ping_after`` is asked for a
    sign of life before it is used.
    """

    most: int
    timeout: float
    acquire_timeout: float
    recycle: float | None = None
    idle_timeout: float | None = None
    ping_after: float = 5.0


class Pool:
    """The connections of one event loop to one server; waiters take turns."""

    def __init__(self, seam: Seam, connect: Callable[[], AbstractConnection], pooling: Pooling) -> None:
        self._seam = seam
        self._store = seam.store
        self._connect = connect
        self._most = pooling.most
        self._timeout = pooling.timeout
        self._deadlines = Deadlines(pooling.timeout)
        self._pooling = pooling
        self._open = 0
        self._free: list[tuple[AbstractConnection, float]] = []  # each with the time since which it is idle
        self._born: dict[AbstractConnection, float] = {}
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._is_closed = False
        self._sweeping: asyncio.TimerHandle | None = None

    @property
    def patience(self) -> float:
        """Until when a call that begins now may last, by ``time.monotonic()``."""
        return monotonic() + self._timeout

    async def call(
        self,
        arguments: Iterable[Argument],
        *,
        is_change: bool = False,
        is_asking: bool = False,
        until: float | None = None,
    ) -> Any:
        """The server's reply; one that says no is given back as ResponseError, not raised.

        A server that takes no writes, as it is not the primary any more, has done nothing: its connections are ended,
        and a new one, which may lead to another server, has a try. ``is_asking`` where a node of a cluster is to answer
        for a slot that is on its way to it. ``until`` ends it earlier than the timeout, where the call is one of
        several.
        Raises our errors where there is no reply; if ``is_change``, they tell whether it may have been applied.
        """
        words, until = tuple(arguments), self.patience if until is None else until
        if self._seam.observer is not None:
            return await self._watched(words, is_change, is_asking, until)
        reply = await self._once(words, is_change, is_asking, until)
        return await self._once(words, is_change, is_asking, until) if isinstance(reply, ReadOnlyError) else reply

    async def _watched(self, words: tuple[Argument, ...], is_change: bool, is_asking: bool, until: float) -> Value:
        """As ``call``, with each command shown."""
        for _ in range(2):
            with self._seam.watching(spoken(words), words[1:]) as watching:
                reply = await self._once(words, is_change, is_asking, until)
                watching.refusal = type(reply).__name__ if isinstance(reply, ResponseError) else None
            if not isinstance(reply, ReadOnlyError):
                break
        return reply

    @property
    def figures(self) -> PoolFigures:
        """How the connections are used at this moment."""
        waiting = sum(not waiter.done() for waiter in self._waiters)
        return PoolFigures(self._most, self._open, len(self._free), waiting)

    async def _once(self, words: tuple[Argument, ...], is_change: bool, is_asking: bool, until: float) -> Any:
        taken: list[AbstractConnection] = []  # one, once it may be that something was sent on it
        try:
            return await self._deadlines.within(self._asked(taken, words, is_asking), until)
        except ResponseError as error:
            if isinstance(error, _ELSEWHERE):
                await self._break(taken)
                await self._renew()
            return error
        except (RedisError, OSError) as error:
            await self._break(taken)
            if isinstance(error, _ELSEWHERE):
                await self._renew()
            raise from_driver(self._store, error, is_outcome_unknown=is_change and bool(taken)) from error
        except BaseException:
            await self._break(taken)
            raise
        finally:
            for connection in taken:
                self._give(connection)

    async def _asked(self, taken: list[AbstractConnection], words: tuple[Argument, ...], is_asking: bool) -> Any:
        """The reply on a connection, which is then among those taken."""
        connection = await self._take()
        taken.append(connection)
        if is_asking:
            await connection.send_command("ASKING", check_health=False)
            await connection.read_response()
        await connection.send_packed_command(_packed(words), check_health=False)
        return await connection.read_response(disable_decoding=True)

    def close(self) -> None:
        """Close idle connections now, the others when they are given back.

        Also called from another loop where its own has ended, which is why that ended is no error.
        """
        self._is_closed = True
        if self._sweeping is not None:
            self._sweeping.cancel()
        free, self._free = self._free, []
        for connection, _ in free:
            _hang_up(connection)
        self._open -= len(free)

    async def _take(self) -> AbstractConnection:
        while self._open >= self._most and not self._free:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                async with asyncio.timeout(self._pooling.acquire_timeout):
                    await waiter
            except BaseException:
                if waiter.done() and not waiter.cancelled():
                    self._wake()
                raise
        idle_since: float | None = None
        if self._free:
            connection, idle_since = self._free.pop()
        else:
            connection = self._connect()
            self._open += 1
        try:
            if idle_since is not None:
                if connection.is_connected and await self._is_usable(connection, monotonic() - idle_since):
                    return connection
                await connection.disconnect(nowait=True)
            await connection.connect()  # type: ignore[no-untyped-call]
            await connection.send_command("PING", check_health=False)  # without a password it may say no to long calls
            await connection.read_response()
        except BaseException as error:
            await self._break([connection])
            self._give(connection)
            if isinstance(error, ResponseError):  # AUTH or SELECT was refused
                raise from_driver(self._store, error) from error
            raise
        if self._pooling.recycle is not None:
            self._born[connection] = monotonic()
        return connection

    async def _is_usable(self, connection: AbstractConnection, idle: float) -> bool:
        """Whether a connection that was idle for these seconds is alive, and not too old."""
        pooling = self._pooling
        if pooling.recycle is not None and monotonic() - self._born.get(connection, 0.0) > pooling.recycle:
            return False
        if await _is_stale(connection, is_fresh=idle < _FRESH):
            return False
        if idle < pooling.ping_after:
            return True
        try:
            async with asyncio.timeout(_SIGN_SECONDS):
                await connection.send_command("PING", check_health=False)
                await connection.read_response()
        except (RedisError, OSError):
            return False
        return True

    def _give(self, connection: AbstractConnection) -> None:
        if self._is_closed or not connection.is_connected:
            self._open -= 1
            self._born.pop(connection, None)
            _hang_up(connection)
        else:
            self._free.append((connection, monotonic()))
            if self._pooling.idle_timeout is not None and self._sweeping is None:
                self._sweep(self._pooling.idle_timeout)
        self._wake()

    def _sweep(self, longest: float) -> None:
        """Close what was idle for too long, and look again when the next may have been."""
        oldest = monotonic() - longest
        while self._free and self._free[0][1] <= oldest:
            connection, _ = self._free.pop(0)
            self._open -= 1
            self._born.pop(connection, None)
            _hang_up(connection)
        self._sweeping = None
        if self._free and not self._is_closed:
            wait = self._free[0][1] - oldest
            self._sweeping = asyncio.get_running_loop().call_later(wait, self._sweep, longest)

    def _wake(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    async def _renew(self) -> None:
        """End all idle connections, as they lead to a server that is not, or not yet, the one to ask."""
        free, self._free = self._free, []
        self._open -= len(free)
        for connection, _ in free:
            self._born.pop(connection, None)
        await self._break([connection for connection, _ in free])

    async def _break(self, connections: list[AbstractConnection]) -> None:
        for connection in connections:
            if connection.is_connected:
                await connection.disconnect(nowait=True)


def _hang_up(connection: Any) -> None:
    """End a connection at once: its loop may have no time for another task, or be over."""
    writer, connection._reader, connection._writer = connection._writer, None, None
    if writer is not None:
        connection._parser.on_disconnect()
        end_transport(writer.transport)


async def _is_stale(connection: AbstractConnection, *, is_fresh: bool) -> bool:
    """Whether an idle connection was closed by the server, or has something to say that nobody asked for."""
    try:
        return bool(await connection.can_read()) or (not is_fresh and has_news(_transport(connection)))
    except (RedisError, OSError):
        return True


def _transport(connection: object) -> asyncio.BaseTransport | None:
    writer = getattr(connection, "_writer", None)
    return None if writer is None else writer.transport
