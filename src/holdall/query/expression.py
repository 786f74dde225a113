"""Expressions: what ``Book.title`` is, and how comparing it writes a condition.

An expression is a path plus two functions its model gives it: one that turns a compared value into a border value and
refuses a wrong one, one that steps through a reference to a further field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeAlias, TypeVar, overload

from holdall.errors import QueryError
from holdall.query.aggregable import Aggregable
from holdall.query.asking import demand_asked
from holdall.query.bordered import bordered
from holdall.query.comparing import Comparing
from holdall.query.computable import Computable, kind_of_term
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
from holdall.query.ownership import belongs_to, demand_condition_of
from holdall.query.schema import Asked, Kind
from holdall.query.term import Term, formula

__all__ = ["AnyExpression", "Computed", "Expression", "as_condition", "demand_order", "expr", "owner_of"]

T = TypeVar("T")

_ASKED_BY = "==, <, >=, in_, not_in, between, is_null and, for text, contains, icontains, startswith, endswith"


class Expression(Aggregable[T], Computable[T], Comparing[T]):
    """A path into a collection, to be compared, computed with, sorted by, projected or aggregated.

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

    __slots__ = ("_asked", "_behind", "_encode", "_kind", "_members", "_owner", "_step", "path")

    def __init__(
        self,
        path: Path,
        encode: Callable[[Any], Any],
        step: Callable[[str], AnyExpression] | None = None,
        behind: tuple[int, ...] = (),
        owner: Owner = NOBODY,
        members: Callable[[], Any] | None = None,
        kind: Kind | None = None,
        asked: Asked = Asked.ORDER,
    ) -> None:
        self.path = path
        self._asked = asked  # how far conditions and sorts may go
        self._owner = owner  # the model that the path starts from
        self._encode = encode
        self._step = step
        self._behind = behind  # how many names lead up to and through each other end of one record on the path
        self._kind = kind
        self._members = members  # the model of the records of a Many or another end

    def __repr__(self) -> str:
        return f"Expression({'.'.join(self.path)})"

    def __getattr__(self, name: str) -> AnyExpression:
        if name.startswith("__"):
            raise AttributeError(name)
        if self._step is None and self._members is None:
            found: AnyExpression | None = self._attribute(name)
            if found is not None:
                return found
        return self[name]

    def __getitem__(self, name: str | int) -> AnyExpression:
        if self._step is not None:
            return self._step(str(name))
        if self._kind is Kind.JSON and type(name) in (str, int):
            item: AnyExpression = self._item(name)
            return item
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

    @property
    def _kinds(self) -> Mapping[Path, Kind | None]:
        return {self.path: self._kind}

    def _demand_asked(self, op: Op | None = None) -> None:
        demand_asked(self._asked, self._shown, op)

    def _made(self, term: Term, *others: AnyExpression) -> AnyExpression:
        kinds = dict(self._kinds)
        owner = self._owner
        for other in others:
            kinds |= other._kinds
            owner = self._shared(other)
        return Computed(term, owner, kinds)

    def _shared(self, other: AnyExpression) -> Owner:
        """The model that two fields of one formula belong to. Raises QueryError where these are two."""
        first, second = self._owner, other._owner
        if first.model is None or (second.model is not None and belongs_to(second.model, first)):
            return second
        if second.model is None or belongs_to(first.model, second):
            return first
        raise QueryError(
            f"{self._shown} is a field of {first.model.__name__} and {other._shown} of {second.model.__name__}:"
            " lead to the other by a reference, or compare them in exists() by outer()"
        )

    def _node(self, op: Op, value: object) -> Condition:
        """The comparison; behind the other end of a reference it speaks of the record that refers."""
        if self._asked is not Asked.ORDER and op is not Op.IS_NULL:
            self._demand_asked(op)
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


class Computed(Expression[T]):
    """A value computed of fields, to be used as a field is: compared, sorted by, projected, grouped by, aggregated.

    Example: :class:`Expression`.
    """

    __slots__ = ("_known",)

    def __init__(self, term: Term, owner: Owner, kinds: Mapping[Path, Kind | None]) -> None:
        self._known = kinds
        super().__init__((formula(term),), bordered, owner=owner, kind=kind_of_term(term, kinds))

    @property
    def _kinds(self) -> Mapping[Path, Kind | None]:
        return self._known

    @property
    def _shown(self) -> str:
        return self.path[0]


AnyExpression: TypeAlias = Expression[Any]
"""An expression, whatever its values are."""


@overload
def expr(field: type[Any]) -> AnyExpression: ...  # a reference, which is given by its key
@overload
def expr(field: Expression[T]) -> Expression[T]: ...
@overload
def expr(field: T) -> Expression[T]: ...
def expr(field: Any) -> AnyExpression:
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


def demand_order(field: AnyExpression) -> None:
    """Raise QueryError for a field whose values have no order as they are kept. Example: :class:`Expression`."""
    field._demand_asked()


def owner_of(field: object) -> Owner:
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
