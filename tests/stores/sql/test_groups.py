"""Groups that SQLite makes, where its values are damaged, spelled by others, or larger than its own sums."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from holdall.errors import CorruptRecord, LimitExceeded, QueryError
from holdall.query import MAX_INT, FieldSchema, Kind, Schema, parse_query
from holdall.store import Change, Rows, Verb
from holdall.stores.sql import SqlStore, open_sql

pytestmark = pytest.mark.anyio

SALE = Schema(
    "sale",
    (
        FieldSchema("id", Kind.INT),
        FieldSchema("price", Kind.DECIMAL, nullable=True, digits=18, places=4),
        FieldSchema("sold", Kind.DATETIME, nullable=True),
        FieldSchema("number", Kind.INT, nullable=True),
    ),
    key=("id",),
)


async def opened(path: Path, driver: str = "apsw") -> SqlStore:
    store = open_sql("main", f"sqlite:///{path}?driver={driver}" if driver != "apsw" else f"sqlite:///{path}")
    store.bind([SALE])
    await store.create()
    return store


def added(number: int, price: str | None = None, sold: datetime | None = None, count: int | None = None) -> Change:
    values = (number, None if price is None else Decimal(price), sold, count)
    return Change(Verb.ADD, "sale", number, ("id", "price", "sold", "number"), values)


async def asked(store: SqlStore, text: str) -> Rows:
    return await store.fetch(parse_query(text))


@pytest.mark.parametrize("driver", ["apsw", "stdlib"])
async def test_decimals_are_never_added_as_floats(tmp_path: Path, driver: str) -> None:
    store = await opened(tmp_path / "test.db", driver)
    await store.apply([added(1, "99999999999999.9999"), added(2, "0.0001"), added(3)])
    assert await asked(store, "sale only sum(price), count(price)") == [(Decimal("100000000000000.0000"), 2)]
    await store.close()


@pytest.mark.parametrize("driver", ["apsw", "stdlib"])
async def test_integers_that_have_no_room_on_the_way_are_added(tmp_path: Path, driver: str) -> None:
    store = await opened(tmp_path / "test.db", driver)
    numbers = (MAX_INT, MAX_INT, -MAX_INT, -5)
    await store.apply([added(number, count=count) for number, count in enumerate(numbers)])
    assert await asked(store, "sale only sum(number)") == [(MAX_INT - 5,)]
    assert await asked(store, "sale where id < 2 only avg(number)") == [(float(MAX_INT),)]
    grouped = "sale group price sort -sum(number) limit 1 only rows(), sum(number)"
    assert await asked(store, grouped) == [(4, MAX_INT - 5)]
    with pytest.raises(LimitExceeded, match=r"sum\(number\)"):
        await asked(store, "sale where id < 2 only sum(number)")
    await store.close()


async def test_a_value_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "test.db"
    store = await opened(path)
    await store.apply([added(7, "1.5"), added(8, "2.5")])
    await store.close()
    with sqlite3.connect(path) as connection:
        connection.create_collation("holdall_decimal", lambda left, right: (left > right) - (left < right))
        connection.execute("UPDATE sale SET price = 'dear' WHERE id = 8")
    connection.close()
    store = await opened(path)
    for text in ("sale only sum(price)", "sale only min(price)", "sale group price"):
        with pytest.raises(CorruptRecord, match="price"):
            await asked(store, text)
    assert await asked(store, "sale where id = 7 only sum(price)") == [(Decimal("1.5"),)]
    await store.close()


async def test_moments_that_others_spell_are_grouped_by_what_they_are(tmp_path: Path) -> None:
    path = tmp_path / "test.db"
    with sqlite3.connect(path) as connection:
        connection.execute(
            "CREATE TABLE sale (id INTEGER PRIMARY KEY NOT NULL, price TEXT, sold DATETIME, number BIGINT)"
        )
        moments = ("2024-05-06 07:08:09", "2024-05-06 07:08:09.000000", "2024-05-07 00:00:00")
        connection.executemany("INSERT INTO sale (id, sold) VALUES (?, ?)", enumerate(moments))
    connection.close()
    store = open_sql("main", f"sqlite:///{path}")
    store.bind([SALE])
    first = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
    found = await asked(store, "sale group sold sort -rows() only sold, rows()")
    assert found[0] == (first, 2)
    assert await asked(store, "sale only min(sold), count(distinct sold)") == [(first, 2)]
    await store.close()


async def test_a_transaction_groups_its_own_changes(tmp_path: Path) -> None:
    store = await opened(tmp_path / "test.db")
    async with store.transaction() as transaction:
        await transaction.apply([added(1, count=3), added(2, count=4)])
        assert await transaction.fetch(parse_query("sale only sum(number)")) == [(7,)]
    await store.close()


async def test_values_of_having_are_checked_each_time(tmp_path: Path) -> None:
    store = await opened(tmp_path / "test.db")
    await store.apply([added(1, count=3)])
    assert await asked(store, "sale group id having sum(number) > 2 only id") == [(1,)]
    assert await asked(store, "sale group id having sum(number) > 3 only id") == []
    with pytest.raises(QueryError):
        await asked(store, 'sale group id having sum(number) > "2" only id')
    await store.close()
