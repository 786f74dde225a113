"""Rows that PostgreSQL inserts by a statement that is the whole commit: what is left to ``apply``, what goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from msgspec.structs import replace

from holdall.errors import StoreUnavailable
from holdall.query import Query
from holdall.store import APPLIED, Store
from holdall.stores.sql import open_sql
from tests.support.added_rows import ID, KEYED, NAME, PRICE, applied, ready, stored

pytestmark = pytest.mark.anyio


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    store = open_sql("main", url)
    store.bind([KEYED])
    await store.create()
    await applied(store, "keyed", (1, "first", None))  # the connection learns what it must know of its tables
    yield store
    await store.close()


async def test_a_table_that_has_a_trigger_is_left_to_apply(store: Store, raw: asyncpg.Connection) -> None:
    add = ready(store, "keyed")
    await raw.execute(
        "CREATE FUNCTION keep_out() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;"
        "CREATE TRIGGER out BEFORE INSERT ON keyed FOR EACH ROW EXECUTE FUNCTION keep_out()"
    )
    with pytest.raises(StoreUnavailable, match="trigger") as caught:  # it came since the connection has looked
        await add((2, "b", None))
    assert caught.value.is_outcome_unknown
    assert await add((2, "b", None)) is None
    await raw.execute("DROP FUNCTION keep_out CASCADE")


async def test_tables_that_are_bound_anew_are_looked_up(store: Store, raw: asyncpg.Connection) -> None:
    add = ready(store, "keyed")
    store.bind([replace(KEYED, name="keyed", fields=(ID, replace(NAME, columns=("label",)), PRICE))])
    assert await add((2, "b", None)) is None
    await raw.execute("ALTER TABLE keyed RENAME COLUMN name TO label")
    await store.fetch(Query("keyed"))
    assert await add((2, "b", None)) == APPLIED
    assert await stored(store, "keyed") == {1: ("first", None), 2: ("b", None)}


async def test_a_lost_connection_has_another_try_unless_something_may_be_written(
    store: Store, raw: asyncpg.Connection
) -> None:
    add = ready(store, "keyed")
    await raw.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await asyncio.sleep(0.1)
    if await add((2, "b", None)) is None:  # the connection that is new has yet to learn
        await applied(store, "keyed", (2, "b", None))
    await raw.execute(
        "CREATE FUNCTION pull_the_plug() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;"
        "CREATE CONSTRAINT TRIGGER plug AFTER INSERT ON keyed DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION pull_the_plug()"
    )
    with pytest.raises(StoreUnavailable) as caught:
        await add((3, "c", None))
    assert caught.value.is_outcome_unknown
    assert await stored(store, "keyed") == {1: ("first", None), 2: ("b", None)}
