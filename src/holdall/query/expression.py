"""Expressions: what ``Book.title`` is, and how comparing it writes a condition.

An expression is a path plus two functions its model gives it: one that turns a compared value into a border value and
refuses a wrong one, one that steps through a reference to a further field.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Literal

from holdall.errors import QueryError
from holdall.query.condition import ALWAYS, Compare, Condition, Every, Node, Not, Op, Path, Some
from holdall.query.sort import SortKey

__all__ = ["Expression", "asc", "desc", "expr", "negate"]


class Expression:
    """A path into a collection, to be compared, sorted by or projected.

    A field of a referenced record whose name is also a method here is reached by ``Book.author["contains"]``.

    >>> from holdall import Model, field
    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     title: str
    >>> Book.title.startswith("The")
    Compare(path=('title',), op=<Op.STARTSWITH: 'startswith'>, value='The')
    """

    __slots__ = ("_behind", "_encode", "_step", "path")

    def __init__(
        self,
        path: Path,
        encode: Callable[[Any], Any],
        step: Callable[[str], Expression] | None = None,
        behind: tuple[int, ...] = (),
    ) -> None:
        self.path = path
        self._encode = encode
        self._step = step
        self._behind = behind  # how many names lead up to and through each other end of one record on the path

    def __repr__(self) -> str:
        return f"Expression({'.'.join(self.path)})"

    def __getattr__(self, name: str) -> Expression:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> Expression:
        if self._step is None:
            raise QueryError(f"{'.'.join(self.path)} is not a reference: .{name} leads nowhere")
        return self._step(name)

    def __bool__(self) -> bool:
        raise QueryError(f"{'.'.join(self.path)} alone is no condition: compare it, for instance with == True")

    __hash__ = object.__hash__

    def _compare(self, op: Op, value: Any) -> Condition:
        if isinstance(value, Expression):
            raise QueryError(f"{'.'.join(self.path)} can be compared with a value, not with another field")
        return self._node(op, self._encode(value))

    def _node(self, op: Op, value: Any) -> Condition:
        """The comparison; behind the other end of a reference it speaks of the record that refers."""
        if op is Op.IS_NULL and value is True and self._behind:
            return Not(self._node(op, False))
        rest = self._rest
        return self._wrapped(Compare(rest, op, value) if rest else ALWAYS)

    @property
    def _rest(self) -> Path:
        """The path behind the last other end of a reference on it."""
        return self.path[self._behind[-1] :] if self._behind else self.path

    def _wrapped(self, node: Condition) -> Condition:
        """What is said of the records behind such ends, said of the collection."""
        for place in range(len(self._behind) - 1, -1, -1):
            start = self._behind[place - 1] if place else 0
            node = Some(self.path[start : self._behind[place]], node)
        return node

    def _text(self, op: Op, value: str) -> Condition:
        if not isinstance(value, str):
            raise QueryError(f"{op} on {'.'.join(self.path)} takes text")
        return self._node(op, value)

    def __eq__(self, value: object) -> Condition:  # type: ignore[override]
        return self.is_null() if value is None else self._compare(Op.EQ, value)

    def __ne__(self, value: object) -> Condition:  # type: ignore[override]
        return self.is_null(False) if value is None else self._compare(Op.NE, value)

    def __lt__(self, value: object) -> Condition:
        return self._compare(Op.LT, value)

    def __le__(self, value: object) -> Condition:
        return self._compare(Op.LE, value)

    def __gt__(self, value: object) -> Condition:
        return self._compare(Op.GT, value)

    def __ge__(self, value: object) -> Condition:
        return self._compare(Op.GE, value)

    def in_(self, values: Collection[Any]) -> Condition:
        """True where the value is one of these."""
        return self._node(Op.IN, tuple(self._encode(value) for value in values))

    def not_in(self, values: Collection[Any]) -> Condition:
        """True where there is a value and it is none of these."""
        return self._node(Op.NOT_IN, tuple(self._encode(value) for value in values))

    def between(self, low: Any, high: Any) -> Condition:
        """True where ``low <= value <= high``."""
        return self._node(Op.BETWEEN, (self._encode(low), self._encode(high)))

    def contains(self, text: str) -> Condition:
        """True where the text occurs, letter case respected."""
        return self._text(Op.CONTAINS, text)

    def icontains(self, text: str) -> Condition:
        """True where the text occurs, letter case ignored."""
        return self._text(Op.ICONTAINS, text)

    def startswith(self, text: str) -> Condition:
        """True where the value begins with the text."""
        return self._text(Op.STARTSWITH, text)

    def endswith(self, text: str) -> Condition:
        """True where the value ends with the text."""
        return self._text(Op.ENDSWITH, text)

    def is_null(self, yes: bool = True) -> Condition:
        """True where the value is missing; with False, where it is there."""
        return self._node(Op.IS_NULL, yes)

    def any(self, condition: Condition | bool) -> Condition:
        """For a Many: true where some record of it meets the condition."""
        rest = self._rest
        return self._wrapped(Some(rest, _condition(condition)) if rest else _condition(condition))

    def all(self, condition: Condition | bool) -> Condition:
        """For a Many: true where every record of it meets the condition."""
        rest = self._rest
        return self._wrapped(Every(rest, _condition(condition))) if rest else Every(self.path, _condition(condition))


def expr(field: Any) -> Expression:
    """A field of a model, for type checkers, which see ``Book.title`` as a ``str``: ``expr(Book.title).contains("x")``.

    Raises QueryError if it is not a field of a model.
    """
    if not isinstance(field, Expression):
        raise QueryError(f"{field!r} is not a field of a model")
    return field


def negate(condition: Condition | bool) -> Condition:
    """True exactly where the condition is false: ``~condition``, for type checkers, which see a ``bool`` in it.

    Raises QueryError if it is no condition.
    """
    return Not(_condition(condition))


def _condition(condition: Condition | bool) -> Condition:
    if not isinstance(condition, Node):
        raise QueryError(f"{condition!r} is no condition; compare a field of a model")
    return condition


def asc(field: Any, nulls: Literal["first", "last"] | None = None) -> SortKey:
    """Sort by this field, smallest first."""
    return SortKey(expr(field).path, False, nulls)


def desc(field: Any, nulls: Literal["first", "last"] | None = None) -> SortKey:
    """Sort by this field, largest first."""
    return SortKey(expr(field).path, True, nulls)
