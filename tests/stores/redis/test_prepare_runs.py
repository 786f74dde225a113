"""Parts that come as runs, as sessions send them: packed once for both halves of the commit."""

from __future__ import annotations

import msgspec
import pytest

from holdall.errors import StaleVersion
from holdall.query import FieldSchema, Kind, Query
from holdall.store import Run, Runs, Verb
from holdall.stores.redis import RedisCollection, RedisStore
from tests.support.redis_commit_parts import THING, opened, reservation

pytestmark = pytest.mark.anyio

_FIELDS = ("name", "code", "size", "version")


def _added(*keys: int, name: str = "n") -> Runs:
    rows = [(name, None, key, 1) for key in keys]
    return Runs([Run(Verb.ADD, "thing", _FIELDS, list(keys), rows)], is_linked=False)


def _renamed(key: int, version: int) -> Runs:
    return Runs([Run(Verb.UPDATE, "thing", ("name", "version"), [key], [("m", 2)], [version])], is_linked=False)


async def _prepared(store: RedisStore, changes: Runs) -> str:
    begun = reservation()
    await store.prepare(begun, changes)
    return begun.commit


async def _names(store: RedisStore) -> dict[int, str]:
    return {row[0]: row[1] for row in await store.fetch(Query("thing"))}


async def test_what_was_prepared_is_written_once(redis_url: str) -> None:
    async with opened(redis_url) as (store, _):
        changes = _added(1, 2)
        commit = await _prepared(store, changes)
        assert await store.commit_prepared(commit, changes)
        assert await _names(store) == {1: "n", 2: "n"}
        assert not await store.commit_prepared(commit, changes)
        assert not await store.prepared()


async def test_changes_that_are_others_than_those_prepared_are_what_is_written(redis_url: str) -> None:
    async with opened(redis_url) as (store, _):
        commit = await _prepared(store, _added(1))
        assert await store.commit_prepared(commit, _added(1, name="other"))
        assert await _names(store) == {1: "other"}


async def test_the_last_try_to_prepare_counts(redis_url: str) -> None:
    async with opened(redis_url) as (store, _):
        begun, first, last = reservation(), _added(1), _added(2)
        await store.prepare(begun, first)
        await store.prepare(begun, last)
        assert await store.commit_prepared(begun.commit, last)
        assert await _names(store) == {2: "n"}


async def test_a_part_that_was_refused_is_written_when_repeated(redis_url: str) -> None:
    async with opened(redis_url) as (store, raw):
        await store.apply(_added(1))
        changes = _renamed(1, 1)
        commit = await _prepared(store, changes)
        await raw.hset(f"{store._prefix}:thing:1", "version", "7")
        for _ in range(2):
            with pytest.raises(StaleVersion):
                await store.commit_prepared(commit, changes)
        await raw.hset(f"{store._prefix}:thing:1", "version", "1")
        assert await store.commit_prepared(commit, changes)
        assert await _names(store) == {1: "m"}


async def test_a_collection_declared_anew_meanwhile_is_written_as_it_is_now(redis_url: str) -> None:
    async with opened(redis_url) as (store, raw):
        changes = _added(1)
        commit = await _prepared(store, changes)
        store.bind(
            [msgspec.structs.replace(THING, fields=(*THING.fields, FieldSchema("more", Kind.STR, nullable=True)))]
        )
        assert await store.commit_prepared(commit, changes)
        assert await raw.hget(f"{store._prefix}:thing:1", "more") == b"null"


async def test_records_with_a_time_to_live(redis_url: str) -> None:
    async with opened(redis_url, collections={"thing": RedisCollection(ttl=3600)}) as (store, raw):
        changes = _added(1)
        commit = await _prepared(store, changes)
        assert await store.commit_prepared(commit, changes)
        assert 3500 < await raw.ttl(f"{store._prefix}:thing:1") <= 3600


async def test_more_commits_at_once_than_are_kept_packed(redis_url: str) -> None:
    async with opened(redis_url) as (store, _):
        parts = [_added(number) for number in range(1, 121)]
        commits = [await _prepared(store, part) for part in parts]
        for commit, part in zip(commits, parts, strict=True):
            assert await store.commit_prepared(commit, part)
        assert len(await _names(store)) == len(parts)
        assert not await store.prepared()
