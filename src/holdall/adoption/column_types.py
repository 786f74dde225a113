"""From SQLAlchemy's column types to annotations of fields, or the reason why there is none."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import types
from sqlalchemy.dialects import postgresql

from holdall.adoption.carried import ColumnType, NotCarried
from holdall.adoption.decorators import decorated
from holdall.model import JSON
from holdall.query import Value

__all__ = ["not_null", "type_of_column"]

_NOT_NULL_JSON = dict[str, Any] | list[Any] | str | int | float | bool


def type_of_column(column_type: Value, given: type[object] | None = None) -> ColumnType:
    """Return the annotation and options of a column of this type; raises NotCarried.

    ``given`` is the class of the values, as far as the attribute says it.
    """
    kind = column_type
    if isinstance(kind, types.TypeDecorator) and not isinstance(kind, sa.Interval):
        return decorated(kind, type_of_column(kind.impl_instance), given)
    if isinstance(kind, sa.Enum):
        return _enum(kind)
    if isinstance(kind, sa.ARRAY):
        item: Value = type_of_column(kind.item_type).annotation
        for _ in range(kind.dimensions or 1):
            item = list[item]
        return ColumnType(item)
    for wanted, annotation in _PLAIN:
        if isinstance(kind, wanted):
            return ColumnType(annotation)
    if isinstance(kind, sa.Time):
        if kind.timezone:
            raise NotCarried("a time of day with a time zone is no time of day; use Time() or DateTime(timezone=True)")
        return ColumnType(time)
    if isinstance(kind, sa.Numeric):
        if kind.precision is None:
            return ColumnType(Decimal)
        return ColumnType(Decimal, {"digits": kind.precision, "places": kind.scale or 0})
    if isinstance(kind, sa.LargeBinary | sa.BINARY | sa.VARBINARY):
        return ColumnType(bytes, {} if kind.length is None else {"length": (0, kind.length)})
    if isinstance(kind, sa.String):
        return ColumnType(str, {} if kind.length is None else {"length": (0, kind.length)})
    if isinstance(kind, postgresql.TSVECTOR):
        raise NotCarried("the words of a tsvector are made by the database: leave it out, and declare what is searched")
    if isinstance(kind, types.NullType):
        raise NotCarried("its column has no type")
    raise NotCarried(f"no field keeps what a column of type {type(kind).__name__} holds")


_PLAIN: tuple[tuple[Value, Value], ...] = (
    (sa.Boolean, bool),
    (sa.Integer, int),
    (sa.Float, float),
    (sa.Interval, timedelta),
    (postgresql.INTERVAL, timedelta),
    (sa.DateTime, datetime),
    (sa.Date, date),
    (sa.Uuid, UUID),
    (sa.JSON, JSON),
    (postgresql.INET, str),
    (postgresql.CIDR, str),
    (postgresql.MACADDR, str),
)


def not_null(annotation: Value) -> Value:
    """The annotation of values that are never null."""
    return _NOT_NULL_JSON if annotation == JSON else annotation


def _enum(kind: sa.Enum) -> ColumnType:
    members: Value = kind.enum_class
    labels = tuple(str(label) for label in kind.enums or ())
    if not labels:
        raise NotCarried("its Enum has no members")
    if members is None:
        return ColumnType(Literal.__getitem__(labels))
    if not isinstance(members, type) or not issubclass(members, Enum):
        raise NotCarried(f"{members!r} is no Enum")
    values = [member.value for member in members]
    is_text = all(isinstance(value, str) for value in values)
    is_number = all(isinstance(value, int) and not isinstance(value, bool) for value in values)
    if not is_text and not is_number:
        raise NotCarried(f"the values of {members.__name__} are neither all text nor all whole numbers")
    if len(set(labels)) != len(values):
        raise NotCarried(f"not every member of {members.__name__} has a text of its own to be stored as")
    return ColumnType(members, {} if list(labels) == values else {"labels": labels})
