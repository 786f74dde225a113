"""Rows that SQLite inserts by a statement made ready: what is left to ``apply``, and that nothing of it is written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from holdall.errors import Conflict, ReferenceViolation, StoreTimeout
from holdall.store import APPLIED, Outcome, Transactional, adding_part
from holdall.stores.sql import SqlStore, open_sql
from tests.support.added_rows import KEYED, MADE, applied, ready, stored
from tests.support.sql_collections import AUTHOR, BOOK, add_author, add_book

pytestmark = pytest.mark.anyio

_BOOK = ("title", "isbn", "author", "version")


@pytest.fixture(params=["file", "memory"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStore]:
    url = f"sqlite:///{tmp_path / 'test.db'}" if request.param == "file" else "sqlite://"
    store = open_sql("main", url, timeout=0.3)
    store.bind([KEYED, MADE, AUTHOR, BOOK])
    await store.create()
    await applied(store, "keyed", (1, "first", None))
    yield store
    await store.close()


async def _execute(store: SqlStore, *statements: str) -> None:
    await store._database.execute(statements)


async def test_one_that_is_refused_takes_nothing_of_the_others_with_it(store: SqlStore) -> None:
    add, rows = ready(store, "keyed"), [(number, f"name {number % 7}", None) for number in range(2, 12)]
    outcomes = await asyncio.gather(*[add(row) for row in rows])
    assert outcomes == [APPLIED] * 7 + [None] * 3
    assert list(await stored(store, "keyed")) == list(range(1, 9))


async def test_a_row_that_a_trigger_keeps_out_is_left_to_apply(store: SqlStore) -> None:
    trigger = "CREATE TRIGGER out BEFORE INSERT ON keyed BEGIN INSERT INTO made (name) VALUES ('seen'); SELECT {}; END"
    for ending in ("RAISE(IGNORE)", "RAISE(FAIL, 'no')", "RAISE(ROLLBACK, 'no')"):
        await _execute(store, trigger.format(ending))
        assert await ready(store, "keyed")((2, "b", None)) is None
        with pytest.raises(Conflict):
            await applied(store, "keyed", (2, "b", None))
        await _execute(store, "DROP TRIGGER out")
    assert await stored(store, "made") == {}


async def test_a_trigger_that_keeps_nothing_out_has_its_way(store: SqlStore) -> None:
    await _execute(
        store, "CREATE TRIGGER more AFTER INSERT ON made BEGIN INSERT INTO keyed (id, name) VALUES (9, 'more'); END"
    )
    assert await ready(store, "made")(("a", None)) == Outcome(1)
    assert await stored(store, "keyed") == {1: ("first", None), 9: ("more", None)}


async def test_a_reference_that_leads_nowhere_is_left_to_apply(store: SqlStore) -> None:
    part = adding_part(store)
    assert part is not None
    add = part.ready_addition("book", _BOOK, is_key_made=True)
    assert add is not None
    assert await add(("lost", None, 7, 1)) is None
    with pytest.raises(ReferenceViolation):
        await store.apply([add_book("lost", 7)])
    await store.apply([add_author("a", 7)])
    assert await add(("found", None, 7, 1)) == Outcome(1)


async def test_a_turn_that_does_not_come_is_told(store: SqlStore) -> None:
    assert isinstance(store, Transactional)
    async with store.transaction():
        with pytest.raises(StoreTimeout):
            await ready(store, "keyed")((2, "b", None))
    assert await stored(store, "keyed") == {1: ("first", None)}


async def test_a_commit_that_fails_is_told_as_by_apply(store: SqlStore) -> None:
    connection = store._database._writer.connection()  # type: ignore[attr-defined]  # the driver's own
    connection.set_commit_hook(lambda: True)
    for add in (ready(store, "keyed"), partial(applied, store, "keyed")):
        with pytest.raises(Conflict, match="a rule of the database"):
            await add((2, "b", None))
    connection.set_commit_hook(None)
    assert await stored(store, "keyed") == {1: ("first", None)}


async def test_a_driver_that_tells_of_no_broken_references_is_given_changes(tmp_path: Path) -> None:
    store = open_sql("main", f"sqlite:///{tmp_path / 'test.db'}?driver=stdlib")
    store.bind([KEYED])
    await store.create()
    await applied(store, "keyed", (1, "first", None))
    assert await ready(store, "keyed")((2, "b", None)) is None
    assert await stored(store, "keyed") == {1: ("first", None)}
    await store.close()
