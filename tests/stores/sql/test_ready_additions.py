"""Additions that databases get ready: what they write is what ``apply`` writes, and they leave to it all that is not
plain.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from uuid import uuid4

import pytest

from holdall.errors import HoldallError, Reserved, UniqueViolation
from holdall.store import APPLIED, Change, Hold, Observable, Preparable, Reservation, Sent, Store, Verb, adding_part
from holdall.stores.sql import open_sql, postgres_insertion
from holdall.stores.sql.sqlite_reservations import SqliteReservations
from tests.support.added_rows import FIELDS, KEYED, MADE, PAIR, applied, ready, stored

pytestmark = pytest.mark.anyio

_LATER = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path, fresh_database: Callable[[str], str]) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'test.db'}"
    return fresh_database(request.getfixturevalue("postgres_url"))


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    store = open_sql("main", url)
    store.bind([KEYED, MADE, PAIR])
    await store.create()
    await applied(store, "keyed", (1, "first", None))  # the connection learns what it must know of its tables
    yield store
    await store.close()


async def test_it_writes_the_record_and_tells_its_key(store: Store) -> None:
    assert await ready(store, "keyed")((7, "a", None)) == APPLIED
    made = ready(store, "made")
    first, second = await made(("a", None)), await made((None, None))
    assert first is not None
    assert second is not None
    assert await stored(store, "keyed") == {1: ("first", None), 7: ("a", None)}
    assert await stored(store, "made") == {first.key: ("a", None), second.key: (None, None)}


_NAMES = [None, "a", "b", "A", "é", "", "nul\x00", "x" * 500]
_PRICES = [None, Decimal("1.50"), Decimal("-0"), Decimal("1e40"), Decimal("123456789012345678901234567890.12")]


async def test_it_does_what_apply_does_or_leaves_it_to_that(store: Store) -> None:
    random, made, written = Random(1), ready(store, "made"), 0
    for _ in range(60):
        row = (random.choice(_NAMES), random.choice(_PRICES))
        before = await stored(store, "made")
        outcome = await made(row)
        after = await stored(store, "made")
        if outcome is None:
            assert after == before
            with pytest.raises(HoldallError):
                await applied(store, "made", row)
            continue
        written += 1
        await store.apply([Change(Verb.REMOVE, "made", outcome.key)])
        (told,) = await store.apply([Change(Verb.ADD, "made", None, FIELDS["made"], row)])
        again = await stored(store, "made")
        assert repr(again.pop(told.key)) == repr(after[outcome.key])
        assert again == before
    assert 5 < written < 55


async def test_refused_values_are_left_to_apply(store: Store) -> None:
    assert await ready(store, "keyed")((2, "first", None)) is None
    assert await ready(store, "keyed")((1, "second", None)) is None
    with pytest.raises(UniqueViolation):
        await applied(store, "keyed", (2, "first", None))
    assert await stored(store, "keyed") == {1: ("first", None)}


async def test_parts_of_keys_and_unknown_tables_are_left_to_apply(store: Store, url: str) -> None:
    assert await ready(store, "pair")((1, "a")) is None
    other = open_sql("other", url)
    other.bind([KEYED])
    part = adding_part(other)
    assert part is not None
    assert part.ready_addition("keyed", FIELDS["keyed"], is_key_made=False) is None
    await other.close()


async def test_what_another_commit_holds_is_left_to_apply(store: Store) -> None:
    assert isinstance(store, Preparable)
    add, held = ready(store, "keyed"), Reservation(uuid4().hex, "the shop", uuid4().hex, "main", "an owner", _LATER)
    assert await store.hold() is Hold.RESERVED
    await store.prepare(held, [Change(Verb.ADD, "keyed", 2, FIELDS["keyed"], (2, "held", None))])
    for row in ((2, "other", None), (3, "held", None)):
        assert await add(row) is None
        with pytest.raises(Reserved):
            await applied(store, "keyed", row)
    await store.roll_back_prepared(held.commit)
    await applied(store, "keyed", (2, "held", None))  # the connection looks again
    assert await add((3, "b", None)) == APPLIED


async def test_an_addition_that_ignores_what_is_held_is_caught(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_insertion, "nothing_reserved", lambda is_reserving: "true")
    monkeypatch.setattr(SqliteReservations, "is_any", lambda reservations, connection: False)
    with pytest.raises(AssertionError):
        await test_what_another_commit_holds_is_left_to_apply(store)


async def test_who_watches_sees_the_statement(store: Store) -> None:
    class Watcher:
        def sent(self, sent: Sent) -> None:
            pass

    assert isinstance(store, Observable)
    add = ready(store, "keyed")
    store.observe(Watcher())
    assert await add((2, "b", None)) is None
    store.observe(None)
    assert await add((2, "b", None)) == APPLIED


async def test_a_store_with_an_apply_of_its_own_is_asked_by_that(store: Store) -> None:
    class Noting(type(store)):  # type: ignore[misc]  # the class is known when the test runs
        async def apply(self, changes: object) -> object:
            return await super().apply(changes)

    assert adding_part(Noting.__new__(Noting)) is None
    assert adding_part(object()) is None
