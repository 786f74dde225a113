"""The models of the session's tests."""

from __future__ import annotations

from uuid import UUID

from holdall import Frozen, Holdall, Many, Model, OnDelete, Ref, back, check, field


class Country(Model):
    code: str = field(pk=True, pattern=r"[A-Z]{2}")
    name: str


class Author(Model):
    id: int = field(pk=True, generated=True, frozen=Frozen.ALWAYS)
    name: str = field(length=(1, 200))
    country: Ref[Country | None] = field(default=None)
    books: Many[Book] = back("author", on_delete=OnDelete.RESTRICT)


class Book(Model):
    id: int = field(pk=True, generated=True, frozen=Frozen.ALWAYS)
    title: str
    isbn: str = field(unique=True, frozen=Frozen.UPDATE)
    author: Ref[Author]
    pages: int = field(default=0, ge=0)
    tags: list[str] = field(default_factory=list)
    version: int = field(version=True)

    @check("isbn")
    def _long_books_have_isbn(self) -> str | None:
        return "is needed for a long book" if self.pages > 1000 and not self.isbn else None


class Node(Model):
    id: UUID = field(pk=True, generated=True)
    name: str
    parent: Ref[Node | None] = field(default=None)


class Person(Model):
    id: int = field(pk=True, generated=True)
    name: str
    partner: Ref[Person | None] = field(default=None)


class Line(Model):
    order: int = field(pk=True)
    number: int = field(pk=True)
    text: str


OPEN: list[Holdall] = []
"""Every library a test opened; closed when the test ends."""


def library(url: str = "memory:", country_url: str | None = None) -> Holdall:
    """The library in one store, or with its countries in another."""
    app = Holdall("library")
    OPEN.append(app)
    app.add_store("main", url)
    if country_url is not None:
        app.add_store("reference", country_url)
    app.add(Country, store="main" if country_url is None else "reference")
    app.add(Author, Book, Node, Person, Line, store="main")
    return app
