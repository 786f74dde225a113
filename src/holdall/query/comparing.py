"""Comparisons of a field with values and with other fields, as they are written."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from holdall.errors import QueryError
from holdall.query.asking import instead_of_values
from holdall.query.border import Value
from holdall.query.compared_by_operators import ComparedByOperators
from holdall.query.condition import ALWAYS, Compare, Condition, Exists, Not, Op, Owner, Path
from holdall.query.later import Later

__all__ = ["Comparing", "query_within"]

T = TypeVar("T")

_TURNED = {Op.EQ: Op.EQ, Op.NE: Op.NE, Op.LT: Op.GT, Op.GT: Op.LT, Op.LE: Op.GE, Op.GE: Op.LE}


class Comparing(ComparedByOperators, Generic[T]):
    """The comparisons that a field, which is an expression, has; each writes a condition.

    >>> class Author(Model):
    ...     id: int = field(pk=True)
    ...     name: str
    >>> Author.name.startswith("Jane")
    Compare(path=('name',), op=<Op.STARTSWITH: 'startswith'>, value='Jane')
    """

    __slots__ = ()

    if TYPE_CHECKING:
        path: Path
        _owner: Owner
        _behind: tuple[int, ...]
        _encode: Callable[[Value], Value]

        @property
        def _shown(self) -> str: ...
        def _node(self, op: Op, value: object) -> Condition: ...
        def _call(self, function: str, *others: Value) -> Value: ...
        def _shared(self, other: Value) -> Owner: ...
        def _demand_asked(self, op: Op | None = None) -> None: ...

    def _compare(self, op: Op, value: object) -> Condition:
        if isinstance(value, Comparing):
            self._demand_asked(op)
            value._demand_asked(op)
            if len(type(self).__mro__) > len(
                type(value).__mro__
            ):  # Python asks what is computed first: it stands right
                return value._compare(_TURNED[op], self)
            return Compare(self._call(op.value, value).path, Op.EQ, True, self._shared(value))
        return self._node(op, self._one(value))

    def _text(self, op: Op, value: Value) -> Condition:
        if not isinstance(value, str | Later):
            raise QueryError(f"{op} on {self._shown} takes text, not {type(value).__name__}")
        return self._node(op, value)

    def in_(self, values: Collection[Value] | Value) -> Condition:
        """Write the condition that the value is one of these: of a list, or of the rows of a query of one column.

        Raises QueryError for a value of another type, a text in place of a list, or a query of other rows.
        """
        if hasattr(values, "projection"):
            return self._among(values)
        return self._node(Op.IN, self._several(Op.IN, values))

    def not_in(self, values: Collection[Value] | Value) -> Condition:
        """Write the condition that there is a value and it is none of these. Raises as ``in_``."""
        if hasattr(values, "projection"):
            return self._node(Op.IS_NULL, False) & Not(self._among(values))
        return self._node(Op.NOT_IN, self._several(Op.NOT_IN, values))

    def _among(self, query: Value) -> Condition:
        if self._behind:
            raise QueryError(f"{self._shown} leads to the record that refers: ask it in any()")
        if len(query.projection) != 1:
            raise QueryError(f"{self._shown} is looked for in a query of one column, such as .only(Author.id)")
        return Exists(query_within(query), self.path, self._owner)

    def _several(self, op: Op, values: Value) -> Value:
        if values.__class__ is Later:
            return values.encoded(partial(self._encoded, op))
        return self._encoded(op, values)

    def _one(self, value: Value) -> Value:
        return value.encoded(self._encode) if value.__class__ is Later else self._encode(value)

    def _encoded(self, op: Op, values: Value) -> tuple[Value, ...]:
        try:
            given = None if isinstance(values, str | bytes | Mapping) else list(values)
        except TypeError:
            given = None
        if given is None:
            raise QueryError(f"{op} on {self._shown} takes a list of values, not {instead_of_values(values)}")
        return tuple([self._encode(value) for value in given])

    def between(self, low: object, high: object) -> Condition:
        """Write the condition ``low <= value <= high``. Raises QueryError for a value of another type."""
        return self._node(Op.BETWEEN, (self._one(low), self._one(high)))

    def contains(self, text: str) -> Condition:
        """Write the condition that the text occurs, letter case respected. Raises QueryError for what is no text."""
        return self._text(Op.CONTAINS, text)

    def icontains(self, text: str) -> Condition:
        """Write the condition that the text occurs, letter case ignored. Raises QueryError for what is no text."""
        return self._text(Op.ICONTAINS, text)

    def startswith(self, text: str) -> Condition:
        """Write the condition that the value begins with the text. Raises QueryError for what is no text."""
        return self._text(Op.STARTSWITH, text)

    def endswith(self, text: str) -> Condition:
        """Write the condition that the value ends with the text. Raises QueryError for what is no text."""
        return self._text(Op.ENDSWITH, text)

    def is_null(self, yes: bool = True) -> Condition:
        """Write the condition that the value is missing; with False, that there is one."""
        return self._node(Op.IS_NULL, yes)


def query_within(query: Value) -> Value:
    """The query as it stands within another. Raises QueryError for one of groups, or after a position."""
    if query.position is not None:
        raise QueryError("a query within a query starts at its beginning: leave after() out")
    if query.grouping is None:
        return query
    is_distinct = not query.grouping.aggregates and query.grouping.having == ALWAYS
    if not is_distinct or query.max_rows is not None or query.skip:
        raise QueryError("a query within a query has no groups: fetch these first, and give their values")
    return msgspec.structs.replace(query, grouping=None)
