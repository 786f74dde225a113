"""The values of each kind at the border: what tells whether a value is one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from math import isfinite
from typing import Any
from uuid import UUID

from holdall.query.object_id import is_object_id
from holdall.query.schema import FieldSchema, Kind

__all__ = ["MAX_DEPTH", "MAX_INT", "is_of_kind", "is_too_deep", "kind_of_value", "kind_test"]

MAX_INT = 2**63 - 1
"""The largest INT at the border; the smallest is its negative."""

MAX_DEPTH = 50
"""Levels of And, Or, Not, Some and Every in one condition, and of JSON in one value."""


def kind_test(field: FieldSchema) -> Callable[[Any], bool]:
    """Return the check of ``is_of_kind`` for values of this field, for many calls. Example: :func:`is_of_kind`."""
    if field.is_object_id:
        return is_object_id
    return partial(is_of_kind, field) if field.kind in (Kind.REF, Kind.MANY) else _TESTS[field.kind]


def is_of_kind(field: FieldSchema, value: object) -> bool:
    """Whether the value is a border value of this field's kind, null apart (see ``Kind``).

    Also true of an INT for a FLOAT or DECIMAL field. Not: a bool as INT, NaN or an infinity, an integer beyond
    ``MAX_INT``, text with NUL or half of a surrogate pair, a naive datetime or one outside UTC.

    >>> from holdall.query import FieldSchema, Kind
    >>> is_of_kind(FieldSchema("pages", Kind.INT), 3), is_of_kind(FieldSchema("pages", Kind.INT), "3")
    (True, False)
    """
    if field.kind is Kind.REF:
        return _is_key(field.target_key, value)
    if field.kind is Kind.MANY:
        return isinstance(value, tuple) and all(_is_key(field.target_key, item) for item in value)
    return is_object_id(value) if field.is_object_id else _TESTS[field.kind](value)


def _is_key(key: tuple[FieldSchema, ...], value: object) -> bool:
    if len(key) == 1:
        return is_of_kind(key[0], value)
    return isinstance(value, tuple) and len(value) == len(key) and all(map(is_of_kind, key, value))


def _is_int(value: object) -> bool:
    return type(value) is int and -MAX_INT <= value <= MAX_INT


def _is_float(value: object) -> bool:
    return (type(value) is float and isfinite(value)) or _is_int(value)


def _is_decimal(value: object) -> bool:
    return (isinstance(value, Decimal) and value.is_finite()) or _is_int(value)


def _is_text(value: object) -> bool:
    if not isinstance(value, str) or "\0" in value:
        return False
    return value.isascii() or not any("\ud800" <= character <= "\udfff" for character in value)


def _is_datetime(value: object) -> bool:
    return isinstance(value, datetime) and value.utcoffset() == timedelta(0)


def is_too_deep(value: object) -> bool:
    """Whether a JSON value is nested deeper than a field can hold.

    >>> nested = []
    >>> for _ in range(1_000):
    ...     nested = [nested]
    >>> is_too_deep(nested)
    True
    """
    level = [value] if value.__class__ in (dict, list) else []
    for _ in range(MAX_DEPTH):
        if not level:
            return False
        level = [
            part
            for item in level
            for part in (item.values() if item.__class__ is dict else item)
            if part.__class__ in (dict, list)
        ]
    return bool(level)


def _is_json(value: object, depth: int = 1) -> bool:
    if isinstance(value, dict | list):
        if depth > MAX_DEPTH:
            return False
        if isinstance(value, dict):
            return all(_is_text(name) and _is_json_part(item, depth) for name, item in value.items())
        return all(_is_json_part(item, depth) for item in value)
    return isinstance(value, bool) or _is_int(value) or _is_float(value) or _is_text(value)


def _is_json_part(value: object, depth: int) -> bool:
    return value is None or _is_json(value, depth + 1)


_TESTS: dict[Kind, Callable[[Any], bool]] = {
    Kind.BOOL: lambda value: isinstance(value, bool),
    Kind.INT: _is_int,
    Kind.FLOAT: _is_float,
    Kind.DECIMAL: _is_decimal,
    Kind.STR: _is_text,
    Kind.BYTES: lambda value: isinstance(value, bytes),
    Kind.DATETIME: _is_datetime,
    Kind.DATE: lambda value: type(value) is date,
    Kind.TIME: lambda value: isinstance(value, time) and value.tzinfo is None,
    Kind.TIMEDELTA: lambda value: isinstance(value, timedelta),
    Kind.UUID: lambda value: isinstance(value, UUID),
    Kind.JSON: _is_json,
}


_KINDS: tuple[tuple[type, Kind], ...] = (
    (bool, Kind.BOOL),
    (int, Kind.INT),
    (float, Kind.FLOAT),
    (Decimal, Kind.DECIMAL),
    (str, Kind.STR),
    (bytes, Kind.BYTES),
    (datetime, Kind.DATETIME),
    (date, Kind.DATE),
    (time, Kind.TIME),
    (timedelta, Kind.TIMEDELTA),
    (UUID, Kind.UUID),
)


def kind_of_value(value: object) -> Kind | None:
    """The kind that a border value is of by itself; None for one that is of none, JSON apart.

    >>> kind_of_value(1), kind_of_value(None)
    (<Kind.INT: 'int'>, None)
    """
    kind = next((kind for type_, kind in _KINDS if isinstance(value, type_)), None)
    return kind if kind is not None and _TESTS[kind](value) else None
