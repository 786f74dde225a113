"""Holdall on Redis: a session adds, loads and queries, on an app with an index on the pages."""

from __future__ import annotations

import time
from datetime import datetime
from functools import cache
from typing import Any

from bench.book import named, rows
from holdall import Holdall, Model, field


class Book(Model):
    """The ten fields."""

    id: int = field(pk=True)
    title: str
    subtitle: str | None
    author: str
    language: str
    pages: int
    price: float
    rating: float | None
    available: bool
    added: datetime


class Indexed(Model):
    """The same, found by its pages."""

    id: int = field(pk=True)
    title: str
    subtitle: str | None
    author: str
    language: str
    pages: int = field(index=True)
    price: float
    rating: float | None
    available: bool
    added: datetime


async def save(database: str, count: int) -> float:
    """Add and commit records that are there."""
    app = _library(database)
    for store in app.stores.values():
        await store.drop()  # type: ignore[attr-defined]
    async with app.session() as session:
        books = [Book(**values) for values in named(count)]
        start = time.perf_counter()
        for book in books:
            session.add(book)
        await session.commit()
        return (time.perf_counter() - start) / count


async def load(database: str, count: int) -> float:
    """All records, in a new session."""
    await _fill(database, count)
    async with _library(database).session() as session:
        start = time.perf_counter()
        loaded = await session.query(Book.where())
        seconds = time.perf_counter() - start
        assert sorted(tuple(book.fields.values()) for book in loaded) == rows(count)
    return seconds / count


async def query(database: str, count: int) -> float:
    """Those whose pages lie in a range, in a new session."""
    await _fill(database, count)
    async with _library(database).session() as session:
        start = time.perf_counter()
        found = await session.query(Indexed.where(Indexed.pages >= 100, Indexed.pages < 190))
        seconds = time.perf_counter() - start
        assert sorted(book.id for book in found) == [row[0] for row in rows(count) if 100 <= row[5] < 190]
    return seconds / len(found)


async def _fill(database: str, count: int) -> None:
    app = _library(database)
    models: tuple[Any, ...] = (Book, Indexed)
    for model in models:
        async with app.session() as session:
            if await session.count(model.where()) != count:
                for values in named(count):
                    session.add(model(**values))


@cache
def _library(database: str) -> Holdall:
    app = Holdall("bench")
    app.add_store("main", database)
    app.add(Book, Indexed, store="main")
    return app
