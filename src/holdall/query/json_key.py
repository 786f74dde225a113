"""Keys inside JSON: a reference within a value is kept as its key, in the form that JSON has for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from operator import itemgetter
from typing import TypeAlias
from uuid import UUID

from holdall.query.border import Json, Key, Row, Value
from holdall.query.nested_place import parts_at
from holdall.query.schema import FieldSchema, Kind, Schema

__all__ = ["KEY_KINDS", "KeyKinds", "key_from_json", "key_kinds", "key_to_json", "keys_inside", "value_getter"]

KEY_KINDS = frozenset({Kind.INT, Kind.STR, Kind.UUID, Kind.DATE})
"""The kinds of keys that have one form in JSON, the same in every store."""

KeyKinds: TypeAlias = "Kind | tuple[KeyKinds, ...]"
"""The kind of a key, or those of its parts."""


def key_kinds(parts: tuple[FieldSchema, ...]) -> KeyKinds:
    """Return the kinds of a key with these fields. Example: :func:`key_from_json`."""
    kinds = tuple([key_kinds(part.target_key) if part.kind is Kind.REF else part.kind for part in parts])
    return kinds[0] if len(kinds) == 1 else kinds


def key_to_json(key: Key) -> Json:
    """Return the form that a key has inside JSON. Example: :func:`key_from_json`."""
    if isinstance(key, tuple):
        return [key_to_json(part) for part in key]
    if isinstance(key, UUID):
        return str(key)
    return key.isoformat() if isinstance(key, date) else key


def key_from_json(kinds: KeyKinds, kept: Value) -> Key:
    """Return the key of these kinds that is kept inside JSON; None where it is none.

    >>> from uuid import UUID
    >>> from holdall.query import Kind
    >>> key_from_json((Kind.INT, Kind.UUID), key_to_json((7, UUID(int=1))))
    (7, UUID('00000000-0000-0000-0000-000000000001'))
    >>> key_from_json(Kind.INT, "seven") is None
    True
    """
    if isinstance(kinds, tuple):
        if not isinstance(kept, list) or len(kept) != len(kinds):
            return None
        parts = tuple([key_from_json(kind, part) for kind, part in zip(kinds, kept, strict=True)])
        return None if None in parts else parts
    if kinds is Kind.INT:
        return kept if type(kept) is int else None
    if not isinstance(kept, str):
        return None
    try:
        return UUID(kept) if kinds is Kind.UUID else _day(kept) if kinds is Kind.DATE else kept
    except ValueError:
        return None


def keys_inside(field: FieldSchema) -> Callable[[Json], Value]:
    """Return the function from the JSON of a field to the key of a reference inside it, or to those of several.

    A key that comes twice is told once, and what is no key is passed by.

    >>> from holdall.query import FieldSchema, Kind, ManyForm, NestedPlace
    >>> place = NestedPlace("lines", (None, "product"))
    >>> product = FieldSchema("id", Kind.INT)
    >>> lines = FieldSchema("lines.product", Kind.MANY, target_key=(product,), form=ManyForm.SET, inside=place)
    >>> keys_inside(lines)([{"product": 7}, {"product": None}, {"product": 8}, {"product": 7}])
    (7, 8)
    """
    assert field.inside is not None
    steps, kinds = field.inside.steps, key_kinds(field.target_key)

    def several(kept: Json) -> tuple[Key, ...]:
        found = dict.fromkeys([key_from_json(kinds, part) for part in parts_at(kept, steps)])
        found.pop(None, None)
        return tuple(found)

    if field.kind is Kind.MANY:
        return several
    return lambda kept: next(iter(several(kept)), None)


def value_getter(schema: Schema, field: FieldSchema) -> Callable[[Row], Value]:
    """Return the function from a row of all stored fields to the value of one, or of a reference inside one.

    >>> from holdall.query import FieldSchema, Kind, Schema
    >>> book = Schema("book", (FieldSchema("id", Kind.INT), FieldSchema("pages", Kind.INT)), key=("id",))
    >>> value_getter(book, book.field("pages"))((1, 474))
    474
    """
    if field.inside is None:
        return itemgetter(schema.positions[field.name])
    root, inside = schema.positions[field.inside.root], keys_inside(field)
    return lambda row: inside(row[root])


def _day(text: str) -> date:
    found = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    if found.isoformat() != text:
        raise ValueError(text)
    return found
