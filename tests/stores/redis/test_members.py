"""Lists of references written as what came and went, whatever stands in them and whoever wrote it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdall.query import FieldSchema, Kind, ManyForm, Query, Schema
from holdall.store import Change, Members, Verb
from holdall.stores.redis import RedisCollection
from tests.support.redis_collections import apply
from tests.support.redis_commit_parts import opened, prepared

pytestmark = pytest.mark.anyio

_KEYS: dict[str, tuple[tuple[FieldSchema, ...], st.SearchStrategy[Any]]] = {
    "int": ((FieldSchema("id", Kind.INT),), st.sampled_from([0, 1, -1, 9007199254740993, 9007199254740992, 2**63 - 1])),
    "str": (
        (FieldSchema("id", Kind.STR),),
        st.text(st.sampled_from('ab ,"[]\\/\n\té\U0001f600'), max_size=4),
    ),
    "pair": (
        (FieldSchema("a", Kind.STR), FieldSchema("b", Kind.INT)),
        st.tuples(st.text(st.sampled_from('a, "[]\\/é'), max_size=3), st.sampled_from([9007199254740993, 2**53, 0])),
    ),
}
_ENCODINGS: dict[str, dict[str, Any]] = {
    "json": {},
    "typed": {"collections": {"shelf": RedisCollection(encoding="typed")}},
}


def _shelf(kind: str) -> Schema:
    many = FieldSchema("books", Kind.MANY, target="elsewhere", target_key=_KEYS[kind][0], form=ManyForm.LIST)
    return Schema("shelf", (FieldSchema("id", Kind.INT), many), ("id",))


def _update(books: tuple[Any, ...]) -> Change:
    return Change(Verb.UPDATE, "shelf", 1, ("books",), (books,))


@pytest.mark.parametrize("encoding", _ENCODINGS)
@pytest.mark.parametrize("kind", _KEYS)
async def test_what_came_and_went_is_put_into_what_is_there(redis_url: str, kind: str, encoding: str) -> None:
    lists = st.lists(_KEYS[kind][1], max_size=5, unique=True).map(tuple)
    cases: list[tuple[Any, ...]] = []

    @settings(max_examples=40, database=None, suppress_health_check=list(HealthCheck))
    @given(st.tuples(lists, lists, lists, st.booleans()))
    def draw(case: tuple[Any, ...]) -> None:
        cases.append(case)

    draw()
    async with opened(redis_url, _shelf(kind), **_ENCODINGS[encoding]) as (store, raw):
        await apply(store, Change(Verb.ADD, "shelf", 1, ("id", "books"), (1, ())))
        (name,) = [key async for key in raw.scan_iter(match=f"{store._prefix}:shelf:1")]
        for stored, before, wanted, is_foreign in cases:
            await apply(store, _update(stored))
            if is_foreign:  # with spaces, and with signs that are no ASCII escaped
                text = json.dumps(stored, indent=1)
                envelope = {"value": text, "module": "repocket.attributes", "type": "JSON"}
                await raw.hset(name, "books", json.dumps(envelope) if encoding == "typed" else text)
            members = Members.of(wanted, before)
            await apply(store, _update(members))
            assert [row[1] for row in await store.fetch(Query("shelf"))] == [members.applied_to(stored)]


async def test_a_held_difference_is_written_with_the_decision(redis_url: str) -> None:
    async with opened(redis_url, _shelf("int")) as (store, _):
        await apply(store, Change(Verb.ADD, "shelf", 1, ("id", "books"), (1, (1, 2))))
        change = _update(Members.of((1, 3), (1,)))
        commit = await prepared(store, change)
        assert await store.commit_prepared(commit, [change])
        assert [row[1] for row in await store.fetch(Query("shelf"))] == [(1, 2, 3)]


@pytest.mark.parametrize("damage", ["", "null", "7", "[1", '["a]', "[1]]"])
async def test_what_is_no_list_is_replaced_by_the_list_that_is_wanted(redis_url: str, damage: str) -> None:
    async with opened(redis_url, _shelf("int")) as (store, raw):
        await apply(store, Change(Verb.ADD, "shelf", 1, ("id", "books"), (1, ())))
        (name,) = [key async for key in raw.scan_iter(match=f"{store._prefix}:shelf:1")]
        await raw.hset(name, "books", damage)
        await apply(store, _update(Members.of((1, 3), (1,))))
        assert [row[1] for row in await store.fetch(Query("shelf"))] == [(1, 3)]
