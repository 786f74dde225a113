from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from holdall.errors import DeclarationError, ReferenceViolation, StoreError
from holdall.query import Compare, FieldSchema, Kind, ManyForm, Op, Query, Schema
from holdall.store import Change, KeyOf, Verb, open_store
from holdall.stores.memory import MemoryStore, open_memory

pytestmark = pytest.mark.anyio

ID = FieldSchema("id", Kind.INT)
NODE = Schema(
    "node",
    (
        ID,
        FieldSchema("name", Kind.STR),
        FieldSchema("note", Kind.JSON, nullable=True),
        FieldSchema("parent", Kind.REF, nullable=True, target="node", target_key=(ID,)),
        FieldSchema("friends", Kind.MANY, target="node", target_key=(ID,), form=ManyForm.LIST),
    ),
    ("id",),
)
FIELDS = ("id", "name", "note", "parent", "friends")
ALL: Query[Any] = Query("node")


def add(key: int, name: str = "n", note: Any = None, parent: Any = None, friends: tuple[Any, ...] = ()) -> Change:
    return Change(Verb.ADD, "node", key, FIELDS, (key, name, note, parent, friends))


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore("test")
    store.bind([NODE])
    return store


def test_opened_by_url() -> None:
    assert isinstance(open_store("x", "memory:"), MemoryStore)
    with pytest.raises(DeclarationError):
        open_memory("x", "memory:", size=3)


async def test_references_are_checked_after_the_last_change(store: MemoryStore) -> None:
    await store.apply([add(1, parent=2), add(2, parent=1, friends=(1, 2))])
    with pytest.raises(ReferenceViolation) as caught:
        await store.apply([add(3), add(4, friends=(3, 9))])
    assert (caught.value.position, caught.value.fields) == (1, ("friends",))
    with pytest.raises(ReferenceViolation):
        await store.apply([Change(Verb.REMOVE, "node", 1)])
    await store.apply([Change(Verb.REMOVE, "node", 1), Change(Verb.REMOVE, "node", 2)])
    assert await store.fetch(ALL) == []


async def test_references_are_checked_when_the_transaction_ends(store: MemoryStore) -> None:
    async with store.transaction() as transaction:
        await transaction.apply([add(1, parent=2)])
        await transaction.apply([add(2)])
    with pytest.raises(ReferenceViolation):
        async with store.transaction() as transaction:
            await transaction.apply([add(3, parent=4)])
    assert len(await store.fetch(ALL)) == 2


async def test_a_transaction_that_is_over_is_refused(store: MemoryStore) -> None:
    async with store.transaction() as transaction:
        pass
    with pytest.raises(StoreError):
        await transaction.fetch(ALL)
    with pytest.raises(StoreError):
        await transaction.apply([add(1)])


async def test_a_refused_group_leaves_the_transaction_usable(store: MemoryStore) -> None:
    async with store.transaction() as transaction:
        await transaction.apply([add(1)])
        with pytest.raises(StoreError):
            await transaction.apply([add(2), add(1)])
        await transaction.apply([add(3)])
    assert [row[0] for row in await store.fetch(ALL)] == [1, 3]


async def test_writers_wait_for_the_end_of_a_transaction(store: MemoryStore) -> None:
    async with store.transaction() as transaction:
        await transaction.apply([add(1)])
        writing = asyncio.ensure_future(store.apply([add(2)]))
        await asyncio.sleep(0)
        assert not writing.done()
        assert await store.fetch(ALL) == []
    await writing
    assert len(await store.fetch(ALL)) == 2


async def test_json_is_the_stores_own(store: MemoryStore) -> None:
    note = {"list": [1]}
    await store.apply([add(1, note=note)])
    note["list"].append(2)
    (row,) = await store.fetch(ALL)
    assert row[2] == {"list": [1]}
    row[2]["list"].append(3)
    assert (await store.fetch(Query("node", projection=(("note",),)))) == [({"list": [1]},)]


@pytest.mark.parametrize(
    "changes",
    [
        [Change(Verb.ADD, "node", 1, ("id", "nothing"), (1, 1))],
        [Change(Verb.ADD, "node", 1, ("id",), (1,))],  # a name is missing
        [add(1), Change(Verb.UPDATE, "node", 1, ("id",), (2,))],
        [add(1), Change(Verb.UPDATE, "node", 1, ("name",), (None,))],
        [add(1, parent=KeyOf(0))],
        [add(1, parent=KeyOf(7))],
        [Change(Verb.ADD, "node", None, ("name", "friends"), ("n", ()))],  # nobody makes its key
    ],
)
async def test_what_makes_no_sense_is_refused(store: MemoryStore, changes: list[Change]) -> None:
    with pytest.raises(StoreError):
        await store.apply(changes)
    assert await store.fetch(ALL) == []


def test_serves_one_loop_after_the_other() -> None:
    store = MemoryStore("test")
    store.bind([NODE])

    async def contend(first: int) -> None:
        await asyncio.gather(*(store.apply([add(key)]) for key in range(first, first + 5)))

    asyncio.run(contend(0))
    asyncio.run(contend(5))
    assert len(asyncio.run(store.fetch(ALL))) == 10


async def test_a_key_is_looked_up_not_searched(store: MemoryStore) -> None:
    await store.apply([add(key) for key in range(20_000)])

    async def seconds(condition: Compare) -> float:
        start = time.perf_counter()
        assert len(await store.fetch(Query("node", condition))) == 1
        return time.perf_counter() - start

    by_key = min([await seconds(Compare(("id",), Op.EQ, 19_999)) for _ in range(5)])
    by_scan = min([await seconds(Compare(("id",), Op.GT, 19_998)) for _ in range(3)])
    assert by_key * 20 < by_scan
