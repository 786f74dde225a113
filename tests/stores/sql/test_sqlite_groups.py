"""Works that share a transaction of SQLite's writer: one that fails takes nothing of the others with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdall.store import APPLIED, Outcome, ReadyAddition
from holdall.stores.sql import SqlStore, open_sql
from holdall.stores.sql.sqlite_reservations import CREATE_RESERVATIONS
from tests.support.added_rows import KEYED, MADE, applied, ready, stored

pytestmark = pytest.mark.anyio

_Work = Callable[[apsw.Connection], object]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    store = open_sql("main", f"sqlite:///{tmp_path / 'test.db'}")
    store.bind([KEYED, MADE])
    await store.create()
    await applied(store, "keyed", (1, "first", None))
    yield store
    await store.close()


async def _together(store: SqlStore, *works: Awaitable[Any]) -> list[Any]:
    """The results of works that are all in the queue before the first is carried out."""
    writer = _writer(store)
    writer.lock.acquire()
    tasks = [asyncio.ensure_future(work) for work in works]
    await asyncio.sleep(0)
    writer.lock.release()
    async with asyncio.timeout(30):
        return await asyncio.gather(*tasks, return_exceptions=True)


def _writer(store: SqlStore) -> Any:
    return store._database._writer  # type: ignore[attr-defined]  # of SQLite alone


async def _run(store: SqlStore, work: _Work, *, is_bare: bool = False) -> object:
    found: object = await _writer(store).run(work, is_bare=is_bare)
    return found


def _sql(*statements: str) -> _Work:
    def work(connection: apsw.Connection) -> None:
        for statement in statements:
            connection.execute(statement)

    return work


async def test_bare_works_share_one_transaction_without_savepoints(store: SqlStore) -> None:
    seen: list[str] = []
    _writer(store).connection().trace_v2(apsw.SQLITE_TRACE_STMT, lambda event: seen.append(event["sql"]))
    add = ready(store, "keyed")
    assert await _together(store, *[add((number, None, None)) for number in range(2, 7)]) == [APPLIED] * 5
    assert seen.count("BEGIN IMMEDIATE") == seen.count("COMMIT") == 1
    assert not [sql for sql in seen if "SAVEPOINT" in sql]
    assert sum(sql.startswith("INSERT") for sql in seen) == 5


@pytest.mark.parametrize("clause", ["IGNORE", "REPLACE", "FAIL", "ROLLBACK", "ABORT"])
async def test_rules_with_conflict_clauses_take_nothing_of_others(store: SqlStore, clause: str) -> None:
    await store._database.execute(
        [
            "DROP TABLE keyed",
            f"CREATE TABLE keyed (id INTEGER PRIMARY KEY, name TEXT UNIQUE ON CONFLICT {clause}, price TEXT)",
        ]
    )
    add = ready(store, "keyed")
    rows = [(2, "a", None), (3, "b", None), (4, "a", None), (5, "c", None)]
    outcomes = await _together(store, *map(add, rows))
    kept = await stored(store, "keyed")
    told = {row[0] for row, outcome in zip(rows, outcomes, strict=True) if outcome is not None}
    if clause == "REPLACE":
        assert (told, set(kept)) == ({2, 3, 4, 5}, {3, 4, 5})
    else:
        assert told == set(kept) == {2, 3, 5}


async def test_a_trigger_of_the_same_group_is_noticed(store: SqlStore) -> None:
    trigger = (
        "CREATE TRIGGER late BEFORE INSERT ON keyed WHEN new.id = 3"
        " BEGIN INSERT INTO made (name) VALUES ('left'); SELECT RAISE(FAIL, 'no'); END"
    )
    add = ready(store, "keyed")
    works = [add((2, "a", None)), _run(store, _sql(trigger)), add((3, "b", None)), add((4, "c", None))]
    assert await _together(store, *works) == [APPLIED, None, None, APPLIED]
    assert set(await stored(store, "keyed")) == {1, 2, 4}
    assert await stored(store, "made") == {}


async def test_a_reservation_of_the_same_group_is_noticed(store: SqlStore) -> None:
    held = "INSERT INTO holdall_reservation VALUES ('a commit', 0, '', '')"
    reserve = _sql(CREATE_RESERVATIONS, held)
    add = ready(store, "keyed")
    outcomes = await _together(store, add((2, "a", None)), _run(store, reserve), add((3, "b", None)))
    assert outcomes == [APPLIED, None, None]


async def test_a_bare_work_that_breaks_its_word_is_undone_and_the_others_are_not(store: SqlStore) -> None:
    def breaks(connection: apsw.Connection) -> None:
        connection.execute("INSERT INTO made (name) VALUES ('half')")
        raise MemoryError

    add = ready(store, "keyed")
    works = [add((2, "a", None)), _run(store, breaks, is_bare=True), add((3, "b", None))]
    first, second, third = await _together(store, *works)
    assert (first, type(second), third) == (APPLIED, MemoryError, APPLIED)
    assert set(await stored(store, "keyed")) == {1, 2, 3}
    assert await stored(store, "made") == {}


async def test_a_full_file_ends_the_transaction_and_not_the_others(store: SqlStore) -> None:
    connection = _writer(store).connection()
    pages = connection.execute("PRAGMA page_count").get
    connection.execute(f"PRAGMA max_page_count = {pages}")
    add, large = ready(store, "keyed"), "x" * 100_000
    first, second, third = await _together(store, add((2, "a", None)), add((3, large, None)), add((4, "c", None)))
    assert (first, second, third) == (APPLIED, None, APPLIED)
    assert set(await stored(store, "keyed")) == {1, 2, 4}


@given(
    st.lists(
        st.tuples(st.integers(1, 6), st.sampled_from([None, "a", "b"]), st.sampled_from(["row", "work", "fails"])),
        max_size=8,
    )
)
def test_a_group_leaves_what_its_works_leave_one_by_one(drawn: list[tuple[int, str | None, str]]) -> None:
    async def left(*, is_group: bool) -> tuple[list[object], dict[object, Any]]:
        store = open_sql("main", "sqlite://")
        store.bind([KEYED, MADE])
        await store.create()
        await applied(store, "keyed", (9, None, None))  # it knows its tables from then on
        works = [_drawn_work(store, ready(store, "keyed"), *each) for each in drawn]
        if is_group:
            outcomes = await _together(store, *works)
        else:
            outcomes = [(await asyncio.gather(work, return_exceptions=True))[0] for work in works]
        found = await stored(store, "keyed")
        await store.close()
        return [type(each) for each in outcomes], found

    assert asyncio.run(left(is_group=True)) == asyncio.run(left(is_group=False))


async def _drawn_work(store: SqlStore, add: ReadyAddition, key: int, name: str | None, kind: str) -> Outcome | None:
    if kind == "row":
        return await add((key, name, None))

    def work(connection: apsw.Connection) -> None:
        connection.execute("INSERT OR REPLACE INTO keyed (id, name) VALUES (?, ?)", (key, name))
        if kind == "fails":
            raise ValueError

    await _run(store, work)
    return None
