"""What type checkers must say of models; run by mypy and pyright, not by pytest."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, assert_type

from holdall.model import (
    Digits,
    Fill,
    Length,
    Manager,
    Many,
    Model,
    OnDelete,
    Ref,
    Reference,
    Related,
    ResultSet,
    Stream,
    back,
    check,
    computed,
    field,
    stream,
)
from holdall.query import Expression, Query, desc
from holdall.session import Explanation, Plan, Session


class Country(Model):
    code: str = field(pk=True, pattern=r"[A-Z]{2}")
    name: str


class Author(Model):
    id: int = field(pk=True, generated=True)
    name: Annotated[str, Length(1, 200)]
    country: Ref[Country | None] = field(default=None)
    books: Many[Book] = back("author")
    best: Ref[Book | None] = back("prize_of", fill=Fill.STORED, on_delete=OnDelete.UNLINK)


class Given(Model):
    id: int = field(pk=True, generated=True, default=None)


assert_type(Given(id=3).id, int)
assert_type(Given().id, int)


class Job(Model):
    id: int = field(pk=True)
    log: Stream = stream()
    started: datetime = field(auto_now="create")


class Stamped(Model, abstract=True):
    changed: datetime | None = None


class Book(Stamped, collection="books", unique=[("title", "author")]):
    id: int = field(pk=True, generated=True)
    title: str
    author: Ref[Author]
    prize_of: Ref[Author | None] = field(default=None, on_delete=OnDelete.UNLINK)
    pages: int = field(default=0, ge=0)
    tags: list[str] = field(default_factory=list)
    translators: tuple[Ref[Author], ...] = ()
    shelf: Many[Country] = field(default=())
    version: int = field(version=True)

    @check
    def _has_title(self) -> str | None:
        return None if self.title else "must have a title"

    @computed
    def label(self) -> str:
        return self.title.upper()


async def reading(book: Book, author: Author) -> None:
    assert_type(book.id, int)
    assert_type(book.title, str)
    assert_type(book.changed, datetime | None)
    assert_type(book.label, str)
    assert_type(book.author, Reference[Author])
    assert_type(await book.author, Author)
    assert_type(await author.country, Country | None)
    assert_type(author.books, Related[Book])
    assert_type(await author.books, list[Book])
    assert_type(await book.shelf, list[Country])
    assert_type(book.author.loaded, bool)
    assert_type([await translator for translator in book.translators], list[Author])
    async for written in author.books:
        assert_type(written, Book)


def writing(book: Book, author: Author) -> None:
    book.author = author
    book.author = 1
    book.author = book.author
    author.country = None
    author.country = "FR"
    author.country = Country(code="FR", name="France")
    book.shelf = ["FR", Country(code="DE", name="Germany")]
    book.tags = ["new"]


async def the_other_end(book: Book, author: Author, session: Session) -> None:
    author.books = [book, 1]
    author.books.add(book)
    author.books.remove(1)
    author.best = book
    author.best = None
    assert_type(await author.best, Book | None)
    assert_type(author.books.loaded, bool)
    await session.load(book, Book.author.country, Book.shelf)
    await session.load([author], Author.books, Author.best)
    assert_type(await session.expand(), Plan)
    assert_type(await session.explain(Book.where(Author.best.title == "x")), Explanation)


def constructing(author: Author) -> None:
    Book(title="The Dispossessed", author=author)
    Book(title="The Dispossessed", author=1, pages=341, tags=["sf"], changed=None)
    Book(title="The Dispossessed", author=Book(title="", author=1).author)
    Author(name="Ursula")
    Author(name="Ursula", country="US")
    Digits(10, 2)


def asking(author: Author) -> None:
    assert_type(Book.where(Book.pages > 100, Book.author.country.code == "FR"), Query[Book])
    assert_type(Book.where(Book.title == "x").sort(desc(Book.pages)).limit(20), Query[Book])
    assert_type(Author.where(), Query[Author])
    assert_type(Author.books, Expression[Any])


async def active_record(author: Author) -> None:
    assert_type(Book.objects, Manager[Book])
    assert_type(await Book.objects.get(1), Book | None)
    assert_type(await Book.objects.create(title="x", author=author), Book)
    assert_type(Book.objects.all(), ResultSet[Book])
    assert_type(await Book.objects.filter(author=author).order_by("-title"), list[Book])
    assert_type(await Book.objects.all().first(), Book | None)
    assert_type(await Book(title="x", author=1).save(), Book)
    assert_type(await Book(title="x", author=1).delete(), int)
    assert_type(await Book.objects.names_of(Book(title="x", author=1)), tuple[str, ...])


async def streams(job: Job) -> None:
    Job(id=1)
    assert_type(job.log, Stream)
    assert_type(job.started, datetime)
    assert_type(await job.log.append(b"x"), int)
    assert_type(await job.log.read(1, 2), bytes)
    assert_type(job.matches(id=1), bool)
