"""One Redis server: scripts and commands over the pool of the running event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import NoScriptError, ResponseError

from holdall.stores.redis.errors import from_driver
from holdall.stores.redis.pool import Argument, Pool
from holdall.stores.redis.scripts import Script

__all__ = ["Server", "SingleServer", "run_script"]


class Server(Protocol):
    """Where the keys are: one server, or the servers of a cluster."""

    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """What a script gives; all its keys lie in one slot. Raises our errors."""
        ...

    async def command(self, key: str, *words: Argument, is_change: bool = False) -> Any:
        """The reply to a command about this key. Raises our errors."""
        ...

    def scan(self, pattern: str) -> AsyncIterator[list[bytes]]:
        """The names that match, a page at a time; one may come twice."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


class SingleServer:
    """A server that is no cluster; each event loop has a pool of its own."""

    def __init__(
        self, store: str, connect: Callable[[], AbstractConnection], max_connections: int, timeout: float
    ) -> None:
        self._store = store
        self._connect = connect
        self._most = max_connections
        self._timeout = timeout
        self._pools: WeakKeyDictionary[asyncio.AbstractEventLoop, Pool] = WeakKeyDictionary()

    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """What a script gives."""
        reply = await run_script(self._pool(), script, keys, arguments)
        if isinstance(reply, ResponseError):
            raise from_driver(self._store, reply) from reply
        return reply

    async def command(self, key: str, *words: Argument, is_change: bool = False) -> Any:
        """The reply to a command."""
        reply = await self._pool().call(words, is_change=is_change)
        if isinstance(reply, ResponseError):
            raise from_driver(self._store, reply) from reply
        return reply

    async def scan(self, pattern: str) -> AsyncIterator[list[bytes]]:
        """The names that match."""
        cursor: Any = b"0"
        while True:
            cursor, names = await self.command("", "SCAN", cursor, "MATCH", pattern, "COUNT", 1000)
            if names:
                yield names
            if cursor == b"0":
                return

    async def close(self) -> None:
        """Close the connections of this loop, and let go of those whose loop has ended."""
        running = asyncio.get_running_loop()
        for loop, pool in list(self._pools.items()):
            if loop is running:
                await pool.close()
                del self._pools[loop]
            elif loop.is_closed():
                with suppress(RuntimeError):
                    await pool.close()
                del self._pools[loop]
            else:
                asyncio.run_coroutine_threadsafe(pool.close(), loop)
                del self._pools[loop]

    def _pool(self) -> Pool:
        loop = asyncio.get_running_loop()
        pool = self._pools.get(loop)
        if pool is None:
            pool = self._pools[loop] = Pool(self._store, self._connect, self._most, self._timeout)
        return pool


async def run_script(pool: Pool, script: Script, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
    """The reply to a script, which is sent whole only where the server does not know it yet."""
    verb = "EVALSHA" if script.is_writing else "EVALSHA_RO"
    reply = await pool.call((verb, script.digest, len(keys), *keys, *arguments), is_change=script.is_writing)
    if isinstance(reply, NoScriptError):
        verb = verb.replace("SHA", "")
        reply = await pool.call((verb, script.source, len(keys), *keys, *arguments), is_change=script.is_writing)
    return reply
