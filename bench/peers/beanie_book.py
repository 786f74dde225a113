# mypy: disable-error-code="import-not-found, misc"
"""beanie: documents that are pydantic models, on the same driver."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import cache
from typing import Any

from beanie import Document, init_beanie
from bson.codec_options import CodecOptions
from pymongo import AsyncMongoClient

from bench.book import FIELDS, named, rows


class Book(Document):
    """The ten fields; beanie calls the key ``id`` and keeps it as ``_id``."""

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

    class Settings:
        """Where they lie."""

        name = "book"
        indexes = ("pages",)


async def save(database: str, count: int) -> float:
    """insert_many of documents that are there."""
    await _open(database)
    await Book.delete_all()
    books = [Book(**values) for values in named(count)]
    start = time.process_time()
    await Book.insert_many(books)
    return (time.process_time() - start) / count


async def load(database: str, count: int) -> float:
    """All documents."""
    await _fill(database, count)
    start = time.process_time()
    loaded = await Book.find_all().to_list()
    seconds = time.process_time() - start
    assert sorted(tuple(getattr(book, name) for name in FIELDS) for book in loaded) == rows(count)
    return seconds / count


async def query(database: str, count: int) -> float:
    """Those whose pages lie in a range."""
    await _fill(database, count)
    start = time.process_time()
    found = await Book.find(Book.pages >= 100, Book.pages < 190).to_list()
    seconds = time.process_time() - start
    assert sorted(book.id for book in found) == [row[0] for row in rows(count) if 100 <= row[5] < 190]
    return seconds / len(found)


async def _fill(database: str, count: int) -> None:
    await _open(database)
    if await Book.count() != count:
        await Book.delete_all()
        await Book.insert_many([Book(**values) for values in named(count)])


async def _open(database: str) -> None:
    opened = _opened()
    if database not in opened:
        client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(database)
        options: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True, tzinfo=UTC)
        opened[database] = client.get_default_database(codec_options=options)
        await init_beanie(database=opened[database], document_models=[Book])


@cache
def _opened() -> dict[str, Any]:
    return {}
