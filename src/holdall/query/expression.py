"""Expressions: what ``Book.title`` is, and how comparing it writes a condition.

An expression is a path plus two functions its model gives it: one that turns a compared value into a border value and
refuses a wrong one, one that steps through a reference to a further field.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, NoReturn

from holdall.errors import QueryError
from holdall.query.border import Value
from holdall.query.condition import (
    ALWAYS,
    IN_PARENTHESES,
    NOBODY,
    Compare,
    Condition,
    Every,
    Node,
    Not,
    Op,
    Owner,
    Path,
    Some,
)
from holdall.query.ownership import demand_condition_of

__all__ = ["Expression", "as_condition", "expr", "owner_of"]


_ASKED_BY = "==, <, >=, in_, not_in, between, is_null and, for text, contains, icontains, startswith, endswith"


class Expression:
    """A path into a collection, to be compared, sorted by or projected.

    A field of a referenced record whose name is also a method here is reached by ``Book.author["contains"]``.

    >>> from holdall import Model, field
    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     title: str
    >>> Book.title.startswith("The")
    Compare(path=('title',), op=<Op.STARTSWITH: 'startswith'>, value='The')

    Each operator writes a condition, whose text says what is asked:

    >>> class Author(Model):
    ...     id: int = field(pk=True)
    ...     name: str | None
    ...     books: Many[Book]
    >>> from holdall.query import format_condition
    >>> for condition in (
    ...     Author.id.in_([1, 2]),
    ...     Author.id.not_in([1, 2]),
    ...     Author.id.between(1, 9),
    ...     Author.name.contains("Jane") | Author.name.icontains("AUSTEN"),
    ...     Author.name.startswith("J") & ~Author.name.endswith("Doe"),
    ...     Author.name.is_null(),
    ...     Author.books.any(Book.title == "Emma"),
    ...     Author.books.all(Book.title != "Emma"),
    ... ):
    ...     print(format_condition(condition))
    id in (1, 2)
    id not in (1, 2)
    id between 1 and 9
    name contains "Jane" or name icontains "AUSTEN"
    name startswith "J" and not name endswith "Doe"
    name is null
    some books (title = "Emma")
    every books (title != "Emma")
    """

    __slots__ = ("_behind", "_encode", "_members", "_owner", "_step", "path")

    def __init__(
        self,
        path: Path,
        encode: Callable[[Any], Any],
        step: Callable[[str], Expression] | None = None,
        behind: tuple[int, ...] = (),
        owner: Owner = NOBODY,
        members: Callable[[], Any] | None = None,
    ) -> None:
        self.path = path
        self._owner = owner  # the model that the path starts from
        self._encode = encode
        self._step = step
        self._behind = behind  # how many names lead up to and through each other end of one record on the path
        self._members = members  # the model of the records of a Many or another end

    def __repr__(self) -> str:
        return f"Expression({'.'.join(self.path)})"

    def __getattr__(self, name: str) -> Expression:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> Expression:
        if self._step is not None:
            return self._step(name)
        if self._members is not None:
            raise QueryError(f"{self._shown} holds many records: use .any(condition on {name}) or .all(condition)")
        raise QueryError(f"{self._shown} is no reference, so .{name} leads nowhere; it is asked by {_ASKED_BY}")

    def __bool__(self) -> bool:
        raise QueryError(f"{self._shown} alone is no condition: compare it, for instance with == True")

    __hash__ = object.__hash__

    def __iter__(self) -> NoReturn:
        raise QueryError(f"{self._shown} holds no values here: it stands for the field of every record")

    def __contains__(self, item: object) -> NoReturn:
        raise QueryError(f"`in` cannot ask {self._shown}: use .contains(text) for texts, .any(condition) for a Many")

    def _mixed(self, other: object) -> NoReturn:
        raise QueryError(IN_PARENTHESES)

    __and__ = __rand__ = __or__ = __ror__ = __invert__ = _mixed

    @property
    def _shown(self) -> str:
        return ".".join(self.path)

    def _compare(self, op: Op, value: object) -> Condition:
        if isinstance(value, Expression):
            raise QueryError(f"{self._shown} can be compared with a value, not with another field")
        return self._node(op, self._encode(value))

    def _node(self, op: Op, value: object) -> Condition:
        """The comparison; behind the other end of a reference it speaks of the record that refers."""
        if op is Op.IS_NULL and value is True and self._behind:
            return Not(self._node(op, False))
        if not self._behind:
            return Compare(self.path, op, value, self._owner)
        rest = self._rest
        return self._wrapped(Compare(rest, op, value) if rest else ALWAYS)

    @property
    def _rest(self) -> Path:
        """The path behind the last other end of a reference on it."""
        return self.path[self._behind[-1] :] if self._behind else self.path

    def _wrapped(self, node: Condition) -> Condition:
        """Turn a condition on the records behind these ends into a condition on the collection."""
        for place in range(len(self._behind) - 1, -1, -1):
            start = self._behind[place - 1] if place else 0
            node = Some(self.path[start : self._behind[place]], node, NOBODY if place else self._owner)
        return node

    def _text(self, op: Op, value: str) -> Condition:
        if not isinstance(value, str):
            raise QueryError(f"{op} on {self._shown} takes text, not {type(value).__name__}")
        return self._node(op, value)

    def __eq__(self, value: object) -> Condition:  # type: ignore[override]  # a condition to send, where object has bool
        return self.is_null() if value is None else self._compare(Op.EQ, value)

    def __ne__(self, value: object) -> Condition:  # type: ignore[override]  # as __eq__
        return self.is_null(False) if value is None else self._compare(Op.NE, value)

    def __lt__(self, value: object) -> Condition:
        return self._compare(Op.LT, value)

    def __le__(self, value: object) -> Condition:
        return self._compare(Op.LE, value)

    def __gt__(self, value: object) -> Condition:
        return self._compare(Op.GT, value)

    def __ge__(self, value: object) -> Condition:
        return self._compare(Op.GE, value)

    def in_(self, values: Collection[Value]) -> Condition:
        """Write the condition that the value is one of these. Raises QueryError for a value of another type, or a text
        in place of a list.
        """
        return self._node(Op.IN, self._encoded(Op.IN, values))

    def not_in(self, values: Collection[Value]) -> Condition:
        """Write the condition that there is a value and it is none of these. Raises as ``in_``."""
        return self._node(Op.NOT_IN, self._encoded(Op.NOT_IN, values))

    def _encoded(self, op: Op, values: Any) -> tuple[Value, ...]:
        try:
            given = None if isinstance(values, str | bytes | Mapping) else list(values)
        except TypeError:
            given = None
        if given is None:
            raise QueryError(f"{op} on {self._shown} takes a list of values, not {_instead(values)}")
        return tuple([self._encode(value) for value in given])

    def between(self, low: object, high: object) -> Condition:
        """Write the condition ``low <= value <= high``. Raises QueryError for a value of another type."""
        return self._node(Op.BETWEEN, (self._encode(low), self._encode(high)))

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

    def any(self, condition: Condition | bool) -> Condition:
        """Write the condition that some record of a Many meets ``condition``. Raises QueryError where the field is no
        Many.
        """
        rest, asked = self._rest, self._of_members(condition)
        if not self._behind:
            return Some(rest, asked, self._owner)
        return self._wrapped(Some(rest, asked) if rest else asked)

    def all(self, condition: Condition | bool) -> Condition:
        """Write the condition that every record of a Many meets ``condition``. Raises QueryError where the field is no
        Many.
        """
        rest, asked = self._rest, self._of_members(condition)
        if not self._behind or not rest:
            return Every(self.path, asked, self._owner)
        return self._wrapped(Every(rest, asked))

    def _of_members(self, condition: Condition | bool) -> Condition:
        found = as_condition(condition)
        if self._members is None:
            raise QueryError(f"{self._shown} holds no records that a condition could be about: compare it")
        demand_condition_of(self._members(), found)
        return found


def _instead(values: object) -> str:
    if hasattr(values, "projection"):
        return "a query: lead through a reference (Book.author.country == ...), or fetch the keys first by only(...)"
    if isinstance(values, str):
        return "text: give [text] for one, or ask by =="
    return type(values).__name__


def expr(field: Any) -> Expression:
    """Return a field of a model as an expression, for type checkers, which see ``Book.title`` as a ``str``:
    ``expr(Book.title).contains("x")``. Raises QueryError for what is no field.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     title: str
    >>> expr(Book.title).path
    ('title',)
    """
    if not isinstance(field, Expression):
        hint = f": write it as Book.{field}, without quotes" if isinstance(field, str) and field.isidentifier() else ""
        raise QueryError(f"{field!r} is not a field of a model{hint}")
    return field


def owner_of(field: Any) -> Owner:
    """Return the model that a field's path starts from. Raises QueryError for what is no field.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    >>> owner_of(Book.id).model is Book
    True
    """
    return expr(field)._owner


def as_condition(condition: Condition | bool) -> Condition:
    """The condition itself; raises QueryError for what is no condition."""
    if not isinstance(condition, Node):
        raise QueryError(f"{condition!r} is no condition; compare a field of a model")
    return condition
