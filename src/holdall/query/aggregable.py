"""The aggregates of a field, such as ``Book.pages.sum()``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar, overload

from holdall.errors import QueryError
from holdall.query.aggregate import Function
from holdall.query.aggregated import Aggregated, aggregated
from holdall.query.border import Value
from holdall.query.condition import Owner, Path

__all__ = ["Aggregable"]

T = TypeVar("T")


class Aggregable(Generic[T]):
    """The aggregates that a field, which is an expression, has; each is a column of rows that a query gives.

    >>> class Author(Model):
    ...     id: int = field(pk=True)
    ...     name: str | None
    >>> for column in (Author.id.count(), Author.name.count(distinct=True), Author.id.sum(), Author.id.avg()):
    ...     print(column)
    Aggregated(count(id))
    Aggregated(count(distinct name))
    Aggregated(sum(id))
    Aggregated(avg(id))
    >>> Author.id.min(), Author.id.max()
    (Aggregated(min(id)), Aggregated(max(id)))
    """

    __slots__ = ()

    if TYPE_CHECKING:
        path: Path
        _owner: Owner
        _encode: Callable[[Value], Value]
        _behind: tuple[int, ...]
        _members: Callable[[], object] | None

        def _demand_asked(self) -> None: ...

    def count(self, distinct: bool = False) -> Aggregated[int]:
        """Return the number of values in a group, missing ones left out; with ``distinct`` of different ones."""
        return self._aggregated(Function.COUNT_DISTINCT if distinct else Function.COUNT)

    def sum(self) -> Aggregated[T | None]:
        """Return the sum of the values in a group, None where there are none. See ``Function``."""
        return self._aggregated(Function.SUM)

    if TYPE_CHECKING:

        @overload
        def avg(self: Aggregable[int] | Aggregable[int | None]) -> Aggregated[float | None]: ...
        @overload
        def avg(self) -> Aggregated[T | None]: ...

    def avg(self) -> Aggregated[Value]:
        """Return the mean of the values in a group: of integers a float, else of the field's type. See ``Function``."""
        return self._aggregated(Function.AVG)

    def min(self) -> Aggregated[T | None]:
        """Return the smallest value in a group, None where there are none."""
        return self._aggregated(Function.MIN)

    def max(self) -> Aggregated[T | None]:
        """Return the largest value in a group, None where there are none."""
        return self._aggregated(Function.MAX)

    def _aggregated(self, function: Function) -> Aggregated[Value]:
        if self._behind or self._members is not None:
            raise QueryError(f"{'.'.join(self.path)} leads to many records: aggregate in a query of their own model")
        if function not in (Function.COUNT, Function.COUNT_DISTINCT):
            self._demand_asked()
        return aggregated(function, self.path, self._owner, self._encode)

    def __column__(self) -> T:
        raise QueryError(f"{'.'.join(self.path)} stands for a column; its values are in the rows of a query")
