"""Raw: pymongo's async client, documents from tuples and back."""

from __future__ import annotations

import time
from datetime import UTC
from functools import cache
from typing import Any

from bson.codec_options import CodecOptions
from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection

from bench.book import FIELDS, rows

_NAMES = ("_id", *FIELDS[1:])
_RANGE = {"pages": {"$gte": 100, "$lt": 190}}
_Books = AsyncCollection[dict[str, Any]]


async def save(database: str, count: int) -> float:
    """One insert_many."""
    books = await _emptied(database)
    sources = rows(count)
    start = time.process_time()
    await books.insert_many([dict(zip(_NAMES, source, strict=True)) for source in sources])
    return (time.process_time() - start) / count


async def save_transaction(database: str, count: int) -> float:
    """One insert_many in a transaction."""
    books = await _emptied(database)
    sources = rows(count)
    start = time.process_time()
    async with books.database.client.start_session() as session, await session.start_transaction():
        await books.insert_many([dict(zip(_NAMES, source, strict=True)) for source in sources], session=session)
    return (time.process_time() - start) / count


async def load(database: str, count: int) -> float:
    """Find all."""
    books = await _filled(database, count)
    start = time.process_time()
    loaded = [_tuple(document) for document in await books.find().to_list()]
    seconds = time.process_time() - start
    assert sorted(loaded) == rows(count)
    return seconds / count


async def query(database: str, count: int) -> float:
    """Find a range."""
    books = await _filled(database, count)
    start = time.process_time()
    found = [_tuple(document) for document in await books.find(_RANGE).to_list()]
    seconds = time.process_time() - start
    assert sorted(found) == [row for row in rows(count) if 100 <= row[5] < 190]
    return seconds / len(found)


def _tuple(each: dict[str, Any]) -> tuple[Any, ...]:
    return (
        each["_id"],
        each["title"],
        each["subtitle"],
        each["author"],
        each["language"],
        each["pages"],
        each["price"],
        each["rating"],
        each["available"],
        each["added"],
    )


async def _filled(database: str, count: int) -> _Books:
    books = _books(database)
    if await books.count_documents({}) != count:
        await _emptied(database)
        await books.insert_many([dict(zip(_NAMES, source, strict=True)) for source in rows(count)])
    return books


async def _emptied(database: str) -> _Books:
    books = _books(database)
    await books.drop()
    await books.create_index("pages")
    return books


@cache
def _books(database: str) -> _Books:
    options: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True, tzinfo=UTC)
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(database)
    return client.get_default_database(codec_options=options)["book"]
