"""A cluster of Redis servers: which of them has a key, and another try where the cluster says that has changed.

A call is sent again only after a reply that it was not carried out, or where no connection could be made.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any, TypeAlias

from redis.asyncio import RedisCluster
from redis.asyncio.connection import AbstractConnection
from redis.crc import key_slot
from redis.exceptions import AskError, ClusterDownError, MovedError, ReadOnlyError, ResponseError, TryAgainError

from holdall.errors import StoreTimeout, StoreUnavailable
from holdall.query import Value
from holdall.store import AnewInChild, PoolFigures, Seam, keep_for_ever, watch_forks
from holdall.stores.redis.errors import from_driver
from holdall.stores.redis.pool import Argument, Pool, Pooling
from holdall.stores.redis.scripts import Script
from holdall.stores.redis.server import close_pools, run_script, scan_pages

__all__ = ["ClusterServer", "Connector"]

Address: TypeAlias = tuple[str, int]
Connector: TypeAlias = Callable[[str, int], Callable[[], AbstractConnection]]

_TRIES = 6
_FIRST_PAUSE = 0.02  # seconds; doubled each time


class _Nodes:
    """The nodes of the cluster as one event loop knows them."""

    def __init__(self) -> None:
        self.pools: dict[Address, Pool] = {}
        self.starts: list[int] = []  # the first slot of each range, ascending
        self.owners: list[Address] = []
        self.lock = asyncio.Lock()
        self.generation = 0


class ClusterServer(AnewInChild):
    """The servers of a cluster, each with a bounded pool for each event loop."""

    def __init__(
        self, seam: Seam, connector: Connector, seed: Address, pooling: Pooling, driver: Mapping[str, Value]
    ) -> None:
        self._driver = driver  # how the driver's own client connects
        self._seam = seam
        self._store = seam.store
        self._connector = connector
        self._seeds = [seed]
        self._pooling = pooling
        self._timeout = pooling.timeout
        self._loops: dict[asyncio.AbstractEventLoop, _Nodes] = {}
        watch_forks(self)

    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """Run the script and return its reply."""

        async def once(pool: Pool, is_asking: bool, until: float) -> Any:
            return await run_script(pool, script, keys, arguments, is_asking=is_asking, until=until)

        return await self._until_done(keys[0], once)

    async def command(self, key: str, *words: Argument, is_change: bool = False) -> Any:
        """The reply to a command."""

        async def once(pool: Pool, is_asking: bool, until: float) -> Any:
            return await pool.call(words, is_change=is_change, is_asking=is_asking, until=until)

        return await self._until_done(key, once)

    async def scan(self, key: str, pattern: str) -> AsyncIterator[list[bytes]]:
        """The names that match on the server that has this key."""
        async for names in scan_pages(self, key, pattern):
            yield names

    def pool(self) -> PoolFigures:
        """How the connections of all event loops to all servers are used."""
        pools = [pool for nodes in list(self._loops.values()) for pool in list(nodes.pools.values())]
        return PoolFigures.together(self._pooling.most, [pool.figures for pool in pools])

    async def ping(self) -> None:
        """Ask every server that has slots for a sign of life."""
        until = monotonic() + self._timeout
        nodes = await self._nodes()
        await self._owner(nodes, 0, until)
        for address in dict.fromkeys(nodes.owners):
            await self._pool(nodes, address).call(("PING",), until=until)

    @asynccontextmanager
    async def native(self) -> AsyncIterator[RedisCluster]:
        """A client with connections of its own, closed when the block ends."""
        host, port = self._seeds[0]
        client = RedisCluster(host=host, port=port, **self._driver)
        try:
            yield client
        finally:
            await client.aclose()

    async def close(self) -> None:
        """Close every connection."""
        close_pools({loop: list(nodes.pools.values()) for loop, nodes in self._loops.items()})
        self._loops.clear()

    def after_fork_in_child(self) -> None:
        """Open connections of its own."""
        keep_for_ever(self._loops)
        self._loops = {}

    async def _until_done(self, key: str, once: Callable[[Pool, bool, float], Awaitable[Any]]) -> Any:
        """The reply of the node that has the key, asked again where the cluster says that nothing was done."""
        slot = key_slot(key.encode())
        asked: Address | None = None
        refusal: Exception | None = None
        until = monotonic() + self._timeout
        for number in range(_TRIES):
            nodes = await self._nodes()
            generation = nodes.generation
            reply, is_gone = None, False
            try:
                pool = await self._owner(nodes, slot, until) if asked is None else self._pool(nodes, asked)
                reply = await once(pool, asked is not None, until)
            except StoreUnavailable as error:
                if error.is_outcome_unknown or number == _TRIES - 1:
                    raise
                refusal, is_gone = error, True
            asked = None
            if is_gone or isinstance(reply, MovedError | ReadOnlyError):
                refusal = reply or refusal
                await self._learn(nodes, generation, until)
            elif isinstance(reply, AskError):
                asked, refusal = (reply.host, reply.port), reply
                continue
            elif isinstance(reply, TryAgainError | ClusterDownError):
                refusal = reply
            elif isinstance(reply, ResponseError):
                raise from_driver(self._store, reply) from reply
            else:
                return reply
            await asyncio.sleep(_FIRST_PAUSE * 2**number)
        raise StoreUnavailable(self._store, "the cluster is changing and did not come to rest; try again") from refusal

    async def _nodes(self) -> _Nodes:
        loop = asyncio.get_running_loop()
        nodes = self._loops.get(loop)
        if nodes is None:
            ended = {other: self._loops.pop(other) for other in list(self._loops) if other.is_closed()}
            nodes = self._loops[loop] = _Nodes()
            close_pools({other: list(gone.pools.values()) for other, gone in ended.items()})
        return nodes

    def _pool(self, nodes: _Nodes, address: Address) -> Pool:
        pool = nodes.pools.get(address)
        if pool is None:
            connect = self._connector(*address)
            pool = nodes.pools[address] = Pool(self._seam, connect, self._pooling)
        return pool

    async def _owner(self, nodes: _Nodes, slot: int, until: float) -> Pool:
        if not nodes.starts:
            await self._learn(nodes, nodes.generation, until)
        place = bisect_right(nodes.starts, slot) - 1
        return self._pool(nodes, nodes.owners[max(place, 0)])

    async def _learn(self, nodes: _Nodes, generation: int, until: float) -> None:
        """Ask any node who has which slots, unless somebody did meanwhile. Raises StoreUnavailable."""
        async with nodes.lock:
            if nodes.generation != generation:
                return
            failure: Exception | None = None
            for address in dict.fromkeys([*nodes.owners, *self._seeds]):
                try:
                    told = await self._pool(nodes, address).call(("CLUSTER", "SLOTS"), until=until)
                except (StoreUnavailable, StoreTimeout) as error:
                    failure = error
                    continue
                if isinstance(told, ResponseError):
                    raise from_driver(self._store, told) from told
                ranges = sorted((int(part[0]), _address(part[2], address)) for part in told)
                if ranges:
                    nodes.starts = [start for start, _ in ranges]
                    nodes.owners = [owner for _, owner in ranges]
                    self._seeds = list(dict.fromkeys([*nodes.owners, *self._seeds]))[:16]
                    nodes.generation += 1
                    return
            raise StoreUnavailable(self._store, "no node of the cluster reports where the slots are") from failure


def _address(told: Sequence[Any], asked: Address) -> Address:
    """A node's address; one that does not know its own has the one it was asked at."""
    return (told[0].decode() if told[0] else asked[0], int(told[1]))
