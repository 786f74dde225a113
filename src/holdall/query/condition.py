"""Conditions: a frozen tree that says which records are meant. ``evaluate`` gives every node its meaning."""

from __future__ import annotations

from collections.abc import Hashable
from enum import StrEnum
from typing import Any, Protocol, TypeAlias, cast

import msgspec

from holdall.errors import QueryError
from holdall.query.border import Value

__all__ = [
    "ALWAYS",
    "IN_PARENTHESES",
    "NEVER",
    "NOBODY",
    "And",
    "Compare",
    "Condition",
    "Every",
    "Exists",
    "Node",
    "Not",
    "Op",
    "Or",
    "Owner",
    "Path",
    "Some",
    "Stated",
    "Statement",
    "both",
]

Path: TypeAlias = tuple[str, ...]
"""Field names from the query's collection outwards: ``("author", "country", "code")``."""


class Owner:
    """The model that a path starts from; None for a path that was written by hand.

    All owners are equal, so that a condition equals the same one written by hand.

    Example: :class:`Node`.
    """

    __slots__ = ("model",)

    def __init__(self, model: Any) -> None:
        self.model = model

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Owner)

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return getattr(self.model, "__name__", "None")


NOBODY: Owner = Owner(None)

IN_PARENTHESES = "put each comparison in parentheses, as in (Book.title == 'x') & (Book.pages > 100)"


class Op(StrEnum):
    """How a value at a path is compared.

    A comparison with a missing value (null, or a path through a reference that is null or points at nothing) is
    false, for ``NE`` and ``NOT_IN`` too; only ``IS_NULL`` is true of it. Its value is True or False.
    ``BETWEEN`` takes a pair and includes both ends; ``IN`` and ``NOT_IN`` take a tuple.

    Text compares by code point and is equal only to itself: letter case, accents and blanks at the end count.
    ``ICONTAINS`` compares both sides after ``str.lower()`` (Unicode lower case, not case folding); where lower case
    depends on language or on the letters around it (sigma, dotted and dotless I), stores may differ. Numbers compare by
    value, also INT with FLOAT and with DECIMAL; a bool is no number. UUIDs compare by their bytes, datetimes by the
    instant. JSON is equal by content: members in any order, true is not 1; whether 1 and 1.0 differ is the store's.
    Which operators fit which kind: ``operators_of``.

    >>> from holdall.query import Op
    >>> Op("contains") is Op.CONTAINS
    True
    """

    EQ = "eq"
    NE = "ne"
    LT = "lt"
    LE = "le"
    GT = "gt"
    GE = "ge"
    IN = "in"
    NOT_IN = "not_in"
    BETWEEN = "between"
    CONTAINS = "contains"
    ICONTAINS = "icontains"
    STARTSWITH = "startswith"
    ENDSWITH = "endswith"
    IS_NULL = "is_null"


class Node(msgspec.Struct, frozen=True, tag=True):
    """A node of a condition; nodes combine with ``&``, ``|`` and ``~``. Only the classes of ``Condition`` are made.

    >>> from holdall.query import Compare, Op, format_condition
    >>> long, old = Compare(("pages",), Op.GT, 500), Compare(("year",), Op.LT, 1900)
    >>> format_condition(long & ~old)
    'pages > 500 and not year < 1900'
    """

    def __and__(self, other: Condition) -> Condition:
        if getattr(type(other), "takes_conditions", False):  # not of an expression, which has every attribute
            return NotImplemented
        return both(cast("Condition", self), _condition(other))

    def __or__(self, other: Condition) -> Condition:
        if getattr(type(other), "takes_conditions", False):
            return NotImplemented
        return Or((cast("Condition", self), _condition(other)))

    def __invert__(self) -> Condition:
        return Not(cast("Condition", self))

    def __bool__(self) -> bool:
        raise TypeError("a condition has no truth value here: combine conditions with &, | and ~, not and, or, not")

    def __repr__(self) -> str:
        shown = [name for name in self.__struct_fields__ if name != "of"]
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"


class Compare(Node, frozen=True):
    """The value at ``path`` compared with ``value``, a border value (see ``Kind``). Example: :class:`Node`."""

    path: Path
    op: Op
    value: Value
    of: Owner = NOBODY


class And(Node, frozen=True):
    """True if every item is; true if there is none. Example: :class:`Node`."""

    items: tuple[Condition, ...]


class Or(Node, frozen=True):
    """True if any item is; false if there is none. Example: :class:`Node`."""

    items: tuple[Condition, ...]


class Not(Node, frozen=True):
    """True exactly where the item is false, missing values included. Example: :class:`Node`."""

    item: Condition


class Some(Node, frozen=True):
    """True if any record of the Many at ``path`` meets ``condition``, whose paths start at that record.

    Stored keys that no record has are passed by; behind a missing reference there are no records.

    >>> from holdall.query import Compare, Op, Some, format_condition
    >>> format_condition(Some(("books",), Compare(("pages",), Op.GT, 500)))
    'some books (pages > 500)'
    """

    path: Path
    condition: Condition
    of: Owner = NOBODY


class Every(Node, frozen=True):
    """True if all records of the Many at ``path`` meet ``condition``; true if there are none (see ``Some``).

    Example: :class:`Some`.
    """

    path: Path
    condition: Condition
    of: Owner = NOBODY


class Exists(Node, frozen=True):
    """True if ``query`` has a row; with a ``path``, if one of its rows, of one column, is the value at that path.

    Without a path its conditions may speak of the record that is asked, by ``Outer``. A missing value is no row's.

    >>> from holdall.query import format_condition, parse_query
    >>> format_condition(Exists(parse_query("author where age > 60 only id"), ("author",)))
    'author in (author where age > 60 only id)'
    """

    query: Value
    path: Path = ()
    of: Owner = NOBODY


class Statement(Protocol):
    """A statement of another library that stands for a query, as a Select of SQLAlchemy. Example: :class:`Stated`."""

    def with_only_columns(self, *entities: Any, **options: Any) -> Any:
        """Return the same with other columns."""
        ...


class Stated(Node, frozen=True):
    """True of a record whose key is among the rows of ``statement``, a query in a store's own language.

    ``statement`` is opaque to all but the store that carries it out: its rows are keys, each part a column. ``form`` is
    hashable, and equal for statements that differ in their ``values`` alone.

    >>> from holdall.query import Query, Stated, evaluate
    >>> Query("book", Stated("SELECT id FROM book")).condition
    Stated(statement='SELECT id FROM book', form=None, values=())
    """

    statement: Any
    form: Hashable = None
    values: tuple[Value, ...] = ()
    of: Owner = NOBODY


Condition: TypeAlias = Compare | And | Or | Not | Some | Every | Exists | Stated

ALWAYS: Condition = And(())
NEVER: Condition = Or(())


def _condition(value: object) -> Condition:
    if not isinstance(value, Node):
        raise QueryError(IN_PARENTHESES)
    return cast("Condition", value)


def both(left: Condition, right: Condition) -> Condition:
    """Return the conjunction of two conditions, without nesting one And in another.

    >>> from holdall.query import ALWAYS, Compare, Op
    >>> long = Compare(("pages",), Op.GT, 500)
    >>> both(ALWAYS, long) == long
    True
    """
    items = (*_items(left), *_items(right))
    if not items:
        return ALWAYS
    return items[0] if len(items) == 1 else And(items)


def _items(condition: Condition) -> tuple[Condition, ...]:
    return condition.items if isinstance(condition, And) else (condition,)
