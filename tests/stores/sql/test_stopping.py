"""A read that nobody waits for any more is ended at the server, and the pool goes on with whole connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa

from holdall.query import Query
from holdall.stores.sql import SqlStore, Tables, open_sql
from holdall.stores.sql.dialect import SQLITE
from holdall.stores.sql.engine_connecting import EngineOptions, engine_at, url_of
from holdall.stores.sql.engine_stopping import Stopping
from holdall.stores.sql.sqlite import SqliteDatabase
from holdall.stores.sql.sqlite_connection import SqliteOptions, place_of
from tests.support.sql_collections import AUTHOR, BOOK, add_author

pytestmark = pytest.mark.anyio

Running = Callable[[], Awaitable[int]]
_ENDLESS = {
    "postgres_url": "SELECT pg_sleep(1000), 'endless'",
    "mariadb_url": "SELECT SLEEP(1000), 'endless'",
}
_NO_PARAMETERS: dict[str, Any] = {"postgres_url": (), "mariadb_url": None}
_RUNNING = {
    "postgres_url": "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%endless%'"
    " AND datname = current_database() AND pid <> pg_backend_pid()",
    "mariadb_url": "SELECT count(*) FROM information_schema.processlist WHERE info LIKE '%endless%'"
    " AND db = DATABASE() AND id <> CONNECTION_ID()",
}


@pytest.fixture(params=["postgres_url", "mariadb_url"])
def server(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def store(
    server: str, request: pytest.FixtureRequest, fresh_database: Callable[[str], str]
) -> AsyncIterator[tuple[SqlStore, str]]:
    url = fresh_database(request.getfixturevalue(server))
    made = open_sql("main", url, connections=2)
    made.bind([AUTHOR, BOOK])
    await made.create()
    try:
        yield made, url
    finally:
        await made.close()


@asynccontextmanager
async def watching(server: str, url: str) -> AsyncIterator[Running]:
    """How many endless reads the server has under way, asked on a connection of its own."""
    if server == "postgres_url":
        raw = await asyncpg.connect(url)
        try:
            yield lambda: raw.fetchval(_RUNNING[server])
        finally:
            await raw.close()
        return
    engine = engine_at(url_of(url), EngineOptions())
    async with engine.connect() as connection:

        async def count() -> int:
            return int((await connection.execute(sa.text(_RUNNING[server]))).scalar_one())

        yield count
    await engine.dispose()


async def _until(running: Running, wanted: int) -> None:
    for _ in range(5_000):
        if await running() == wanted:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"never were there {wanted} reads at the server")


async def _cancel_all(server: str, store: SqlStore, running: Running) -> None:
    reads = [asyncio.create_task(store._database.rows(_ENDLESS[server], _NO_PARAMETERS[server])) for _ in range(2)]
    await _until(running, 2)
    for read in reads:
        read.cancel()
    ended = await asyncio.gather(*reads, return_exceptions=True)
    assert [type(error) for error in ended] == [asyncio.CancelledError] * 2


async def test_a_cancelled_read_ends_at_the_server(store: tuple[SqlStore, str], server: str) -> None:
    made, url = store
    async with asyncio.timeout(60), watching(server, url) as running:
        for _ in range(2):
            await _cancel_all(server, made, running)
            await _until(running, 0)
        await asyncio.gather(*(made.apply([add_author(name)]) for name in "abcd"))
        assert await made.count(Query("author")) == 4


async def test_a_cancelled_read_within_a_transaction_ends_with_it(store: tuple[SqlStore, str], server: str) -> None:
    made, url = store
    async with asyncio.timeout(60), watching(server, url) as running:

        async def read() -> None:
            async with made._database.transaction() as transaction:
                await transaction.rows(_ENDLESS[server], _NO_PARAMETERS[server])

        reading = asyncio.create_task(read())
        await _until(running, 1)
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
        await _until(running, 0)
        assert await made.count(Query("author")) == 0


async def test_a_stream_that_is_given_up_ends_at_the_server(store: tuple[SqlStore, str], server: str) -> None:
    made, url = store
    async with asyncio.timeout(60), watching(server, url) as running:

        async def read() -> None:
            async for _ in made._database.batches(_ENDLESS[server], _NO_PARAMETERS[server] or (), 10):
                pass

        reading = asyncio.create_task(read())
        await _until(running, 1)
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
        await _until(running, 0)
        assert await made.count(Query("author")) == 0


async def test_closing_waits_until_reads_are_ended(store: tuple[SqlStore, str], server: str) -> None:
    made, url = store
    async with asyncio.timeout(60), watching(server, url) as running:
        await _cancel_all(server, made, running)
        await made.close()
        await _until(running, 0)


async def test_a_write_is_left_to_the_server(mariadb_url: str, fresh_database: Callable[[str], str]) -> None:
    """What was sent is done or taken back by the server alone; nobody ends it half-way."""
    url = fresh_database(mariadb_url)
    made = open_sql("main", url)
    async with asyncio.timeout(60), watching("mariadb_url", url) as running:
        await made._database.execute(["CREATE TABLE slow (id integer)"])
        write = asyncio.create_task(made._database.execute(["INSERT INTO slow SELECT SLEEP(0.5) + length('endless')"]))
        await _until(running, 1)
        write.cancel()
        with suppress(asyncio.CancelledError):
            await write
        await made.close()
        assert await running() == 1
        await _until(running, 0)


async def test_a_planted_store_that_leaves_reads_behind_is_found(
    mariadb_url: str, fresh_database: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Stopping, "look_after", lambda *_: None)
    url = fresh_database(mariadb_url)
    made = open_sql("main", url, connections=2)
    async with asyncio.timeout(60), watching("mariadb_url", url) as running:
        await _cancel_all("mariadb_url", made, running)
        await made.close()
        assert await running() == 2
        engine = engine_at(url_of(url), EngineOptions())
        async with engine.connect() as connection:
            found = (
                "SELECT id FROM information_schema.processlist WHERE info LIKE '%endless%' AND id <> CONNECTION_ID()"
            )
            for (number,) in list(await connection.execute(sa.text(f"{found} AND db = DATABASE()"))):
                await connection.exec_driver_sql(f"KILL {number}")
        await engine.dispose()


_LONG_IN_SQLITE = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


@pytest.mark.parametrize("place", ["file", "memory", "stdlib"])
async def test_a_cancelled_read_of_sqlite_ends(place: str, tmp_path: Path) -> None:
    url = "sqlite://" if place == "memory" else f"sqlite:///{tmp_path / 'test.db'}"
    url += "?driver=stdlib" if place == "stdlib" else ""
    async with asyncio.timeout(60):
        database = SqliteDatabase("main", place_of(url), Tables(SQLITE), SqliteOptions(threads=1))

        async def in_a_transaction() -> None:
            async with database.transaction() as transaction:
                await transaction.rows(_LONG_IN_SQLITE, ())

        for read in (database.rows(_LONG_IN_SQLITE, ()), in_a_transaction()):
            reading = asyncio.create_task(read)
            await asyncio.sleep(0.2)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            assert await database.rows("SELECT 1", ()) == [(1,)]
            await database.execute(["CREATE TABLE IF NOT EXISTS t (i integer)", "INSERT INTO t VALUES (1)"])
        assert await database.rows("SELECT count(*) FROM t", ()) == [(2,)]
        await database.close()


async def test_a_read_that_was_cancelled_before_its_turn_is_not_begun() -> None:
    async with asyncio.timeout(60):
        database = SqliteDatabase("main", place_of("sqlite://"), Tables(SQLITE), SqliteOptions())
        first, second = (asyncio.create_task(database.rows(_LONG_IN_SQLITE, ())) for _ in range(2))
        await asyncio.sleep(0.2)
        second.cancel()
        first.cancel()
        await asyncio.gather(first, second, return_exceptions=True)
        assert await database.rows("SELECT 1", ()) == [(1,)]
        await database.close()
