"""Aggregates as they are written: ``Book.pages.sum()``, compared for ``having``, sorted by and projected."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import timedelta
from decimal import Decimal
from typing import Generic, NoReturn, Protocol, TypeVar

from holdall.errors import QueryError
from holdall.query.aggregate import Aggregate, AggregateOwner, Function
from holdall.query.border import Value
from holdall.query.compared_by_operators import ComparedByOperators
from holdall.query.condition import NOBODY, Compare, Condition, Op, Owner, Path

__all__ = ["Aggregated", "Column", "aggregated", "rows"]

V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)


class Column(Protocol[V_co]):
    """A column of rows, as type checkers see it: a field or an aggregate. Example: :class:`Aggregated`."""

    def __column__(self) -> V_co: ...


class Aggregated(ComparedByOperators, Generic[V]):
    """An aggregate in the making: a column for ``only()``, a sort key, or, compared with a value, a condition for
    ``having()``.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     author: str
    ...     pages: int
    >>> from holdall.query import format_query
    >>> pages = Book.pages.sum()
    >>> format_query(Book.where().only(pages).having(pages.is_null(False)))
    'book having sum(pages) is not null only sum(pages)'
    >>> query = Book.where().group_by(Book.author).having(pages > 100, Book.id.count() >= 2).only(Book.author, pages)
    >>> format_query(query.sort(desc(pages)))
    'book group author having sum(pages) > 100 and count(id) >= 2 sort -sum(pages) only author, sum(pages)'
    >>> some = pages.in_([1, 2]) | pages.between(4, 9)
    >>> format_query(Book.where().group_by(Book.author).having(some))
    'book group author having sum(pages) in (1, 2) or sum(pages) between 4 and 9 only author'
    """

    __slots__ = ("_encode", "aggregate", "owner")

    def __init__(self, aggregate: Aggregate, owner: AggregateOwner, encode: Callable[[Value], Value]) -> None:
        self.aggregate = aggregate
        self.owner = owner
        self._encode = encode

    def __repr__(self) -> str:
        return f"Aggregated({self.aggregate.name})"

    @property
    def path(self) -> Path:
        """The path by which the columns of groups are spoken of."""
        return (self.aggregate.name,)

    def __bool__(self) -> NoReturn:
        raise QueryError(f"{self.aggregate.name} alone is no condition: compare it, for instance with > 0")

    def __column__(self) -> V:
        raise QueryError(f"{self.aggregate.name} stands for a column; its values are in the rows of a query")

    def _compare(self, op: Op, value: object) -> Condition:
        return Compare(self.path, op, self._encode(value), self.owner)

    def between(self, low: object, high: object) -> Condition:
        """Write the condition ``low <= value <= high``. Raises QueryError for a value of another type."""
        return Compare(self.path, Op.BETWEEN, (self._encode(low), self._encode(high)), self.owner)

    def in_(self, values: Collection[Value]) -> Condition:
        """Write the condition that the value is one of these. Raises QueryError for a value of another type."""
        return Compare(self.path, Op.IN, tuple([self._encode(value) for value in values]), self.owner)

    def is_null(self, yes: bool = True) -> Condition:
        """Write the condition that there is no value; with False, that there is one."""
        return Compare(self.path, Op.IS_NULL, yes, self.owner)


def aggregated(
    function: Function, path: Path, owner: Owner, encode: Callable[[Value], Value] = lambda value: value
) -> Aggregated[Value]:
    """The aggregate of what is at this path; ``encode`` makes border values of the field's."""
    found = Aggregate(function, path)
    if function not in (Function.MIN, Function.MAX):
        encode = _number_for(found)
    return Aggregated(found, AggregateOwner(owner, found), encode)


def rows() -> Aggregated[int]:
    """Return the number of rows of a group, as a column: ``Book.where().only(rows())``.

    >>> rows()
    Aggregated(rows())
    """
    return aggregated(Function.ROWS, (), NOBODY)


def _number_for(aggregate: Aggregate) -> Callable[[Value], Value]:
    is_count = aggregate.function in (Function.ROWS, Function.COUNT, Function.COUNT_DISTINCT)
    types, words = (int, "whole numbers") if is_count else (int | float | Decimal | timedelta, "numbers or timedeltas")

    def number(value: object) -> Value:
        if isinstance(value, bool) or not isinstance(value, types):
            given = "another column" if hasattr(value, "__column__") else type(value).__name__
            raise QueryError(f"{aggregate.name} is compared with {words}, not with {given}")
        return value

    return number
