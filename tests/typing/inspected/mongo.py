from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from holdall import JSON, Holdall, Many, Model, ObjectId, Ref, back, field
from holdall.stores.mongo import MongoCollection


class Customers(Model):
    id: ObjectId = field(column="_id", pk=True, generated=True)
    e_mail: str = field(column="e-mail", unique=True)
    # with city, moved, by
    address: dict[str, Any]
    tags: list[str]
    since: datetime
    limit: Decimal
    visits: int
    mark: UUID
    score: float
    v: int = field(column="__v")
    nick: str | None = None
    order_lines: Many[OrderLines] = back("customer")


class FsFiles(Model, table="fs.files"):
    bucket: str = field(pk=True)
    n: int = field(pk=True)
    odd: list[Any]
    # values: numbers, text
    both: JSON = None


# field seen has values of a BSON type that no field has (Timestamp), and is left out
class OrderLines(Model, table="order-lines"):
    id: ObjectId = field(column="_id", pk=True, generated=True)
    # every key that was seen is one of customers
    customer: Ref[Customers] = field(column="customer_id")
    price: Decimal
    class_: str = field(column="class")


# empty is left out:
#   it has no documents, which alone tell its fields


# mixed is left out:
#   its _id has values of several types, or of one that is no key: int, text


app = Holdall("mongo")
app.add_store(
    "main",
    "mongodb://",
    collections={"customers": MongoCollection(native_dates=True, extended_json=True)},
)
app.add(Customers, FsFiles, OrderLines, store="main")
