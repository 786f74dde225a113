"""Options of connections, which have the same words in every store, and what each of them does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from holdall.errors import DeclarationError, StoreTimeout
from holdall.store import open_store

pytestmark = pytest.mark.anyio

URLS = {
    "postgres": "postgresql://h/x",
    "mariadb": "mariadb://h/x",
    "mongo": "mongodb://h/x",
    "redis": "redis://h",
    "rest": "https://h",
}
WORDS = ("connections", "acquire_timeout", "connect_timeout", "timeout")


@pytest.mark.parametrize("word", [*WORDS, "idle_timeout"])
@pytest.mark.parametrize("url", URLS.values(), ids=URLS)
def test_every_networked_store_knows_the_word(url: str, word: str) -> None:
    open_store("main", url, **{word: 3})
    with pytest.raises(DeclarationError, match="above zero"):
        open_store("main", url, **{word: 0})


@pytest.mark.parametrize("url", URLS.values(), ids=URLS)
def test_what_a_store_does_not_know_is_refused(url: str) -> None:
    with pytest.raises((DeclarationError, TypeError)):
        open_store("main", url, conections=3)


@pytest.mark.parametrize(
    "url, word", [(URLS[name], word) for name in ("mongo", "rest") for word in ("recycle", "ping_after")]
)
def test_what_a_driver_cannot_keep_is_refused(url: str, word: str) -> None:
    with pytest.raises((DeclarationError, TypeError)):
        open_store("main", url, **{word: 3.0})


@pytest.fixture(params=["postgres_url", "mariadb_url"])
def url(request: pytest.FixtureRequest, fresh_database: Callable[[str], str]) -> str:
    return fresh_database(request.getfixturevalue(request.param))


async def test_the_wait_for_a_connection_is_bounded(url: str) -> None:
    store: Any = open_store("main", url, connections=1, acquire_timeout=0.1)
    await store.ping()
    async with store.native():
        assert store.pool().used == 1
        with pytest.raises(StoreTimeout):
            await store.ping()
    await store.ping()
    await store.close()


async def test_an_idle_connection_is_closed(url: str) -> None:
    store: Any = open_store("main", url, idle_timeout=0.2)
    number = "SELECT pg_backend_pid()" if url.startswith("postgres") else "SELECT CONNECTION_ID()"
    first = (await store.sql(number, {}, limit=1)).rows
    assert (await store.sql(number, {}, limit=1)).rows == first
    await asyncio.sleep(0.5)
    if url.startswith("postgres"):
        assert store.pool().open == 0
    assert (await store.sql(number, {}, limit=1)).rows != first
    await store.close()


async def test_a_statement_is_bounded(url: str) -> None:
    store: Any = open_store("main", url, timeout=1.0)
    await store.ping()
    slow = "SELECT pg_sleep(20)" if url.startswith("postgres") else "SELECT SLEEP(20) FROM information_schema.tables"
    async with asyncio.timeout(15):
        with pytest.raises(StoreTimeout):
            await store.sql(slow, {}, limit=1000)
    await store.ping()
    await store.close()


async def test_a_statement_that_alters_tables_takes_its_time(url: str) -> None:
    store: Any = open_store("main", url, timeout=0.2)
    slow = "SELECT pg_sleep(0.5)" if url.startswith("postgres") else "SELECT SLEEP(0.5) FROM information_schema.tables"
    async with store._database.altering() as connections:
        assert await connections.run(lambda connection: len(connection.exec_driver_sql(f"{slow} LIMIT 1").all())) == 1
    await store.close()
