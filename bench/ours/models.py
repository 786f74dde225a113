"""Holdall's records: made as a session makes them from rows; written while a session tracks them."""

from __future__ import annotations

import time

from bench.book import named, rows
from bench.ours.book import Book, library
from bench.record import bytes_per_record, seconds_per_read, seconds_per_write

_create = Book.__holdall__.create


def from_row(count: int) -> float:
    """What a session does with a row it trusts."""
    sources = rows(count)
    start = time.perf_counter()
    for source in sources:
        _create(*source)
    return (time.perf_counter() - start) / count


def construct(count: int) -> float:
    """Checked construction from names and values."""
    sources = named(count)
    start = time.perf_counter()
    for source in sources:
        Book(**source)
    return (time.perf_counter() - start) / count


def read(count: int) -> float:
    """Slot reads."""
    return seconds_per_read(_create(*rows(1)[0]), count)


async def write(count: int, is_again: bool) -> float:
    """Checked writes to clean records of a session, which keeps their first old values."""
    await _fill(count)
    async with library("memory:").session() as session:
        records = await session.query(Book.where())
        seconds = seconds_per_write(records, is_again)
        assert all(record.is_field_modified("pages") for record in records)
        session.rollback()
    return seconds


def to_json(count: int) -> float:
    """The model's own encoder."""
    records = [_create(*source) for source in rows(count)]
    encode = Book.__holdall__.json_output.encode_one
    start = time.perf_counter()
    for record in records:
        encode(record)
    return (time.perf_counter() - start) / count


def memory(count: int) -> float:
    """The record, with its place for tracking."""
    return bytes_per_record(lambda source: _create(*source), rows(count))


async def _fill(count: int) -> None:
    async with library("memory:").session() as session:
        if await session.count(Book.where()) != count:
            for values in named(count):
                session.add(Book(**values))
