"""The reference meaning of every query, over whole collections in memory.

Stores are tested against it. Real stores are not queried so: evaluation reads everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from holdall.query.border import Key, Row
from holdall.query.check import check
from holdall.query.groups import GroupPlan
from holdall.query.json_key import value_getter
from holdall.query.picking import meeting, picked
from holdall.query.predicate import Lookup, compile_condition, compile_path
from holdall.query.query import AnyQuery
from holdall.query.schema import Kind, Schema

__all__ = ["Table", "count", "evaluate", "matches", "select"]


class Table(msgspec.Struct, frozen=True):
    """A collection's schema and all its rows, each in the order of ``Schema.stored``.

    >>> from holdall.query import FieldSchema, Kind, Schema, Table
    >>> book = Schema("book", (FieldSchema("id", Kind.INT), FieldSchema("pages", Kind.INT)), key=("id",))
    >>> len(Table(book, [(1, 474), (2, 730)]).rows)
    2
    """

    schema: Schema
    rows: Sequence[Row]


def evaluate(query: AnyQuery, tables: Mapping[str, Table]) -> list[Row]:
    """Return the rows that the query means.

    Rows are in sort order, equal ones by key, if the query sorts or takes a part of the rows; otherwise in any order.
    Raises QueryError for a query that does not fit the tables.

    >>> from holdall.query import FieldSchema, Kind, Schema, Table, parse_query
    >>> book = Schema("book", (FieldSchema("id", Kind.INT), FieldSchema("pages", Kind.INT)), key=("id",))
    >>> evaluate(parse_query("book where pages > 500"), {"book": Table(book, [(1, 474), (2, 730)])})
    [(2, 730)]
    """
    lookup = _TableLookup(tables)
    check(query, lookup.schemas)
    return select(query, tables[query.collection].rows, lookup)


def count(query: AnyQuery, tables: Mapping[str, Table]) -> int:
    """Count the rows that meet the query's condition; limit, offset, sort and position are left aside.

    >>> from holdall.query import FieldSchema, Kind, Schema, Table, parse_query
    >>> book = Schema("book", (FieldSchema("id", Kind.INT), FieldSchema("pages", Kind.INT)), key=("id",))
    >>> count(parse_query("book where pages > 100 limit 1"), {"book": Table(book, [(1, 474), (2, 730)])})
    2
    """
    lookup = _TableLookup(tables)
    check(query, lookup.schemas)
    meets = compile_condition(query.condition, lookup.schemas[query.collection], lookup)
    return sum(map(meets, tables[query.collection].rows))


def matches(query: AnyQuery, row: Row, tables: Mapping[str, Table]) -> bool:
    """Whether this one row of the query's collection meets its condition. Example: :func:`evaluate`."""
    lookup = _TableLookup(tables)
    check(query, lookup.schemas)
    return compile_condition(query.condition, lookup.schemas[query.collection], lookup)(row)


def select(query: AnyQuery, rows: Iterable[Row], lookup: Lookup) -> list[Row]:
    """Return those of ``rows`` that a checked query means, sorted, cut and projected, or its rows of their groups.

    Example: :func:`evaluate`.
    """
    if query.grouping is None:
        return picked(query, rows, lookup)
    schema, plan = lookup.schemas[query.collection], GroupPlan(query, lookup.schemas)
    groups = plan.group(meeting(query, rows, lookup), lambda path: compile_path(path, schema, lookup))
    return plan.finish(query, groups)


class _TableLookup:
    def __init__(self, tables: Mapping[str, Table]) -> None:
        self._tables = tables
        self._schemas = {name: table.schema for name, table in tables.items()}

    @property
    def schemas(self) -> Mapping[str, Schema]:
        return self._schemas

    def by_key(self, collection: str) -> Callable[[Key], Row | None]:
        table = self._tables[collection]
        return {table.schema.key_of(row): row for row in table.rows}.get

    def all_of(self, collection: str) -> Iterable[Row]:
        return self._tables[collection].rows

    def found(self, query: AnyQuery) -> Iterable[Row]:
        return select(query, self._tables[query.collection].rows, self)

    def referring(self, collection: str, field: str) -> Callable[[Key], Iterable[Row]]:
        table = self._tables[collection]
        reference = table.schema.by_name[field]
        value_of, is_many = value_getter(table.schema, reference), reference.kind is Kind.MANY
        index: dict[Key, list[Row]] = {}
        for row in table.rows:
            for key in value_of(row) or () if is_many else (value_of(row),):
                index.setdefault(key, []).append(row)
        return lambda key: index.get(key, ())
