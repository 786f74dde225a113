"""redis-om: hash models, saved by its own pipeline and got one after the other, as it gets them."""

from __future__ import annotations

import time
from datetime import datetime
from functools import cache
from typing import Any

from aredis_om import Field, HashModel, get_redis_connection  # type: ignore[import-not-found]

from bench.book import named


@cache
def _model(database: str) -> Any:
    class Book(HashModel, index=True):  # type: ignore[misc, call-arg]
        """The ten fields."""

        id: int
        title: str
        subtitle: str | None = None
        author: str
        language: str
        pages: int
        price: float
        rating: float | None = None
        available: bool
        added: datetime
        pk: str = Field(default="", primary_key=True)

        class Meta:
            database: Any = None

    Book.Meta.database = get_redis_connection(url=database, decode_responses=True)
    return Book


async def save(database: str, count: int) -> float:
    """Add models that are there, in one pipeline."""
    model = _model(database)
    await model.db().flushdb()
    books = [model(pk=str(values["id"]), **values) for values in named(count)]
    start = time.perf_counter()
    async with model.db().pipeline(transaction=True) as pipe:
        await model.add(books, pipeline=pipe, pipeline_verifier=lambda *_: 1)
        await pipe.execute()
    seconds = time.perf_counter() - start
    assert await model.db().dbsize() == count
    return seconds / count


async def load(database: str, count: int) -> float:
    """Get each by its key."""
    model = _model(database)
    if await model.db().dbsize() != count:
        await save(database, count)
    start = time.perf_counter()
    loaded = [await model.get(str(number)) for number in range(1, count + 1)]
    seconds = time.perf_counter() - start
    assert len(loaded) == count
    return seconds / count
