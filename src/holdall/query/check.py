"""The static check of a query: every path exists, every operator fits its field, every value is of the field's kind.

Stores and sessions call it before anything is sent; ``evaluate`` and compilers may then rely on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from math import isfinite
from typing import Any
from uuid import UUID

from holdall.errors import LimitExceeded, QueryError
from holdall.query.condition import And, Compare, Condition, Every, Not, Op, Or, Path, Some
from holdall.query.query import AnyQuery
from holdall.query.resolve import members_schema, resolve, schema_of
from holdall.query.schema import FieldSchema, Kind, ManyForm, Schema
from holdall.query.sort import SortKey

__all__ = ["MAX_DEPTH", "MAX_INT", "check", "is_of_kind", "kind_test", "operators_of"]

MAX_INT = 2**63 - 1
"""The largest INT at the border; the smallest is its negative."""

MAX_DEPTH = 50
"""Levels of And, Or, Not, Some and Every in one condition, and of JSON in one value."""

_EQUALITY = frozenset({Op.EQ, Op.NE, Op.IN, Op.NOT_IN, Op.IS_NULL})
_ORDER = frozenset({Op.LT, Op.LE, Op.GT, Op.GE, Op.BETWEEN})
_TEXT = frozenset({Op.CONTAINS, Op.ICONTAINS, Op.STARTSWITH, Op.ENDSWITH})
_NO_ORDER = frozenset({Kind.BOOL, Kind.JSON, Kind.REF})


def operators_of(kind: Kind) -> frozenset[Op]:
    """Return the operators that fit a field of this kind; none fit a Many, which is asked by Some and Every.

    >>> from holdall.query import Kind, Op
    >>> Op.CONTAINS in operators_of(Kind.STR), Op.CONTAINS in operators_of(Kind.INT)
    (True, False)
    """
    if kind is Kind.MANY:
        return frozenset()
    if kind is Kind.STR:
        return _EQUALITY | _ORDER | _TEXT
    return _EQUALITY if kind in _NO_ORDER else _EQUALITY | _ORDER


def check(query: AnyQuery, schemas: Mapping[str, Schema]) -> None:
    """Raise QueryError for the first thing in the query that is unknown or does not fit; LimitExceeded if too deep.

    ``schemas`` holds the query's collection and every collection its paths lead to, by name.

    >>> from holdall.query import FieldSchema, Kind, Schema, check, parse_query
    >>> book = Schema("book", (FieldSchema("id", Kind.INT), FieldSchema("pages", Kind.INT)), key=("id",))
    >>> check(parse_query("book where page > 500"), {"book": book})
    Traceback (most recent call last):
    holdall.errors.QueryError: book has no field 'page'; it has id, pages
    """
    schema = schema_of(schemas, query.collection)
    _check_condition(query.condition, schema, schemas)
    for key in query.sort_keys:
        _check_sort(key, schema, schemas)
    if query.position is not None:
        _check_position(query, schema, schemas)
    for path in query.projection:
        field = resolve(schemas, schema, path)[-1][1]
        if not field.is_stored or (field.kind is Kind.MANY and len(path) > 1):
            raise QueryError(f"{_name(schema, path)} cannot be projected: it is a Many kept elsewhere")
    if (query.max_rows is not None and query.max_rows < 0) or query.skip < 0:
        raise QueryError("a limit or an offset cannot be negative")


def _check_condition(condition: Condition, schema: Schema, schemas: Mapping[str, Schema]) -> None:
    pending: list[tuple[Condition, Schema, int]] = [(condition, schema, 1)]
    while pending:
        node, start, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise LimitExceeded("levels in one condition", MAX_DEPTH, "write it flatter")
        if isinstance(node, Compare):
            _check_compare(node, start, schemas)
        elif isinstance(node, And | Or):
            pending.extend((item, start, depth + 1) for item in node.items)
        elif isinstance(node, Not):
            pending.append((node.item, start, depth + 1))
        else:
            pending.append((node.condition, _many_target(node, start, schemas), depth + 1))


def _many_target(node: Some | Every, start: Schema, schemas: Mapping[str, Schema]) -> Schema:
    field = resolve(schemas, start, node.path)[-1][1]
    if field.kind is not Kind.MANY or field.target is None:
        word = "some" if isinstance(node, Some) else "every"
        raise QueryError(f"{_name(start, node.path)} is no Many: {word} has nothing to go through")
    target = members_schema(schemas, field)
    if field.form is ManyForm.BACK and field.back is not None:
        target.field(field.back)
    return target


def _check_compare(node: Compare, start: Schema, schemas: Mapping[str, Schema]) -> None:
    path, op, value = node.path, node.op, node.value
    field = resolve(schemas, start, path)[-1][1]
    if op not in operators_of(field.kind):
        raise QueryError(f"{op} does not fit {_name(start, path)}, which is {field.kind}")
    if op is Op.IS_NULL:
        if not isinstance(value, bool):
            raise QueryError(f"is_null on {_name(start, path)} takes True or False")
    elif op in (Op.IN, Op.NOT_IN, Op.BETWEEN):
        if not isinstance(value, tuple) or (op is Op.BETWEEN and len(value) != 2):
            raise QueryError(f"{op} on {_name(start, path)} takes a {'pair' if op is Op.BETWEEN else 'tuple'}")
        for item in value:
            _check_value(start, path, field, item)
    else:
        _check_value(start, path, field, value)


def _check_value(start: Schema, path: Path, field: FieldSchema, value: object) -> None:
    if not is_of_kind(field, value):
        hint = "; use is_null for missing values" if value is None else ""
        raise QueryError(f"{_name(start, path)} is {field.kind}: {_described(value)} cannot be compared with it{hint}")


def _check_sort(key: SortKey, schema: Schema, schemas: Mapping[str, Schema]) -> None:
    field = resolve(schemas, schema, key.path)[-1][1]
    if field.kind in (Kind.JSON, Kind.MANY) or (field.kind is Kind.REF and len(field.target_key) > 1):
        raise QueryError(f"{_name(schema, key.path)} is {field.kind} and has no order; sort by a field of one value")


def _check_position(query: AnyQuery, schema: Schema, schemas: Mapping[str, Schema]) -> None:
    position = query.position or ()
    if len(position) != len(query.sort_keys):
        raise QueryError(f"a position needs {len(query.sort_keys)} values, one for each sort key")
    for key, value in zip(query.sort_keys, position, strict=True):
        if value is not None:
            _check_value(schema, key.path, resolve(schemas, schema, key.path)[-1][1], value)


def kind_test(field: FieldSchema) -> Callable[[Any], bool]:
    """Return the check of ``is_of_kind`` for values of this field, for many calls. Example: :func:`is_of_kind`."""
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
    return _TESTS[field.kind](value)


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


def _described(value: object) -> str:
    return "null" if value is None else f"this {type(value).__name__}"


def _name(schema: Schema, path: Path) -> str:
    return ".".join((schema.name, *path))
