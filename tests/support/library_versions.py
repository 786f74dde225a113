"""Twelve versions of the models of a library, each with what its revision must be told."""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from decimal import Decimal
from typing import Any

import msgspec

from holdall import JSON, Many, Model, Ref, field

__all__ = ["VERSIONS", "Version"]


class Version(msgspec.Struct, frozen=True):
    """Models by name; new names by old ones, and values for records that have none."""

    models: dict[str, Any]
    renames: dict[str, str] = {}
    fills: dict[str, str] = {}


class Mood(enum.Enum):
    CALM = "calm"
    WILD = "wild"


def _models(*found: type[Model]) -> dict[str, Any]:
    return {each.__name__: each for each in found}


def _first() -> dict[str, Any]:
    class Author(Model, collection="author"):
        id: int = field(pk=True)
        name: str

    class Book(Model, collection="book"):
        id: int = field(pk=True, generated=True)
        title: str
        pages: int
        author: Ref[Author]

    return _models(Author, Book)


def _nullable_and_indexed() -> dict[str, Any]:
    class Author(Model, collection="author"):
        id: int = field(pk=True)
        name: str
        born: dt.date | None = None

    class Book(Model, collection="book"):
        id: int = field(pk=True, generated=True)
        title: str = field(index=True)
        pages: int
        author: Ref[Author]

    return _models(Author, Book)


def _required_with_default() -> dict[str, Any]:
    class Author(Model, collection="author"):
        id: int = field(pk=True)
        name: str
        born: dt.date | None = None

    class Book(Model, collection="book"):
        id: int = field(pk=True, generated=True)
        title: str = field(index=True)
        pages: int
        price: Decimal = field(digits=6, places=2, default=Decimal("9.90"))
        note: str = 'it\'s: 100%\\ "new"'
        author: Ref[Author]

    return _models(Author, Book)


def _unique() -> dict[str, Any]:
    class Author(Model, collection="author"):
        id: int = field(pk=True)
        name: str = field(unique=True)
        born: dt.date | None = None

    class Book(Model, collection="book", unique=[("title", "author")]):
        id: int = field(pk=True, generated=True)
        title: str
        pages: int
        price: Decimal = field(digits=6, places=2, default=Decimal("9.90"))
        note: str = 'it\'s: 100%\\ "new"'
        author: Ref[Author]

    return _models(Author, Book)


def _wider() -> dict[str, Any]:
    class Author(Model, collection="author"):
        id: int = field(pk=True)
        name: str = field(unique=True)
        born: dt.date | None = None

    class Book(Model, collection="book", unique=[("title", "author")]):
        id: int = field(pk=True, generated=True)
        title: str
        pages: int
        price: Decimal = field(digits=12, places=4, default=Decimal("9.90"))
        note: str = 'it\'s: 100%\\ "new"'
        author: Ref[Author]

    return _models(Author, Book)


def _renamed_column() -> dict[str, Any]:
    class Author(Model, collection="author"):
        id: int = field(pk=True)
        name: str = field(unique=True)
        born: dt.date | None = None

    class Book(Model, collection="book", unique=[("name", "author")]):
        id: int = field(pk=True, generated=True)
        name: str
        pages: int
        price: Decimal = field(digits=12, places=4, default=Decimal("9.90"))
        note: str = 'it\'s: 100%\\ "new"'
        author: Ref[Author]

    return _models(Author, Book)


def _new_table() -> dict[str, Any]:
    class Author(Model, collection="author"):
        id: int = field(pk=True)
        name: str = field(unique=True)
        born: dt.date | None = None

    class House(Model, collection="house"):
        code: str = field(pk=True)
        best: Ref[Book | None] = field(default=None)

    class Book(Model, collection="book", unique=[("name", "author")]):
        id: int = field(pk=True, generated=True)
        name: str
        pages: int
        price: Decimal = field(digits=12, places=4, default=Decimal("9.90"))
        note: str = 'it\'s: 100%\\ "new"'
        author: Ref[Author]
        house: Ref[House | None] = field(default=None)

    return _models(Author, House, Book)


def _many() -> dict[str, Any]:
    class Author(Model, collection="author"):
        id: int = field(pk=True)
        name: str = field(unique=True)
        born: dt.date | None = None

    class House(Model, collection="house"):
        code: str = field(pk=True)
        best: Ref[Book | None] = field(default=None)

    class Tag(Model, collection="tag"):
        word: str = field(pk=True, length=(0, 40))

    class Book(Model, collection="book", unique=[("name", "author")]):
        id: int = field(pk=True, generated=True)
        name: str
        pages: int
        price: Decimal = field(digits=12, places=4, default=Decimal("9.90"))
        note: str = 'it\'s: 100%\\ "new"'
        author: Ref[Author]
        house: Ref[House | None] = field(default=None)
        tags: Many[Tag] = field(default=())

    return _models(Author, House, Tag, Book)


def _other_type() -> dict[str, Any]:
    class Author(Model, collection="author"):
        id: int = field(pk=True)
        name: str = field(unique=True)
        born: dt.date

    class House(Model, collection="house"):
        code: str = field(pk=True)
        best: Ref[Book | None] = field(default=None)

    class Tag(Model, collection="tag"):
        word: str = field(pk=True, length=(0, 40))

    class Book(Model, collection="book", unique=[("name", "author")]):
        id: int = field(pk=True, generated=True)
        name: str
        pages: str
        price: Decimal = field(digits=12, places=4, default=Decimal("9.90"))
        author: Ref[Author]
        house: Ref[House | None] = field(default=None)
        tags: Many[Tag] = field(default=())

    return _models(Author, House, Tag, Book)


def _renamed_table() -> dict[str, Any]:
    class Author(Model, collection="author"):
        id: int = field(pk=True)
        name: str = field(unique=True)
        born: dt.date

    class House(Model, collection="house"):
        code: str = field(pk=True)
        best: Ref[Volume | None] = field(default=None)

    class Tag(Model, collection="tag"):
        word: str = field(pk=True, length=(0, 40))

    class Volume(Model, collection="volume", unique=[("name", "author")]):
        id: int = field(pk=True, generated=True)
        name: str
        pages: str
        price: Decimal = field(digits=12, places=4, default=Decimal("9.90"))
        author: Ref[Author]
        house: Ref[House | None] = field(default=None)
        tags: Many[Tag] = field(default=())

    return _models(Author, House, Tag, Volume)


def _dropped() -> dict[str, Any]:
    class Author(Model, collection="author"):
        id: int = field(pk=True)
        name: str = field(unique=True)
        born: dt.date

    class Volume(Model, collection="volume"):
        id: int = field(pk=True, generated=True)
        name: str
        pages: str
        author: Ref[Author]

    return _models(Author, Volume)


def _every_kind() -> dict[str, Any]:
    class Author(Model, collection="author"):
        id: int = field(pk=True)
        name: str = field(unique=True)
        born: dt.date

    class Volume(Model, collection="volume"):
        id: int = field(pk=True, generated=True)
        name: str
        pages: str
        author: Ref[Author]
        version: int = field(version=True)
        mark: uuid.UUID
        made: dt.datetime
        opens: dt.time = dt.time(8, 30)
        lasts: dt.timedelta = dt.timedelta(hours=1)
        blob: bytes = b"\x00\xff'"
        data: JSON = field(default_factory=dict)
        is_lent: bool = True
        weight: float = 1.5
        mood: Mood = Mood.WILD

    return _models(Author, Volume)


VERSIONS = [
    Version(_first()),
    Version(_nullable_and_indexed()),
    Version(_required_with_default()),
    Version(_unique()),
    Version(_wider()),
    Version(_renamed_column(), {"book.title": "name"}),
    Version(_new_table()),
    Version(_many()),
    Version(_other_type(), fills={"author.born": "1900-01-01"}),
    Version(_renamed_table(), {"book": "volume", "book_tags": "volume_tags"}),
    Version(_dropped()),
    Version(
        _every_kind(),
        fills={
            "volume.mark": "00000000-0000-4000-8000-000000000001",
            "volume.made": "2020-01-01T03:04:05Z",
            "volume.data": '{"a": "b: c"}',
        },
    ),
]
