"""Records that would expire while a commit holds them stay until it is written or let go of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from holdall.query import Query
from holdall.store import Change
from holdall.stores.redis import RedisCollection, RedisStore
from tests.support.redis_collections import apply, beside, remove, store_at, update
from tests.support.redis_commit_parts import THING, opened, prepared, refused, reservation, thing

pytestmark = pytest.mark.anyio

_SOON: dict[str, Any] = {"collections": {"thing": RedisCollection(ttl=0.05)}}
_HOUR: dict[str, Any] = {"collections": {"thing": RedisCollection(ttl=3600)}}
_CHANGES: list[list[Change]] = [
    [update("thing", 1, 1, code="q", version=2)],
    [remove("thing", 1)],
    [remove("thing", 1), thing(1)],
]


@pytest.fixture
async def soon(redis_url: str) -> AsyncIterator[tuple[RedisStore, Redis]]:
    async with opened(redis_url, **_SOON) as found:
        yield found


async def _gone(raw: Redis, place: str) -> bool:
    for _ in range(300):
        if not await raw.exists(place):
            return True
        await asyncio.sleep(0.01)
    return False


@pytest.mark.parametrize("changes", _CHANGES)
async def test_what_is_held_does_not_expire(soon: tuple[RedisStore, Redis], changes: list[Change]) -> None:
    """Nor is it purged, and the part is written; what is not held expires beside it."""
    store, raw = soon
    place = f"{store._prefix}:thing"
    await apply(store, thing(1, code="a"), thing(2, code="b"))
    await store.append("thing", 1, "log", b"x")
    commit = await prepared(store, *changes)
    assert await _gone(raw, f"{place}:2")
    assert [row[0] for row in await store.fetch(Query("thing"))] == [1]
    assert await store.count(Query("thing")) == 1
    assert await raw.get(f"{place}:1:field:log") == b"x"
    assert await store.commit_prepared(commit, changes)
    assert await _gone(raw, f"{place}:1")
    assert await _gone(raw, f"{place}:1:field:log")
    assert await store.count(Query("thing")) == 0
    await store.create()
    assert set(await beside(raw, store)) == {"thing#indexes"}


@pytest.mark.parametrize("changes", _CHANGES)
async def test_what_is_let_go_of_expires_when_it_would_have(
    soon: tuple[RedisStore, Redis], changes: list[Change]
) -> None:
    """At once, if that time has passed; its streams with it, also those that began meanwhile."""
    store, raw = soon
    place = f"{store._prefix}:thing"
    await apply(store, thing(1, code="a"), thing(2))
    commit = await prepared(store, *changes)
    if len(changes) == 1 and changes[0].verb == "update":
        await store.append("thing", 1, "log", b"x")
    assert await _gone(raw, f"{place}:2")
    assert await raw.pttl(f"{place}:1") == -1
    await store.roll_back_prepared(commit)
    assert not await raw.exists(f"{place}:1", f"{place}:1:field:log")
    assert await store.count(Query("thing")) == 0
    await store.create()
    assert set(await beside(raw, store)) == {"thing#indexes"}


async def test_the_time_that_is_left_is_kept(redis_url: str) -> None:
    """To the millisecond, and through preparing again, with other records too."""
    async with opened(redis_url, **_HOUR) as (store, raw):
        await apply(store, *(thing(number) for number in range(1, 4)))
        names = [f"{store._prefix}:thing:{number}" for number in range(1, 4)]
        times = [await raw.pexpiretime(name) for name in names]
        scores = await raw.zrange(f"{store._prefix}:thing#expiry", 0, -1, withscores=True)
        begun = reservation()
        await store.prepare(begun, [remove("thing", 1), update("thing", 2, name="x")])
        await store.prepare(begun, [remove("thing", 2), update("thing", 3, name="x")])
        assert await raw.pexpiretime(names[0]) == times[0], "no longer held"
        assert [await raw.pexpiretime(name) for name in names[1:]] == [-1, -1]
        await store.roll_back_prepared(begun.commit)
        assert [await raw.pexpiretime(name) for name in names] == times
        assert await raw.zrange(f"{store._prefix}:thing#expiry", 0, -1, withscores=True) == scores


async def test_a_time_that_somebody_else_gave(redis_url: str) -> None:
    """A collection without a time to live keeps what a record was given by hand, whatever becomes of the commit."""
    async with opened(redis_url) as (store, raw):
        await apply(store, thing(1), thing(2))
        for number in (1, 2):
            await raw.pexpireat(f"{store._prefix}:thing:{number}", 4_000_000_000_000)
        changes = [update("thing", 1, name="x")]
        written, other = await prepared(store, *changes), await prepared(store, remove("thing", 2))
        assert await raw.pttl(f"{store._prefix}:thing:1") == -1
        assert await store.commit_prepared(written, changes)
        await store.roll_back_prepared(other)
        for number in (1, 2):
            assert await raw.pexpiretime(f"{store._prefix}:thing:{number}") == 4_000_000_000_000


@pytest.mark.parametrize("encoding", ["json", "typed"])
async def test_taking_records_in_lets_what_is_held_live(redis_url: str, encoding: Any) -> None:
    options = {"collections": {"thing": RedisCollection(ttl=3600, encoding=encoding)}}
    async with opened(redis_url, **options) as (store, raw):
        await apply(store, thing(1), thing(2))
        commit = await prepared(store, update("thing", 1, name="x"))
        other = store_at(redis_url, THING, prefix=store._prefix, **options)
        await raw.delete(f"{store._prefix}:thing#keys")
        await other.create()
        assert await raw.pttl(f"{store._prefix}:thing:1") == -1
        assert await raw.pttl(f"{store._prefix}:thing:2") > 0
        await refused(other.apply([remove("thing", 1)]), commit)
        assert await other.commit_prepared(commit, [update("thing", 1, name="x")])
        assert await raw.pttl(f"{store._prefix}:thing:1") > 0
        await other.close()
