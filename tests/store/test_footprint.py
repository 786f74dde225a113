"""Footprints: whoever collides is refused, and who does not may be written in any order with the same result."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal, localcontext
from itertools import permutations
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from holdall.errors import HoldallError, Reserved
from holdall.query import FieldSchema, Generated, Kind, ManyForm, Query, Schema
from holdall.store import Change, Footprint, Held, KeyOf, Outcome, Reservation, Verb, demand_unreserved, footprint_of
from holdall.stores.memory import MemoryStore
from tests.support.draws import draws

ID = FieldSchema("id", Kind.INT)
NODE = Schema(
    "node",
    (
        ID,
        FieldSchema("a", Kind.INT, nullable=True),
        FieldSchema("b", Kind.INT, nullable=True),
        FieldSchema("c", Kind.INT, nullable=True),
        FieldSchema("parent", Kind.REF, nullable=True, target="node", target_key=(ID,)),
        FieldSchema("friends", Kind.MANY, target="node", target_key=(ID,), form=ManyForm.LIST),
        FieldSchema("abroad", Kind.REF, nullable=True, target="elsewhere", target_key=(ID,)),
    ),
    ("id",),
    unique=(("a",), ("b", "c")),
)
SCHEMAS = {"node": NODE}
FIELDS = ("a", "b", "c", "parent", "friends")
keys = st.integers(1, 8)
small = st.none() | st.integers(0, 4)
values = {"a": small, "b": small, "c": small, "parent": st.none() | keys, "friends": st.lists(keys, max_size=2)}


def _add(key: int, **given_values: Any) -> Change:
    filled = {"friends": (), **given_values}
    return Change(Verb.ADD, "node", key, tuple(filled), tuple(filled.values()))


def _update(key: int, **given_values: Any) -> Change:
    return Change(Verb.UPDATE, "node", key, tuple(given_values), tuple(given_values.values()))


def _remove(key: int) -> Change:
    return Change(Verb.REMOVE, "node", key)


def _plain(given_values: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in given_values.items()}


some = st.lists(st.sampled_from(FIELDS), min_size=1, max_size=3, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: values[name] for name in names}).map(_plain)
)
changes = st.one_of(
    st.builds(lambda key, given_values: _add(key, **given_values), keys, some),
    st.builds(lambda key, given_values: _update(key, **given_values), keys, some),
    st.builds(lambda key, given_values: _update(key, **given_values), keys, some),
    st.builds(_remove, keys),
)
groups = st.lists(changes, min_size=1, max_size=2)
contents = st.lists(
    st.tuples(keys, st.fixed_dictionaries(values).map(_plain)), min_size=6, max_size=8, unique_by=lambda pair: pair[0]
)


def _reservation(commit: str) -> Reservation:
    return Reservation(commit, "test", "home", "here", "me", dt.datetime(2100, 1, 1, tzinfo=dt.UTC))


async def _store(content: list[tuple[int, dict[str, Any]]]) -> MemoryStore:
    """A store of the records that go together: those that refer to nothing or repeat a value lose it."""
    store = MemoryStore("test")
    store.bind([NODE])
    for key, _ in content:
        await store.apply([_add(key)])
    for key, given_values in content:
        for name, value in given_values.items():
            await _tried(store.apply([_update(key, **{name: value})]))
    return store


async def _tried(work: Awaitable[Any]) -> Exception | None:
    try:
        await work
    except HoldallError as error:
        return error
    return None


async def _rows(store: MemoryStore) -> list[Any]:
    return sorted(await store.fetch(Query("node")))


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as made:
        yield made


@given(groups, groups)
def test_colliding_is_mutual(one: list[Change], other: list[Change]) -> None:
    first, second = footprint_of(one, SCHEMAS), footprint_of(other, SCHEMAS)
    assert first.collides(second) == second.collides(first)


@given(groups, groups, groups)
def test_who_meets_a_part_meets_the_whole(one: list[Change], more: list[Change], other: list[Change]) -> None:
    part, whole = footprint_of(one, SCHEMAS), footprint_of([*one, *more], SCHEMAS)
    if part.collides(footprint_of(other, SCHEMAS)):
        assert whole.collides(footprint_of(other, SCHEMAS))


@settings(max_examples=draws(60, 150), deadline=None)
@given(contents, groups, groups)
@example([(1, {}), (2, {})], [_update(1, a=1)], [_update(2, a=1)])
@example([(1, {"b": 1, "c": 1}), (2, {"b": 2, "c": 2})], [_update(1, c=2)], [_update(2, b=1)])
@example([(1, {}), (2, {})], [_update(1, parent=2)], [_remove(2)])
@example([(1, {}), (2, {})], [_remove(2)], [_update(1, friends=(2,))])
@example([(1, {"a": 1}), (2, {})], [_update(1, a=None), _update(2, a=1)], [_add(3, a=2)])
def test_what_does_not_collide_is_written_in_any_order(
    runner: asyncio.Runner, content: list[tuple[int, dict[str, Any]]], one: list[Change], other: list[Change]
) -> None:
    """What was prepared can be committed whatever others, who were not refused, have written meanwhile."""

    async def work() -> None:
        store = await _store(content)
        if await _tried(store.prepare(_reservation("one"), one)) is not None:
            return
        refusal = await _tried(store.apply(other))
        collides = footprint_of(one, SCHEMAS).collides(footprint_of(other, SCHEMAS))
        assert isinstance(refusal, Reserved) == collides
        assert await store.commit_prepared("one", one) is True
        if refusal is None:
            turned = await _store(content)
            await turned.apply(one)
            await turned.apply(other)
            assert await _rows(store) == await _rows(turned)

    runner.run(work())


@settings(max_examples=60, deadline=None)
@given(contents, st.lists(st.lists(changes, min_size=1, max_size=2), min_size=3, max_size=4))
def test_what_is_prepared_together_is_committed_in_any_order(
    runner: asyncio.Runner, content: list[tuple[int, dict[str, Any]]], parts: list[list[Change]]
) -> None:
    async def work() -> None:
        found = []
        for order in list(permutations(range(len(parts))))[::5]:
            store = await _store(content)
            held = [
                number
                for number, part in enumerate(parts)
                if await _tried(store.prepare(_reservation(f"{number}"), part)) is None
            ]
            for number in order:
                assert await store.commit_prepared(f"{number}", parts[number]) is (number in held)
            found.append(await _rows(store))
        assert all(rows == found[0] for rows in found)

    runner.run(work())


@pytest.mark.parametrize(
    "one, other",
    [
        (Decimal("1.50"), Decimal("1.5")),
        (Decimal("-0.00"), Decimal(0)),
        (Decimal("1E+3"), Decimal(1000)),
        (0.0, -0.0),
        (("x", Decimal("2.0")), ("x", Decimal(2))),
        (dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.datetime(2020, 1, 1, tzinfo=dt.timezone(dt.timedelta(0), "GMT"))),
    ],
)
def test_equal_values_are_one_value(one: Any, other: Any) -> None:
    first = footprint_of([_update(1, a=one)], SCHEMAS)
    with localcontext() as context:
        context.prec = 1  # what a program has set for its own sums
        assert footprint_of([_update(1, a=other)], SCHEMAS) == first


@pytest.mark.parametrize(
    "one, other", [("1", 1), (Decimal("1.123456789"), Decimal("1.123456788")), (("a,b",), ("a", "b"))]
)
def test_other_values_are_others(one: Any, other: Any) -> None:
    assert footprint_of([_update(1, a=one)], SCHEMAS) != footprint_of([_update(1, a=other)], SCHEMAS)


def test_references_into_other_stores_are_left_to_them() -> None:
    assert footprint_of([_update(1, abroad=7)], SCHEMAS).referred == frozenset()


def test_keys_that_are_yet_to_be_made() -> None:
    """They cover nothing until the store has told them."""
    made = Schema("made", (FieldSchema("id", Kind.INT, generated=Generated.STORE), *NODE.fields[1:]), ("id",))
    group = [
        Change(Verb.ADD, "made", None, ("a", "friends"), (1, ())),
        Change(Verb.UPDATE, "node", 1, ("parent", "friends"), (KeyOf(0), (KeyOf(0), 2))),
    ]
    schemas = {**SCHEMAS, "made": made}
    unknown = footprint_of(group, schemas)
    assert {text.partition("\0")[0] for text in unknown.written} == {"node"}
    known = footprint_of(group, schemas, [Outcome(key=7), Outcome()])
    assert known.written > unknown.written
    assert known.collides(footprint_of([Change(Verb.REMOVE, "made", 7)], schemas))
    assert known.collections == {"made", "node"}


def _held(commit: str, *group: Change) -> Held:
    return Held(_reservation(commit), footprint_of(group, SCHEMAS))


def test_a_refusal_names_who_and_where() -> None:
    held = [_held("one", _update(1, b=5)), _held("two", _remove(2)), _held("three", _remove(3))]
    with pytest.raises(Reserved) as caught:
        demand_unreserved("test", [_update(4, b=None), _update(5, parent=2), _update(1, b=None)], SCHEMAS, held)
    error = caught.value
    assert (error.commits, error.store, error.collection, error.position) == (("one", "two"), "test", "node", 1)
    demand_unreserved("test", [_update(4, b=None)], SCHEMAS, held)


def test_what_cannot_be_read_covers_everything() -> None:
    with pytest.raises(Reserved):
        demand_unreserved("test", [_update(1, b=1)], SCHEMAS, [Held(_reservation("one"), None)])


def test_nothing_is_computed_where_nothing_is_held() -> None:
    demand_unreserved("test", [Change(Verb.UPDATE, "unknown here", 1)], SCHEMAS, [])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda footprint: Footprint(footprint.written, footprint.removed, footprint.referred),
        lambda footprint: Footprint(footprint.written, footprint.removed, unique=footprint.unique),
        lambda footprint: Footprint(footprint.written, referred=footprint.referred, unique=footprint.unique),
        lambda footprint: Footprint(removed=footprint.removed, referred=footprint.referred, unique=footprint.unique),
    ],
)
def test_each_part_of_a_footprint_counts(spoil: Callable[[Footprint], Footprint]) -> None:
    """The planted fault: with any part left out some pair that cannot both be written is let through."""
    pairs = [
        ([_update(1, a=1)], [_update(2, a=1)]),
        ([_update(1, parent=2)], [_remove(2)]),
        ([_remove(2)], [_update(1, friends=(2,))]),
        ([_update(1, b=1)], [_remove(1)]),
    ]
    spoiled = [spoil(footprint_of(one, SCHEMAS)).collides(spoil(footprint_of(other, SCHEMAS))) for one, other in pairs]
    assert all(footprint_of(one, SCHEMAS).collides(footprint_of(other, SCHEMAS)) for one, other in pairs)
    assert not all(spoiled)
