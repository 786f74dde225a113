"""The reference meaning of every query, over whole collections in memory.

Stores are tested against it. Real stores are not queried so: evaluation reads everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter

import msgspec

from holdall.query.border import Key, Row
from holdall.query.check import check
from holdall.query.condition import And
from holdall.query.ordering import compile_position, compile_sort, is_ordered
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
    """Return those of ``rows`` that a checked query means, sorted, cut and projected. Example: :func:`evaluate`."""
    schema = lookup.schemas[query.collection]
    if isinstance(query.condition, And) and not query.condition.items:
        found = list(rows)
    else:
        found = list(filter(compile_condition(query.condition, schema, lookup), rows))
    if query.position is not None:
        found = list(filter(compile_position(query, schema, lookup), found))
    if is_ordered(query) and len(found) > 1:
        compile_sort(query, schema, lookup)(found)
    if query.skip or query.max_rows is not None:
        end = None if query.max_rows is None else query.skip + query.max_rows
        found = found[query.skip : end]
    if query.projection:
        found = list(map(_projector(query, schema, lookup), found))
    return found


def _projector(query: AnyQuery, schema: Schema, lookup: Lookup) -> Callable[[Row], Row]:
    if all(len(path) == 1 for path in query.projection) and len(query.projection) > 1:
        return itemgetter(*(schema.positions[path[0]] for path in query.projection))
    getters = [compile_path(path, schema, lookup) for path in query.projection]
    return lambda row: tuple([get(row) for get in getters])


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

    def referring(self, collection: str, field: str) -> Callable[[Key], Iterable[Row]]:
        table = self._tables[collection]
        position = table.schema.positions[field]
        index: dict[Key, list[Row]] = {}
        is_many = table.schema.by_name[field].kind is Kind.MANY
        for row in table.rows:
            for key in row[position] or () if is_many else (row[position],):
                index.setdefault(key, []).append(row)
        return lambda key: index.get(key, ())
