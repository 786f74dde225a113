"""A few hand-written records whose answers can be told by looking."""

from __future__ import annotations

from typing import Any

from holdall.query import FieldSchema, Kind, ManyForm, Schema, Table

_CODE = FieldSchema("code", Kind.STR)
_ID = FieldSchema("id", Kind.INT)
_PLACE = (FieldSchema("room", Kind.STR), FieldSchema("number", Kind.INT))

COUNTRY = Schema(
    "country",
    (
        _CODE,
        FieldSchema("name", Kind.STR),
        FieldSchema("authors", Kind.MANY, target="author", target_key=(_ID,), form=ManyForm.BACK, back="country"),
    ),
    ("code",),
)
AUTHOR = Schema(
    "author",
    (
        _ID,
        FieldSchema("name", Kind.STR),
        FieldSchema("country", Kind.REF, nullable=True, target="country", target_key=(_CODE,)),
        FieldSchema("mentor", Kind.REF, nullable=True, target="author", target_key=(_ID,)),
        FieldSchema("pupils", Kind.MANY, target="author", target_key=(_ID,), form=ManyForm.BACK, back="mentor"),
    ),
    ("id",),
)
SHELF = Schema(
    "shelf",
    (
        *_PLACE,
        FieldSchema("note", Kind.JSON, nullable=True),
        FieldSchema("books", Kind.MANY, target="book", target_key=(_ID,), form=ManyForm.LIST),
    ),
    ("room", "number"),
)
BOOK = Schema(
    "book",
    (
        _ID,
        FieldSchema("title", Kind.STR, nullable=True),
        FieldSchema("pages", Kind.INT, nullable=True),
        FieldSchema("price", Kind.DECIMAL, nullable=True),
        FieldSchema("weight", Kind.FLOAT, nullable=True),
        FieldSchema("lent", Kind.BOOL, nullable=True),
        FieldSchema("author", Kind.REF, nullable=True, target="author", target_key=(_ID,)),
        FieldSchema("shelf", Kind.REF, nullable=True, target="shelf", target_key=_PLACE),
    ),
    ("id",),
)

SCHEMAS = {schema.name: schema for schema in (COUNTRY, AUTHOR, SHELF, BOOK)}


def library(**rows: list[tuple[Any, ...]]) -> dict[str, Table]:
    """Tables with these rows; collections not named are empty."""
    return {name: Table(schema, rows.get(name, [])) for name, schema in SCHEMAS.items()}
