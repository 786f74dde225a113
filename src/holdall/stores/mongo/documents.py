"""Documents to rows and rows to documents, column by column: what needs no change costs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType
from typing import Any

from holdall.errors import CorruptRecord
from holdall.query import Kind
from holdall.store import Rows
from holdall.stores.mongo.errors import Misfit, unstorable
from holdall.stores.mongo.layout import Layout, Place
from holdall.stores.mongo.source import Document

__all__ = ["column_of", "columns_of", "encoded_column", "projection_of", "rows_of"]

Column = list[Any]


def rows_of(store: str, layout: Layout, documents: Sequence[Document]) -> Rows:
    """The rows of whole documents. Raises CorruptRecord for a value that its field never holds."""
    return list(zip(*columns_of(store, layout, documents, [field.name for field in layout.schema.stored]), strict=True))


def columns_of(store: str, layout: Layout, documents: Sequence[Document], names: Sequence[str]) -> list[Column]:
    """The values of these fields, a list for each."""
    return [column_of(store, layout, documents, layout.places[name]) for name in names]


def column_of(store: str, layout: Layout, documents: Sequence[Document], place: Place) -> Column:
    """The values of one field."""
    path, codec, field = place.path, place.codec, place.field
    if path == "_id":
        column = [document["_id"] for document in documents]
    elif path.startswith("_id."):
        column = [_part(document["_id"], field.name) for document in documents]
    else:
        column = [document.get(path) for document in documents]
    kinds = set(map(type, column))
    if field.kind is Kind.MANY and NoneType in kinds:
        column = [[] if value is None else value for value in column]
        kinds = set(map(type, column))
    if kinds <= codec.plain and (field.nullable or NoneType not in kinds):
        return column
    decode = codec.decode
    if decode is not None and NoneType not in kinds and kinds <= codec.types:
        try:
            return list(map(decode, column))
        except Misfit:
            pass  # told below, with its place
    return [_decoded(store, layout, document, place, value) for document, value in zip(documents, column, strict=True)]


def _decoded(store: str, layout: Layout, document: Document, place: Place, value: Any) -> Any:
    try:
        if value is None and not place.field.nullable:
            raise Misfit("it is missing")
        return place.codec.decoded(value)
    except Misfit as misfit:
        where = f"{layout.collection} {document['_id']!r}, field {place.field.name}"
        raise CorruptRecord(store, where, str(misfit)) from misfit


def _part(key: Any, name: str) -> Any:
    return key.get(name) if isinstance(key, dict) else key


def projection_of(layout: Layout, names: Sequence[str]) -> dict[str, int]:
    """What to ask for to get these fields, and the key."""
    return dict.fromkeys(("_id", *(layout.path(name) for name in names if layout.path(name)[:3] != "_id")), 1)


def encoded_column(layout: Layout, place: Place, column: Sequence[Any]) -> tuple[Sequence[Any], bool]:
    """The BSON forms of one field's values, and whether any is missing. Raises ValidationError for what has none."""
    has_missing = NoneType in set(map(type, column))
    if has_missing and not place.field.nullable:
        raise unstorable(layout.schema.name, place.field.name, "cannot be missing")
    encode = place.codec.encode
    if encode is None:
        return column, has_missing
    try:
        if has_missing:
            return [None if value is None else encode(value) for value in column], True
        return list(map(encode, column)), False
    except Misfit as misfit:
        raise unstorable(layout.schema.name, place.field.name, str(misfit)) from misfit
