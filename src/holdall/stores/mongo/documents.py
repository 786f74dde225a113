"""Documents to rows and rows to documents, column by column: what needs no change costs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType
from typing import Any

import msgspec

from holdall.errors import CorruptRecord
from holdall.query import Key, Kind, Value
from holdall.store import Damaged, Rows
from holdall.stores.mongo.errors import Misfit, unstorable
from holdall.stores.mongo.layout import Layout, Place
from holdall.stores.mongo.source import Document

__all__ = ["MISSING", "Columns", "column_of", "columns_of", "encoded_column", "projection_of", "refuse_damaged"]

Column = list[Any]

MISSING = Damaged("is missing")
"""What stands for a value that must be there and is not."""


class Columns(msgspec.Struct):
    """Values of some fields, a list for each; ``is_damaged`` if ``Damaged`` stands in one for what cannot be read."""

    values: list[Column]
    is_damaged: bool = False


def columns_of(layout: Layout, documents: Sequence[Document], names: Sequence[str]) -> Columns:
    """The values of these fields."""
    found = Columns([])
    for name in names:
        column, is_damaged = column_of(documents, layout.places[name])
        found.values.append(column)
        found.is_damaged |= is_damaged
    return found


def column_of(documents: Sequence[Document], place: Place) -> tuple[Column, bool]:
    """The values of one field, ``Damaged`` for those that it never holds, and whether there is any such."""
    path, codec, field = place.path, place.codec, place.field
    if path == "_id":
        column = [document["_id"] for document in documents]
    elif path.startswith("_id."):
        column = [_part(document["_id"], path.removeprefix("_id.")) for document in documents]
    else:
        column = [document.get(path) for document in documents]
    kinds = set(map(type, column))
    if field.kind is Kind.MANY and NoneType in kinds:
        column = [[] if value is None else value for value in column]
        kinds = set(map(type, column))
    if kinds <= codec.plain and (field.nullable or NoneType not in kinds):
        if codec.is_sound is None or codec.is_sound(column):
            return column, False
    elif (decode := codec.decode) is not None and NoneType not in kinds and kinds <= codec.types:
        try:
            return list(map(decode, column)), False
        except Misfit:
            pass  # told below, one by one
    column = [_decoded(place, value) for value in column]
    return column, any(isinstance(value, Damaged) for value in column)


def _decoded(place: Place, value: object) -> Value:
    if value is None:
        return None if place.field.nullable else MISSING
    try:
        return place.codec.decoded(value)
    except Misfit as misfit:
        return Damaged(str(misfit))


def refuse_damaged(store: str, layout: Layout, documents: Sequence[Document], names: Sequence[str], rows: Rows) -> None:
    """Raise CorruptRecord, with all rows, for the first that holds ``Damaged``; documents and rows go together."""
    places = [layout.places[name] for name in layout.schema.key]
    for document, row in zip(documents, rows, strict=True):
        broken = {name: value for name, value in zip(names, row, strict=True) if isinstance(value, Damaged)}
        if broken:
            parts = tuple([column_of([document], place)[0][0] for place in places])
            is_known = not any(part is None or isinstance(part, Damaged) for part in parts)
            key = (parts[0] if len(parts) == 1 else parts) if is_known else None
            place = f"{layout.schema.name} {(key if is_known else document['_id'])!r}"
            reasons = "; ".join(f"{name} {value.reason}" for name, value in broken.items())
            raise CorruptRecord(store, place, reasons, key=key, fields=tuple(broken), rows=rows)


def _part(key: Key, name: str) -> Value:
    return key.get(name) if isinstance(key, dict) else key


def projection_of(layout: Layout, names: Sequence[str]) -> dict[str, int]:
    """Return the projection that gets these fields, and the key."""
    return dict.fromkeys(("_id", *(layout.path(name) for name in names if layout.path(name)[:3] != "_id")), 1)


def encoded_column(layout: Layout, place: Place, column: Sequence[Value]) -> tuple[Sequence[Any], bool]:
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
