"""Groups of filters: ``or=(a=1,b__gt=2)``, ``and=(…)`` and ``not=(…)``, within each other, too."""

from __future__ import annotations

from collections.abc import Callable

from holdall.query import And, Condition, Not, Or
from holdall.web.nested_text import inside, split_outside
from holdall.web.text_value import Unreadable

__all__ = ["GROUPS", "MAX_DEPTH", "Leaf", "all_of", "condition_of_group", "filters_of"]

GROUPS = ("or", "and", "not")
"""Names of groups; they are keywords of Python, so no field has such a name."""

MAX_DEPTH = 8

Leaf = Callable[[str, str], Condition | None]
"""From the name and the text of one filter, backslashes and all, to its condition; None if it was refused."""


def condition_of_group(word: str, text: str, leaf: Leaf, depth: int = 1) -> Condition | None:
    """The condition that a group means, None where one of its filters is refused; raises Unreadable for a wrong form.

    ``not`` is true where not all of its filters are.
    """
    within = inside(text)
    if within is None:
        raise Unreadable(f"must be filters in parentheses with commas between them, as in {word}=(a=1,b__gt=2)")
    if depth > MAX_DEPTH:
        raise Unreadable(f"must not have more than {MAX_DEPTH} groups within each other")
    found = filters_of(within, leaf, depth)
    if found is None:
        return None
    if word == "or":
        return found[0] if len(found) == 1 else Or(tuple(found))
    return Not(all_of(found)) if word == "not" else all_of(found)


def filters_of(text: str, leaf: Leaf, depth: int = 0) -> list[Condition] | None:
    """The conditions of filters with commas between them; None where one is refused. Raises Unreadable."""
    found = []
    for item in split_outside(text, ","):
        name, separator, value = item.partition("=")
        if not separator:
            raise Unreadable("must have a name, = and a value in each of its filters; a backslash goes before a comma")
        found.append(condition_of_group(name, value, leaf, depth + 1) if name in GROUPS else leaf(name, value))
    conditions = [condition for condition in found if condition is not None]
    return conditions if len(conditions) == len(found) else None


def all_of(conditions: list[Condition]) -> Condition:
    """The condition that all of these hold; there is at least one."""
    return conditions[0] if len(conditions) == 1 else And(tuple(conditions))
