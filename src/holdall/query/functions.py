"""Functions on fields and conditions, for type checkers too: ``asc``, ``desc`` and ``negate``."""

from __future__ import annotations

from typing import Any, Literal

from holdall.errors import QueryError
from holdall.query.aggregated import Aggregated
from holdall.query.condition import Condition, Not
from holdall.query.expression import as_condition, demand_order, expr, owner_of
from holdall.query.sort import SortKey

__all__ = ["asc", "desc", "negate"]


def negate(condition: Condition | bool) -> Condition:
    """Return the condition that is true exactly where this one is false: ``~condition``, for type checkers, which see a
    ``bool`` in it. Raises QueryError if it is no condition.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     pages: int
    >>> from holdall.query import format_condition
    >>> format_condition(negate(Book.pages > 500))
    'not pages > 500'
    """
    return Not(as_condition(condition))


def asc(field: Any, nulls: Literal["first", "last"] | None = None) -> SortKey:
    """Return the sort key for this field, smallest first. Raises QueryError for what is no field.

    ``nulls`` puts missing values ``"first"`` or ``"last"``; without it a missing value is the smallest.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     pages: int | None
    >>> asc(Book.pages, nulls="last").nulls
    'last'
    """
    return _sort_key(field, False, nulls)


def desc(field: Any, nulls: Literal["first", "last"] | None = None) -> SortKey:
    """Return the sort key for this field, largest first. Raises QueryError for what is no field.

    ``nulls`` puts missing values ``"first"`` or ``"last"``; without it a missing value is the smallest.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     pages: int
    >>> desc(Book.pages).descending
    True
    """
    return _sort_key(field, True, nulls)


def _sort_key(field: Any, is_descending: bool, nulls: Literal["first", "last"] | None) -> SortKey:
    found = field if isinstance(field, Aggregated) else expr(field)
    if nulls not in (None, "first", "last"):
        raise QueryError(f'nulls of {".".join(found.path)} come "first" or "last"')
    if isinstance(found, Aggregated):
        return SortKey(found.path, is_descending, nulls, found.owner)
    demand_order(found)
    owner = owner_of(found)
    return SortKey(found.path, is_descending, nulls, owner)
