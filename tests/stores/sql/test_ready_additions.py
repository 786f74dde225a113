"""Additions that PostgreSQL gets ready: what they write is what ``apply`` writes, and they leave to it all that is not
plain.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from uuid import uuid4

import asyncpg
import pytest
from msgspec.structs import replace

from holdall.errors import HoldallError, Reserved, StoreUnavailable, UniqueViolation
from holdall.query import FieldSchema, Generated, Kind, Query, Row, Schema
from holdall.store import (
    APPLIED,
    Change,
    Hold,
    Observable,
    Preparable,
    ReadyAddition,
    Reservation,
    Sent,
    Store,
    Verb,
    adding_part,
)
from holdall.stores.sql import open_sql, postgres_insertion

pytestmark = pytest.mark.anyio

_LATER = datetime(2100, 1, 1, tzinfo=UTC)
_ID = FieldSchema("id", Kind.INT)
_NAME = FieldSchema("name", Kind.STR, nullable=True)
_PRICE = FieldSchema("price", Kind.DECIMAL, nullable=True)
_KEYED = Schema("keyed", (_ID, _NAME, _PRICE), ("id",), unique=(("name",),))
_MADE = Schema("made", (replace(_ID, generated=Generated.STORE), _NAME, _PRICE), ("id",), unique=(("name",),))
_PAIR = Schema("pair", (_ID, replace(_NAME, nullable=False)), ("id", "name"))
_FIELDS = {"keyed": ("id", "name", "price"), "made": ("name", "price"), "pair": ("id", "name")}


@pytest.fixture
def url(postgres_url: str, fresh_database: Callable[[str], str]) -> str:
    return fresh_database(postgres_url)


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    store = open_sql("main", url)
    store.bind([_KEYED, _MADE, _PAIR])
    await store.create()
    await _apply(store, "keyed", (1, "first", None))  # the connection learns what it must know of its tables
    yield store
    await store.close()


@pytest.fixture
async def raw(url: str, store: Store) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close(timeout=5)


def _ready(store: Store, name: str) -> ReadyAddition:
    part = adding_part(store)
    assert part is not None
    add = part.ready_addition(name, _FIELDS[name], is_key_made=name == "made")
    assert add is not None
    return add


async def _apply(store: Store, name: str, row: Row) -> object:
    key = None if name == "made" else row[0]
    (outcome,) = await store.apply([Change(Verb.ADD, name, key, _FIELDS[name], row)])
    return outcome


async def _rows(store: Store, name: str) -> dict[object, Row]:
    return {row[0]: tuple(row[1:]) for row in await store.fetch(Query(name))}


async def test_it_writes_the_record_and_tells_its_key(store: Store) -> None:
    assert await _ready(store, "keyed")((7, "a", None)) == APPLIED
    made = _ready(store, "made")
    first, second = await made(("a", None)), await made((None, None))
    assert first is not None
    assert second is not None
    assert await _rows(store, "keyed") == {1: ("first", None), 7: ("a", None)}
    assert await _rows(store, "made") == {first.key: ("a", None), second.key: (None, None)}


_NAMES = [None, "a", "b", "A", "é", "", "nul\x00", "x" * 500]
_PRICES = [None, Decimal("1.50"), Decimal("-0"), Decimal("1e40"), Decimal("123456789012345678901234567890.12")]


async def test_it_does_what_apply_does_or_leaves_it_to_that(store: Store) -> None:
    random, made, written = Random(1), _ready(store, "made"), 0
    for _ in range(60):
        row = (random.choice(_NAMES), random.choice(_PRICES))
        before = await _rows(store, "made")
        outcome = await made(row)
        after = await _rows(store, "made")
        if outcome is None:
            assert after == before
            with pytest.raises(HoldallError):
                await _apply(store, "made", row)
            continue
        written += 1
        await store.apply([Change(Verb.REMOVE, "made", outcome.key)])
        (told,) = await store.apply([Change(Verb.ADD, "made", None, _FIELDS["made"], row)])
        again = await _rows(store, "made")
        assert repr(again.pop(told.key)) == repr(after[outcome.key])
        assert again == before
    assert 5 < written < 55


async def test_refused_values_are_left_to_apply(store: Store) -> None:
    assert await _ready(store, "keyed")((2, "first", None)) is None
    assert await _ready(store, "keyed")((1, "second", None)) is None
    with pytest.raises(UniqueViolation):
        await _apply(store, "keyed", (2, "first", None))
    assert await _rows(store, "keyed") == {1: ("first", None)}


async def test_parts_of_keys_and_unknown_tables_are_left_to_apply(store: Store, url: str) -> None:
    assert await _ready(store, "pair")((1, "a")) is None
    other = open_sql("other", url)
    other.bind([_KEYED])
    part = adding_part(other)
    assert part is not None
    assert part.ready_addition("keyed", _FIELDS["keyed"], is_key_made=False) is None
    await other.close()


async def test_a_table_that_has_a_trigger_is_left_to_apply(store: Store, raw: asyncpg.Connection) -> None:
    add = _ready(store, "keyed")
    await raw.execute(
        "CREATE FUNCTION keep_out() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;"
        "CREATE TRIGGER out BEFORE INSERT ON keyed FOR EACH ROW EXECUTE FUNCTION keep_out()"
    )
    with pytest.raises(StoreUnavailable, match="trigger") as caught:  # it came since the connection has looked
        await add((2, "b", None))
    assert caught.value.is_outcome_unknown
    assert await add((2, "b", None)) is None
    await raw.execute("DROP FUNCTION keep_out CASCADE")


async def test_what_another_commit_holds_is_left_to_apply(store: Store) -> None:
    assert isinstance(store, Preparable)
    add, held = _ready(store, "keyed"), Reservation(uuid4().hex, "the shop", uuid4().hex, "main", "an owner", _LATER)
    assert await store.hold() is Hold.RESERVED
    await store.prepare(held, [Change(Verb.ADD, "keyed", 2, _FIELDS["keyed"], (2, "held", None))])
    for row in ((2, "other", None), (3, "held", None)):
        assert await add(row) is None
        with pytest.raises(Reserved):
            await _apply(store, "keyed", row)
    await store.roll_back_prepared(held.commit)
    await _apply(store, "keyed", (2, "held", None))  # the connection looks again
    assert await add((3, "b", None)) == APPLIED


async def test_who_watches_sees_the_statement(store: Store) -> None:
    class Watcher:
        def sent(self, sent: Sent) -> None:
            pass

    assert isinstance(store, Observable)
    add = _ready(store, "keyed")
    store.observe(Watcher())
    assert await add((2, "b", None)) is None
    store.observe(None)
    assert await add((2, "b", None)) == APPLIED


async def test_tables_that_are_bound_anew_are_looked_up(store: Store, raw: asyncpg.Connection) -> None:
    add = _ready(store, "keyed")
    store.bind([replace(_KEYED, name="keyed", fields=(_ID, replace(_NAME, columns=("label",)), _PRICE))])
    assert await add((2, "b", None)) is None
    await raw.execute("ALTER TABLE keyed RENAME COLUMN name TO label")
    await store.fetch(Query("keyed"))
    assert await add((2, "b", None)) == APPLIED
    assert await _rows(store, "keyed") == {1: ("first", None), 2: ("b", None)}


async def test_a_lost_connection_has_another_try_unless_something_may_be_written(
    store: Store, raw: asyncpg.Connection
) -> None:
    add = _ready(store, "keyed")
    await raw.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await asyncio.sleep(0.1)
    if await add((2, "b", None)) is None:  # the connection that is new has yet to learn
        await _apply(store, "keyed", (2, "b", None))
    await raw.execute(
        "CREATE FUNCTION pull_the_plug() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;"
        "CREATE CONSTRAINT TRIGGER plug AFTER INSERT ON keyed DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION pull_the_plug()"
    )
    with pytest.raises(StoreUnavailable) as caught:
        await add((3, "c", None))
    assert caught.value.is_outcome_unknown
    assert await _rows(store, "keyed") == {1: ("first", None), 2: ("b", None)}


async def test_a_store_with_an_apply_of_its_own_is_asked_by_that(store: Store) -> None:
    class Noting(type(store)):  # type: ignore[misc]  # the class is known when the test runs
        async def apply(self, changes: object) -> object:
            return await super().apply(changes)

    assert adding_part(Noting.__new__(Noting)) is None
    assert adding_part(object()) is None


async def test_a_statement_that_ignores_what_is_reserved_is_caught(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_insertion, "nothing_reserved", lambda is_reserving: "true")
    with pytest.raises(AssertionError):
        await test_what_another_commit_holds_is_left_to_apply(store)
