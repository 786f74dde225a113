"""Holdall's bulk work: a session queries, adds and changes records and commits, on either database alike."""

from __future__ import annotations

import time
from functools import partial

from bench.book import named, rows
from bench.ours.book import Book, library


async def _load(prefix: str, database: str, count: int) -> float:
    """All records, in a new session."""
    await fill(prefix + database, count)
    async with library(prefix + database).session() as session:
        start = time.perf_counter()
        loaded = await session.query(Book.where())
        seconds = time.perf_counter() - start
        assert sorted(tuple(book.fields.values()) for book in loaded) == rows(count)
    return seconds / count


async def _insert(prefix: str, database: str, count: int) -> float:
    """Add and commit records that are there."""
    await _clear(prefix + database)
    async with library(prefix + database).session() as session:
        books = [Book(**values) for values in named(count)]
        start = time.perf_counter()
        for book in books:
            session.add(book)
        await session.commit()
        return (time.perf_counter() - start) / count


async def _update(prefix: str, database: str, count: int) -> float:
    """Two fields of each loaded record, and commit."""
    await fill(prefix + database, count)
    async with library(prefix + database).session() as session:
        books = await session.query(Book.where())
        expected = {book.id: (book.pages + 1, book.price + 1.0) for book in books}
        start = time.perf_counter()
        for book in books:
            book.pages += 1
            book.price += 1.0
        await session.commit()
        seconds = time.perf_counter() - start
    async with library(prefix + database).session() as session:
        assert {book.id: (book.pages, book.price) for book in await session.query(Book.where())} == expected
    await _clear(prefix + database)
    return seconds / count


async def fill(url: str, count: int) -> None:
    """Have as many books there."""
    await library(url).create()
    async with library(url).session() as session:
        if await session.count(Book.where()) == count:
            return
    await _clear(url)
    async with library(url).session() as session:
        for values in named(count):
            session.add(Book(**values))


async def _clear(url: str) -> None:
    await library(url).create()
    async with library(url).session() as session:
        for book in await session.query(Book.where()):
            session.remove(book)


sqlite_load, postgres_load = partial(_load, "sqlite:///"), partial(_load, "")
sqlite_insert, postgres_insert = partial(_insert, "sqlite:///"), partial(_insert, "")
sqlite_update, postgres_update = partial(_update, "sqlite:///"), partial(_update, "")
