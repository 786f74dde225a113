"""Holdall on MongoDB: a session adds, loads and queries."""

from __future__ import annotations

import time
from datetime import datetime
from functools import cache

from bench.book import named, rows
from holdall import Holdall, Model, field


class Book(Model):
    """The ten fields, found by their pages."""

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
    await _clear(database)
    async with _library(database).session() as session:
        books = [Book(**values) for values in named(count)]
        start = time.process_time()
        for book in books:
            session.add(book)
        await session.commit()
        return (time.process_time() - start) / count


async def load(database: str, count: int) -> float:
    """All records, in a new session."""
    await _fill(database, count)
    async with _library(database).session() as session:
        start = time.process_time()
        loaded = await session.query(Book.where())
        seconds = time.process_time() - start
        assert sorted(tuple(book.fields.values()) for book in loaded) == rows(count)
    return seconds / count


async def query(database: str, count: int) -> float:
    """Those whose pages lie in a range, in a new session."""
    await _fill(database, count)
    async with _library(database).session() as session:
        start = time.process_time()
        found = await session.query(Book.where(Book.pages >= 100, Book.pages < 190))
        seconds = time.process_time() - start
        assert sorted(book.id for book in found) == [row[0] for row in rows(count) if 100 <= row[5] < 190]
    return seconds / len(found)


async def _fill(database: str, count: int) -> None:
    await _library(database).create()
    async with _library(database).session() as session:
        if await session.count(Book.where()) == count:
            return
    await _clear(database)
    async with _library(database).session() as session:
        for values in named(count):
            session.add(Book(**values))


async def _clear(database: str) -> None:
    await _library(database).create()  # which tells the store what it keeps
    for store in _library(database).stores.values():
        await store.drop()  # type: ignore[attr-defined]
    await _library(database).create()


@cache
def _library(database: str) -> Holdall:
    app = Holdall("bench")
    app.add_store("main", database)
    app.add(Book, store="main")
    return app
