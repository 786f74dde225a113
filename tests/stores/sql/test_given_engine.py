"""The conformance suite over engines that somebody else made, and what is theirs alone.

Async engines are in tests/adoption/test_both_sides.py; what differs between drivers of one database is small.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import StaticPool

from holdall.errors import Conflict, DeclarationError, StateError
from holdall.query import FieldSchema, Generated, Kind, Query, Schema
from holdall.store import Change, Verb
from holdall.stores.sql import SqlStore, open_engine, open_sql
from holdall.testing.conformance import StoreConformance


def _url(url: str, driver: str) -> str:
    return f"{driver}://{url.partition('://')[2]}"


class TestSqliteInThreads(StoreConformance):
    part = (1, 6)
    examples = 6
    histories = 3

    def open_store(self, request: pytest.FixtureRequest) -> SqlStore:
        path = request.getfixturevalue("tmp_path_factory").mktemp("given") / "file.db"
        return open_sql("given", engine=sa.create_engine(f"sqlite:///{path}"))


class TestPostgresOfPsycopg(StoreConformance):
    part = (3, 6)
    examples = 6
    histories = 3

    def open_store(self, request: pytest.FixtureRequest) -> SqlStore:
        url = _url(request.getfixturevalue("postgres_url"), "postgresql+psycopg")
        return open_sql("given", engine=sa.create_engine(url))


class TestMariadbOfPymysql(StoreConformance):
    part = (5, 6)
    examples = 6
    histories = 3

    def open_store(self, request: pytest.FixtureRequest) -> SqlStore:
        url = _url(request.getfixturevalue("mariadb_url"), "mariadb+pymysql")
        return open_sql("given", engine=sa.create_engine(url + "?charset=utf8mb4"))


_BOOK = Schema(
    "book", (FieldSchema("id", Kind.INT, generated=Generated.STORE), FieldSchema("title", Kind.STR)), ("id",)
)


async def _one_book(store: SqlStore) -> list[tuple[object, ...]]:
    store.bind([_BOOK])
    await store.create()
    await store.apply([Change(Verb.ADD, "book", None, ("title",), ("Emma",))])
    return list(await store.fetch(Query("book")))


_KEEPING = {
    "sqlite": ["CREATE TRIGGER keep BEFORE INSERT ON tag WHEN new.id = 'x' BEGIN SELECT RAISE(IGNORE); END"],
    "postgresql+psycopg": [
        "CREATE OR REPLACE FUNCTION keep_none() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "CREATE TRIGGER keep BEFORE INSERT ON tag FOR EACH ROW WHEN (new.id = 'x') EXECUTE FUNCTION keep_none()",
    ],
}


@pytest.mark.parametrize("driver", _KEEPING)
def test_records_that_a_trigger_kept_from_being_written_are_refused(
    driver: str, request: pytest.FixtureRequest
) -> None:
    is_file = driver == "sqlite"
    url = (
        f"sqlite:///{request.getfixturevalue('tmp_path')}/a.db" if is_file else request.getfixturevalue("postgres_url")
    )
    engine = sa.create_engine(_url(url, driver))
    store = open_sql("given", engine=engine)
    store.bind([Schema("tag", (FieldSchema("id", Kind.STR),), ("id",))])

    async def work() -> list[object]:
        await store.create()
        with engine.begin() as connection:
            for statement in _KEEPING[driver]:
                connection.exec_driver_sql(statement)
        for keys in ("x", "yx", "xy"):
            with pytest.raises(Conflict, match="kept"):
                await store.apply([Change(Verb.ADD, "tag", key, ("id",), (key,)) for key in keys])
        await store.apply([Change(Verb.ADD, "tag", key, ("id",), (key,)) for key in "ab"])
        found = [row[0] for row in await store.fetch(Query("tag"))]
        await store.drop("tag")
        await store.close()
        engine.dispose()
        return found

    assert asyncio.run(work()) == ["a", "b"]


def test_a_database_in_memory_is_shared_by_one_connection() -> None:
    engine = sa.create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    store = open_sql("main", engine=engine)
    assert not store.capabilities.is_durable
    assert asyncio.run(_one_book(store)) == [(1, "Emma")]
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT title FROM book").scalar() == "Emma"
    engine.dispose()


def test_what_is_broken_off_leaves_the_engine_its_connections_as_they_were(tmp_path: Path) -> None:
    """A thread goes on when its caller is cancelled: connecting, or making a connection ready for writing."""
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'file.db'}", pool_size=2)
    entered: list[str] = []

    def slow(_: object, __: object, sql: str, *___: object) -> None:
        entered.append(sql)
        time.sleep(0.002)

    sa.event.listen(engine, "before_cursor_execute", slow)
    sa.event.listen(engine, "do_connect", lambda *_: time.sleep(0.002))

    async def work() -> None:
        store = open_sql("given", engine=engine)
        await _one_book(store)

        async def write() -> None:
            async with store.transaction() as transaction:
                await transaction.fetch(Query("book"))

        for number in range(30):
            if number % 10 == 9:
                engine.dispose()
            writing = asyncio.create_task(write())
            await asyncio.sleep(number * 0.0003)
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
        for _ in range(200):
            if not engine.pool.checkedout():  # type: ignore[attr-defined]
                break
            await asyncio.sleep(0.01)

    asyncio.run(work())
    assert "BEGIN IMMEDIATE" in entered
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    lent = [engine.connect() for _ in range(2)]
    assert [connection.exec_driver_sql("PRAGMA foreign_keys").scalar() for connection in lent] == [0, 0]
    for connection in lent:
        connection.close()
    engine.dispose()


def test_a_database_in_memory_of_aiosqlite_serves_sessions_at_once() -> None:
    async def work() -> None:
        engine = create_async_engine("sqlite+aiosqlite://")
        store = open_sql("main", engine=engine)
        await _one_book(store)
        more = [store.apply([Change(Verb.ADD, "book", None, ("title",), (f"{n}",))]) for n in range(20)]
        await asyncio.gather(*more, *[store.fetch(Query("book")) for _ in range(20)])
        assert await store.count(Query("book")) == 21
        await engine.dispose()

    asyncio.run(work())


def test_a_pool_that_gives_each_thread_its_own_database_is_refused() -> None:
    with pytest.raises(DeclarationError, match="poolclass=StaticPool"):
        open_sql("main", engine=sa.create_engine("sqlite://"))


def test_what_is_no_engine_or_no_metadata_is_refused() -> None:
    engine = sa.create_engine("sqlite:///x.db")
    with pytest.raises(DeclarationError, match="takes an Engine or an AsyncEngine of SQLAlchemy, not a str"):
        open_sql("main", engine="sqlite:///x.db")
    with pytest.raises(DeclarationError, match=r"metadata= takes a MetaData, such as Base\.metadata, not a int"):
        open_sql("main", engine=engine, metadata=3)
    with pytest.raises(DeclarationError, match="takes a URL or an engine, not both"):
        open_sql("main", "sqlite:///x.db", engine=engine)
    with pytest.raises(DeclarationError, match="needs a URL or an engine"):
        open_sql("main")
    with pytest.raises(DeclarationError, match="takes no option 'timeout'"):
        open_sql("main", engine=engine, timeout=3)
    with pytest.raises(DeclarationError, match="sqlalchemy: is for an engine"):
        open_engine("main", "sqlalchemy:")


def test_an_async_engine_belongs_to_one_loop_at_a_time(tmp_path: Path, postgres_url: str) -> None:
    for url in (f"sqlite+aiosqlite:///{tmp_path / 'one.db'}", _url(postgres_url, "postgresql+asyncpg")):
        engine = create_async_engine(url)
        store = open_sql("main", engine=engine)

        async def outer(store: SqlStore = store, engine: AsyncEngine = engine) -> None:
            await _one_book(store)
            if engine.dialect.driver == "aiosqlite":  # whose connections are threads
                assert await asyncio.to_thread(asyncio.run, _fetched(store)) == [(1, "Emma")]
            else:
                with pytest.raises(StateError, match="in use by another event loop"):
                    await asyncio.to_thread(asyncio.run, _fetched(store))
            await store.drop()
            await engine.dispose()

        asyncio.run(outer())


async def _fetched(store: SqlStore) -> list[tuple[object, ...]]:
    return list(await store.fetch(Query("book")))


def test_events_and_settings_of_the_engine_stay_its_own(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'seen.db'}")
    seen: list[str] = []
    sa.event.listen(engine, "before_cursor_execute", lambda *given: seen.append(given[2]))
    asyncio.run(_one_book(open_sql("main", engine=engine)))
    assert any(text.startswith("INSERT INTO") for text in seen)
    with engine.connect() as connection:  # the same, from the pool
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 0
    engine.dispose()


def test_an_engine_that_commits_each_statement_has_transactions_here(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'auto.db'}", isolation_level="AUTOCOMMIT")
    store = open_sql("main", engine=engine)

    async def work() -> int:
        await _one_book(store)
        with suppress(ZeroDivisionError):
            async with store.transaction() as transaction:
                await transaction.apply([Change(Verb.ADD, "book", None, ("title",), ("Lost",))])
                raise ZeroDivisionError
        return await store.count(Query("book"))

    assert asyncio.run(work()) == 1
    engine.dispose()
