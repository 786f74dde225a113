"""Groups that the server makes of documents that others wrote: absent fields, other numbers, and what is none."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import pymongo
import pytest
from bson import Decimal128, Int64

from holdall import Holdall, Model, expr, field, rows
from holdall.errors import CorruptRecord, LimitExceeded

pytestmark = pytest.mark.anyio


class Visit(Model, collection="visits"):
    id: int = field(pk=True)
    place: str | None = field(default=None)
    length: int | None = field(default=None)
    score: float | None = field(default=None)
    price: Decimal | None = field(default=None, digits=12, places=2)


_LENGTH, _SCORE, _PRICE = expr(Visit.length), expr(Visit.score), expr(Visit.price)


@pytest.fixture
async def app(mongo_url: str, fresh_database: Callable[[str], str]) -> AsyncIterator[tuple[Holdall, Any]]:
    url = fresh_database(mongo_url)
    made = Holdall("groups")
    made.add_store("main", url)
    made.add(Visit, store="main")
    await made.create()
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        yield made, client.get_default_database()["visits"]
    await made.close()


async def test_an_absent_field_is_a_missing_value(app: tuple[Holdall, Any]) -> None:
    made, documents = app
    documents.insert_many(
        [{"_id": 1, "place": None, "length": 3}, {"_id": 2}, {"_id": 3, "place": "a", "length": None}]
    )
    query = Visit.where().group_by(Visit.place).only(Visit.place, rows(), _LENGTH.count(), _LENGTH.sum())
    async with made.session() as session:
        assert await session.query(query.sort(Visit.place)) == [(None, 2, 1, 3), ("a", 1, 0, None)]


async def test_numbers_of_other_types_are_added_as_what_they_are(app: tuple[Holdall, Any]) -> None:
    made, documents = app
    documents.insert_many(
        [
            {"_id": 1, "length": Int64(2**62), "score": 1, "price": Decimal128("0.10")},
            {"_id": 2, "length": 5, "score": 0.5, "price": 2},
            {"_id": 3, "length": 7.0},
        ]
    )
    async with made.session() as session:
        found = await session.one(Visit.where().only(_LENGTH.sum(), _SCORE.sum(), _PRICE.sum(), _PRICE.avg()))
        assert found == (2**62 + 12, 1.5, Decimal("2.1"), Decimal("1.05"))


@pytest.mark.parametrize("value", ["long", 2.5, True, [1]])
async def test_what_is_no_number_is_told_by_its_record(app: tuple[Holdall, Any], value: Any) -> None:
    made, documents = app
    documents.insert_many([{"_id": 1, "length": 3, "score": 0.5}, {"_id": 2, "length": value, "score": 0.5}])
    async with made.session() as session:
        for query in (Visit.where().only(_LENGTH.sum()), Visit.where().only(_LENGTH.avg(), _SCORE.sum())):
            with pytest.raises(CorruptRecord, match="length"):
                await session.query(query)


async def test_sums_that_have_no_place(app: tuple[Holdall, Any]) -> None:
    made, documents = app
    documents.insert_many([{"_id": number, "length": Int64(2**62), "score": 1e308} for number in range(3)])
    async with made.session() as session:
        assert await session.one(Visit.where().only(_LENGTH.avg())) == (float(2**62),)
        for total in (_LENGTH.sum(), _SCORE.sum()):
            with pytest.raises(LimitExceeded):
                await session.query(Visit.where().only(total))
