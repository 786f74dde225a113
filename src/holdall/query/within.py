"""Queries within queries, as they are answered in memory: the collections they look into, the record around."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol, runtime_checkable

from holdall.errors import QueryError
from holdall.query._formula import Formula
from holdall.query.border import Key, Row, Value
from holdall.query.condition import And, Compare, Condition, Op, Path
from holdall.query.resolve import OUTER, resolve
from holdall.query.schema import FieldSchema, Schema
from holdall.query.term import Call, Of, Outer

__all__ = ["Searching", "Within", "equalities", "nothing_around"]


@runtime_checkable
class Searching(Protocol):
    """A ``Lookup`` that has whole collections. Example: :class:`Exists`."""

    @property
    def schemas(self) -> Mapping[str, Schema]:
        """Every collection by name."""
        ...

    def by_key(self, collection: str) -> Callable[[Key], Row | None]:
        """A function from a key to the row that has it, or None."""
        ...

    def referring(self, collection: str, field: str) -> Callable[[Key], Iterable[Row]]:
        """A function from a key to the rows of the collection whose ``field`` is that key or, a Many, holds it."""
        ...

    def all_of(self, collection: str) -> Iterable[Row]:
        """Every row of a collection."""
        ...

    def found(self, query: Value) -> Iterable[Row]:
        """The rows that a query by itself means."""
        ...


class Within:
    """The ``Lookup`` of a query within a query: ``row`` is the record around, whose values ``getter`` gives."""

    def __init__(self, lookup: Searching, schema: Schema, getter: Callable[[Path], Callable[[Row], Value]]) -> None:
        self.row: Row = ()
        self.schemas: Mapping[str, Schema] = {**lookup.schemas, OUTER: schema}
        self.by_key, self.referring = lookup.by_key, lookup.referring
        self.all_of, self.found = lookup.all_of, lookup.found
        self._schema = schema
        self._getter = getter

    def around(self, path: Path) -> tuple[FieldSchema, Callable[[], Value]]:
        """The field at a path of the record around, and the function that gives its value."""
        get = self._getter(path)
        return resolve(self.schemas, self._schema, path)[-1][1], lambda: get(self.row)


def nothing_around(path: Path) -> tuple[FieldSchema, Callable[[], Value]]:
    """Refuse a path from the record around, where there is no query around."""
    raise QueryError(f"outer({'.'.join(path)}) has no query around it")


def equalities(condition: Condition) -> tuple[list[tuple[Path, Path]], list[Condition]]:
    """The paths that must be equal to one of the record around, with that; and what else must hold."""
    pairs, rest = list[tuple[Path, Path]](), list[Condition]()
    for item in condition.items if isinstance(condition, And) else (condition,):
        pair = _pair(item)
        if pair is None:
            rest.append(item)
        else:
            pairs.append(pair)
    return pairs, rest


def _pair(item: Condition) -> tuple[Path, Path] | None:
    if not isinstance(item, Compare) or item.op is not Op.EQ or item.value is not True:
        return None
    step = item.path[0]
    term = step.term if isinstance(step, Formula) else None
    if not isinstance(term, Call) or term.function != "eq":
        return None
    one, two = term.arguments
    if isinstance(one, Outer):
        one, two = two, one
    return (one.path, two.path) if isinstance(one, Of) and isinstance(two, Outer) else None
