"""pydantic: strict, checked on assignment, which is the nearest it has to a checked and tracked write."""

from __future__ import annotations

import time
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from bench.book import FIELDS, named, rows
from bench.record import bytes_per_record, seconds_per_read, seconds_per_write


class Book(BaseModel):
    """The ten fields."""

    model_config = ConfigDict(strict=True, validate_assignment=True)

    id: int
    title: str
    subtitle: str | None
    author: str
    language: str
    pages: int
    price: float
    rating: float | None
    available: bool
    added: datetime


def _make(source: tuple[object, ...]) -> Book:
    return Book.model_construct(None, **dict(zip(FIELDS, source, strict=True)))


def from_row(count: int) -> float:
    """Construction without checks."""
    sources = rows(count)
    start = time.perf_counter()
    for source in sources:
        Book.model_construct(None, **dict(zip(FIELDS, source, strict=True)))
    return (time.perf_counter() - start) / count


def construct(count: int) -> float:
    """Checked construction from names and values."""
    sources = named(count)
    start = time.perf_counter()
    for source in sources:
        Book(**source)
    return (time.perf_counter() - start) / count


def read(count: int) -> float:
    """Attribute reads."""
    return seconds_per_read(_make(rows(1)[0]), count)


def write(count: int, is_again: bool) -> float:
    """Checked writes; the old values are not kept."""
    return seconds_per_write([_make(source) for source in rows(count)], is_again)


def to_json(count: int) -> float:
    """The library's own encoder."""
    records = [_make(source) for source in rows(count)]
    start = time.perf_counter()
    for record in records:
        record.model_dump_json().encode()
    return (time.perf_counter() - start) / count


def memory(count: int) -> float:
    """The model instance."""
    return bytes_per_record(_make, rows(count))
