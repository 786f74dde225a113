"""PostgreSQL behind a transaction pooler: each transaction runs on another connection of the server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import asyncpg
import pytest

from holdall import Holdall, Model, field
from holdall.errors import LockConflict, StoreError
from holdall.stores.sql import SqlStore, Tables, open_sql
from holdall.stores.sql.dialect import POSTGRESQL
from holdall.stores.sql.postgres import PostgresDatabase
from holdall.stores.sql.postgres_connecting import PostgresOptions
from holdall.testing.conformance import StoreConformance
from tests.servers.pgbouncer import PgBouncer
from tests.support.sql_collections import AUTHOR, BOOK, add_author

pytestmark = pytest.mark.anyio

T = TypeVar("T")


class Cat(Model):
    id: int = field(pk=True, generated=True)
    name: str


class Dog(Model):
    id: int = field(pk=True, generated=True)
    name: str


@pytest.fixture(scope="session")
def pooler(postgres_url: str) -> Iterator[PgBouncer]:
    if PgBouncer.program() is None:
        pytest.skip("not run: pgbouncer is not installed (Debian's package pgbouncer)")
    with PgBouncer(postgres_url) as made:
        yield made


@pytest.fixture(scope="session")
def pooled_url(pooler: PgBouncer, postgres_url: str) -> str:
    return pooler.url_of(postgres_url)


@pytest.fixture
def direct_url(fresh_database: Callable[[str], str], postgres_url: str) -> str:
    return fresh_database(postgres_url)


class TestPostgresqlBehindAPooler(StoreConformance):
    """Nothing tells that the pooler is there, so statements are prepared until some were forgotten."""

    examples = 15
    is_look = False
    histories = 3

    def open_store(self, request: pytest.FixtureRequest) -> SqlStore:
        return open_sql("pooled", request.getfixturevalue("pooled_url"), lock_timeout=None)


async def _hold(url: str) -> asyncpg.Connection:
    """Keep one connection of the server, so that the next transaction runs on another one."""
    connection = await asyncpg.connect(url, statement_cache_size=0)
    await connection.execute("BEGIN")
    return connection


async def _animals(direct: str, url: str, **options: Any) -> tuple[Holdall, Holdall]:
    made = Holdall("cats"), Holdall("dogs")
    for app, model in zip(made, (Cat, Dog), strict=True):
        app.add_store("main", direct)
        app.add(model, store="main")
        await app.create()
        async with app.session() as session:
            session.add(model(name=model.__name__))
        await app.close()
    made = Holdall("cats"), Holdall("dogs")
    for app, model in zip(made, (Cat, Dog), strict=True):
        app.add_store("main", url, connections=1, **options)
        app.add(model, store="main")
    return made


async def _names(app: Holdall, model: type[Cat | Dog]) -> list[str]:
    async with app.session() as session:
        return [record.name for record in await session.query(model.where())]


# with a lock timeout of the server's own, the pooler refuses nothing, and nothing tells that it is there
@pytest.mark.parametrize("options", [{"lock_timeout": None}, {}, {"statements": 0}])
async def test_a_statement_of_one_client_is_never_run_for_another(
    options: dict[str, Any], pooler: PgBouncer, direct_url: str
) -> None:
    async with asyncio.timeout(60):
        url = pooler.url_of(direct_url)
        cats, dogs = await _animals(direct_url, url, **options)
        one = await _hold(url)
        assert await _names(cats, Cat) == ["Cat"]  # on the second connection of the server
        two = await _hold(url)
        await one.execute("ROLLBACK")
        assert await _names(dogs, Dog) == ["Dog"]  # on the first
        for _ in range(5):
            assert await _names(cats, Cat) == ["Cat"]
            await two.execute("ROLLBACK")
            one, two = two, one
            await two.execute("BEGIN")
        for held in (one, two):
            await held.close()
        await cats.close()
        await dogs.close()


@pytest.mark.parametrize("options", [{"lock_timeout": None}, {}])
async def test_many_clients_at_once_write_what_they_mean(
    options: dict[str, Any], pooler: PgBouncer, direct_url: str
) -> None:
    async with asyncio.timeout(60):
        cats, dogs = await _animals(direct_url, pooler.url_of(direct_url), **options)

        async def work(app: Holdall, model: type[Cat | Dog], number: int) -> None:
            async with app.session() as session:
                session.add(model(name=f"{model.__name__} {number}"))
            async with app.session() as session:
                found = await session.query(model.where(model.name == f"{model.__name__} {number}"))
                found[0].name += " renamed"
            async with app.session() as session:
                session.add_all([model(name="twice"), model(name="twice")])

        works = [work(app, model, n) for n in range(15) for app, model in ((cats, Cat), (dogs, Dog))]
        await asyncio.gather(*works)
        for app, model in ((cats, Cat), (dogs, Dog)):
            kind = model.__name__
            wanted = [kind, *(f"{kind} {n} renamed" for n in range(15)), *["twice"] * 30]
            assert sorted(await _names(app, model)) == sorted(wanted)
            await app.close()


async def test_statements_that_the_server_forgot_are_prepared_again(postgres_url: str) -> None:
    async with asyncio.timeout(60):
        database = PostgresDatabase("main", postgres_url, Tables(POSTGRESQL), PostgresOptions(connections=1))
        for _ in range(6):
            assert await database.rows("SELECT $1::int", (7,)) == [(7,)]
            async with database._access.connected() as connection:
                await connection.raw.execute("DISCARD ALL")
        await database.close()


async def test_a_stream_behind_a_pooler_stays_on_its_connection(pooled_url: str) -> None:
    async with asyncio.timeout(60):
        database = PostgresDatabase("main", pooled_url, Tables(POSTGRESQL), PostgresOptions())
        for _ in range(3):
            held = await _hold(pooled_url)
            batches = [rows async for rows in database.batches("SELECT * FROM generate_series(1, 5)", (), 2)]
            assert batches == [[(1,), (2,)], [(3,), (4,)], [(5,)]]
            await held.close()
        await database.close()


async def test_a_commit_waits_for_locks_only_as_long_as_it_is_told(pooler: PgBouncer, direct_url: str) -> None:
    """The pooler takes no such setting when a connection is opened."""

    async with asyncio.timeout(60):
        store = open_sql("main", pooler.url_of(direct_url), lock_timeout=0.1)
        store.bind([AUTHOR, BOOK])
        await store.create()
        locking = await asyncpg.connect(direct_url)
        await locking.execute("BEGIN; LOCK TABLE author IN ACCESS EXCLUSIVE MODE")
        for changes in ([add_author("a")], [add_author("a"), add_author("b")]):
            with pytest.raises(LockConflict):
                await asyncio.wait_for(store.apply(changes), 10)
        await locking.close()
        assert len(await store.apply([add_author("a")])) == 1
        await store.close()


@pytest.mark.parametrize("through_pooler", [True, False])
async def test_a_setting_that_nobody_knows_is_told_by_name(
    through_pooler: bool, request: pytest.FixtureRequest, postgres_url: str
) -> None:
    async with asyncio.timeout(60):
        url = request.getfixturevalue("pooled_url") if through_pooler else postgres_url
        database = PostgresDatabase("main", f"{url}?pool_size=3", Tables(POSTGRESQL), PostgresOptions())
        with pytest.raises(StoreError, match="setting pool_size"):
            await database.rows("SELECT 1", ())
        await database.close()
