"""Keys that the store makes never begin again below what is there, also where their counter was lost."""

from __future__ import annotations

import asyncio

import pytest

from holdall.errors import Unsupported
from tests.support.redis_collections import BOOK, PLAIN, apply, book, remove
from tests.support.redis_commit_parts import opened

pytestmark = pytest.mark.anyio


async def test_a_lost_counter_begins_above_what_is_there(redis_url: str) -> None:
    async with opened(redis_url, BOOK) as (store, raw):
        await apply(store, *(book(None, f"t{number}") for number in range(11)), book(-3, "below"))
        counter = f"{store._prefix}:book#counter"
        await raw.delete(counter)
        assert list(await store.reserve("book", 2)) == [12, 13]
        await raw.delete(counter)
        assert [outcome.key for outcome in await apply(store, book(None, "made"))] == [12]
        await raw.delete(counter)
        await apply(store, book(3000, "given"))
        await apply(store, remove("book", 3000))
        assert list(await store.reserve("book", 1)) == [3001]
        await raw.delete(counter)
        await apply(store, remove("book", 1), book(1, "below what is there"))
        assert list(await store.reserve("book", 1)) == [13]


async def test_an_empty_collection_begins_at_one(redis_url: str) -> None:
    async with opened(redis_url, BOOK) as (store, _):
        assert list(await store.reserve("book", 3)) == [1, 2, 3]
        made = await asyncio.gather(*(store.reserve("book", 5) for _ in range(20)))
        assert sorted(key for keys in made for key in keys) == list(range(4, 104))


async def test_stepping_over_keys_that_others_refer_to(redis_url: str) -> None:
    """Never back; and whole numbers of 64 bits stay whole."""
    async with opened(redis_url, BOOK, PLAIN) as (store, raw):
        await store.step_over("book", 41)
        await store.step_over("book", 7)
        assert list(await store.reserve("book", 1)) == [42]
        await store.step_over("book", 2**62 + 1)
        assert list(await store.reserve("book", 1)) == [2**62 + 2]
        await raw.delete(f"{store._prefix}:book#counter")
        await store.step_over("book", -5)
        assert list(await store.reserve("book", 1)) == [1]
        await apply(store, book(90, "given"))
        await raw.delete(f"{store._prefix}:book#counter")
        await store.step_over("book", 5)
        assert list(await store.reserve("book", 1)) == [91]
        with pytest.raises(Unsupported, match="making keys of plain"):
            await store.step_over("plain", 1)
