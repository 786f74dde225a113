"""Comparisons of JSON values: equal whatever the order of members and the spelling of numbers."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from holdall.query import Value
from holdall.stores.sql import _values as values
from holdall.stores.sql.binding import Binding
from holdall.stores.sql.canonical import canonical_json
from holdall.stores.sql.codec import Convert
from holdall.stores.sql.dialect import Dialect, Element
from holdall.stores.sql.shape import bucket

__all__ = ["JsonComparisons"]

Clause = sa.ColumnElement[bool]
ONE: Element = sa.literal_column("1")


class JsonComparisons:
    """Compiles the JSON comparisons of one statement."""

    def __init__(self, dialect: Dialect, binding: Binding) -> None:
        self._dialect = dialect
        self._binding = binding

    def equals(self, column: Element, index: int, listed: Convert | None = None) -> Clause:
        """That the column holds the JSON value at this place, as ``listed`` makes it of the value asked for."""
        match self._dialect.family:
            case "sqlite":
                return sa.func.holdall_json(column) == self._binding.parameter(index, sa.Text(), canonical_json)
            case "postgresql":
                return sa.cast(column, JSONB()) == self._binding.parameter(index, JSONB(), values.json_to_text)
        as_array = _as_array if listed is None else lambda value: _as_array(listed(value))
        return _is_equal(column, self._binding.parameter(index, sa.Text(), as_array))

    def one_of(self, column: Element, index: int, length: int, listed: Convert | None = None) -> Clause:
        """That the column holds one of the JSON values of the list at this place."""
        match self._dialect.family:
            case "sqlite":
                parameter = self._binding.parameter(index, sa.Text(), _canonical_list)
                item = sa.func.json_each(parameter).table_valued("value").alias(f"list{index}").c.value
                return sa.func.holdall_json(column).in_(sa.select(item))
            case "postgresql":
                return sa.cast(column, JSONB()) == sa.any_(
                    self._binding.parameter(index, sa.ARRAY(JSONB()), _text_list)
                )
        places = range(bucket(length))
        parameters = [self._binding.parameter(index, sa.Text(), _nth(place, listed)) for place in places]
        return sa.or_(*(_is_equal(column, parameter) for parameter in parameters))


def _is_equal(column: Element, parameter: Element) -> Clause:
    """Compares arrays of one item: MariaDB's JSON_EQUALS misreads numbers like 1e22 that stand by themselves."""
    return (
        sa.func.json_equals(sa.func.concat(sa.literal_column("'['"), column, sa.literal_column("']'")), parameter)
        == ONE
    )


def _as_array(value: Value) -> str:
    return values.json_to_text([value])


def _canonical_list(items: tuple[Value, ...]) -> str:
    return values.json_to_text([canonical_json(item) for item in items])


def _text_list(items: tuple[Value, ...]) -> list[str]:
    return [values.json_to_text(item) for item in items]


def _nth(place: int, listed: Convert | None) -> Convert:
    def pick(items: tuple[Value, ...]) -> str:
        item = items[min(place, len(items) - 1)]
        return _as_array(item if listed is None else listed(item))

    return pick
