"""Rules walked over: described in words, and the same rules with parts changed."""

from __future__ import annotations

from collections.abc import Callable

from holdall.policy.rule import (
    AllOf,
    AnyOf,
    Authenticated,
    Calls,
    Everyone,
    Grant,
    Nobody,
    NotOf,
    Owner,
    Role,
    Rule,
    When,
)
from holdall.query import Or, format_condition

__all__ = ["changed", "described"]


def described(rule: Grant | Rule) -> str:
    """Describe a rule for those who run the service. Example: :class:`Rule`."""
    match rule:
        case Role():
            return f"role {' or '.join(rule.names)}"
        case AllOf():
            return " and ".join(
                [f"({described(item)})" if _is_choice(item) else described(item) for item in rule.items]
            )
        case AnyOf():
            return " or ".join(map(described, rule.items))
        case NotOf():
            inner = described(rule.item)
            return f"not ({inner})" if isinstance(rule.item, AllOf) or _is_choice(rule.item) else f"not {inner}"
        case Owner():
            return f"{rule.field} = me.id"
        case When():
            return format_condition(rule.condition)
        case Calls():
            return str(getattr(rule.function, "__name__", type(rule.function).__name__))
    for known, words in ((Everyone, "everyone"), (Authenticated, "known users"), (Nobody, "nobody")):
        if rule is known:
            return words
    return type(rule).__name__


def _is_choice(rule: Grant | Rule) -> bool:
    """Whether the description has an "or", so that it stands in brackets beside an "and" and behind a "not"."""
    match rule:
        case Role():
            return len(rule.names) > 1
        case When():
            return isinstance(rule.condition, Or)
    return isinstance(rule, AnyOf)


def changed(rule: Grant | Rule, change: Callable[[Grant | Rule], Grant | Rule]) -> Grant | Rule:
    """The rule with ``change`` applied to all that combines no others. Example: :class:`Rule`."""
    match rule:
        case AllOf():
            return AllOf(tuple([changed(item, change) for item in rule.items]))
        case AnyOf():
            return AnyOf(tuple([changed(item, change) for item in rule.items]))
        case NotOf():
            return NotOf(changed(rule.item, change))
    return change(rule)
