"""Paths into JSON to SQL, and its scalars as values of other kinds; what is not there and JSON's null are missing."""

from __future__ import annotations

import json
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSON, JSONB

from holdall.stores.sql.dialect import Dialect, Element

__all__ = ["json_as", "json_equal", "json_item"]

Clause = sa.ColumnElement[bool]
_WHOLE = "^-?[0-9]+$"


def json_item(document: Element, steps: Sequence[str | int], dialect: Dialect) -> Element:
    """The JSON at this path of a document."""
    match dialect.family:
        case "sqlite":
            path = sa.bindparam(None, json.dumps(list(steps)), type_=sa.Text(), unique=True)
            return sa.func.holdall_at(document, path, type_=sa.Text())
        case "postgresql":
            found: Element = sa.cast(document, JSON())
            for step in steps:
                given = sa.bindparam(
                    None, step, type_=sa.Integer() if isinstance(step, int) else sa.Text(), unique=True
                )
                found = found.op("->", precedence=15)(given)
            return sa.type_coerce(sa.case((sa.func.json_typeof(found) != sa.literal_column("'null'"), found)), JSON())
    return _in_mariadb(document, steps)


def _in_mariadb(document: Element, steps: Sequence[str | int]) -> Element:
    path, guards = "$", list[Clause]()
    for step in steps:
        if isinstance(step, int):  # a scalar would be its own first item
            guards.append(_type_at(document, path) == sa.literal_column("'ARRAY'"))
            path += f"[{step}]"
        else:
            guards.append(_type_at(document, path) == sa.literal_column("'OBJECT'"))
            path += "." + json.dumps(step, ensure_ascii=False)
    guards.append(_type_at(document, path) != sa.literal_column("'NULL'"))
    return sa.case((sa.and_(*guards), sa.func.json_extract(document, _text(path))))


def _type_at(document: Element, path: str) -> Element:
    return sa.func.json_type(document if path == "$" else sa.func.json_extract(document, _text(path)))


def _text(text: str) -> Element:
    return sa.bindparam(None, text, type_=sa.Text(), unique=True)


def json_as(name: str, value: Element, dialect: Dialect) -> Element:
    """A scalar as text, a number or a truth; missing where it is of another type."""
    match dialect.family:
        case "sqlite":
            kind = {"as_text": sa.Text(), "as_bool": sa.Boolean(), "as_float": sa.Double()}.get(name, sa.BigInteger())
            return getattr(sa.func, f"holdall_{name}")(value, type_=kind)  # type: ignore[no-any-return]
        case "postgresql":
            return _as_in_postgresql(name, sa.cast(value, JSON()))
    return _as_in_mariadb(name, value)


def _as_in_postgresql(name: str, value: Element) -> Element:
    kind = sa.func.json_typeof(value)
    text: Element = value.op("#>>", precedence=15, return_type=sa.Text())(sa.literal_column("'{}'"))
    match name:
        case "as_text":
            return sa.case((kind == sa.literal_column("'string'"), text))
        case "as_bool":
            return sa.case((kind == sa.literal_column("'boolean'"), sa.cast(text, sa.Boolean())))
        case "as_float":
            return sa.case((kind == sa.literal_column("'number'"), sa.cast(text, sa.Double())))
    is_whole = sa.case((kind == sa.literal_column("'number'"), text.bool_op("~")(_text(_WHOLE))), else_=sa.false())
    return sa.case((is_whole, sa.cast(text, sa.BigInteger())))


def _as_in_mariadb(name: str, value: Element) -> Element:
    kind = sa.func.json_type(value)
    match name:
        case "as_text":
            return sa.case((kind == sa.literal_column("'STRING'"), sa.func.json_unquote(value)))
        case "as_bool":
            is_true = value == sa.literal_column("'true'")
            return sa.case((kind == sa.literal_column("'BOOLEAN'"), is_true))
        case "as_float":
            is_number = kind.in_([sa.literal_column("'INTEGER'"), sa.literal_column("'DOUBLE'")])
            return sa.case((is_number, sa.cast(value, sa.Double())))
    return sa.case((kind == sa.literal_column("'INTEGER'"), sa.cast(value, sa.BigInteger())))


def json_equal(one: Element, two: Element, dialect: Dialect) -> Clause:
    """That two JSON values are equal by content."""
    match dialect.family:
        case "sqlite":
            return sa.func.holdall_json(one) == sa.func.holdall_json(two)
        case "postgresql":
            return sa.cast(one, JSONB()) == sa.cast(two, JSONB())
    bracketed = [sa.func.concat(sa.literal_column("'['"), item, sa.literal_column("']'")) for item in (one, two)]
    return sa.func.json_equals(*bracketed) == sa.literal_column("1")
