from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis

from holdall.errors import DeclarationError, StaleVersion, UniqueViolation
from holdall.query import FieldSchema, Kind, Op, Query, Schema
from holdall.store import Change, Verb
from holdall.stores.redis import RedisCollection
from tests.support.redis_collections import apply, beside, keys, raw_client, remove, store_at, update, where

pytestmark = pytest.mark.anyio

VISIT = Schema(
    "visit",
    (FieldSchema("id", Kind.INT), FieldSchema("page", Kind.STR), FieldSchema("token", Kind.STR, nullable=True)),
    ("id",),
    unique=(("token",),),
    indexes=(("page",),),
    streams=("log",),
)
_HOUR: dict[str, Any] = {"collections": {"visit": RedisCollection(ttl=3600)}}


def visit(key: int, page: str = "p", token: str | None = None) -> Change:
    return Change(Verb.ADD, "visit", key, ("id", "page", "token"), (key, page, token))


async def _expire(raw: Redis, prefix: str, *numbers: int) -> None:
    """Let these records be gone as they go when their time has come: the hash, its streams, and nothing else."""
    for number in numbers:
        await raw.delete(f"{prefix}:visit:{number}", f"{prefix}:visit:{number}:field:log")
        await raw.zadd(f"{prefix}:visit#expiry", {f"{number + 2**63:016x}\0{number}": 1.0})


async def test_every_write_gives_the_whole_time_anew(redis_url: str) -> None:
    store = store_at(redis_url, VISIT, **_HOUR)

    async with raw_client(redis_url, store) as raw:
        place = f"{store._prefix}:visit:1"
        await apply(store, visit(1))
        await store.append("visit", 1, "log", b"x")
        assert 3590_000 < await raw.pttl(place) <= 3600_000
        assert 3590_000 < await raw.pttl(f"{place}:field:log") <= 3600_000
        for name in (place, f"{place}:field:log"):
            await raw.pexpire(name, 5000)
        await apply(store, update("visit", 1, page="q"))
        assert 3590_000 < await raw.pttl(place) <= 3600_000
        assert 3590_000 < await raw.pttl(f"{place}:field:log") <= 3600_000
        assert await raw.ttl(f"{store._prefix}:visit#keys") == -1
        await apply(store, remove("visit", 1))
        assert set(await beside(raw, store)) == {"visit#indexes"}


async def test_a_record_really_expires(redis_url: str) -> None:
    store = store_at(redis_url, VISIT, collections={"visit": RedisCollection(ttl=0.03)})

    async with raw_client(redis_url, store) as raw:
        await apply(store, visit(1, token="t"))
        for _ in range(200):
            if not await store.fetch(Query("visit")):
                break
            await asyncio.sleep(0.01)
        assert await store.count(Query("visit")) == 0
        await store.create()
        assert set(await beside(raw, store)) == {"visit#indexes"}


async def test_what_has_expired_leaves_no_ghost(redis_url: str) -> None:
    store = store_at(redis_url, VISIT, **_HOUR)

    async with raw_client(redis_url, store) as raw:
        await apply(store, *(visit(number, token=f"t{number}") for number in range(6)))
        await _expire(raw, store._prefix, 1, 2, 4)
        assert await keys(store, where("page", Op.EQ, "p"), "visit") == [0, 3, 5]
        assert await keys(store, where("token", Op.EQ, "t1"), "visit") == []
        assert await store.count(Query("visit")) == 3
        await apply(store, update("visit", 3, page="p"))  # who writes forgets what has expired
        found = await beside(raw, store)
        assert len(found["visit#keys"]) == len(found["visit#index:page"]) == len(found["visit#entries"]) == 3
        assert found["visit#unique:token"] == {b"t0": b"0", b"t3": b"3", b"t5": b"5"}


async def test_pages_and_writes_look_past_what_has_expired(redis_url: str) -> None:
    store = store_at(redis_url, VISIT, **_HOUR)

    async with raw_client(redis_url, store) as raw:
        await apply(store, *(visit(number, token=f"t{number}") for number in range(6)))
        await _expire(raw, store._prefix, 0, 1, 3)
        assert [row[0] for row in await store.fetch(Query("visit").limit(2))] == [2, 4]
        with pytest.raises(StaleVersion):
            await apply(store, update("visit", 1, page="q"))
        await apply(store, visit(1, "again", "t3"))
        assert await keys(store, where("page", Op.EQ, "p"), "visit") == [2, 4, 5]
        with pytest.raises(UniqueViolation):
            await apply(store, visit(9, token="t4"))


async def test_what_the_server_threw_out_holds_no_unique_value(redis_url: str) -> None:
    store = store_at(redis_url, VISIT)

    async with raw_client(redis_url, store) as raw:
        await apply(store, visit(1, token="t"), visit(2, token="u"))
        await raw.delete(f"{store._prefix}:visit:1")
        await apply(store, visit(3, token="t"))
        await apply(store, visit(1, "back", "v"))
        assert await keys(store, where("token", Op.IN, ("t", "v")), "visit") == [1, 3]
        assert await keys(store, where("page", Op.EQ, "p"), "visit") == [2, 3]


def test_a_time_to_live_is_more_than_nothing() -> None:
    with pytest.raises(DeclarationError, match="more than 0"):
        store_at("redis://localhost:1", VISIT, collections={"visit": RedisCollection(ttl=0)})
