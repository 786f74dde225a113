"""What a memory store holds for a commit over several stores, and the stand-ins that count as durable."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest

from holdall.errors import Reserved, StaleVersion
from holdall.query import FieldSchema, Generated, Kind, Query, Schema
from holdall.store import (
    Change,
    CommitClass,
    Hold,
    Preparable,
    Reservation,
    Store,
    Transactional,
    Verb,
)
from holdall.stores.memory import MemoryStore
from holdall.testing.lasting_memory import LastingBatch, LastingMemory, lasting_memory

pytestmark = pytest.mark.anyio

NOTE = Schema("note", (FieldSchema("id", Kind.INT, generated=Generated.STORE), FieldSchema("text", Kind.JSON)), ("id",))
ALL: Query[object] = Query("note")


def _reservation(commit: str = "one") -> Reservation:
    return Reservation(commit, "test", "home", "here", "me", dt.datetime(2100, 1, 1, tzinfo=dt.UTC))


def _add(text: object, key: int | None = None) -> Change:
    return Change(Verb.ADD, "note", key, ("text",), (text,))


def _update(key: int, text: object) -> Change:
    return Change(Verb.UPDATE, "note", key, ("text",), (text,))


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore("test")
    store.bind([NOTE])
    return store


async def test_what_is_held_outlives_the_store_being_closed_and_not_dropped(store: MemoryStore) -> None:
    await store.prepare(_reservation(), [_add("x")])
    await store.close()
    assert await store.prepared() == [_reservation()]
    await store.drop()
    assert await store.prepared() == []


async def test_an_open_transaction_is_over_before_anything_is_prepared(store: MemoryStore) -> None:
    """What a transaction has changed is not checked against, as it may be undone."""
    (made,) = await store.apply([_add("x")])
    async with store.transaction() as transaction:
        await transaction.apply([Change(Verb.REMOVE, "note", made.key)])
        preparing = asyncio.ensure_future(store.prepare(_reservation(), [_update(made.key, "y")]))
        await asyncio.sleep(0)
        assert not preparing.done()
    with pytest.raises(StaleVersion):
        await preparing
    assert await store.prepared() == []


async def test_what_fails_at_the_end_stays_held(store: MemoryStore) -> None:
    (made,) = await store.apply([_add("x")])
    await store.prepare(_reservation(), [_update(made.key, "y")])
    with pytest.raises(StaleVersion):
        await store.commit_prepared("one", [_update(made.key, "y"), _update(99, "z")])
    assert await store.fetch(ALL) == [(made.key, "x")]
    assert await store.prepared() == [_reservation()]


async def test_a_reservation_that_was_renewed_covers_what_it_covered(store: MemoryStore) -> None:
    (made,) = await store.apply([_add("x")])
    await store.prepare(_reservation(), [_update(made.key, "y")])
    await store.renew_prepared(_reservation())
    with pytest.raises(Reserved):
        await store.apply([_update(made.key, "z")])


@pytest.mark.parametrize("hold", [Hold.RESERVED, Hold.NONE])
@pytest.mark.parametrize("commit", [CommitClass.TX, CommitClass.BATCH])
async def test_stand_ins_are_what_they_say(commit: CommitClass, hold: Hold) -> None:
    store: Store = lasting_memory("points", commit, hold)
    assert store.capabilities.is_durable
    assert (store.capabilities.commit, store.capabilities.hold) == (commit, hold)
    assert isinstance(store, Transactional) == (commit is CommitClass.TX)
    assert isinstance(store, Preparable) == (hold is Hold.RESERVED)
    store.bind([NOTE])
    await store.apply([_add("x")])
    await store.close()
    store.bind([NOTE])
    assert await store.fetch(ALL) == [(1, "x")]


def test_stand_ins_by_name() -> None:
    assert isinstance(lasting_memory("points"), LastingMemory)
    assert isinstance(lasting_memory("points", CommitClass.BATCH), LastingBatch)
    for commit, hold in ((CommitClass.ONCE, Hold.NONE), (CommitClass.TX, Hold.PREPARED)):
        with pytest.raises(ValueError, match="no memory store"):
            lasting_memory("points", commit, hold)


async def test_a_coroutine_that_is_closed_rolls_back() -> None:
    """As a model of commits lets a process die: at any point where its coroutine waits."""
    store = lasting_memory("points")
    store.bind([NOTE])
    assert isinstance(store, LastingMemory)

    async def dies() -> None:
        async with store.transaction() as transaction:
            await transaction.apply([_add("x")])
            await asyncio.get_running_loop().create_future()

    work = asyncio.ensure_future(dies())
    await asyncio.sleep(0)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert await store.fetch(ALL) == []
    await store.apply([_add("y")])
