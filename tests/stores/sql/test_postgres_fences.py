"""Fences around collections in PostgreSQL: rows that are set beside those who write, not instead of them."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from holdall.errors import LockConflict, Reserved, StaleVersion
from holdall.query import Query
from holdall.store import FENCE_PREFIX, Fence, Reservation
from holdall.stores.sql import open_sql
from holdall.stores.sql.deferring import DeferringSqlStore
from tests.support.sql_collections import AUTHOR, BOOK, add_author, add_book, remove

pytestmark = pytest.mark.anyio

_PATIENT = 30.0  # seconds of lock_timeout that no test waits for
_SOON = 0.3

Open = Callable[..., DeferringSqlStore]


def _reservation(name: str) -> Reservation:
    expires = dt.datetime(2030, 5, 17, tzinfo=dt.UTC)
    return Reservation(f"{FENCE_PREFIX}{name}", "the shop", "a home", "main", "an owner", expires)


@pytest.fixture
async def opens(url: str) -> AsyncIterator[Open]:
    """Opens the store under test, each time as another process would."""
    opened: list[DeferringSqlStore] = []

    def open_one(lock_timeout: float = _PATIENT) -> DeferringSqlStore:
        store = open_sql("main", url, lock_timeout=lock_timeout)
        assert isinstance(store, DeferringSqlStore)
        store.bind([AUTHOR, BOOK])
        opened.append(store)
        return store

    await open_one().create()
    yield open_one
    for each in opened:
        await each.close()


async def test_a_fence_waits_for_who_writes_and_stops_no_others(opens: Open) -> None:
    owner, writer, other = opens(), opens(), opens()
    fence = _reservation("a")
    await owner.fence(fence, Fence("book"))  # which makes the table
    (known,) = await owner.apply([add_author("known")])
    async with writer.transaction() as transaction:
        await transaction.apply([add_author("looked before")])
        task = asyncio.create_task(owner.fence(fence, Fence("author")))
        await _until_fenced(other, task)
        await other.apply([add_book("beside the fence", known.key)])
        await asyncio.sleep(0)
        assert not task.done()
    await task
    with pytest.raises(Reserved):
        await writer.apply([add_author("late")])
    assert [row[1] for row in await owner.fetch(Query("author"))] == ["known", "looked before"]
    assert await owner.prepared() == [fence]


async def test_a_fence_that_cannot_be_set_leaves_what_was_there(opens: Open) -> None:
    owner, writer, other = opens(lock_timeout=_SOON), opens(), opens()
    first, second = _reservation("a"), _reservation("b")
    await owner.fence(first, Fence("book"))
    async with writer.transaction() as transaction:
        await transaction.apply([add_author("a")])
        for fence in (first, second):
            with pytest.raises(LockConflict, match="kept open"):
                await owner.fence(fence, Fence("author"))
            await other.apply([add_author("passes")])
        with pytest.raises(Reserved):
            await other.apply([remove("book", 1)])
    assert await owner.prepared() == [first]


async def _until_fenced(store: DeferringSqlStore, task: asyncio.Task[Any]) -> None:
    for _ in range(500):
        try:
            await store.apply([remove("author", 1_000)])
        except Reserved:
            return
        except StaleVersion:
            assert not task.done(), task
            await asyncio.sleep(0.01)
    raise AssertionError("no fence is seen")
