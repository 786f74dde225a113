"""Holdall's update of all records that a query means, in a session of its own."""

from __future__ import annotations

import time
from functools import partial

import apsw

from bench.ours.book import Book, library
from bench.ours.sql import fill
from bench.raw.in_bulk import CHECKPOINT


async def _update(prefix: str, is_computed: bool, database: str, count: int) -> float:
    """Open a session, update and commit."""
    url = prefix + database
    await fill(url, count)
    await _once(url, is_computed, 6)
    if url.startswith("sqlite:"):
        checkpointed = apsw.Connection(database)
        checkpointed.execute(CHECKPOINT)
        checkpointed.close()
    start = time.perf_counter()
    number = await _once(url, is_computed, 7)
    seconds = time.perf_counter() - start
    assert number == count
    return seconds / count


async def _once(url: str, is_computed: bool, value: int) -> int:
    async with library(url).session() as session:
        query = Book.where(Book.pages >= 0)
        return await session.update(query, pages=Book.pages + 1 if is_computed else value)


sqlite_value, postgres_value = partial(_update, "sqlite:///", False), partial(_update, "", False)
sqlite_computed, postgres_computed = partial(_update, "sqlite:///", True), partial(_update, "", True)
