"""A stored Many as a column of a row: the keys its link table holds, gathered by a sub-select."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from holdall.query import FieldSchema, Kind, Value
from holdall.store import may_pass_bounds
from holdall.stores.sql import _values as values
from holdall.stores.sql.columns import Leaf, leaves
from holdall.stores.sql.dialect import Dialect, Element
from holdall.stores.sql.joins import Scope
from holdall.stores.sql.keeping import spelling_of
from holdall.stores.sql.spelling_codecs import unspelt
from holdall.stores.sql.spelling_sql import comparable, shown
from holdall.stores.sql.spellings import Spelling

__all__ = ["many_columns", "many_decoder"]


def many_columns(scope: Scope, name: str, dialect: Dialect) -> list[Element]:
    """One gathered list for each column of the keys referred to, in the Many's order, or in that of the keys."""
    columns: list[Element] = []
    for place in range(len(scope.record(())[0].links[name].target)):
        link, rows, belongs = scope.links(name)
        by_key = [_ordered(rows.c[leaf.name], leaf) for leaf in link.target]
        order = [rows.c[link.position]] if link.position else by_key
        leaf = link.target[place]
        item = rows.c[leaf.name]
        if dialect.family == "postgresql":
            found = sa.select(shown(item, leaf.field, dialect)).where(belongs).order_by(*order).correlate_except(rows)
            columns.append(sa.func.array(found.scalar_subquery()))
        elif not dialect.orders_aggregates:
            ordered = sa.select(_carried(item, leaf, dialect).label("item")).where(belongs).order_by(*order)
            listed = ordered.correlate_except(rows).subquery()
            columns.append(sa.select(sa.func.json_group_array(listed.c.item)).scalar_subquery())
        else:
            function = "json_group_array" if dialect.family == "sqlite" else "json_arrayagg"
            gathered = getattr(sa.func, function)(_carried(item, leaf, dialect)).aggregate_order_by(*order)
            columns.append(sa.select(gathered).where(belongs).correlate_except(rows).scalar_subquery())
    return columns


def _ordered(column: Element, leaf: Leaf) -> Element:
    return comparable(column, leaf.field, is_ordered=True)


def many_decoder(field: FieldSchema, dialect: Dialect) -> Callable[..., tuple[Any, ...]]:
    """Return the function from the gathered lists of a Many to its tuple of keys."""
    found = leaves(field)
    reader: Callable[[Leaf], Callable[[Any], Sequence[Any]]]
    reader = _native_reader if dialect.family == "postgresql" else _json_reader
    read = [reader(leaf) for leaf in found]
    if len(found) == 1:
        only = read[0]
        return lambda column: tuple(only(column))
    build = _builder(field)

    def decode(*columns: Value) -> tuple[Value, ...]:
        lists = [list_of(column) for list_of, column in zip(read, columns, strict=True)]
        return tuple([build(list(parts)) for parts in zip(*lists, strict=True)])

    return decode


def _carried(item: Element, leaf: Leaf, dialect: Dialect) -> Element:
    """An item in a form that JSON can hold. In SQLite, bytes among others, and others among bytes, become null."""
    is_bytes, is_untyped = leaf.kind is Kind.BYTES, dialect.family == "sqlite"
    if spelling_of(leaf.field) is Spelling.OCTETS:
        return sa.func.lower(sa.func.hex(item))
    if not is_bytes and leaf.kind not in _AS_THEY_ARE:
        return sa.cast(item, sa.Unicode())
    carried: Element = sa.func.hex(item) if is_bytes else item
    if not is_untyped:
        return carried
    is_blob: Element = sa.func.typeof(item) == sa.literal_column("'blob'")
    return sa.case((is_blob if is_bytes else ~is_blob, carried))


_AS_THEY_ARE = (Kind.INT, Kind.BOOL, Kind.STR, Kind.TIMEDELTA)
_BOOLS = {0: False, 1: True}
_LISTS: dict[Kind, Callable[[str | bytes], list[Any]]] = {
    Kind.INT: msgspec.json.Decoder(list[int]).decode,
    Kind.TIMEDELTA: msgspec.json.Decoder(list[int]).decode,
    Kind.BOOL: msgspec.json.Decoder(list[Any]).decode,
}
_list_of_text = msgspec.json.Decoder(list[str]).decode
_FROM_TEXT: dict[Kind, Callable[[Any], Any]] = {
    Kind.BOOL: _BOOLS.__getitem__,
    Kind.BYTES: bytes.fromhex,
    Kind.FLOAT: float,
    Kind.DECIMAL: values.decimal_from_text,
    Kind.DATETIME: lambda text: values.datetime_from_any(values.datetime_from_text(text)),
    Kind.DATE: values.date_from_text,
    Kind.TIME: values.time_from_text,
    Kind.TIMEDELTA: values.timedelta_from_number,
    Kind.UUID: values.uuid_from_text,
}


def _native_reader(leaf: Leaf) -> Callable[[Sequence[Any] | None], Sequence[Any]]:
    convert = unspelt(leaf.field, "asyncpg") or (values.timedelta_from_number if leaf.kind is Kind.TIMEDELTA else None)
    if convert is not None:
        return lambda column: [convert(item) for item in column or ()]
    return lambda column: column or ()


def _json_reader(leaf: Leaf) -> Callable[[str | bytes | None], Sequence[Any]]:
    """The list of items, each of the class that its kind has in JSON; raises ValueError for others."""
    convert, decode = _FROM_TEXT.get(leaf.kind), _LISTS.get(leaf.kind, _list_of_text)

    def read(column: str | bytes | None) -> Sequence[Any]:
        if not column:
            return ()
        items = decode(column)
        if convert is None and may_pass_bounds(column):
            values.json_from_text(column)  # which refuses what it should
        return items if convert is None else [convert(item) for item in items]

    return read


def _builder(field: FieldSchema) -> Callable[[list[Any]], Any]:
    def build(part: FieldSchema, remaining: list[Any]) -> Any:
        if part.kind not in (Kind.REF, Kind.MANY):
            return remaining.pop(0)
        if len(part.target_key) == 1:
            return build(part.target_key[0], remaining)
        return tuple([build(item, remaining) for item in part.target_key])

    return lambda parts: build(field, parts)
