"""Rules bound to a user: a condition on records, which the user's id and attributes are already in."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import TypeAlias, cast

import msgspec

from holdall.policy.rule import AllOf, AnyOf, Calls, Everyone, Grant, Nobody, NotOf, Owner, Rule, When
from holdall.policy.user import User
from holdall.query import (
    ALWAYS,
    NEVER,
    And,
    Compare,
    Condition,
    Every,
    Exists,
    Not,
    Or,
    Some,
    Stated,
    Value,
    has_later,
    with_values,
)

__all__ = ["Binder", "Judgement", "all_of", "any_of", "binder", "bound"]

_log = logging.getLogger("holdall.policy")

Binder: TypeAlias = Callable[[User], Condition]
"""From a user to the condition that a rule is for him."""


class Judgement(msgspec.Struct, frozen=True, eq=False):
    """A function that decides about records one by one, for a user; ``yes`` is the answer that is wanted of it.

    In a condition it is the statement of a ``Stated``, which no store ever gets.

    >>> Judgement(lambda user, record: record > 1, User("ann"), True).holds(2)
    True
    """

    function: Value
    user: User
    yes: bool

    def holds(self, record: object) -> bool:
        """Whether the function answers so; one that raises never does."""
        try:
            return self.function(self.user, record) is self.yes
        except Exception:
            _log.warning("a rule raised and gives no right: %s", _name_of(self.function), exc_info=True)
            return False


def bound(rule: Grant | Rule, user: User, *, yes: bool = True) -> Condition:
    """The condition that a rule is for a user; ``ALWAYS`` and ``NEVER`` where it is about no records.

    A part of a rule that raises, or needs of the user what is not known, gives nothing, and neither does its opposite.

    >>> class Page(Model):
    ...     id: int = field(pk=True)
    ...     author: str
    >>> from holdall.query import format_condition
    >>> rule = Role("editor") | (Page.author == me.id)
    >>> format_condition(bound(rule, User("ann")))
    'author = "ann"'
    >>> bound(rule, ANONYMOUS) == bound(~(Page.author == me.id) & Everyone, ANONYMOUS)
    True
    """
    return binder(rule, yes=yes)(user)


def binder(rule: Grant | Rule, *, yes: bool = True) -> Binder:
    """Make the function that gives ``bound`` of a rule for each user: what is the same for all is found out once.

    >>> class Page(Model):
    ...     id: int = field(pk=True)
    ...     author: str
    >>> from holdall.query import format_condition
    >>> bind = binder(Role("editor") | (Page.author == me.id))
    >>> [format_condition(bind(User(name))) for name in ("ann", "eve")]
    ['author = "ann"', 'author = "eve"']
    """
    match rule:
        case NotOf():
            return binder(rule.item, yes=not yes)
        case AllOf() | AnyOf():
            return _joined([binder(item, yes=yes) for item in rule.items], is_all=isinstance(rule, AllOf) is yes)
        case When():
            return _condition(rule.condition, yes=yes)
        case Owner():
            return _condition(rule.condition_on(None), yes=yes)
        case _ if rule is Everyone or rule is Nobody:
            return _Fixed(ALWAYS if (rule is Everyone) is yes else NEVER)
        case Calls(takes_record=True):
            return lambda user: Stated(Judgement(rule.function, user, yes))
    return partial(_decided, rule, yes)


class _Fixed(msgspec.Struct, frozen=True, eq=False):
    """Gives the same condition for every user."""

    condition: Condition

    def __call__(self, user: User) -> Condition:
        return self.condition


def _decided(rule: Grant | Rule, yes: bool, user: User) -> Condition:
    decide = rule.function if isinstance(rule, Calls) else cast(Grant, rule).allows
    try:
        return ALWAYS if decide(user) is yes else NEVER
    except Exception:
        _log.warning("a rule raised and gives no right: %s", _name_of(decide), exc_info=True)
        return NEVER


def _joined(binders: list[Binder], *, is_all: bool) -> Binder:
    join = all_of if is_all else any_of
    fixed = [each.condition for each in binders if isinstance(each, _Fixed)]
    if len(fixed) == len(binders):
        return _Fixed(join(fixed))
    return lambda user: join([bind(user) for bind in binders])


def all_of(items: list[Condition]) -> Condition:
    """The conjunction of bound rules, as short as it can be. Example: :func:`bound`."""
    if NEVER in items:
        return NEVER
    left = [item for item in items if item != ALWAYS]
    return left[0] if len(left) == 1 else And(tuple(left)) if left else ALWAYS


def any_of(items: list[Condition]) -> Condition:
    """The disjunction of bound rules, as short as it can be. Example: :func:`bound`."""
    if ALWAYS in items:
        return ALWAYS
    left = [item for item in items if item != NEVER]
    return left[0] if len(left) == 1 else Or(tuple(left)) if left else NEVER


def _condition(condition: Condition, *, yes: bool) -> Binder:
    match condition:
        case Not(item):
            return _condition(item, yes=not yes)
        case And(items) | Or(items):
            found = [_condition(item, yes=yes) for item in items]
            return _joined(found, is_all=isinstance(condition, And) is yes)
        case Compare() | Some() | Every() | Exists():
            if has_later(condition):
                return partial(_known, condition, yes)
        case _:
            pass
    return _Fixed(condition if yes else Not(condition))


def _known(condition: Condition, yes: bool, user: User) -> Condition:
    try:
        found = with_values(condition, user)
    except LookupError:
        return NEVER
    except Exception:
        _log.warning("a rule compares a field with what it cannot be, and gives no right", exc_info=True)
        return NEVER
    return found if yes else Not(found)


def _name_of(function: Value) -> str:
    return str(getattr(function, "__qualname__", type(function).__name__))
