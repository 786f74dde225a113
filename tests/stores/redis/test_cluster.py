from __future__ import annotations

from typing import Any

import pytest
from redis.asyncio import Redis
from redis.crc import key_slot

from holdall.errors import StoreUnavailable, Unsupported
from holdall.query import Op, Query
from holdall.stores.redis import RedisCollection
from tests.servers.valkey import ValkeyCluster
from tests.support.redis_collections import BOOK, PLAIN, apply, book, keys, plain, raw_client, store_at, update, where

pytestmark = pytest.mark.anyio


def _slots(names: list[bytes]) -> set[int]:
    return {key_slot(name) for name in names}


async def _names(cluster: ValkeyCluster, prefix: str) -> list[bytes]:
    found: list[bytes] = []
    for node in cluster.nodes:
        async with Redis.from_url(node.url) as raw:
            found += [name async for name in raw.scan_iter(f"*{prefix}*")]
    return found


async def test_a_store_lies_in_one_slot_and_a_batch_is_one(redis_cluster: ValkeyCluster) -> None:
    store = store_at(redis_cluster.url, prefix="together")

    async with raw_client(redis_cluster.url, store):
        await apply(store, *(book(number, f"t{number}", pages=number) for number in range(20)), plain("a"))
        names = await _names(redis_cluster, "{together}")
        beside = ("book#keys", "book#entries", "book#indexes", "book#counter", "plain#keys", "plain#indexes")
        assert len(names) == 21 + len(beside) + 3
        assert len(_slots(names)) == 1
        assert await keys(store, where("pages", Op.GE, 18)) == [18, 19]


async def test_collections_may_be_spread_and_then_no_batch_takes_two(redis_cluster: ValkeyCluster) -> None:
    store = store_at(redis_cluster.url, prefix="apart", spread="collection")

    async with raw_client(redis_cluster.url, store):
        with pytest.raises(Unsupported, match=r"book, plain.*spread=\"store\""):
            await apply(store, book(1), plain("a"))
        await apply(store, book(1), book(2, "b"))
        await apply(store, plain("a"))
        assert (await store.count(Query("book")), await store.count(Query("plain"))) == (2, 1)
        names = await _names(redis_cluster, "apart")
        assert {key_slot(name) for name in names if b":book" in name} == {key_slot(b"apart:book")}
        assert len(_slots(names)) == 2


async def test_a_tag_of_ones_own_stays(redis_cluster: ValkeyCluster) -> None:
    store = store_at(redis_cluster.url, PLAIN, prefix="of:{mine}:here", collections={"plain": RedisCollection(ttl=60)})

    async with raw_client(redis_cluster.url, store):
        await apply(store, plain("a"))
        assert store.names_of("plain", "a") == ["of:{mine}:here:plain:a"]
        assert _slots(await _names(redis_cluster, "{mine}")) == {key_slot(b"mine")}


async def test_slots_that_move_are_followed(redis_cluster: ValkeyCluster) -> None:
    store = store_at(redis_cluster.url, BOOK, prefix="moving")
    slot = key_slot(b"moving")

    async with raw_client(redis_cluster.url, store):
        await apply(store, *(book(number, f"t{number}") for number in range(10)))
        nodes = [Redis.from_url(node.url) for node in redis_cluster.nodes]
        try:
            ids = [(await node.execute_command("CLUSTER MYID")).decode() for node in nodes]  # type: ignore[no-untyped-call]
            source = [await _has(node, slot) for node in nodes].index(True)
            target = (source + 1) % 3

            async def tell(node: int, *words: Any) -> None:
                await nodes[node].execute_command("CLUSTER SETSLOT", slot, *words)  # type: ignore[no-untyped-call]

            await tell(target, "IMPORTING", ids[source])
            await tell(source, "MIGRATING", ids[target])
            names: Any = await nodes[source].execute_command("CLUSTER GETKEYSINSLOT", slot, 1000)  # type: ignore[no-untyped-call]
            await _migrate(nodes[source], redis_cluster.nodes[target].port, names[:5])
            with pytest.raises(StoreUnavailable, match="did not come to rest") as caught:  # half here, half there
                await apply(store, *(update("book", number, pages=1) for number in range(10)))
            assert not caught.value.is_outcome_unknown
            await _migrate(nodes[source], redis_cluster.nodes[target].port, names[5:])
            assert await store.count(Query("book")) == 10, "the node that has it by now is asked"
            for side in (target, source):
                await tell(side, "NODE", ids[target])
            await apply(store, *(update("book", number, pages=2) for number in range(10)))
            assert await keys(store, where("pages", Op.EQ, 2)) == list(range(10))
            assert await keys(store, where("pages", Op.EQ, 1)) == []
            await apply(store, book(11, "after"))
            assert await store.count(Query("book")) == 11
        finally:
            for node in nodes:
                await node.aclose()


async def _has(node: Redis, slot: int) -> bool:
    return bool(await node.execute_command("CLUSTER COUNTKEYSINSLOT", slot))  # type: ignore[no-untyped-call]


async def _migrate(node: Redis, port: int, names: list[bytes]) -> None:
    await node.execute_command("MIGRATE", "127.0.0.1", port, "", 0, 5000, "KEYS", *names)  # type: ignore[no-untyped-call]


async def test_a_node_that_is_asked_first_may_be_gone(redis_cluster: ValkeyCluster) -> None:
    store = store_at("redis+cluster://127.0.0.1:1", PLAIN, connect_timeout=0.5)
    with pytest.raises(StoreUnavailable, match="no node of the cluster") as caught:
        await apply(store, plain("a"))
    assert not caught.value.is_outcome_unknown


async def test_a_server_that_is_no_cluster_is_told(redis_url: str) -> None:
    store = store_at(redis_url.replace("redis:", "redis+cluster:"), PLAIN)

    async with raw_client(redis_url):
        with pytest.raises(Exception, match="refused the call"):
            await store.fetch(Query("plain"))
        await store.close()
