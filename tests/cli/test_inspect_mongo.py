"""Models written for documents that other programs made with their driver's defaults."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pymongo
import pytest
from bson import Binary, DBRef, Decimal128, Int64, ObjectId, Timestamp
from bson.codec_options import CodecOptions

from holdall.query import Kind
from holdall.stores.mongo.described_collections import Sampled, described_collection
from tests.support.foreign import inspected, is_type_checked, runs
from tests.support.mongo_collections import fresh
from tests.support.terminal import run

_CUSTOMERS = [ObjectId(f"65f0c0ffee0123456789{n:04x}") for n in range(3)]
_MOMENT = datetime(2024, 5, 6, 7, 8, 9, 123_000, tzinfo=UTC)
_PROGRAM = """
import asyncio
from found import Customers, OrderLines, app

async def main() -> None:
    async with app.session() as s:
        ada = await s.one(Customers.where(Customers.e_mail == "ada@example.com"))
        print(ada.id, ada.address["city"], ada.tags, ada.since.isoformat())
        ada.address["city"] = "Paris"
        s.add(OrderLines(customer=ada, price=ada.limit, class_="b"))
    async with app.session() as s:
        lines = await s.query(OrderLines.where(OrderLines.customer.e_mail == "ada@example.com"))
        print(sorted((line.class_, line.price) for line in lines))

asyncio.run(main())
"""


@pytest.fixture
def shop(mongo_url: str) -> str:
    url = fresh(mongo_url)
    database: Any = pymongo.MongoClient(url, tz_aware=True).get_default_database(
        codec_options=CodecOptions(uuid_representation=4)
    )
    database["customers"].insert_many(
        [
            {
                "_id": key,
                "e-mail": f"{name}@example.com",
                "address": {"city": "London", "moved": _MOMENT, "by": ObjectId("0" * 24)},
                "tags": ["a", "b"],
                "since": _MOMENT,
                "limit": Decimal128("12.50"),
                "visits": Int64(2**40),
                "mark": UUID(int=7),
                "score": score,
                "__v": 0,
            }
            | ({"nick": "n"} if name == "ada" else {})
            for key, name, score in zip(_CUSTOMERS, ("ada", "bob", "eve"), (1, 2.5, 3), strict=True)
        ]
    )
    database["customers"].create_index("e-mail", unique=True)
    database["order-lines"].insert_many(
        [{"customer_id": key, "price": Decimal128("1"), "class": "a", "seen": Timestamp(1, 1)} for key in _CUSTOMERS]
    )
    database["order-lines"].create_index("customer_id")
    database["fs.files"].insert_one({"_id": {"bucket": "x", "n": 1}, "odd": [1, "a"], "both": 1})
    database["fs.files"].insert_one({"_id": {"bucket": "x", "n": 2}, "odd": [], "both": "a"})
    database["mixed"].insert_many([{"_id": 1}, {"_id": "a"}])
    database.create_collection("empty")
    database.client.close()
    return url


def test_models_for_documents_of_others_fit_and_run(shop: str, tmp_path: Path) -> None:
    written = inspected(tmp_path, shop)
    assert '    id: ObjectId = field(column="_id", pk=True, generated=True)' in written
    assert '    e_mail: str = field(column="e-mail", unique=True)' in written
    assert '    customer: Ref[Customers] = field(column="customer_id")' in written
    assert "# every key that was seen is one of customers" in written
    assert "MongoCollection(native_dates=True, extended_json=True)" in written
    assert "    tags: list[str]\n" in written
    assert "    address: dict[str, Any]\n" in written
    assert "    score: float\n" in written
    assert "    nick: str | None = None\n" in written
    assert "# field seen has values of a BSON type that no field has (Timestamp), and is left out" in written
    assert "# mixed is left out:\n#   its _id has values of several types" in written
    assert "# empty is left out:\n#   it has no documents" in written
    assert "    odd: list[Any]\n" in written
    assert "    both: JSON = None\n" in written
    assert runs(tmp_path, _PROGRAM) == (
        f"{_CUSTOMERS[0]} London ['a', 'b'] 2024-05-06T07:08:09.123000+00:00\n"
        "[('a', Decimal('1')), ('b', Decimal('12.50'))]\n"
    )
    is_type_checked(written, "mongo", mongodb=shop)
    found: Any = pymongo.MongoClient(shop, tz_aware=True).get_default_database()
    ada = found["customers"].find_one({"e-mail": "ada@example.com"})
    assert ada["address"] == {"by": ObjectId("0" * 24), "city": "Paris", "moved": _MOMENT}
    (line,) = found["order-lines"].find({"class": "b"})
    assert (type(line["_id"]), line["customer_id"]) == (ObjectId, _CUSTOMERS[0])
    assert found["order-lines"].find_one({"class": "a"})["seen"] == Timestamp(1, 1)
    found.client.close()


def test_only_the_collection_that_is_asked_for(shop: str, tmp_path: Path) -> None:
    written = inspected(tmp_path, shop, "--collection", "order-lines", "--sample", "2")
    assert "customer_id: ObjectId = field(index=True)" in written
    assert "Customers" not in written
    missing = run(tmp_path, "holdall", "inspect", shop, "--collection", "nowhere")
    assert (missing.code, missing.errors) == (1, "holdall: there is no collection 'nowhere'\n")


@pytest.mark.parametrize(
    "values, kind",
    [
        ([True, None], Kind.BOOL),
        ([1, Int64(2)], Kind.INT),
        ([1, 2.5], Kind.FLOAT),
        ([Decimal128("1"), 2], Kind.DECIMAL),
        (["a"], Kind.STR),
        ([b"a"], Kind.BYTES),
        ([_MOMENT], Kind.DATETIME),
        ([UUID(int=1)], Kind.UUID),
        ([Binary(b"x" * 16, 3)], Kind.UUID),
        ([{"a": 1}], Kind.JSON),
        ([1, "a"], Kind.JSON),
        ([ObjectId(), "a"], Kind.JSON),
    ],
)
def test_the_kind_that_takes_all_values(values: list[object], kind: Kind) -> None:
    documents = [{"_id": n, "x": value} for n, value in enumerate(values)]
    found = described_collection(Sampled("c", documents, [])).schema.field("x")
    assert (found.kind, found.nullable) == (
        kind,
        None in values or (kind is Kind.JSON and len(set(map(type, values))) > 1),
    )


@pytest.mark.parametrize("value", [Timestamp(1, 1), DBRef("a", 1), Decimal128("NaN"), float("nan"), None, 2**63 * -1])
def test_a_field_that_has_no_kind_is_left_out_with_a_word(value: object) -> None:
    found = described_collection(Sampled("c", [{"_id": 1, "x": value}], []))
    assert "x" not in found.schema.by_name
    assert re.fullmatch("field x .* and is left out", found.notes[0])


def test_what_a_unique_index_must_be_to_be_a_rule() -> None:
    documents = [{"_id": 1, "a": 1, "b": 1}, {"_id": 2, "a": 2}]
    indexes = [
        {"key": {"a": 1}, "unique": True, "name": "a_1"},
        {"key": {"b": 1}, "unique": True, "name": "b_1"},
    ]
    found = described_collection(Sampled("c", documents, indexes))
    assert found.schema.unique == (("a",),)
    assert found.notes == ("the unique index b_1 treats missing values otherwise than unique=True does",)
    assert Decimal(1)
