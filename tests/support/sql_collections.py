"""Two collections for tests of the SQL store: authors, and books that refer to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from holdall.query import FieldSchema, Generated, Kind, ManyForm, Schema
from holdall.store import Change, KeyOf, Verb

__all__ = ["AUTHOR", "BOOK", "add_author", "add_book", "edit_book", "remove"]

_ID = FieldSchema("id", Kind.INT)

AUTHOR = Schema(
    "author", (FieldSchema("id", Kind.INT, generated=Generated.STORE), FieldSchema("name", Kind.STR)), ("id",)
)
BOOK = Schema(
    "book",
    (
        FieldSchema("id", Kind.INT, generated=Generated.STORE),
        FieldSchema("title", Kind.STR),
        FieldSchema("isbn", Kind.STR, nullable=True),
        FieldSchema("author", Kind.REF, target="author", target_key=(_ID,)),
        FieldSchema("editors", Kind.MANY, target="author", target_key=(_ID,), form=ManyForm.LIST),
        FieldSchema("version", Kind.INT),
    ),
    ("id",),
    version="version",
    unique=(("isbn",),),
)

_BOOK = ("title", "isbn", "author", "version")


def add_author(name: str, key: int | None = None) -> Change:
    """A new author, under a key of the store's making or this one."""
    if key is None:
        return Change(Verb.ADD, "author", None, ("name",), (name,))
    return Change(Verb.ADD, "author", key, ("id", "name"), (key, name))


def add_book(title: str, author: int | KeyOf, isbn: str | None = None, editors: Sequence[Any] | None = None) -> Change:
    """A new book at version 1."""
    if editors is None:
        return Change(Verb.ADD, "book", None, _BOOK, (title, isbn, author, 1))
    return Change(Verb.ADD, "book", None, (*_BOOK, "editors"), (title, isbn, author, 1, tuple(editors)))


def edit_book(key: int, version: int | None, **values: Any) -> Change:
    """New values for a book that is at this version."""
    if version is not None:
        values["version"] = version + 1
    return Change(Verb.UPDATE, "book", key, tuple(values), tuple(values.values()), version)


def remove(collection: str, key: int, version: int | None = None) -> Change:
    """The end of a record."""
    return Change(Verb.REMOVE, collection, key, version=version)
