"""Servers found by sentinels and by sockets, and connections of an age."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from holdall.errors import DeclarationError, StoreTimeout, StoreUnavailable
from holdall.query import FieldSchema, Kind, Query, Schema
from holdall.store import Change, Verb
from holdall.stores.redis import RedisStore, open_redis
from tests.servers.sentinel import Sentinel
from tests.servers.valkey import Valkey

pytestmark = pytest.mark.anyio

BOOK = Schema("book", (FieldSchema("id", Kind.INT), FieldSchema("title", Kind.STR)), key=("id",))


def opened(url: str, **options: Any) -> RedisStore:
    store = open_redis("main", url, **options)
    store.bind([BOOK])
    return store


async def written(store: RedisStore, key: int) -> list[Any]:
    await store.apply([Change(Verb.ADD, "book", key, ("id", "title"), (key, "x"))])
    return [row[0] for row in await store.fetch(Query("book"))]


async def test_the_primary_is_found_again_after_a_failover() -> None:
    with Valkey() as first, Valkey(replicaof=f"127.0.0.1 {first.port}") as second, Sentinel(first.port) as sentinel:
        nowhere = "127.0.0.1:1"
        store = opened(f"redis+sentinel://{nowhere},127.0.0.1:{sentinel.port}/0?service=mymaster")
        assert await written(store, 1) == [1]
        await asyncio.to_thread(sentinel.until, str(second.port).encode(), "SENTINEL", "REPLICAS", "mymaster")
        await asyncio.to_thread(sentinel.until, b"+OK", "SENTINEL", "FAILOVER", "mymaster")
        asked = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster")
        await asyncio.to_thread(sentinel.until, str(second.port).encode(), *asked)
        async with asyncio.timeout(20):
            while True:
                try:
                    assert await written(store, 2) == [1, 2]
                    break
                except StoreUnavailable:  # the two are changing their roles at this moment
                    await asyncio.sleep(0.05)
        assert second.ask("HGET", "holdall:book:2", "title").startswith(b"$")
        await store.close()


async def test_a_service_that_no_sentinel_knows() -> None:
    with Valkey() as server, Sentinel(server.port) as sentinel:
        store = opened(f"redis+sentinel://127.0.0.1:{sentinel.port}/0?service=other")
        with pytest.raises(StoreUnavailable):
            await store.fetch(Query("book"))
        await store.close()


async def test_a_socket_of_this_machine(tmp_path: Path) -> None:
    place = Path("/tmp") / f"{tmp_path.name[:20]}-{id(tmp_path)}.sock"  # the path of a socket is short
    with Valkey(unixsocket=str(place)) as server:
        store = opened(f"redis+unix://{place}?db=2")
        assert await written(store, 1) == [1]
        assert server.ask("EXISTS", "holdall:book:1") == b":0\r\n"  # that is another database
        await store.ping()
        await store.close()


async def test_connections_of_an_age_are_replaced_and_idle_ones_closed(redis_url: str) -> None:
    store: Any = opened(redis_url, recycle=0.05, prefix="aged")
    await store.ping()
    (pool,) = store._server._pools.values()
    ((first, _),) = pool._free
    await asyncio.sleep(0.1)
    await store.ping()
    assert pool._born[first] > 0
    assert store.pool().open == 1
    await store.close()
    store = opened(redis_url, idle_timeout=0.05, prefix="aged")
    await store.ping()
    assert store.pool() == store.pool().__class__(16, 1, 1, 0)
    async with asyncio.timeout(10):
        while store.pool().open:  # noqa: ASYNC110 - closed by a timer
            await asyncio.sleep(0.02)
    await store.ping()
    await store.close()


async def test_the_wait_for_a_connection_is_bounded(redis_url: str) -> None:
    store: Any = opened(redis_url, connections=1, acquire_timeout=0.05, prefix="waited")
    await store.ping()
    (pool,) = store._server._pools.values()
    lent = await pool._take()
    with pytest.raises(StoreTimeout):
        await store.ping()
    pool._give(lent)
    await store.ping()
    await store.close()


@pytest.mark.parametrize(
    "url",
    [
        "redis+sentinel://h:26379/0",
        "redis://h/0?service=mymaster",
        "redis://one,two/0",
        "redis+unix://host/path",
        "redis+unix://",
        "rediss+unix:///run/x.sock",
        "redis+sentinel://h:26379/0?service=mymaster&pings=1",
    ],
)
def test_topologies_that_cannot_be(url: str) -> None:
    with pytest.raises(DeclarationError):
        open_redis("main", url)


async def test_a_connection_whose_sign_of_life_nobody_waits_for_is_not_lost() -> None:
    with Valkey() as server:
        store = opened(server.url, connections=1, ping_after=0.0, acquire_timeout=1.0)
        assert await written(store, 1) == [1]
        server.ask("CLIENT", "PAUSE", "300")
        task = asyncio.ensure_future(store.fetch(Query("book")))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await written(store, 2) == [1, 2]
        await store.close()
