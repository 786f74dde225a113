"""The rows that a query without groups means, of those that are there: filtered, sorted, cut and projected."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import itemgetter

from holdall.query.border import Row
from holdall.query.condition import And
from holdall.query.ordering import compile_position, compile_sort, is_ordered
from holdall.query.predicate import Lookup, compile_condition, compile_path
from holdall.query.query import AnyQuery
from holdall.query.schema import Schema

__all__ = ["meeting", "picked"]


def meeting(query: AnyQuery, rows: Iterable[Row], lookup: Lookup) -> list[Row]:
    """Those of the rows that meet the condition of a checked query."""
    if isinstance(query.condition, And) and not query.condition.items:
        return list(rows)
    return list(filter(compile_condition(query.condition, lookup.schemas[query.collection], lookup), rows))


def picked(query: AnyQuery, rows: Iterable[Row], lookup: Lookup) -> list[Row]:
    """Those of the rows that a checked query means, in its order and with its projection."""
    schema, found = lookup.schemas[query.collection], meeting(query, rows, lookup)
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
    if all(len(path) == 1 and path[0].__class__ is str for path in query.projection) and len(query.projection) > 1:
        return itemgetter(*(schema.positions[path[0]] for path in query.projection))
    getters = [compile_path(path, schema, lookup) for path in query.projection]
    return lambda row: tuple([get(row) for get in getters])
