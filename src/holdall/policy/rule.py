"""Rules: to whom, and for which records, a right is given. ``bound`` makes a condition of one for a user."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import ClassVar, Protocol, TypeAlias, cast

import msgspec

from holdall.errors import DeclarationError
from holdall.policy.user import User, me
from holdall.query import Compare, Condition, Expression, Node, Op, Value

__all__ = [
    "AllOf",
    "AnyOf",
    "Authenticated",
    "Calls",
    "Everyone",
    "Given",
    "Grant",
    "Nobody",
    "NotOf",
    "Owner",
    "Role",
    "Rule",
    "When",
    "as_rule",
    "is_plain",
    "is_steady",
]


class Grant(Protocol):
    """A grant decides for a user; any object with this method is one. Example: :class:`Policy`."""

    def allows(self, user: User) -> bool:
        """Whether the user may."""
        ...


class Rule:
    """A rule of a policy; rules combine with ``&``, ``|`` and ``~``, with conditions on records as well.

    >>> class Page(Model):
    ...     id: int = field(pk=True)
    ...     author: str
    ...     is_public: bool = False
    >>> from holdall.policy import as_rule, described, is_plain
    >>> is_plain(as_rule(Role("editor") & Authenticated)), is_plain(as_rule(Page.author == me.id))
    (True, False)
    >>> described(Role("editor") | (Page.author == me.id) | (Page.is_public == True) & ~Role("guest"))
    'role editor or author = me.id or is_public = true and not role guest'
    """

    takes_conditions: ClassVar[bool] = True

    def __and__(self, other: Given) -> AllOf:
        return AllOf((self, as_rule(other)))

    def __rand__(self, other: Given) -> AllOf:
        return AllOf((as_rule(other), self))

    def __or__(self, other: Given) -> AnyOf:
        return AnyOf((self, as_rule(other)))

    def __ror__(self, other: Given) -> AnyOf:
        return AnyOf((as_rule(other), self))

    def __invert__(self) -> NotOf:
        return NotOf(self)

    def __bool__(self) -> bool:
        raise TypeError("a rule has no truth value here: combine rules with &, | and ~, not and, or, not")


class _Everyone(msgspec.Struct, Rule, frozen=True):
    def allows(self, user: User) -> bool:
        return True


class _Authenticated(msgspec.Struct, Rule, frozen=True):
    def allows(self, user: User) -> bool:
        return user.is_authenticated


class _Nobody(msgspec.Struct, Rule, frozen=True):
    def allows(self, user: User) -> bool:
        return False


class Role(Rule):
    """A rule for users who hold a role, or any of several. Raises DeclarationError for what is no name.

    >>> Role("editor", "admin").allows(User("ann", roles=frozenset({"admin"})))
    True
    """

    __slots__ = ("name", "names")

    def __init__(self, *names: str) -> None:
        given: tuple[object, ...] = names
        if not given or not all(isinstance(name, str) and name for name in given):
            raise DeclarationError(
                'a role is named by a text: Role("editor"), or Role("editor", "admin") for any of them'
            )
        self.names = names
        self.name = names[0]

    def allows(self, user: User) -> bool:
        """Whether the user holds it."""
        return user.has_role(*self.names)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Role) and other.names == self.names

    def __hash__(self) -> int:
        return hash(self.names)

    def __repr__(self) -> str:
        return f"Role({', '.join(map(repr, self.names))})"


Everyone = _Everyone()
"""Everyone, anonymous visitors too."""
Authenticated = _Authenticated()
"""Whoever is known."""
Nobody = _Nobody()
"""No one but the program itself."""


class Owner(Rule):
    """A rule for the records of which a field, given by itself or by its name, is the id of the user.

    >>> from holdall.policy import described
    >>> described(Owner("author"))
    'author = me.id'
    """

    __slots__ = ("field",)

    def __init__(self, field: object) -> None:
        if not isinstance(field, str) and not (isinstance(field, Expression) and len(field.path) == 1):
            raise DeclarationError('Owner takes a field of the record, as Owner("owner") or Owner(Book.owner)')
        self.field = field if isinstance(field, str) else field.path[0]

    def condition_on(self, model: Value) -> Condition:
        """The condition that it is on records of a model. Raises DeclarationError where that has no such field."""
        if model is None:
            return Compare((self.field,), Op.EQ, me.id)
        found = getattr(model, self.field, None)
        if not isinstance(found, Expression):
            raise DeclarationError(f"{model.__name__} has no field {self.field!r} that could be its owner")
        return cast(Condition, found == me.id)


class When(Rule):
    """A rule for the records that meet a condition; conditions stand for it by themselves. Example: :class:`Rule`."""

    __slots__ = ("condition",)

    def __init__(self, condition: Condition) -> None:
        self.condition = condition


class Calls(Rule):
    """A rule that a function decides: of the user, or of the user and a record. Only True allows.

    Functions of records are the last resort: no store can be asked by them, so that every record that might be meant is
    read first, within a bound. They stand for this rule by themselves: ``Policy(read=function)``.

    >>> Calls(lambda user: user.id == "ann").takes_record
    False
    """

    __slots__ = ("function", "takes_record")

    def __init__(self, function: Callable[..., object]) -> None:
        self.function = function
        self.takes_record = _takes_record(function)


class AllOf(Rule):
    """All of these rules; written with ``&``. Example: :class:`Rule`."""

    __slots__ = ("items",)

    def __init__(self, items: tuple[Grant | Rule, ...]) -> None:
        self.items = items


class AnyOf(Rule):
    """Any of these rules; written with ``|``. Example: :class:`Rule`."""

    __slots__ = ("items",)

    def __init__(self, items: tuple[Grant | Rule, ...]) -> None:
        self.items = items


class NotOf(Rule):
    """The opposite of a rule; written with ``~``. Example: :class:`Rule`."""

    __slots__ = ("item",)

    def __init__(self, item: Grant | Rule) -> None:
        self.item = item


Given: TypeAlias = Grant | Rule | Condition | bool | Callable[..., object]
"""A rule, or what stands for one. ``bool`` is what type checkers take a comparison of a field for."""


def as_rule(given: Given, what: str = "a right") -> Grant | Rule:
    """The rule that is meant. Raises DeclarationError for what is none, ``what`` in its message.

    Example: :class:`Rule`.
    """
    if isinstance(given, Rule) or callable(getattr(given, "allows", None)):
        return cast("Grant | Rule", given)
    if isinstance(given, Node):
        return When(given)
    if callable(given) and not isinstance(given, type):
        return Calls(given)
    if isinstance(given, str):
        raise DeclarationError(
            f'{what} is granted by Everyone, Authenticated, Nobody or Role("..."), not by text: Role({given!r})'
        )
    raise DeclarationError(
        f"{what} is granted by Everyone, Authenticated, Nobody or a Role, by a condition or a function, not by"
        f" {type(given).__name__}"
    )


def is_plain(rule: Grant | Rule) -> bool:
    """Whether a rule is about users alone, not about records. Example: :class:`Rule`."""
    match rule:
        case AllOf(items=items) | AnyOf(items=items):
            return all(map(is_plain, items))
        case NotOf(item=item):
            return is_plain(item)
        case Calls():
            return not rule.takes_record
        case _:
            return not isinstance(rule, When | Owner)


def is_steady(rule: Grant | Rule) -> bool:
    """Whether a rule says the same of a user each time: no function and no grant of somebody else is in it.

    >>> is_steady(Role("x") & ~Everyone), is_steady(Calls(lambda user: True))
    (True, False)
    """
    match rule:
        case AllOf(items=items) | AnyOf(items=items):
            return all(map(is_steady, items))
        case NotOf(item=item):
            return is_steady(item)
        case _:
            return isinstance(rule, Role | Owner | When | _Everyone | _Authenticated | _Nobody)


def _takes_record(function: Callable[..., object]) -> bool:
    try:
        inspect.signature(function).bind(None)
    except TypeError:
        pass
    except ValueError:
        return False
    else:
        return False
    try:
        inspect.signature(function).bind(None, None)
    except TypeError:
        raise DeclarationError("a function that is a rule takes the user, or the user and a record") from None
    return True
