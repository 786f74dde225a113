"""The query: a frozen value that says which records, in which order, how many and what of them."""

from __future__ import annotations

from typing import Any, Generic, TypeAlias, TypeVar

import msgspec

from holdall.errors import QueryError
from holdall.query.border import Key, Value
from holdall.query.condition import ALWAYS, Condition, Node, Path, both
from holdall.query.expression import Expression, expr, owner_of
from holdall.query.functions import asc
from holdall.query.ownership import demand_condition_of, demand_field_of
from holdall.query.sort import SortKey

__all__ = ["AnyQuery", "Query"]

M = TypeVar("M")


class Query(msgspec.Struct, Generic[M], frozen=True):
    """A query: which records of ``collection`` are meant. Every method returns a new query.

    A query that sorts, or has a limit or an offset, has its rows in a certain order: rows equal in all sort keys (all
    rows, if there is none) come by their keys, ascending. ``position`` holds a value for each sort key, None for
    missing: only rows after it in the sort order are meant, none equal to it, so the sort should then be total. An
    empty ``projection`` means all stored fields. ``model`` is for the session, stores ignore it.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     title: str
    ...     pages: int
    >>> from holdall.query import format_query
    >>> long = Book.where(Book.pages > 100).sort(desc(Book.pages), Book.id)
    >>> format_query(long.after(300, 7).limit(20).only(Book.title))
    'book where pages > 100 sort -pages, id after (300, 7) limit 20 only title'
    >>> long.limit(20).offset(40).skip
    40
    """

    collection: str
    condition: Condition = ALWAYS
    sort_keys: tuple[SortKey, ...] = ()
    max_rows: int | None = None
    skip: int = 0
    position: tuple[Value, ...] | None = None
    projection: tuple[Path, ...] = ()
    model: Any = None

    def where(self, *conditions: Condition | bool) -> Query[M]:
        """Return the query with these conditions added; all must hold. Raises QueryError for what is no condition, or
        speaks of another model.
        """
        condition = self.condition
        for item in conditions:
            if not isinstance(item, Node):
                raise QueryError(_no_condition(item))
            demand_condition_of(self.model, item)
            condition = both(condition, item)
        return msgspec.structs.replace(self, condition=condition)

    def sort(self, *keys: object) -> Query[M]:
        """Return the query sorted by these fields or sort keys (``asc``, ``desc``), in place of an earlier sort. Raises
        QueryError for a field of another model.
        """
        return msgspec.structs.replace(self, sort_keys=tuple([self._sort_key(key) for key in keys]))

    def _sort_key(self, key: Key) -> SortKey:
        found = key if isinstance(key, SortKey) else asc(key)
        demand_field_of(self.model, found.of, found.path)
        return SortKey(found.path, found.descending, found.nulls)  # stores compare and hash it

    def limit(self, rows: int | None) -> Query[M]:
        """Return the query for at most ``rows`` rows; None lifts the limit. Raises QueryError for a negative number."""
        if rows is not None:
            _demand_count("a limit", rows)
        return msgspec.structs.replace(self, max_rows=rows)

    def offset(self, rows: int) -> Query[M]:
        """Return the query without its first ``rows`` rows. Raises QueryError for a negative number."""
        _demand_count("an offset", rows)
        return msgspec.structs.replace(self, skip=rows)

    def after(self, *position: object) -> Query[M]:
        """Return the query for rows after this position: one border value for each sort key. Raises QueryError where
        the numbers of values and sort keys differ.
        """
        if len(position) != len(self.sort_keys):
            raise QueryError(f"a position needs {len(self.sort_keys)} values, one for each sort key")
        return msgspec.structs.replace(self, position=position)

    def only(self, *fields: object) -> Query[tuple[object, ...]]:
        """Return the query for tuples of just these fields instead of records; a reference is given by its key. Raises
        QueryError without a field, or for one of another model.
        """
        if not fields:
            raise QueryError("only() takes at least one field; without it, records are given")
        records: Any = self  # the same struct is a query for tuples once it has a projection
        projection = tuple([self._path(field) for field in fields])
        projected: Query[tuple[object, ...]] = msgspec.structs.replace(records, projection=projection)
        return projected

    def _path(self, field: Any) -> Path:
        if isinstance(field, tuple):
            return field
        found = expr(field)
        demand_field_of(self.model, owner_of(found), found.path)
        return found.path


AnyQuery: TypeAlias = Query[Any]
"""A query, whatever it gives."""


def _demand_count(what: str, rows: object) -> None:
    if not isinstance(rows, int) or isinstance(rows, bool):
        raise QueryError(f"{what} is a whole number, not {type(rows).__name__}")
    if rows < 0:
        raise QueryError(f"{what} cannot be negative")


def _no_condition(item: object) -> str:
    if isinstance(item, Expression):
        return f"{'.'.join(item.path)} alone is no condition: compare it, for instance with == True"
    if isinstance(item, str):
        return "where() takes conditions such as Book.pages > 100, not text; parse_condition reads one from text"
    return f"where() takes conditions such as Book.pages > 100, not {type(item).__name__}"
