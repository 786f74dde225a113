"""Combinations of queries of one model: the records of several, of all, or of one and not of others."""

from __future__ import annotations

from typing import Protocol

import msgspec

from holdall.errors import QueryError
from holdall.query.border import Value
from holdall.query.condition import And, Condition, Exists, Not, Or, Path

__all__ = ["combined"]


class _Combined(Protocol):
    """A query, as far as combinations need one."""

    collection: str
    condition: Condition
    max_rows: int | None
    skip: int
    position: tuple[Value, ...] | None
    projection: tuple[Path, ...]
    model: Value
    grouping: Value


def combined(word: str, queries: tuple[Value, ...]) -> tuple[Condition, tuple[Path, ...]]:
    """The condition that the records of a combination meet, and what is shown of them.

    Raises QueryError for queries of several models, of groups, after a position, or of different columns.
    """
    first = queries[0]
    for query in queries:
        _demand_like(word, first, query)
    if first.projection and word != "union":
        raise QueryError(f"{word}() combines records: put only() on the outside")
    conditions = tuple([_meaning(query) for query in queries])
    if word == "union":
        return Or(conditions), first.projection
    if word == "intersect":
        return And(conditions), first.projection
    return And((conditions[0], *map(Not, conditions[1:]))), first.projection


def _demand_like(word: str, first: _Combined, query: _Combined) -> None:
    if not hasattr(query, "projection"):
        raise QueryError(f"{word}() takes queries, not {type(query).__name__}")
    if query.collection != first.collection or query.model is not first.model:
        raise QueryError(f"{word}() combines queries of one model, not of {first.collection} and {query.collection}")
    if query.grouping is not None or query.position is not None:
        raise QueryError(f"{word}() combines queries without groups and after(): put these on the outside")
    if query.projection != first.projection:
        raise QueryError(f"{word}() combines queries of the same columns")


def _meaning(query: _Combined) -> Condition:
    """The condition that tells the records of a query from all others."""
    if query.max_rows is None and not query.skip:
        return query.condition
    names = [key.name for key in query.model.__holdall__.key] if hasattr(query.model, "__holdall__") else ()
    if len(names) != 1:
        raise QueryError("a part of the rows is combined by its key, which must be one field of a model")
    key = (names[0],)
    # replace() is not generic for checkers, as a query is
    return Exists(msgspec.structs.replace(query, projection=(key,), model=query.model), key)  # type: ignore[type-var]
