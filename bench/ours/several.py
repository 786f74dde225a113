"""Holdall over two stores: a commit that survives a kill between them, a filter that looks into both."""

from __future__ import annotations

import gc
import time
from functools import cache

from holdall import Holdall, Model, Ref, field

_COUNTRIES = 10


class Author(Model):
    """In the first file."""

    id: int = field(pk=True)
    name: str
    country: str


class Book(Model):
    """In the second file, or in the first one, too."""

    id: int = field(pk=True)
    title: str
    author: Ref[Author]


async def commit(database: str, count: int) -> float:
    """An author into one file, a book into the other, all or nothing after recovery."""
    return await _commit(await _cleared(database, f"{database}.books"), count)


async def commit_one(database: str, count: int) -> float:
    """The same into one file."""
    return await _commit(await _cleared(database, database), count)


async def commit_servers(database: str, count: int) -> float:
    """An author into PostgreSQL, a book into Redis, all or nothing after recovery."""
    app = _on_servers(*database.split(" "))
    await app.create()
    for store in app.stores.values():
        await store.drop()  # type: ignore[attr-defined]  # each of these two is Provisioned
    await app.create()
    return await _commit(app, count)


async def _commit(app: Holdall, count: int) -> float:
    async with app.session() as session:
        gc.collect()  # of what was prepared
        start = time.perf_counter()
        for number in range(count):
            author = session.add(Author(id=number, name="a", country="c"))
            session.add(Book(id=number, title="b", author=author))
            await session.commit()
        return (time.perf_counter() - start) / count


async def select(database: str, count: int) -> float:
    """The books of authors of one country."""
    app, authors = await _cleared(database, f"{database}.books"), count // 10
    async with app.session() as session:
        for n in range(authors):
            session.add(Author(id=n, name=f"name {n}", country=f"c{n % _COUNTRIES}"))
        for n in range(count):
            session.add(Book(id=n, title=f"title {n}", author=n % authors))
    async with app.session() as session:
        gc.collect()  # of what was prepared
        start = time.perf_counter()
        found = await session.query(Book.where(Book.author.country == "c3"))
        seconds = time.perf_counter() - start
        assert len(found) == count // _COUNTRIES
        return seconds


async def _cleared(authors: str, books: str) -> Holdall:
    app = _library(authors, books)
    await app.create()
    async with app.session() as session:
        for book in await session.query(Book.where()):
            session.remove(book)
        await session.commit()
        for author in await session.query(Author.where()):
            session.remove(author)
    return app


@cache
def _library(authors: str, books: str) -> Holdall:
    app = Holdall("bench")
    app.add_store("authors", f"sqlite:///{authors}")
    app.add(Author, store="authors")
    if books != authors:
        app.add_store("books", f"sqlite:///{books}")
    app.add(Book, store="authors" if books == authors else "books")
    return app


@cache
def _on_servers(authors: str, books: str) -> Holdall:
    app = Holdall("bench")
    app.add_store("authors", authors)
    app.add_store("books", books)
    app.add(Author, store="authors")
    app.add(Book, store="books")
    return app
