"""Locks of PostgreSQL and MariaDB: taken in one order, not waited for too long, told as what may be repeated."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from typing import Any

import pytest

from holdall.errors import LockConflict, StaleVersion
from holdall.query import FieldSchema, Kind, Query, Schema
from holdall.store import Change, Verb
from holdall.stores.sql import SqlStore, open_sql
from holdall.stores.sql.compile import Compiler
from holdall.stores.sql.dialect import POSTGRESQL, SQLITE, Dialect
from holdall.stores.sql.engine_connecting import EngineOptions, engine_at, url_of
from holdall.stores.sql.steps import Lock, Step
from holdall.stores.sql.tables import Tables
from holdall.stores.sql.writes import Writes

pytestmark = pytest.mark.anyio

ITEM = Schema("item", (FieldSchema("id", Kind.INT), FieldSchema("a", Kind.INT), FieldSchema("b", Kind.INT)), ("id",))
OTHER = Schema("other", ITEM.fields, ("id",))

Open = Callable[..., SqlStore]


@pytest.fixture(params=["postgres_url", "mariadb_url"], ids=["postgres", "mariadb"])
def url(request: pytest.FixtureRequest) -> str:
    """The database under test."""
    found: str = request.getfixturevalue(request.param)
    return found


@pytest.fixture
async def opens(url: str) -> AsyncIterator[Open]:
    """Opens the store under test; items and others 0 to 19 are there."""
    opened: list[SqlStore] = []

    def open_one(suffix: str = "", **options: Any) -> SqlStore:
        store = open_sql("main", url + suffix, **options)
        store.bind([ITEM, OTHER])
        opened.append(store)
        return store

    store = open_one()
    await store.drop()
    await store.create()
    await store.apply([_add(name, key) for name in ("item", "other") for key in range(20)])
    yield open_one
    await store.drop()
    for each in opened:
        await each.close()


def _add(collection: str, key: int) -> Change:
    return Change(Verb.ADD, collection, key, ("id", "a", "b"), (key, 0, 0))


def _set(collection: str, key: Any, **values: int) -> Change:
    return Change(Verb.UPDATE, collection, key, tuple(values), tuple(values.values()))


def _remove(collection: str, key: int) -> Change:
    return Change(Verb.REMOVE, collection, key)


async def _sum(store: SqlStore) -> int:
    return sum(row[1] + row[2] for row in await store.fetch(Query("item")))


# --- the order of locks -----------------------------------------------------------------------------------------------


def _one_kind(keys: Sequence[int]) -> list[Change]:
    return [_set("item", key, a=1) for key in keys]


def _two_kinds(keys: Sequence[int]) -> list[Change]:
    half = len(keys) // 2
    return [_set("item", key, a=1) for key in keys[:half]] + [_set("item", key, b=1) for key in keys[half:]]


def _two_collections(keys: Sequence[int]) -> list[Change]:
    parts = [[_set(name, key, a=1) for key in keys] for name in ("item", "other")]
    return [*parts[keys[0] % 2], *parts[1 - keys[0] % 2]]


def _exchanges(keys: Sequence[int]) -> list[Change]:
    return [_remove("item", key) for key in keys] + [_add("item", key) for key in keys]


@pytest.mark.parametrize("changes", [_one_kind, _two_kinds, _two_collections, _exchanges])
async def test_batches_over_the_same_records_never_deadlock(
    opens: Open, changes: Callable[[Sequence[int]], list[Change]]
) -> None:
    store = opens(lock_timeout=60)
    rng = random.Random(7)

    async def work() -> None:
        for _ in range(12):
            with suppress(StaleVersion):  # where the others have removed a record and added it again
                await store.apply(changes(rng.sample(range(10), 6)))

    await asyncio.gather(*(work() for _ in range(6)))


@pytest.mark.parametrize("url", ["mariadb_url"], indirect=True, ids=["mariadb"])
async def test_a_view_has_no_index_to_lock_by(opens: Open) -> None:
    store = opens()
    await store._database.execute(["RENAME TABLE item TO kept", "CREATE VIEW item AS SELECT * FROM kept"])
    try:
        await store.apply(_one_kind([3, 1]))
        assert await _sum(store) == 2
    finally:
        await store._database.execute(["DROP VIEW item", "RENAME TABLE kept TO item"])


def _steps(dialect: Dialect, changes: Sequence[Change]) -> list[Step]:
    tables = Tables(dialect)
    tables.bind([ITEM, OTHER])
    steps = Writes("main", tables, Compiler(tables).query).steps(changes)
    done: list[Step] = []
    try:
        step = next(steps)
        while True:
            done.append(step)
            step = steps.send(None)
    except StopIteration:
        return done


MARIADB = Dialect.of(engine_at(url_of("mariadb://root@127.0.0.1/x"), EngineOptions()).dialect)


@pytest.mark.parametrize("dialect", [POSTGRESQL, MARIADB, SQLITE], ids=["postgresql", "mariadb", "sqlite"])
def test_updates_go_by_collection_and_keep_their_positions(dialect: Dialect) -> None:
    done = _steps(dialect, [_set("other", 1, a=1), _set("item", 2, a=1), _add("other", 30), _set("item", 3, a=1)])
    assert [(step.collection, list(step.positions)) for step in done if not isinstance(step, Lock)] == [
        ("item", [1]),
        ("other", [0]),
        ("other", [2]),
        ("item", [3]),
    ]


def test_rows_of_several_statements_are_locked_before_the_first() -> None:
    changes = [_set("item", 5, a=1), _set("item", 1, b=1), _remove("item", 3), _set("other", 1, a=1)]
    for dialect in (POSTGRESQL, MARIADB):
        lock, *others = _steps(dialect, changes)
        assert isinstance(lock, Lock)
        assert (lock.collection, list(lock.rows), lock.is_removal) == ("item", [(5,), (1,), (3,)], True)
        assert not any(isinstance(step, Lock) for step in others)
    assert not any(isinstance(step, Lock) for step in _steps(SQLITE, changes))


def test_what_one_statement_locks_in_order_takes_no_further_one() -> None:
    many, one = [_set("item", 5, a=1), _set("item", 1, a=1)], [_set("item", 5, a=1)]
    assert [type(step).__name__ for step in _steps(POSTGRESQL, many)] == ["Update"]
    assert [type(step).__name__ for step in _steps(MARIADB, many)] == ["Lock", "Update"]
    assert [type(step).__name__ for step in _steps(MARIADB, one)] == ["Update"]


# --- what is refused ------------------------------------------------------------------------------------------------


async def test_a_lock_that_is_held_too_long_is_a_conflict_to_repeat(opens: Open) -> None:
    holder, store = opens(), opens(lock_timeout=1.0)
    for changes in ([_set("item", 1, a=5)], [_set("item", 1, a=5), _set("item", 2, a=5)], [_remove("item", 1)]):
        async with holder.transaction() as transaction:
            await transaction.apply([_set("item", 1, b=1)])
            with pytest.raises(LockConflict, match="item") as caught:
                await store.apply(changes)
            assert caught.value.collection == "item"
    assert await _sum(store) == 1


async def test_of_a_deadlock_one_is_refused_and_loses_all_or_nothing(opens: Open) -> None:
    store = opens(lock_timeout=30)
    both = asyncio.Barrier(2)

    async def go(first: int, second: int) -> LockConflict | None:
        try:
            async with store.transaction() as transaction:
                await transaction.apply([_set("item", first, a=1)])
                await both.wait()
                try:
                    await transaction.apply([_set("item", second, b=1)])
                except LockConflict as error:
                    caught = error
                else:
                    return None
                if not await _is_usable(transaction, first):
                    return caught
        except LockConflict as error:
            return error
        return caught

    ends = await asyncio.gather(go(1, 2), go(2, 1))
    refused = [end for end in ends if end is not None]
    assert len(refused) == 1
    assert refused[0].collection == "item"
    rows = {row[0]: row[1:] for row in await store.fetch(Query("item"))}
    winner = 1 if ends[0] is None else 2
    assert rows[winner][0] == 1
    assert rows[3 - winner][1] == 1


async def _is_usable(transaction: Any, key: int) -> bool:
    """Whether it still sees its own change; if it does not, it must have said so."""
    try:
        rows = await transaction.fetch(Query("item"))
    except LockConflict:
        return False
    assert {row[0]: row[1] for row in rows}[key] == 1
    return True
