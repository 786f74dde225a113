"""What type checkers must say of models; run by mypy and pyright, not by pytest."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, assert_type

from holdall.model import (
    Digits,
    Length,
    Manager,
    Many,
    Model,
    Ref,
    Reference,
    Related,
    ResultSet,
    back,
    check,
    computed,
    field,
)
from holdall.query import Expression, Query, desc


class Country(Model):
    code: str = field(pk=True, pattern=r"[A-Z]{2}")
    name: str


class Author(Model):
    id: int = field(pk=True, generated=True)
    name: Annotated[str, Length(1, 200)]
    country: Ref[Country | None] = field(default=None)
    books: Many[Book] = back("author")


class Given(Model):
    id: int = field(pk=True, generated=True, default=None)


assert_type(Given(id=3).id, int)
assert_type(Given().id, int)


class Stamped(Model, abstract=True):
    changed: datetime | None = None


class Book(Stamped, collection="books", unique=[("title", "author")]):
    id: int = field(pk=True, generated=True)
    title: str
    author: Ref[Author]
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
    assert_type(Author.books, Expression)


async def active_record(author: Author) -> None:
    assert_type(Book.objects, Manager[Book])
    assert_type(await Book.objects.get(1), Book | None)
    assert_type(await Book.objects.create(title="x", author=author), Book)
    assert_type(Book.objects.all(), ResultSet[Book])
    assert_type(await Book.objects.filter(author=author).order_by("-title"), list[Book])
    assert_type(await Book.objects.all().first(), Book | None)
    assert_type(await Book(title="x", author=1).save(), Book)
