"""The collections and records every store is tested with: a small library, and a sample of every kind."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any
from uuid import UUID

from holdall.query import FieldSchema, Generated, Kind, ManyForm, Schema, Table, Value
from holdall.testing.pool import OBJECT_IDS, POOL

__all__ = ["SCHEMAS", "tables"]

_SCALARS = tuple(POOL)
_CODES = ("FR", "fr", "É", "日", "a ", "a")
_EXTENT: dict[Kind, dict[str, int]] = {Kind.DECIMAL: {"digits": 18, "places": 4}}
_CODE = FieldSchema("code", Kind.STR, max_length=8)
_AUTHOR_ID = FieldSchema("id", Kind.INT, generated=Generated.STORE)
_SHELF_KEY = (FieldSchema("room", Kind.STR, max_length=20), FieldSchema("number", Kind.INT))
_BOOK_ID = FieldSchema("id", Kind.UUID, generated=Generated.CLIENT)
_NOTE_ID = FieldSchema("id", Kind.STR, generated=Generated.CLIENT, is_object_id=True)


def _reference(name: str, target: str, key: tuple[FieldSchema, ...]) -> FieldSchema:
    return FieldSchema(name, Kind.REF, nullable=True, target=target, target_key=key)


def _many(name: str, target: str, key: tuple[FieldSchema, ...], form: ManyForm, back: str | None = None) -> FieldSchema:
    return FieldSchema(name, Kind.MANY, target=target, target_key=key, form=form, back=back)


SCHEMAS: Mapping[str, Schema] = {
    schema.name: schema
    for schema in (
        Schema(
            "country",
            (
                _CODE,
                FieldSchema("name", Kind.STR),
                FieldSchema("population", Kind.INT, nullable=True),
                _many("authors", "author", (_AUTHOR_ID,), ManyForm.BACK, "country"),
            ),
            key=("code",),
        ),
        Schema(
            "author",
            (
                _AUTHOR_ID,
                FieldSchema("name", Kind.STR),
                FieldSchema("born", Kind.DATE, nullable=True),
                _reference("country", "country", (_CODE,)),
                _reference("mentor", "author", (_AUTHOR_ID,)),
                _many("pupils", "author", (_AUTHOR_ID,), ManyForm.BACK, "mentor"),
                _many("books", "book", (_BOOK_ID,), ManyForm.BACK, "author"),
                FieldSchema("version", Kind.INT),
            ),
            key=("id",),
            version="version",
        ),
        Schema(
            "shelf",
            (
                *_SHELF_KEY,
                FieldSchema("label", Kind.STR, nullable=True),
                _reference("keeper", "author", (_AUTHOR_ID,)),
                _many("books", "book", (_BOOK_ID,), ManyForm.BACK, "shelf"),
            ),
            key=("room", "number"),
        ),
        Schema(
            "book",
            (
                _BOOK_ID,
                FieldSchema("title", Kind.STR),
                FieldSchema("isbn", Kind.STR, nullable=True, max_length=20),
                FieldSchema("series", Kind.STR, nullable=True, max_length=20),
                FieldSchema("volume", Kind.INT, nullable=True),
                FieldSchema("price", Kind.DECIMAL, nullable=True, digits=18, places=4),
                _reference("author", "author", (_AUTHOR_ID,)),
                _reference("shelf", "shelf", _SHELF_KEY),
                _many("seen_on", "shelf", _SHELF_KEY, ManyForm.LIST),
                _many("sold_in", "country", (_CODE,), ManyForm.SET),
            ),
            key=("id",),
            unique=(("isbn",), ("series", "volume")),
        ),
        Schema(
            "note",
            (
                _NOTE_ID,
                FieldSchema("text", Kind.STR),
                FieldSchema("writer", Kind.STR, nullable=True, is_object_id=True),
                _reference("about", "note", (_NOTE_ID,)),
                _many("answers", "note", (_NOTE_ID,), ManyForm.BACK, "about"),
            ),
            key=("id",),
        ),
        Schema(
            "sample",
            (
                FieldSchema("id", Kind.INT),
                *(FieldSchema(f"some_{kind}", kind, **_EXTENT.get(kind, {})) for kind in _SCALARS),  # type: ignore[arg-type]
                *(FieldSchema(f"maybe_{kind}", kind, nullable=True, **_EXTENT.get(kind, {})) for kind in _SCALARS),  # type: ignore[arg-type]
            ),
            key=("id",),
            search=("some_str", "maybe_str"),
        ),
    )
}
"""Every collection, each after those it refers to (a book's shelf has a keeper, who is an author)."""


@cache
def tables() -> Mapping[str, Table]:
    """The fixed records of every collection; no reference dangles, every unique rule holds."""
    chance = random.Random(20)
    texts = POOL[Kind.STR]
    countries = [(code, text, _maybe(chance, POOL[Kind.INT])) for code, text in zip(_CODES, texts[15:], strict=False)]
    codes = [row[0] for row in countries]
    authors = [
        (
            number * 3,
            chance.choice(texts),
            _maybe(chance, POOL[Kind.DATE]),
            _maybe(chance, codes),
            _maybe(chance, [3 * other for other in range(1, 13)]),
            chance.randrange(5),
        )
        for number in range(1, 13)
    ]
    shelves = [
        (room, number, _maybe(chance, texts), _maybe(chance, [row[0] for row in authors]))
        for room in ("", "north", "North", "ж ")
        for number in (-1, 0, 7)
    ]
    places = [row[:2] for row in shelves]
    books = [_book(chance, number, [row[0] for row in authors], places, codes) for number in range(40)]
    notes = [
        (key, text, _maybe(chance, OBJECT_IDS), _maybe(chance, OBJECT_IDS[:2]))
        for key, text in zip(OBJECT_IDS, texts, strict=False)
    ]
    samples = [
        (number, *(chance.choice(POOL[kind]) for kind in _SCALARS), *(_maybe(chance, POOL[kind]) for kind in _SCALARS))
        for number in range(-20, 30)
    ]
    rows: dict[str, Iterable[Value]] = {
        "country": countries, "author": authors, "shelf": shelves, "book": books, "note": notes,
        "sample": samples,
    }  # fmt: skip
    return {name: Table(schema, list(rows[name])) for name, schema in SCHEMAS.items()}


def _book(
    chance: random.Random, number: int, authors: list[Any], places: list[Any], codes: list[Any]
) -> tuple[Value, ...]:
    return (
        UUID(int=chance.getrandbits(128)),
        chance.choice(POOL[Kind.STR]),
        f"isbn-{number}" if number % 3 else None,
        "saga" if number % 2 else None,
        number if number % 5 else None,
        _maybe(chance, POOL[Kind.DECIMAL]),
        _maybe(chance, authors),
        _maybe(chance, places),
        tuple(chance.sample(places, chance.randrange(4))),
        tuple(sorted(chance.sample(codes, chance.randrange(4)))),
    )


def _maybe(chance: random.Random, values: Iterable[Value]) -> Any:
    return None if chance.random() < 0.25 else chance.choice(list(values))
