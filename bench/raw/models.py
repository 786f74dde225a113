"""Raw: a plain msgspec struct. It checks where asked to and tracks nothing."""

from __future__ import annotations

import time
from datetime import datetime

import msgspec

from bench.book import named, rows
from bench.record import bytes_per_record, seconds_per_read, seconds_per_write


class Book(msgspec.Struct):
    """The ten fields."""

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


def from_row(count: int) -> float:
    """Positional construction, no checks."""
    sources = rows(count)
    start = time.perf_counter()
    for source in sources:
        Book(*source)
    return (time.perf_counter() - start) / count


def construct(count: int) -> float:
    """Checked construction from names and values."""
    sources = named(count)
    start = time.perf_counter()
    for source in sources:
        msgspec.convert(source, Book)
    return (time.perf_counter() - start) / count


def read(count: int) -> float:
    """Slot reads."""
    return seconds_per_read(Book(*rows(1)[0]), count)


def write(count: int, is_again: bool) -> float:
    """Slot writes, neither checked nor tracked."""
    return seconds_per_write([Book(*source) for source in rows(count)], is_again)


def to_json(count: int) -> float:
    """The encoder on the struct."""
    records = [Book(*source) for source in rows(count)]
    encode = msgspec.json.Encoder().encode
    start = time.perf_counter()
    for record in records:
        encode(record)
    return (time.perf_counter() - start) / count


def memory(count: int) -> float:
    """The struct."""
    return bytes_per_record(lambda source: Book(*source), rows(count))
