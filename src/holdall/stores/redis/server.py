"""One Redis server: scripts and commands over the pool of the running event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ClusterCrossSlotError, MovedError, NoScriptError, ResponseError

from holdall.errors import StoreError
from holdall.store import AnewInChild, PoolFigures, Seam, keep_for_ever, watch_forks
from holdall.stores.redis.errors import from_driver
from holdall.stores.redis.pool import Argument, Pool, Pooling
from holdall.stores.redis.scripts import Script

__all__ = ["Server", "SingleServer", "close_pools", "run_script", "scan_pages"]


class Server(Protocol):
    """Where the keys are: one server, or the servers of a cluster."""

    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """Run the script and return its reply; all its keys lie in one slot. Raises our errors."""
        ...

    async def command(self, key: str, *words: Argument, is_change: bool = False) -> Any:
        """The reply to a command about this key. Raises our errors."""
        ...

    def scan(self, key: str, pattern: str) -> AsyncIterator[list[bytes]]:
        """The names that match where this key lies, a page at a time; one may come twice."""
        ...

    def pool(self) -> PoolFigures:
        """How the connections of all event loops to all servers are used."""
        ...

    async def ping(self) -> None:
        """Ask every server that is known, or else one, for a sign of life. Raises our errors."""
        ...

    def native(self) -> AbstractAsyncContextManager[object]:
        """A client of the driver, lent for a block."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


class SingleServer(AnewInChild):
    """A server that is no cluster; each event loop has a pool of its own."""

    def __init__(self, seam: Seam, connect: Callable[[], AbstractConnection], pooling: Pooling) -> None:
        self._seam = seam
        self._store = seam.store
        self._connect = connect
        self._pooling = pooling
        self._pools: dict[asyncio.AbstractEventLoop, Pool] = {}
        watch_forks(self)

    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """Run the script and return its reply."""
        return self._checked(await run_script(await self._pool(), script, keys, arguments))

    async def command(self, key: str, *words: Argument, is_change: bool = False) -> Any:
        """The reply to a command."""
        return self._checked(await (await self._pool()).call(words, is_change=is_change))

    async def scan(self, key: str, pattern: str) -> AsyncIterator[list[bytes]]:
        """The names that match."""
        async for names in scan_pages(self, key, pattern):
            yield names

    def pool(self) -> PoolFigures:
        """How the connections of all event loops are used."""
        return PoolFigures.together(self._pooling.most, [pool.figures for pool in list(self._pools.values())])

    async def ping(self) -> None:
        """Ask for a sign of life."""
        await self.command("", "PING")

    @asynccontextmanager
    async def native(self) -> AsyncIterator[Redis]:
        """A client with connections of its own, closed when the block ends."""
        client = Redis(connection_pool=_Lent(self._connect))
        try:
            yield client
        finally:
            await client.aclose(close_connection_pool=True)

    async def close(self) -> None:
        """Close the connections of this loop, and let go of those whose loop has ended."""
        close_pools({loop: [pool] for loop, pool in self._pools.items()})
        self._pools.clear()

    def after_fork_in_child(self) -> None:
        """Open connections of its own."""
        keep_for_ever(self._pools)
        self._pools = {}

    def _checked(self, reply: object) -> Any:
        """A reply that is no refusal. Raises our errors."""
        if isinstance(reply, MovedError | ClusterCrossSlotError):
            told = "this server is a node of a cluster; write redis+cluster:// or rediss+cluster:// in its URL"
            raise StoreError(self._store, told) from reply
        if isinstance(reply, ResponseError):
            raise from_driver(self._store, reply) from reply
        return reply

    async def _pool(self) -> Pool:
        loop = asyncio.get_running_loop()
        pool = self._pools.get(loop)
        if pool is None:
            ended = {other: [self._pools.pop(other)] for other in list(self._pools) if other.is_closed()}
            pool = self._pools[loop] = Pool(self._seam, self._connect, self._pooling)
            close_pools(ended)
        return pool


class _Lent(ConnectionPool):
    """The driver's own pool, of connections as ours are made."""

    def __init__(self, connect: Callable[[], AbstractConnection]) -> None:
        super().__init__()
        self._connect = connect

    def make_connection(self) -> AbstractConnection:
        return self._connect()


def close_pools(pools: Mapping[asyncio.AbstractEventLoop, Sequence[Pool]]) -> None:
    """Close the pools of this loop, tell other loops to close theirs, let go of those whose loop has ended."""
    running = asyncio.get_running_loop()
    for loop, members in pools.items():
        for pool in members:
            try:
                if loop is not running and loop.is_running():
                    loop.call_soon_threadsafe(pool.close)
                    continue
            except RuntimeError:  # it ended just now
                pass
            pool.close()


async def scan_pages(server: Server, key: str, pattern: str) -> AsyncIterator[list[bytes]]:
    """The names that match on the server that has this key."""
    cursor: Any = b"0"
    while True:
        cursor, names = await server.command(key, "SCAN", cursor, "MATCH", pattern, "COUNT", 1000)
        if names:
            yield names
        if cursor == b"0":
            return


async def run_script(
    pool: Pool,
    script: Script,
    keys: Sequence[str],
    arguments: Sequence[Argument],
    *,
    is_asking: bool = False,
    until: float | None = None,
) -> Any:
    """The reply to a script, which is sent whole only where the server does not know it yet."""
    verb, is_change = "EVALSHA" if script.is_writing else "EVALSHA_RO", script.is_writing
    until, words = pool.patience if until is None else until, (len(keys), *keys, *arguments)
    reply = await pool.call((verb, script.digest, *words), is_change=is_change, is_asking=is_asking, until=until)
    if isinstance(reply, NoScriptError):
        verb = verb.replace("SHA", "")
        reply = await pool.call((verb, script.source, *words), is_change=is_change, is_asking=is_asking, until=until)
    return reply
