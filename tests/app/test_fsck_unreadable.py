"""Fsck beside other programs: what they wrote that no model can hold is told by name, and stops and spoils nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import apsw
import pytest
from pymongo import AsyncMongoClient
from redis.asyncio import Redis

from holdall import Fill, Holdall, Many, Model, OnDelete, Ref, back, field
from holdall.app import FsckReport
from tests.support.dropping import drop

pytestmark = pytest.mark.anyio


PREFIX = "unreadable"


class Shelf(Model):
    id: int = field(pk=True)
    books: Many[Book] = back("shelf", fill=Fill.STORED, on_delete=OnDelete.UNLINK)


class Book(Model):
    id: int = field(pk=True)
    pages: int
    shelf: Ref[Shelf | None] = field(default=None, index=True)


class Note(Model):
    id: int = field(pk=True)
    book: Ref[Book | None] = field(default=None)


async def spoil_sqlite(url: str, book: int, name: str) -> None:
    connection = apsw.Connection(url.removeprefix("sqlite:///"))
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute(f'UPDATE book SET "{name}" = ? WHERE id = ?', ("many", book))
    connection.close()


async def spoil_yaml(url: str, book: int, name: str) -> None:
    file = Path(url.removeprefix("yaml:")) / "book" / f"{book}.yaml"
    lines = [line for line in file.read_text().splitlines() if not line.startswith(f"{name}:")]
    file.write_text("\n".join([*lines, f"{name}: many", ""]))


async def spoil_redis(url: str, book: int, name: str) -> None:
    async with Redis.from_url(url) as raw:
        [place] = [key async for key in raw.scan_iter(f"{PREFIX}:book:{book}")]
        assert await raw.hset(place, name, '"many"') == 0


async def spoil_mongo(url: str, book: int, name: str) -> None:
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(url)
    async with client:
        found = await client.get_default_database()["book"].update_one({"_id": book}, {"$set": {name: "many"}})
        assert found.modified_count == 1


SPOIL = {"sqlite": spoil_sqlite, "yaml": spoil_yaml, "redis": spoil_redis, "mongo": spoil_mongo}


@pytest.fixture(params=SPOIL)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """A kind of store and the URL of an empty one."""
    kind: str = request.param
    match kind:
        case "sqlite":
            return kind, f"sqlite:///{tmp_path}/books.db"
        case "yaml":
            return kind, f"yaml:{tmp_path}/books"
        case "redis":
            return kind, request.getfixturevalue("redis_url")
    return kind, request.getfixturevalue("mongo_url").replace("/test?", f"/d{uuid4().hex[:12]}?")


@asynccontextmanager
async def library(url: str, **options: Any) -> AsyncIterator[Holdall]:
    app = Holdall("library")
    app.add_store("books", url, **options, **({"prefix": PREFIX} if url.startswith("redis") else {}))
    app.add_store("notes", "memory:")
    app.add(Book, store="books")
    app.add(Shelf, Note, store="notes")
    async with app:
        if url.startswith("redis"):  # the server is shared
            await drop(app.stores["books"])
        await app.create()
        async with app.session() as session:
            session.add(Shelf(id=1))
            session.add_all(Book(id=number, pages=100, shelf=1) for number in range(1, 8))
            session.add_all(Note(id=number, book=number) for number in range(1, 8))
        yield app


def found(report: FsckReport) -> list[Any]:
    return [(item.kind, f"{item.collection}.{item.field}", item.number, item.examples) for item in report.findings]


@pytest.mark.parametrize("batch", [1, 3, 1_000])
async def test_an_unreadable_value_is_told_and_the_rest_is_looked_at(place: tuple[str, str], batch: int) -> None:
    kind, url = place
    async with library(url) as app:
        assert (await app.fsck(batch=batch)).is_whole
        for book in (2, 3, 4, 7):
            await SPOIL[kind](url, book, "pages")
        report = await app.fsck(repair=True, batch=batch)
        assert found(report) == [("unreadable", "book.pages", 4, (2, 3, 4, 7))]
        assert not report.is_whole
        assert "book.pages: 4 unreadable (2, 3, 4, 7), such as: " in str(report)
        assert "many" not in str(report), "never the value"


@pytest.mark.parametrize("batch", [2, 1_000])
async def test_nothing_is_repaired_by_what_cannot_be_read(place: tuple[str, str], batch: int) -> None:
    """A book whose reference cannot be read may well stand on the shelf: its list is left alone."""
    kind, url = place
    async with library(url) as app:
        await SPOIL[kind](url, 5, "shelf")
        report = await app.fsck(repair=True, batch=batch)
        assert ("unreadable", "book.shelf", 1, (5,)) in found(report)
        assert not any(item.repaired for item in report.findings)
        async with app.session() as session:
            assert set((await session.require(Shelf, 1)).books.keys) == set(range(1, 8))


@pytest.mark.parametrize("layout", ["record", "collection"])
async def test_a_file_that_cannot_be_read_stops_nothing_else(tmp_path: Path, layout: str) -> None:
    """Of a record or of a whole collection; nothing is repaired by what nobody can read."""
    async with library(f"yaml:{tmp_path}/books", layout=layout) as app:
        file = tmp_path / "books" / ("book/4.yaml" if layout == "record" else "book.yaml")
        file.write_text("id: 4\npages: [1\n")
        report = await app.fsck(repair=True)
        assert ("unreadable", "book.pages" if layout == "record" else "book.") in [item[:2] for item in found(report)]
        assert "does not end" in str(report)
        assert not any(item.repaired for item in report.findings)
        async with app.session() as session:
            assert (await session.require(Note, 4)).book.key == 4
            assert set((await session.require(Shelf, 1)).books.keys) == set(range(1, 8))
