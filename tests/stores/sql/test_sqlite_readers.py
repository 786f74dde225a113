"""Reads on the loop, under a budget, and what becomes of those that pass it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, TypeVar

import pytest

from holdall.errors import DeclarationError, StoreTimeout, StoreUnavailable
from holdall.stores.sql import Tables, open_sql
from holdall.stores.sql.dialect import SQLITE
from holdall.stores.sql.raw import RawStatement
from holdall.stores.sql.sqlite import SqliteDatabase
from holdall.stores.sql.sqlite_connection import SqliteOptions, SqlitePlace, place_of

pytestmark = pytest.mark.anyio

T = TypeVar("T")

LONG = """WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)
          SELECT count(*) FROM n"""
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


@pytest.fixture(params=["file", "memory"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> SqliteDatabase:
    url = "sqlite://" if request.param == "memory" else f"sqlite:///{tmp_path / 'test.db'}"
    return SqliteDatabase("main", place_of(url), Tables(SQLITE), SqliteOptions())


async def test_a_short_read_needs_no_thread(tmp_path: Path) -> None:
    async with asyncio.timeout(20):
        database = SqliteDatabase(
            "main", place_of(f"sqlite:///{tmp_path / 'test.db'}"), Tables(SQLITE), SqliteOptions()
        )
        for _ in range(100_000 // 50):
            assert await database.rows("SELECT ?", (7,)) == [(7,)]
        assert database._readers._pool is None
        await database.close()


async def test_a_long_read_leaves_the_loop_free(database: SqliteDatabase) -> None:
    async with asyncio.timeout(20):
        reading = asyncio.create_task(database.rows(LONG, ()))
        turns = 0
        while not reading.done():
            await asyncio.sleep(0)
            turns += 1
        assert await reading == [(1_000_000,)]
        assert turns > 100  # a read on the loop would let it have one or two
        await database.close()


async def test_a_read_that_takes_too_long_is_broken_off_and_others_go_on(tmp_path: Path) -> None:
    async with asyncio.timeout(20):
        options = SqliteOptions(threads=1, read_timeout=0.1)
        database = SqliteDatabase("main", place_of(f"sqlite:///{tmp_path / 'test.db'}"), Tables(SQLITE), options)
        for _ in range(2):
            with pytest.raises(StoreTimeout, match="store 'main': a read took longer than read_timeout allows"):
                await database.rows(ENDLESS, ())
            with pytest.raises(StoreTimeout, match="read_timeout"):
                await database.answer(RawStatement(ENDLESS, (), is_read=True), 10)
            with pytest.raises(StoreTimeout, match="read_timeout"):
                await anext(database.batches(ENDLESS, (), 10))
            assert await database.rows("SELECT 7", ()) == [(7,)]
        await database.close()


async def test_a_cancelled_read_ends_and_others_go_on(tmp_path: Path) -> None:
    async with asyncio.timeout(20):
        database = SqliteDatabase(
            "main", place_of(f"sqlite:///{tmp_path / 'test.db'}"), Tables(SQLITE), SqliteOptions(threads=1)
        )
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await database.rows(ENDLESS, ())
        assert await database.rows(LONG, ()) == [(1_000_000,)]
        await database.close()


async def test_batches_are_one_snapshot(tmp_path: Path) -> None:
    async with asyncio.timeout(20):
        database = SqliteDatabase(
            "main", place_of(f"sqlite:///{tmp_path / 'test.db'}"), Tables(SQLITE), SqliteOptions()
        )
        ten = "INSERT INTO t VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10)"
        await database.execute(["CREATE TABLE t (i INTEGER)", ten])
        sizes = []
        batches = database.batches("SELECT i FROM t", (), 4)
        async for rows in batches:
            sizes.append(len(rows))
            await database.execute(["INSERT INTO t VALUES (0)"])
        assert sizes == [4, 4, 2]
        leaving = database.batches("SELECT i FROM t", (), 1)
        await anext(leaving)
        await leaving.aclose()
        assert await database.rows("SELECT count(*) FROM t", ()) == [(13,)]
        await database.close()


async def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    async with asyncio.timeout(20):
        database = SqliteDatabase(
            "main", place_of(f"sqlite:///{tmp_path / 'no' / 'x.db'}"), Tables(SQLITE), SqliteOptions()
        )
        with pytest.raises(StoreUnavailable):
            await database.rows("SELECT 1", ())
        with pytest.raises(StoreUnavailable):
            await database.execute(["CREATE TABLE t (i INTEGER)"])
        await database.close()


@pytest.mark.parametrize(
    "url, place",
    [
        ("sqlite://", SqlitePlace(None)),
        ("sqlite:///:memory:", SqlitePlace(None)),
        ("sqlite:///a.db", SqlitePlace("a.db")),
        ("sqlite:////tmp/a%20b.db", SqlitePlace("/tmp/a b.db")),
        ("sqlite:///a.db?mode=ro", SqlitePlace("a.db", is_readonly=True)),
    ],
)
def test_places(url: str, place: SqlitePlace) -> None:
    assert place_of(url) == place


@pytest.mark.parametrize("url", ["sqlite://host/a.db", "sqlite:///a.db?x=1", "sqlite://?mode=ro", "sqlite:///a%00b"])
def test_urls_that_mean_nothing(url: str) -> None:
    with pytest.raises(DeclarationError):
        place_of(url)


@pytest.mark.parametrize("options", [{"synchronous": "maybe"}, {"timeout": 0}, {"timeout": "x"}, {"wrong": 1}])
def test_options_that_mean_nothing(options: dict[str, Any]) -> None:
    with pytest.raises(DeclarationError):
        open_sql("main", "sqlite://", **options)
