# mypy: disable-error-code="import-not-found, misc"
"""restio: models registered in a session, as its data access objects leave them."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

import msgspec
from restio.dao import BaseDAO
from restio.fields import BoolField, FloatField, IntField, StrField
from restio.fields.base import Field, FrozenType
from restio.model import BaseModel
from restio.session import Session

from bench.book import FIELDS, named, rows
from bench.record import bytes_per_record, seconds_per_read, seconds_per_write


class Book(BaseModel):
    """The ten fields."""

    id: IntField = IntField(pk=True)
    title: StrField = StrField()
    subtitle: StrField = StrField(allow_none=True)
    author: StrField = StrField()
    language: StrField = StrField()
    pages: IntField = IntField()
    price: FloatField = FloatField()
    rating: FloatField = FloatField(allow_none=True)
    available: BoolField = BoolField()
    added: Field[datetime] = Field(datetime, pk=False, allow_none=False, depends_on=False, frozen=FrozenType.NEVER)


class BookDAO(BaseDAO[Book]):
    """A session refuses writes to models that nobody could store."""

    async def update(self, obj: Book) -> None:
        """Stores nothing."""


def _make(source: tuple[Any, ...]) -> Book:
    return Book(**dict(zip(FIELDS, source, strict=True)))


def from_row(count: int) -> float:
    """Construction: restio has no way without checks."""
    sources = rows(count)
    start = time.perf_counter()
    for source in sources:
        Book(**dict(zip(FIELDS, source, strict=True)))
    return (time.perf_counter() - start) / count


def construct(count: int) -> float:
    """Checked construction from names and values."""
    sources = named(count)
    start = time.perf_counter()
    for source in sources:
        Book(**source)
    return (time.perf_counter() - start) / count


def read(count: int) -> float:
    """Descriptor reads."""
    return seconds_per_read(_make(rows(1)[0]), count)


def write(count: int, is_again: bool) -> float:
    """Checked, tracked writes to registered models."""
    session = Session()
    session.register_dao(BookDAO(Book))
    records = [_make(source) for source in rows(count)]
    for record in records:
        session.register_model(record)
    return seconds_per_write(records, is_again)


def to_json(count: int) -> float:
    """Its dict of fields through msgspec, the fastest encoder there is for it."""
    records = [_make(source) for source in rows(count)]
    encode = msgspec.json.Encoder().encode
    start = time.perf_counter()
    for record in records:
        encode(record.fields)
    return (time.perf_counter() - start) / count


def memory(count: int) -> float:
    """The model instance, unregistered."""
    return bytes_per_record(_make, rows(count))
