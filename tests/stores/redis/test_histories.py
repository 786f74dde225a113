"""Batches drawn at random, good and bad, beside a dictionary: what stands in indexes is what the records say."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdall.errors import Conflict, UniqueViolation
from holdall.query import FieldSchema, Kind, Query, Schema
from holdall.store import Change, Verb
from holdall.stores.redis import RedisCollection
from tests.support.draws import draws
from tests.support.redis_collections import apply, beside, raw_client, store_at

pytestmark = [pytest.mark.early, pytest.mark.anyio]

_THING = Schema(
    "thing",
    (
        FieldSchema("id", Kind.INT),
        FieldSchema("name", Kind.STR),
        FieldSchema("code", Kind.STR, nullable=True),
        FieldSchema("size", Kind.INT, nullable=True),
        FieldSchema("version", Kind.INT),
    ),
    ("id",),
    version="version",
    unique=(("code",), ("name", "size")),
    indexes=(("name",), ("size",)),
    streams=("log",),
)
_NAMES = ("name", "code", "size")
_Row = tuple[Any, ...]
_Rows = dict[int, _Row]

_values = st.tuples(
    st.sampled_from(("a", "b")), st.none() | st.sampled_from(("x", "y", "z")), st.none() | st.integers(0, 2)
)
_changes = st.tuples(
    st.sampled_from(Verb),
    st.integers(1, 4),
    _values,
    st.sets(st.sampled_from(_NAMES)),
    st.sampled_from((None, True, True, False)),
    st.integers(0, 12).map(bool),
)
_histories = st.lists(st.lists(_changes, min_size=1, max_size=6), min_size=1, max_size=8)


def _batch(held: _Rows, drawn: list[Any]) -> tuple[list[Change], _Rows | None]:
    """The changes, and what is held thereafter: None where they are to be refused."""
    after, changes, is_refused = dict(held), [], False
    for verb, key, values, names, is_right, is_sane in drawn:
        row = after.get(key)
        if is_sane:  # or hardly any batch would go through
            verb, is_right = Verb.ADD if row is None else Verb.UPDATE if verb is Verb.ADD else verb, is_right or None
        version = None if is_right is None or row is None else row[3] + (0 if is_right else 1)
        is_refused |= (row is None) is not (verb is Verb.ADD) or (is_right is False and verb is not Verb.ADD)
        if verb is Verb.ADD:
            changes.append(Change(verb, "thing", key, (*_NAMES, "version"), (*values, 1)))
            after[key] = (*values, 1)
        elif verb is Verb.REMOVE:
            changes.append(Change(verb, "thing", key, version=version))
            after.pop(key, None)
        else:
            row = row or ("", None, None, 1)
            new = tuple([values[n] if name in names else row[n] for n, name in enumerate(_NAMES)])
            fields = tuple([name for name in _NAMES if name in names])
            given_values = (*[values[_NAMES.index(name)] for name in fields], row[3] + 1)
            changes.append(Change(verb, "thing", key, (*fields, "version"), given_values, version))
            after[key] = (*new, row[3] + 1)
    for places in ((1,), (0, 2)):
        whole = [group for row in after.values() if None not in (group := tuple([row[place] for place in places]))]
        is_refused |= len(whole) > len(set(whole))
    return changes, None if is_refused else after


def _expected(held: _Rows) -> dict[str, Any]:
    found: dict[str, Any] = {
        "thing#keys": [f"{key + 2**63:016x}\0{key}" for key in sorted(held)],
        "thing#index:name": sorted(f"={row[0]}\0{key}" for key, row in held.items()),
        "thing#index:size": sorted(
            f"-\0{key}" if row[2] is None else f"={row[2] + 2**63:016x}\0{key}" for key, row in held.items()
        ),
        "thing#unique:code": {row[1]: str(key) for key, row in held.items() if row[1] is not None},
        "thing#unique:name,size": {f"{row[0]}\0{row[2]}": str(key) for key, row in held.items() if row[2] is not None},
    }
    return {name: content for name, content in found.items() if content}


def _text(content: Any) -> Any:
    if isinstance(content, dict):
        return {name.decode(): value.decode() for name, value in content.items()}
    return [member.decode() for member in content]


async def _live(url: str, history: list[list[Any]], **options: Any) -> None:
    store = store_at(url, _THING, **options)

    async with raw_client(url, store) as raw:
        held: _Rows = {}
        for drawn in history:
            changes, after = _batch(held, drawn)
            try:
                await apply(store, *changes)
            except (Conflict, UniqueViolation):
                assert after is None, f"refused without reason: {changes}"
            else:
                assert after is not None, f"not refused: {changes}"
                held = after
            assert {row[0]: row[1:] for row in await store.fetch(Query("thing"))} == held
            found = await beside(raw, store)
            found.pop("thing#indexes", None)
            assert set(found.pop("thing#entries", {})) == {str(key).encode() for key in held}
            assert len(found.pop("thing#expiry", held)) == len(held)
            assert {name: _text(content) for name, content in found.items()} == _expected(held)


@settings(max_examples=draws(20, 40))
@given(_histories)
def test_any_history(redis_url: str, history: list[list[Any]]) -> None:
    asyncio.run(_live(redis_url, history))


@settings(max_examples=10)
@given(_histories)
def test_any_history_of_records_that_expire(redis_url: str, history: list[list[Any]]) -> None:
    asyncio.run(_live(redis_url, history, collections={"thing": RedisCollection(ttl=3600)}))


@settings(max_examples=10)
@given(_histories)
def test_any_history_in_envelopes(redis_url: str, history: list[list[Any]]) -> None:
    asyncio.run(_live(redis_url, history, collections={"thing": RedisCollection(encoding="typed")}))
