"""The order of rows: sort keys, where missing values go, the key as last word, and what comes after a position."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from holdall.query.border import Row
from holdall.query.predicate import Getter, Lookup, Predicate, compile_path
from holdall.query.query import AnyQuery
from holdall.query.schema import Schema
from holdall.query.sort import SortKey

__all__ = ["compile_position", "compile_sort", "is_ordered"]

Sorter: TypeAlias = Callable[[list[Row]], None]


def is_ordered(query: AnyQuery) -> bool:
    """Whether the query's rows have an order: it sorts, or takes a part of the rows."""
    return bool(query.sort_keys) or query.max_rows is not None or query.skip > 0


def compile_sort(query: AnyQuery, schema: Schema, lookup: Lookup) -> Sorter:
    """A function that sorts a list of rows in place, by the sort keys and then by the record's key, ascending."""
    keys = [*query.sort_keys]
    sorted_by = {key.path for key in keys}
    keys += [SortKey((name,)) for name in schema.key if (name,) not in sorted_by]
    passes = [(_rank(compile_path(key.path, schema, lookup), key), key.descending) for key in reversed(keys)]

    def sort(rows: list[Row]) -> None:
        for rank, descending in passes:  # each pass keeps the order of the one before among equals
            rows.sort(key=rank, reverse=descending)

    return sort


def compile_position(query: AnyQuery, schema: Schema, lookup: Lookup) -> Predicate:
    """A function that tells whether a row comes after the query's position, equal rows not included."""
    steps = []
    for key, value in zip(query.sort_keys, query.position or (), strict=True):
        get = compile_path(key.path, schema, lookup)
        steps.append((_rank(get, key), _ranked(value, key), key.descending))

    def is_after(row: Row) -> bool:
        for rank, wanted, descending in steps:
            found = rank(row)
            if found != wanted:
                return bool(found < wanted if descending else found > wanted)
        return False

    return is_after


def _rank(get: Getter, key: SortKey) -> Callable[[Row], tuple[int, Any]]:
    missing = _ranked(None, key)

    def rank(row: Row) -> tuple[int, Any]:
        value = get(row)
        return missing if value is None else (1, value)

    return rank


def _ranked(value: object, key: SortKey) -> tuple[int, Any]:
    if value is not None:
        return (1, value)
    return (0 if key.nulls_first is not key.descending else 2, 0)
