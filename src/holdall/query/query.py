"""The query: a frozen value that says which records, in which order, how many and what of them."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

from holdall.errors import QueryError
from holdall.query.condition import ALWAYS, Condition, Node, Path, both
from holdall.query.expression import asc, expr
from holdall.query.sort import SortKey

__all__ = ["Query"]

M = TypeVar("M")


class Query(msgspec.Struct, Generic[M], frozen=True):
    """Which records of ``collection`` are meant. Every method gives a new query.

    A query that sorts, or has a limit or an offset, has its rows in a certain order: rows equal in all sort keys (all
    rows, if there is none) come by their keys, ascending. ``position`` holds a value for each sort key, None for
    missing: only rows after it in the sort order are meant, none equal to it, so the sort should then be total.
    An empty ``projection`` means all stored fields. ``model`` is for the session, stores ignore it.
    """

    collection: str
    condition: Condition = ALWAYS
    sort_keys: tuple[SortKey, ...] = ()
    max_rows: int | None = None
    skip: int = 0
    position: tuple[Any, ...] | None = None
    projection: tuple[Path, ...] = ()
    model: Any = None

    def where(self, *conditions: Condition | bool) -> Query[M]:
        """Only records that meet these conditions too."""
        condition = self.condition
        for item in conditions:
            if not isinstance(item, Node):
                raise QueryError(f"where() takes conditions such as Book.pages > 100, not {type(item).__name__}")
            condition = both(condition, item)
        return msgspec.structs.replace(self, condition=condition)

    def sort(self, *keys: Any) -> Query[M]:
        """Sorted by these fields or sort keys, in place of an earlier sort."""
        sort_keys = tuple(key if isinstance(key, SortKey) else asc(key) for key in keys)
        return msgspec.structs.replace(self, sort_keys=sort_keys)

    def limit(self, rows: int | None) -> Query[M]:
        """At most this many rows."""
        if rows is not None and rows < 0:
            raise QueryError("a limit cannot be negative")
        return msgspec.structs.replace(self, max_rows=rows)

    def offset(self, rows: int) -> Query[M]:
        """Without the first ``rows`` rows."""
        if rows < 0:
            raise QueryError("an offset cannot be negative")
        return msgspec.structs.replace(self, skip=rows)

    def after(self, *position: Any) -> Query[M]:
        """Only rows after this position: one border value for each sort key."""
        if len(position) != len(self.sort_keys):
            raise QueryError(f"a position needs {len(self.sort_keys)} values, one for each sort key")
        return msgspec.structs.replace(self, position=position)

    def only(self, *fields: Any) -> Query[M]:
        """Rows of just these fields, as tuples, instead of records."""
        paths = tuple(field if isinstance(field, tuple) else expr(field).path for field in fields)
        return msgspec.structs.replace(self, projection=paths)
