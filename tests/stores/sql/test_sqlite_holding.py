"""SQLite's part of a commit over several stores: what is held, who is kept from it, what a kill leaves."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest

from holdall.errors import AlreadyExists, ReferenceViolation, Reserved, StaleVersion, UniqueViolation, UnknownFormat
from holdall.query import FieldSchema, Kind, Query, Schema
from holdall.store import Change, Hold, KeyOf, Outcome, Preparable, Reservation, SpeaksSql, Transactional, Verb
from holdall.stores.sql import open_sql
from holdall.stores.sql.holding import HoldingSqlStore
from tests.support.sql_collections import AUTHOR, BOOK, add_author, add_book, edit_book, remove

pytestmark = pytest.mark.anyio

JOURNAL = Schema("holdall_journal", (FieldSchema("id", Kind.STR, max_length=120),), ("id",))


def reservation(commit: str, *, after: float = 60.0) -> Reservation:
    expires = dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=after)
    return Reservation(commit, "shop", "h", "home", "owner", expires)


def keyed(changes: Sequence[Change], outcomes: Sequence[Outcome]) -> list[Change]:
    """The changes with the keys that were made for them."""
    return [
        change if outcome.key is None else msgspec.structs.replace(change, key=outcome.key)
        for change, outcome in zip(changes, outcomes, strict=True)
    ]


@asynccontextmanager
async def opened(url: str, *more: Schema, create: bool = True) -> AsyncIterator[HoldingSqlStore]:
    store = open_sql("main", url)
    assert isinstance(store, HoldingSqlStore)
    store.bind([AUTHOR, BOOK, *more])
    if create:
        await store.create()
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture(params=["file", "memory"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[HoldingSqlStore]:
    url = f"sqlite:///{tmp_path / 'test.db'}" if request.param == "file" else "sqlite://"
    async with opened(url) as made:
        await made.apply([add_author("a"), add_author("b"), add_book("one", 1, "1")])
        yield made


async def names(store: HoldingSqlStore) -> list[str]:
    return [row[1] for row in await store.fetch(Query("author"))]


def tables(path: Path) -> set[str]:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return {str(row[0]) for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    finally:
        connection.close()


async def test_it_says_so(store: HoldingSqlStore) -> None:
    assert isinstance(store, Preparable)
    assert await store.hold() is Hold.RESERVED is store.capabilities.hold


async def test_what_is_held_is_seen_by_nobody_until_it_is_written(store: HoldingSqlStore) -> None:
    changes = [add_author("c"), edit_book(1, 1, title="new")]
    outcomes = await store.prepare(reservation("c1"), changes)
    assert [outcome.key for outcome in outcomes] == [3, None]
    assert await names(store) == ["a", "b"]
    assert await store.prepared() == [reservation("c1")]
    changes = keyed(changes, outcomes)
    assert await store.commit_prepared("c1", changes)
    assert await names(store) == ["a", "b", "c"]
    assert not await store.commit_prepared("c1", changes)
    assert await names(store) == ["a", "b", "c"]
    assert await store.prepared() == []


async def test_what_is_let_go_of_is_not_written(store: HoldingSqlStore) -> None:
    changes = keyed([add_author("c")], await store.prepare(reservation("c1"), [add_author("c")]))
    await store.roll_back_prepared("c1")
    await store.roll_back_prepared("c1")
    assert not await store.commit_prepared("c1", changes)
    assert await names(store) == ["a", "b"]


async def test_nothing_is_held_without_a_table(store: HoldingSqlStore) -> None:
    await store.roll_back_prepared("c1")
    await store.renew_prepared(reservation("c1"))
    assert not await store.commit_prepared("c1", [add_author("c", 9)])
    assert await store.prepared() == []
    assert await names(store) == ["a", "b"]


@pytest.mark.parametrize(
    "change",
    [
        edit_book(1, 1, title="other"),
        edit_book(1, None, title="other"),
        remove("book", 1),
        remove("author", 2),
        add_book("two", 1, "9"),
        add_author("z", 3),
    ],
    ids=["update", "blind", "remove", "target", "unique", "key"],
)
async def test_writers_are_kept_from_what_is_held(store: HoldingSqlStore, change: Change) -> None:
    held = [add_author("c"), edit_book(1, 1, title="new", author=2), add_book("three", KeyOf(0), "9")]
    outcomes = await store.prepare(reservation("c1"), held)
    with pytest.raises(Reserved) as refused:
        await store.apply([add_author("x"), change])
    assert refused.value.reservations == (reservation("c1"),)
    assert (refused.value.collection, refused.value.position) == (change.collection, 1)
    with pytest.raises(Reserved):
        await store.prepare(reservation("c2"), [change])
    with pytest.raises(Reserved):
        async with store.transaction() as transaction:
            await transaction.apply([change])
    assert await names(store) == ["a", "b"]
    assert await store.prepared() == [reservation("c1")]
    assert [outcome.key for outcome in outcomes] == [3, None, 2]
    await store.roll_back_prepared("c1")
    if change.verb is not Verb.ADD or change.collection != "author":
        await store.apply([change])


async def test_a_transaction_goes_on_after_it_was_kept_from_something(store: HoldingSqlStore) -> None:
    await store.prepare(reservation("c1"), [edit_book(1, 1, title="new")])
    async with store.transaction() as transaction:
        await transaction.apply([add_author("c")])
        with pytest.raises(Reserved):
            await transaction.apply([add_author("d"), remove("book", 1)])
        await transaction.apply([add_author("e")])
    assert await names(store) == ["a", "b", "c", "e"]


async def test_keys_made_for_what_is_held_are_given_to_nobody_else(store: HoldingSqlStore) -> None:
    first = await store.prepare(reservation("c1"), [add_author("c")])
    second = await store.prepare(reservation("c2"), [add_author("d"), add_author("e")])
    third = await store.apply([add_author("f")])
    assert [outcome.key for outcome in (*first, *second, *third)] == [3, 4, 5, 6]
    assert await store.commit_prepared("c2", keyed([add_author("d"), add_author("e")], second))
    assert await store.commit_prepared("c1", keyed([add_author("c")], first))
    assert [row[:2] for row in await store.fetch(Query("author"))] == [
        (1, "a"), (2, "b"), (3, "c"), (4, "d"), (5, "e"), (6, "f"),
    ]  # fmt: skip


async def test_a_given_key_is_kept_clear_of_while_it_is_held(store: HoldingSqlStore) -> None:
    await store.prepare(reservation("c1"), [add_author("c", 3)])
    assert [outcome.key for outcome in await store.apply([add_author("d")])] == [4]


async def test_a_table_that_counts_anew_gives_no_key_that_is_held(tmp_path: Path) -> None:
    # made by somebody else without AUTOINCREMENT, so SQLite counts from the greatest key there is
    connection = apsw.Connection(str(tmp_path / "test.db"))
    connection.execute("CREATE TABLE author (id INTEGER PRIMARY KEY, name TEXT NOT NULL)")
    connection.close()
    async with opened(f"sqlite:///{tmp_path / 'test.db'}") as store:
        changes = keyed([add_author("a")], await store.prepare(reservation("c1"), [add_author("a")]))
        assert changes[0].key == 1
        with pytest.raises(Reserved) as refused:
            await store.apply([add_author("b")])
        assert refused.value.position == 0
        with pytest.raises(Reserved):
            await store.prepare(reservation("c2"), [add_author("b")])
        assert await store.commit_prepared("c1", changes)
        assert [outcome.key for outcome in await store.apply([add_author("b")])] == [2]


@pytest.mark.parametrize(
    "changes, error",
    [
        ([edit_book(1, 7, title="x")], StaleVersion),
        ([add_author("c"), add_author("d", 1)], AlreadyExists),
        ([add_book("x", 1, "1")], UniqueViolation),
        ([add_book("x", 9)], ReferenceViolation),
        ([remove("author", 1)], ReferenceViolation),
        ([edit_book(1, 1, author=9)], ReferenceViolation),
    ],
    ids=["version", "key", "unique", "reference", "referred", "change"],
)
async def test_all_that_apply_refuses_is_refused_at_once(
    store: HoldingSqlStore, changes: list[Change], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await store.prepare(reservation("c1"), changes)
    assert await store.prepared() == []
    await store.prepare(reservation("c1"), [edit_book(1, 1, title="new")])
    with pytest.raises(error):
        await store.prepare(reservation("c1"), changes)
    assert await store.prepared() == []


async def test_preparing_again_takes_the_place_of_what_was_held(store: HoldingSqlStore) -> None:
    await store.prepare(reservation("c1"), [edit_book(1, 1, title="new")])
    await store.prepare(reservation("c1", after=90), [edit_book(1, 1, title="newer", isbn="2")])
    assert await store.prepared() == [reservation("c1", after=90)]
    await store.prepare(reservation("c1"), [remove("author", 2)])
    await store.apply([edit_book(1, 1, title="free")])


async def test_a_reservation_is_renewed(store: HoldingSqlStore) -> None:
    await store.prepare(reservation("c1"), [edit_book(1, 1, title="new")])
    await store.renew_prepared(reservation("c1", after=90))
    await store.renew_prepared(reservation("c2", after=90))
    assert await store.prepared() == [reservation("c1", after=90)]
    assert await store.commit_prepared("c1", [edit_book(1, 1, title="new")])


async def test_what_others_changed_meanwhile_is_a_conflict_and_stays_held(tmp_path: Path) -> None:
    async with opened(f"sqlite:///{tmp_path / 'test.db'}") as store:
        await store.apply([add_author("a"), add_book("one", 1)])
        await store.prepare(reservation("c1"), [edit_book(1, 1, title="new")])
        connection = apsw.Connection(str(tmp_path / "test.db"))
        connection.execute("UPDATE book SET version = 5")
        connection.close()
        with pytest.raises(StaleVersion):
            await store.commit_prepared("c1", [edit_book(1, 1, title="new")])
        assert await store.prepared() == [reservation("c1")]


@pytest.mark.parametrize("column", ["format", "footprint", "reservation"])
async def test_what_cannot_be_read_keeps_everybody_away(tmp_path: Path, column: str) -> None:
    async with opened(f"sqlite:///{tmp_path / 'test.db'}") as store:
        await store.prepare(reservation("c1"), [add_author("a", 7)])
        connection = apsw.Connection(str(tmp_path / "test.db"))
        value = (
            "9" if column == "format" else """CAST('{"format": 9}' AS BLOB)""" if column == "reservation" else "x'ff'"
        )
        connection.execute(f"UPDATE holdall_reservation SET {column} = {value}")
        connection.close()
        with pytest.raises(Reserved) as refused:
            await store.apply([add_author("b", 7 if column == "reservation" else 8)])
        (found,) = refused.value.reservations
        assert found.commit == "c1"
        assert found.is_readable is (column != "reservation")
        assert [item.commit for item in await store.prepared()] == ["c1"]


async def test_a_row_of_another_format_is_left_alone_and_told_by_its_number(tmp_path: Path) -> None:
    async with opened(f"sqlite:///{tmp_path / 'test.db'}") as store:
        await store.prepare(reservation("c1"), [add_author("a", 7)])
        connection = apsw.Connection(str(tmp_path / "test.db"))
        connection.execute("UPDATE holdall_reservation SET format = 9")
        before = connection.execute("SELECT * FROM holdall_reservation").fetchall()
        await store.renew_prepared(reservation("c1", after=600))
        for work in (
            store.commit_prepared("c1", [add_author("a", 7)]),
            store.roll_back_prepared("c1"),
            store.prepare(reservation("c1"), [add_author("a", 7)]),
        ):
            with pytest.raises(UnknownFormat, match=r"c1.* format 9.*use the version") as told:
                await work
            assert (told.value.found, told.value.known) == (9, 1)
        assert connection.execute("SELECT * FROM holdall_reservation").fetchall() == before
        connection.close()
        assert await names(store) == []


async def test_the_table_comes_with_the_journal_and_goes_with_it(tmp_path: Path) -> None:
    path = tmp_path / "test.db"
    async with opened(f"sqlite:///{path}"):
        assert "holdall_reservation" not in tables(path)
    async with opened(f"sqlite:///{path}", JOURNAL) as store:
        assert "holdall_reservation" in tables(path)
        assert await store.inspect() == []
        await store.create()
        await store.drop()
        assert "holdall_reservation" not in tables(path)
        await store.create()
        await store.prepare(reservation("c1"), [add_author("a")])


async def test_a_table_that_another_process_makes_later_is_found(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'test.db'}"
    async with opened(url) as first, opened(url) as second:
        await first.apply([add_author("a")])
        await first.apply([add_author("b")])
        await second.prepare(reservation("c1"), [remove("author", 1)])
        with pytest.raises(Reserved):
            await first.apply([remove("author", 1)])
        await second._holding.drop_own()
        await first.apply([remove("author", 1)])


async def test_a_table_made_later_is_found_after_a_change_of_the_schema_was_undone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'test.db'}"
    async with opened(url) as one, opened(url, create=False) as other:
        assert isinstance(one, Transactional)
        with suppress(KeyError):
            async with one.transaction() as transaction:
                assert isinstance(transaction, SpeaksSql)
                await transaction.sql("CREATE TABLE more (id)", {}, limit=1)
                await transaction.apply([add_author("a")])
                raise KeyError
        await other.prepare(reservation("c"), [add_author("held", 7)])
        with pytest.raises(Reserved):
            await one.apply([add_author("other", 7)])
        async with one.transaction() as transaction:
            with pytest.raises(Reserved):
                await transaction.apply([add_author("other", 7)])


async def test_parts_and_ordinary_works_share_commits_and_a_refused_one_is_alone(tmp_path: Path) -> None:
    async with opened(f"sqlite:///{tmp_path / 'test.db'}") as store:
        await store.prepare(reservation("other"), [add_author("x", 1_000)])
        database: Any = store._database

        def count() -> bool:
            commits[0] += 1
            return False

        commits = [0]
        database._writer.connection().set_commit_hook(count)
        works: list[Any] = []
        for number in range(50):
            works.append(store.prepare(reservation(f"c{number}"), [add_author("held")]))
            works.append(store.apply([add_author("plain")]))
            works.append(store.apply([add_author("refused", 1_000)]))
        results: list[Any] = await asyncio.gather(*works, return_exceptions=True)
        held, plain, refused = results[0::3], results[1::3], results[2::3]
        assert all(isinstance(error, Reserved) for error in refused)
        keys = [outcome.key for outcomes in (*held, *plain) for outcome in outcomes]
        assert len(set(keys)) == 100
        assert commits[0] < 50
        parts = [keyed([add_author("held")], outcomes) for outcomes in held]
        assert all(await asyncio.gather(*[store.commit_prepared(f"c{n}", part) for n, part in enumerate(parts)]))
        assert len(await names(store)) == 100
