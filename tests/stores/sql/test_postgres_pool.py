"""Connections to PostgreSQL: bounded, shared in turn, never given back dirty, replaced when they break."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from holdall.errors import DeclarationError, ReferenceViolation, StoreTimeout, StoreUnavailable, UniqueViolation
from holdall.query import Query
from holdall.store import KeyOf
from holdall.stores.sql import SqlStore, Tables, open_sql
from holdall.stores.sql.dialect import POSTGRESQL
from holdall.stores.sql.postgres import PostgresDatabase
from holdall.stores.sql.postgres_connecting import PostgresOptions
from tests.servers.embedded_postgres import EmbeddedPostgres
from tests.servers.relay import Relay
from tests.support.sql_collections import AUTHOR, BOOK, add_author, add_book, edit_book

pytestmark = pytest.mark.anyio


def opened(url: str, **options: Any) -> PostgresDatabase:
    return PostgresDatabase("main", url, Tables(POSTGRESQL), PostgresOptions(**options))


async def backend(database: PostgresDatabase) -> int:
    pid: int = (await database.rows("SELECT pg_backend_pid()", ()))[0][0]
    return pid


async def test_one_after_another_needs_one_connection(postgres_url: str) -> None:
    async with asyncio.timeout(30):
        database = opened(postgres_url)
        assert len({await backend(database) for _ in range(10)}) == 1
        await database.close()


async def test_at_once_takes_no_more_than_allowed(postgres_url: str) -> None:
    async with asyncio.timeout(30):
        database = opened(postgres_url, connections=3)
        rows = await asyncio.gather(
            *(database.rows("SELECT pg_backend_pid() FROM pg_sleep(0.02)", ()) for _ in range(30))
        )
        assert len({row[0][0] for row in rows}) == 3
        await database.close()


async def test_waiting_too_long_is_a_timeout(postgres_url: str) -> None:
    async with asyncio.timeout(30):
        database = opened(postgres_url, connections=1, acquire_timeout=0.5)
        async with database.transaction() as transaction:
            with pytest.raises(StoreTimeout):
                await database.rows("SELECT 1", ())
            assert await transaction.rows("SELECT 1", ()) == [(1,)]
        assert await database.rows("SELECT 1", ()) == [(1,)]
        await database.close()


async def test_a_statement_too_long_is_a_timeout(postgres_url: str) -> None:
    async with asyncio.timeout(30):
        database = opened(postgres_url, timeout=1.0, connections=1)
        with pytest.raises(StoreTimeout):
            await database.rows("SELECT pg_sleep(10)", ())
        assert await database.rows("SELECT 1", ()) == [(1,)]
        await database.close()


async def test_a_cancelled_fetch_leaves_no_dirty_connection(postgres_url: str) -> None:
    async with asyncio.timeout(30):
        database = opened(postgres_url, connections=1)
        for _ in range(5):
            reading = asyncio.create_task(database.rows("SELECT pg_sleep(10), 'wrong'", ()))
            await asyncio.sleep(0.05)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            assert await database.rows("SELECT 'right'", ()) == [("right",)]
        await database.close()


@pytest.mark.parametrize("breaks_off", ["cancelled", "timed out"])
async def test_a_transaction_begun_while_it_was_broken_off_is_nobody_elses(postgres_url: str, breaks_off: str) -> None:
    """The server begins it, and its answer comes when nobody waits for that any more."""
    async with asyncio.timeout(30):
        database = opened(postgres_url, connections=1)
        await database.execute(["CREATE TABLE IF NOT EXISTS begun (i int)", "DELETE FROM begun"])

        async def begin() -> None:
            async with database._access.connected() as connection:
                if breaks_off == "cancelled":
                    await connection.raw.execute("BEGIN")
                else:
                    async with asyncio.timeout(0):
                        await connection.raw.execute("BEGIN")

        first = await backend(database)
        for number in range(20):
            beginning = asyncio.create_task(begin())
            await asyncio.sleep(0)
            if breaks_off == "cancelled":
                beginning.cancel()
            with pytest.raises((asyncio.CancelledError, TimeoutError)):
                await beginning
            async with database._access.connected() as connection:
                await connection.raw.execute(f"INSERT INTO begun VALUES ({number})")
        assert await backend(database) == first  # it was reset, and not replaced
        await database.close()
        other = await asyncpg.connect(postgres_url)
        assert await other.fetchval("SELECT count(*) FROM begun") == 20
        await other.close()


async def test_a_transaction_that_a_user_left_open_is_nobody_elses(postgres_url: str) -> None:
    async with asyncio.timeout(30):
        database = opened(postgres_url, connections=1)
        await database.execute(["CREATE TABLE IF NOT EXISTS left_open (i int)", "DELETE FROM left_open"])
        async with database._access.connected() as connection:
            await connection.raw.execute("BEGIN; INSERT INTO left_open VALUES (1)")
        async with database._access.connected() as connection:
            await connection.raw.execute("INSERT INTO left_open VALUES (2)")
        await database.close()
        other = await asyncpg.connect(postgres_url)
        assert await other.fetchval("SELECT array_agg(i) FROM left_open") == [2]
        await other.close()


async def test_waiters_that_give_up_lose_no_connection(postgres_url: str) -> None:
    async with asyncio.timeout(30):
        database = opened(postgres_url, connections=1)
        reading = asyncio.create_task(database.rows("SELECT pg_sleep(0.2)", ()))
        await asyncio.sleep(0.05)
        waiting = [asyncio.create_task(database.rows("SELECT 1", ())) for _ in range(5)]
        await asyncio.sleep(0.05)
        for task in waiting[::2]:
            task.cancel()
        await reading
        ended = await asyncio.gather(*waiting, return_exceptions=True)
        assert [isinstance(end, asyncio.CancelledError) for end in ended] == [True, False, True, False, True]
        assert await database.rows("SELECT 1", ()) == [(1,)]
        await database.close()


async def test_opening_that_is_broken_off_anywhere_leaves_nothing_behind(postgres_url: str) -> None:
    async with asyncio.timeout(30):
        told: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        for steps in range(16):
            database = opened(postgres_url)
            work = asyncio.ensure_future(database.rows("SELECT 1", ()))
            for _ in range(steps):
                await asyncio.sleep(0.0002 if steps > 8 else 0)
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            if steps % 2:
                assert await database.rows("SELECT 1", ()) == [(1,)]
            await database.close()
            del work
        gc.collect()
        assert told == []


async def test_a_block_left_by_an_error_rolls_back(postgres_url: str) -> None:
    async with asyncio.timeout(30):
        database = opened(postgres_url, connections=1)
        await database.execute(["CREATE TABLE IF NOT EXISTS left_by_error (i int)"])

        async def broken_off(error: BaseException) -> None:
            async with database.transaction() as transaction:
                await transaction.execute("INSERT INTO left_by_error VALUES (1)")
                raise error

        for error in (ValueError("no"), asyncio.CancelledError()):
            with pytest.raises(type(error)):
                await broken_off(error)
            assert await database.rows("SELECT * FROM left_by_error", ()) == []
        await database.execute(["DROP TABLE left_by_error"])
        await database.close()


async def test_connections_that_break_are_replaced(postgres_url: str) -> None:
    async with asyncio.timeout(30):
        database = opened(postgres_url, connections=2)
        pid = await backend(database)
        other = await asyncpg.connect(postgres_url)
        reading = asyncio.create_task(database.rows("SELECT pg_backend_pid() FROM pg_sleep(0.3)", ()))
        await asyncio.sleep(0.05)
        await other.execute(f"SELECT pg_terminate_backend({pid})")
        assert await reading != [(pid,)]  # asked once more
        fresh = await backend(database)
        assert fresh != pid
        await other.execute(f"SELECT pg_terminate_backend({fresh})")  # this one while it is idle
        await asyncio.sleep(0.1)
        assert await backend(database) not in (pid, fresh)
        await other.close()
        await database.close()


async def test_a_connection_lost_while_committing_leaves_the_outcome_unknown(postgres_url: str) -> None:
    async with asyncio.timeout(30):
        store = open_sql("main", postgres_url)
        store.bind([AUTHOR, BOOK])
        await store.create()
        other = await asyncpg.connect(postgres_url)
        await other.execute(
            "CREATE FUNCTION pull_the_plug() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;"
            "CREATE CONSTRAINT TRIGGER plug AFTER INSERT ON author DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION pull_the_plug()"
        )
        for changes in ([add_author("one")], [add_author("one"), add_book("a", KeyOf(0))]):
            with pytest.raises(StoreUnavailable) as caught:
                await store.apply(changes)
            assert caught.value.is_outcome_unknown
        await other.execute("DROP FUNCTION pull_the_plug CASCADE")
        await other.close()
        await store.drop()
        await store.close()


async def test_tables_that_change_are_noticed(postgres_url: str) -> None:
    async with asyncio.timeout(30):
        database = opened(postgres_url)
        other = await asyncpg.connect(postgres_url)
        await other.execute("CREATE TABLE changing (a int)")
        assert await database.rows("SELECT * FROM changing", ()) == []
        await other.execute("ALTER TABLE changing ADD b int; INSERT INTO changing VALUES (1, 2)")
        assert await database.rows("SELECT * FROM changing", ()) == [(1, 2)]
        await other.execute("DROP TABLE changing")
        await other.close()
        await database.close()


async def test_a_server_that_goes_away_is_unavailable() -> None:
    async with asyncio.timeout(30):
        with EmbeddedPostgres() as server:
            database = opened(server.url, connect_timeout=3)
            assert await database.rows("SELECT 1", ()) == [(1,)]
        with pytest.raises(StoreUnavailable):
            await database.rows("SELECT 1", ())
        await database.close()


def test_each_loop_has_connections_of_its_own(postgres_url: str) -> None:
    database = opened(postgres_url)
    found: list[int] = []

    async def work() -> None:
        found.extend([await backend(database) for _ in range(5)])
        await database.close()

    threads = [threading.Thread(target=asyncio.run, args=(asyncio.wait_for(work(), 30),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert (len(found), len(set(found))) == (15, 3)


@pytest.fixture
def store(fresh_database: Any, postgres_url: str) -> SqlStore:
    made = open_sql("main", fresh_database(postgres_url))
    made.bind([AUTHOR, BOOK])
    return made


async def test_a_batch_tells_which_change_was_refused(store: SqlStore) -> None:
    async with asyncio.timeout(30):
        await store.create()
        await store.apply([add_author("a"), add_book("x", 1, "1")])
        with pytest.raises(UniqueViolation) as unique:
            await store.apply([add_book("y", 1, str(n)) for n in (3, 2, 1, 0)])
        assert (unique.value.fields, unique.value.position) == (("isbn",), 2)
        with pytest.raises(ReferenceViolation) as reference:
            await store.apply([add_author("b"), add_book("y", 1), add_book("y", 99)])
        assert (reference.value.fields, reference.value.position) == (("author",), 2)
        assert await store.count(Query("book")) == 1
        await store.close()


async def test_a_record_may_be_edited_twice_in_one_apply(store: SqlStore) -> None:
    async with asyncio.timeout(30):
        await store.create()
        await store.apply([add_author("a"), add_book("x", 1), add_book("y", 1)])
        await store.apply([edit_book(1, 1, title="p"), edit_book(2, 1, title="q"), edit_book(1, 2, title="r")])
        rows = sorted((row[0], row[1], row[-1]) for row in await store.fetch(Query("book")))
        assert rows == [(1, "r", 3), (2, "q", 2)]
        await store.close()


async def test_keys_given_by_hand_keep_the_counter_ahead(store: SqlStore) -> None:
    async with asyncio.timeout(30):
        await store.create()
        await store.apply([add_author("a", 7), add_author("b", 3)])
        (outcome,) = await store.apply([add_author("c")])
        assert outcome.key == 8
        await store.close()


@pytest.mark.parametrize("options", [{"connections": 0}, {"timeout": 0}, {"wrong": 1}])
def test_options_that_mean_nothing(options: dict[str, Any]) -> None:
    with pytest.raises(DeclarationError):
        open_sql("main", "postgresql://", **options)


@contextlib.asynccontextmanager
async def _pooler(url: str) -> AsyncIterator[str]:
    """Passes connections on as PgBouncer does: one that asks for a setting it does not know is refused."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes | None:
        size = await reader.readexactly(4)
        rest = await reader.readexactly(int.from_bytes(size, "big") - 4)
        if rest == (80877103).to_bytes(4, "big"):  # SSLRequest
            writer.write(b"N")
            size = await reader.readexactly(4)
            rest = await reader.readexactly(int.from_bytes(size, "big") - 4)
        if b"lock_timeout" in rest:
            told = b"SFATAL\0C08P01\0Munsupported startup parameter: lock_timeout\0\0"
            writer.write(b"E" + (len(told) + 4).to_bytes(4, "big") + told)
            return None
        return size + rest

    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    async with Relay(parts.hostname, parts.port, greet) as relay:
        yield parts._replace(netloc=f"postgres@127.0.0.1:{relay.port}").geturl()


async def _lock_timeouts(url: str, **options: Any) -> str:
    database = opened(url, **options)
    ((found,),) = await database.rows("SELECT current_setting('lock_timeout')", ())
    await database.close()
    return str(found)


async def test_a_lock_timeout_is_set_unless_it_is_set_elsewhere(postgres_url: str) -> None:
    async with asyncio.timeout(30), _pooler(postgres_url) as pooler:
        told = [
            await _lock_timeouts(postgres_url),
            await _lock_timeouts(postgres_url, lock_timeout=0.25),
            await _lock_timeouts(postgres_url, lock_timeout=None),
            await _lock_timeouts(f"{postgres_url}?lock_timeout=200", lock_timeout=7),
            await _lock_timeouts(pooler),
        ]
    assert told == ["1500ms", "250ms", "0", "200ms", "0"]  # asked again until lock_timeout is over
