"""Sums of decimals for which a DECIMAL of MariaDB has no room are added all the same."""

from __future__ import annotations

from decimal import Decimal

import pytest

from holdall.query import FieldSchema, Kind, Schema, parse_query
from holdall.store import Change, Verb
from holdall.stores.sql import open_sql

pytestmark = pytest.mark.anyio

SALE = Schema(
    "sale_of_many_digits",
    (FieldSchema("id", Kind.INT), FieldSchema("price", Kind.DECIMAL, nullable=True)),
    key=("id",),
)


async def test_a_sum_of_more_digits_than_a_column_has(mariadb_url: str) -> None:
    store = open_sql("main", mariadb_url)
    store.bind([SALE])
    await store.drop()
    await store.create()
    large = Decimal("9" * 35 + "." + "0" * 29 + "1")
    try:
        changes = [Change(Verb.ADD, SALE.name, number, ("id", "price"), (number, large)) for number in range(2)]
        await store.apply(changes)
        found = await store.fetch(parse_query(f"{SALE.name} only sum(price), rows(), max(price)"))
        assert found == [(Decimal("1" + "9" * 34 + "8." + "0" * 29 + "2"), 2, large)]
        assert await store.fetch(parse_query(f"{SALE.name} where id = 1 only sum(price)")) == [(large,)]
    finally:
        await store.drop()
        await store.close()
