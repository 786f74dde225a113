"""Connections that end while they are idle, or under load: the next call is answered."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar
from urllib.parse import urlsplit

import asyncpg
import pytest
import sqlalchemy as sa

from holdall.errors import DeclarationError, StoreUnavailable
from holdall.query import Query
from holdall.stores.sql import SqlStore, Tables, open_sql
from holdall.stores.sql.dialect import POSTGRESQL
from holdall.stores.sql.engine_connecting import EngineOptions, engine_at, url_of
from holdall.stores.sql.postgres import PostgresDatabase
from holdall.stores.sql.postgres_connecting import PostgresOptions
from tests.servers.killable import KillablePostgres
from tests.servers.relay import Relay
from tests.support.sql_collections import AUTHOR, BOOK, add_author

pytestmark = pytest.mark.anyio

T = TypeVar("T")
Kill = Callable[[], Coroutine[Any, Any, int]]


def opened(url: str, **options: Any) -> SqlStore:
    store = open_sql("main", url, **options)
    store.bind([AUTHOR, BOOK])
    return store


@pytest.fixture(params=["postgres_url", "mariadb_url"])
def url(request: pytest.FixtureRequest, fresh_database: Callable[[str], str]) -> str:
    return fresh_database(request.getfixturevalue(request.param))


_CLIENTS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
)
_OTHERS = sa.text("SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()")


def killing(url: str) -> Kill:
    """Ends all other connections to the database, as an administrator does, and tells how many."""
    if url.startswith("postgresql"):

        async def kill() -> int:
            other = await asyncpg.connect(url)
            ended = await other.fetch(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            for _ in range(1_000):
                if await other.fetchval(_CLIENTS) == 1:
                    break
                await asyncio.sleep(0.005)
            await other.close()
            return len(ended)

        return kill

    async def kill_all() -> int:
        engine = engine_at(url_of(url), EngineOptions())
        async with engine.connect() as other:
            ids = [number for (number,) in await other.execute(_OTHERS)]
            for number in ids:
                await other.exec_driver_sql(f"KILL {number}")
            for _ in range(1_000):
                if not list(await other.execute(_OTHERS)):
                    break
                await asyncio.sleep(0.005)
        await engine.dispose()
        return len(ids)

    return kill_all


@pytest.mark.parametrize("is_loop_blocked", [False, True])
async def test_after_idle_connections_were_killed_the_next_call_is_answered(url: str, is_loop_blocked: bool) -> None:
    async with asyncio.timeout(60):
        store = opened(url, connections=4)
        await store.create()
        kill = killing(url)

        async def end_all() -> None:
            await asyncio.gather(*(store.count(Query("author")) for _ in range(4)))
            if is_loop_blocked:  # so that it cannot have seen the end of any connection
                killer = threading.Thread(target=lambda: asyncio.run(kill()))
                killer.start()
                killer.join()
            else:
                assert await kill() >= 1

        await end_all()
        assert await store.count(Query("author")) == 0
        await end_all()
        assert len(await store.apply([add_author("a")])) == 1
        await end_all()
        assert len(await store.apply([add_author("b"), add_author("c")])) == 2
        await end_all()
        async with store.transaction() as transaction:
            await transaction.apply([add_author("d")])
        await end_all()
        assert [len(rows) async for rows in store.stream(Query("author"), 10)] == [4]
        await store.close()


_TOLD = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"


async def test_a_connection_that_was_told_its_end_and_is_not_closed_yet_is_replaced(
    postgres_url: str, fresh_database: Callable[[str], str]
) -> None:
    async with asyncio.timeout(60):
        store = opened(fresh_database(postgres_url), connections=2)
        await store.create()

        async def tell_all() -> None:
            await asyncio.gather(*(store.count(Query("author")) for _ in range(2)))
            database: Any = store._database
            connections = database._access.pool()._free
            assert connections
            for connection in connections:
                message = b"E" + (len(_TOLD) + 4).to_bytes(4, "big") + _TOLD
                connection.raw._transport.get_protocol().data_received(message)

        await tell_all()
        assert await store.count(Query("author")) == 0
        await tell_all()
        assert len(await store.apply([add_author("a")])) == 1
        await tell_all()
        assert len(await store.apply([add_author("b"), add_author("c")])) == 2
        await tell_all()
        async with store.transaction() as transaction:
            await transaction.apply([add_author("d")])
        await tell_all()
        assert [len(rows) async for rows in store.stream(Query("author"), 10)] == [4]
        await store.close()


async def test_a_network_that_forgot_idle_connections_costs_a_moment(postgres_url: str) -> None:
    async with asyncio.timeout(60):
        parts = urlsplit(postgres_url)
        assert parts.hostname is not None
        assert parts.port is not None
        async with Relay(parts.hostname, parts.port) as relay:
            url = parts._replace(netloc=f"postgres@127.0.0.1:{relay.port}").geturl()
            database = PostgresDatabase(
                "main", url, Tables(POSTGRESQL), PostgresOptions(connections=3, ping_after=0, timeout=30)
            )
            await asyncio.gather(*(database.rows("SELECT pg_sleep(0.05)", ()) for _ in range(3)))
            await asyncio.sleep(0.01)
            relay.forget()
            assert await asyncio.wait_for(database.rows("SELECT 1", ()), 10) == [(1,)]
            await database.close()


async def test_an_old_connection_is_replaced(postgres_url: str) -> None:
    async with asyncio.timeout(60):
        database = PostgresDatabase("main", postgres_url, Tables(POSTGRESQL), PostgresOptions(recycle=0.05))
        seen = set()
        for _ in range(3):
            ((pid,),) = await database.rows("SELECT pg_backend_pid()", ())
            seen.add(pid)
            await asyncio.sleep(0.1)
        assert len(seen) == 3
        await database.close()


async def test_a_server_that_takes_no_writes_any_more_is_left(
    postgres_url: str, fresh_database: Callable[[str], str]
) -> None:
    """As after a failover, when the name leads to another server: here new connections may write again."""
    direct = fresh_database(postgres_url)

    async with asyncio.timeout(60):
        store = opened(direct, connections=3)
        await store.create()
        await asyncio.gather(*(store.count(Query("author")) for _ in range(3)))
        pool = store._database._access.pool()  # type: ignore[attr-defined]
        for connection in pool._free:
            await connection.raw.execute("SET default_transaction_read_only = on")
        await store.apply([add_author("a")])
        await store.apply([add_author("b"), add_author("c")])
        assert await store.count(Query("author")) == 3
        await store.close()


@pytest.fixture
def server() -> Iterator[KillablePostgres]:
    with KillablePostgres() as made:
        yield made


async def test_a_server_that_was_started_anew_under_load_answers_the_next_call(server: KillablePostgres) -> None:
    async with asyncio.timeout(60):
        store = opened(server.url, connections=5, connect_timeout=2)
        await store.create()
        acknowledged, wrong = set[str](), list[BaseException]()
        is_over = False

        async def load(worker: int) -> None:
            number = 0
            while not is_over:
                number += 1
                name = f"{worker}.{number}"
                try:
                    await store.apply([add_author(name)])
                    acknowledged.add(name)
                    await store.count(Query("author"))
                except StoreUnavailable:
                    await asyncio.sleep(0.01)
                except BaseException as error:
                    wrong.append(error)

        workers = [asyncio.create_task(load(number)) for number in range(8)]
        await asyncio.sleep(0.3)
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        is_over = True
        await asyncio.gather(*workers)
        assert wrong == []
        found = {row[1] for row in await store.fetch(Query("author"))}
        assert acknowledged <= found
        assert len(await store.apply([add_author("after")])) == 1
        await store.close()


@pytest.mark.parametrize("setting", ["application_name=orders", "application_name=a%20b"])
async def test_the_name_that_a_url_gives_the_program_stays(postgres_url: str, setting: str) -> None:
    async with asyncio.timeout(60):
        database = PostgresDatabase("main", f"{postgres_url}?{setting}", Tables(POSTGRESQL), PostgresOptions())
        ((name,),) = await database.rows("SELECT current_setting('application_name')", ())
        await database.close()
        assert str(name) == {"application_name=orders": "orders", "application_name=a%20b": "a b"}[setting]


async def test_words_of_other_drivers_are_no_settings_of_the_server(postgres_url: str) -> None:
    async with asyncio.timeout(60):
        url = f"{postgres_url}?connect_timeout=7&keepalives=1&pgbouncer=true&channel_binding=prefer&work_mem=2MB"
        database = PostgresDatabase("main", url, Tables(POSTGRESQL), PostgresOptions())
        assert await database.rows("SELECT current_setting('work_mem')", ()) == [("2MB",)]
        assert await database.rows("SELECT count(*) FROM pg_prepared_statements WHERE name <> ''", ()) == [(0,)]
        await database.close()


@pytest.mark.parametrize("options", [{"recycle": 0}, {"recycle": -1.0}, {"ping_after": -1.0}, {"statements": -1}])
@pytest.mark.parametrize("place", ["postgresql://h/d", "mariadb://h/d"])
def test_ages_that_mean_nothing(place: str, options: dict[str, Any]) -> None:
    with pytest.raises(DeclarationError):
        open_sql("main", place, **options)


_TOLD = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"


@pytest.mark.parametrize("titles", [["a"], ["a", "b"]])
async def test_a_write_to_a_connection_that_was_told_its_end_and_is_still_open_goes_to_another(
    postgres_url: str, fresh_database: Callable[[str], str], titles: list[str]
) -> None:
    parts = urlsplit(fresh_database(postgres_url))
    clients: list[asyncio.StreamWriter] = []

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        clients.append(writer)
        return b""

    async with asyncio.timeout(60), Relay(str(parts.hostname), parts.port or 5432, greet) as relay:
        store = opened(f"postgresql://{parts.username}@127.0.0.1:{relay.port}{parts.path}")
        await store.create()
        await store.apply([add_author("before"), add_author("then")])  # which learns what tells single statements apart
        for client in clients:
            client.write(b"E" + (len(_TOLD) + 4).to_bytes(4, "big") + _TOLD)  # an error of the server, without an end
        await asyncio.sleep(0.05)  # in which the driver reads it
        assert len(await store.apply([add_author(title) for title in titles])) == len(titles)
        assert await store.count(Query("author")) == 2 + len(titles)
        assert len(clients) >= 2
        await store.close()
