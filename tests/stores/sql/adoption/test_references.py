"""Records that refer to each other in tables as SQLAlchemy and Django make them in SQLite, read and written."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import apsw
import pytest

from holdall import Holdall, Model, Ref, field

pytestmark = pytest.mark.anyio

TABLES = (
    "CREATE TABLE author (id CHAR(32) NOT NULL PRIMARY KEY, name VARCHAR(50) NOT NULL)",
    """CREATE TABLE book (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, title VARCHAR(100) NOT NULL UNIQUE,
       author CHAR(32) NOT NULL REFERENCES author (id), printed DATETIME NOT NULL, price NUMERIC(10, 2) NOT NULL)""",
    "CREATE TABLE shelf (id INTEGER NOT NULL PRIMARY KEY, book INTEGER NOT NULL REFERENCES book (id))",
)


class Author(Model):
    id: UUID = field(pk=True)
    name: str = field(length=(0, 50))


class Book(Model):
    id: int = field(pk=True, generated=True)
    title: str = field(length=(0, 100), unique=True)
    author: Ref[Author]
    printed: datetime
    price: Decimal = field(digits=10, places=2)


class Shelf(Model):
    id: int = field(pk=True)
    book: Ref[Book]


async def test_references_between_adopted_tables(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    database = apsw.Connection(str(path))
    for statement in TABLES:
        database.execute(statement)
    database.execute("INSERT INTO author VALUES (?, 'Ann')", (UUID(int=7).hex,))
    database.execute("INSERT INTO book VALUES (1, 'Old', ?, '2020-01-02 03:04:05', 9.5)", (UUID(int=7).hex,))
    database.close()
    await _read_and_written(path)
    written = apsw.Connection(str(path))
    assert list(written.execute("SELECT author, printed, price FROM book WHERE title = 'New'")) == [
        (UUID(int=7).hex, "2021-02-03 04:05:06.000000", 12.25)
    ]
    assert list(written.execute("SELECT count(*) FROM book, author WHERE author.id = book.author")) == [(2,)]
    written.close()
    await _removed(path)


def _app(path: Path) -> Holdall:
    app = Holdall("adopted")
    app.add_store("main", f"sqlite:///{path}")
    app.add(Author, Book, Shelf, store="main")
    return app


async def _read_and_written(path: Path) -> None:
    app = _app(path)
    assert await app.inspect() == {}
    async with app.session() as session:
        ann = await session.require(Author, UUID(int=7))
        book = session.add(
            Book(title="New", author=ann, printed=datetime(2021, 2, 3, 4, 5, 6, tzinfo=UTC), price=Decimal("12.25"))
        )
        session.add(Shelf(id=1, book=book))
    async with app.session() as session:
        books = await session.query(Book.where(Book.author.name == "Ann").sort(Book.printed))
        assert [book.title for book in books] == ["Old", "New"]
        assert await session.count(Book.where(Book.author == ann)) == 2  # type: ignore[comparison-overlap]
        assert await session.count(Book.where(Book.author.in_([ann]))) == 2  # type: ignore[attr-defined]
        assert await session.count(Book.where(Book.price == Decimal("9.5"))) == 1
        prices = [Decimal("9.50"), Decimal("12.25")]
        assert await session.count(Book.where(Book.price.in_(prices))) == 2  # type: ignore[attr-defined]
        assert await session.count(Shelf.where(Shelf.book.author.name == "Ann")) == 1
        assert (await books[0].author).name == "Ann"
        books[0].printed = datetime(2022, 1, 1, tzinfo=UTC)
        ann = await session.require(Author, UUID(int=7))
        ann.name = "Anne"
    async with app.session() as session:
        first = await session.query(Book.where().sort(Book.printed).limit(1))
        assert [book.title for book in first] == ["New"]
    await app.close()


async def _removed(path: Path) -> None:
    app = _app(path)
    async with app.session() as session:
        for shelf in await session.query(Shelf.where()):
            session.remove(shelf)
        for book in await session.query(Book.where()):
            session.remove(book)
        session.remove(await session.require(Author, UUID(int=7)))
    async with app.session() as session:
        assert await session.count(Author.where()) == 0
    await app.close()
