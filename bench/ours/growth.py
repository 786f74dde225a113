"""Holdall on a SQLite file of any size; a session for each request, as a service has it."""

from __future__ import annotations

import gc
import time

import psutil

from bench.book import batches, random_keys
from bench.ours.book import Book, library


async def insert(database: str, count: int) -> float:
    """Fill an empty file, a session and a commit for every ten thousand."""
    app = library(f"sqlite:///{database}")
    await app.create()
    seconds = 0.0
    for sources in batches(count, 10_000):
        books = [Book.__holdall__.create(*source) for source in sources]
        start = time.perf_counter()
        async with app.session() as session:
            for book in books:
                session.add(book)
        seconds += time.perf_counter() - start
    await app.close()
    return seconds / count


async def load(database: str, count: int) -> float:
    """All records in one session."""
    app = library(f"sqlite:///{database}")
    async with app.session() as session:
        start = time.perf_counter()
        loaded = await session.query(Book.where())
        seconds = time.perf_counter() - start
        assert len(loaded) == count
    await app.close()
    return seconds / count


async def weigh(database: str, count: int) -> float:
    """Bytes the process grows by, values and identity map included, for each record it holds."""
    app = library(f"sqlite:///{database}")
    async with app.session() as session:
        await session.query(Book.where().limit(1))
        before = psutil.Process().memory_info().rss
        loaded = await session.query(Book.where())
        gc.collect()
        weight = psutil.Process().memory_info().rss - before
        assert len(loaded) == count
    await app.close()
    return float(weight) / count


async def get(database: str, count: int) -> float:
    """One by key, keys at random."""
    app = library(f"sqlite:///{database}")
    keys = random_keys(count, 1_000)
    start = time.perf_counter()
    for key in keys:
        async with app.session() as session:
            await session.get(Book, key)
    seconds = time.perf_counter() - start
    await app.close()
    return seconds / len(keys)


async def page(database: str, count: int) -> float:
    """The first fifty and the count of all."""
    app = library(f"sqlite:///{database}")
    turns = max(10, min(1_000, 10_000_000 // count))
    start = time.perf_counter()
    for _ in range(turns):
        async with app.session() as session:
            await session.count(Book.where())
            await session.query(Book.where().sort(Book.id).limit(50))
    seconds = time.perf_counter() - start
    await app.close()
    return seconds / turns


async def after(database: str, count: int) -> float:
    """The fifty after a key at random."""
    app = library(f"sqlite:///{database}")
    keys = random_keys(count, 1_000)
    start = time.perf_counter()
    for key in keys:
        async with app.session() as session:
            await session.query(Book.where(Book.id > key).sort(Book.id).limit(50))
    seconds = time.perf_counter() - start
    await app.close()
    return seconds / len(keys)
