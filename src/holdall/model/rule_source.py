"""Rules asked of values: by their own function, or by Python source where a generated function asks them."""

from __future__ import annotations

import re
from functools import lru_cache

from holdall.model.rules import Ge, Gt, Le, Length, Lt, Pattern, Rule

__all__ = ["holds", "in_place", "rule_source"]

_INLINE: dict[type[Rule], str] = {Ge: ">=", Gt: ">", Le: "<=", Lt: "<"}


def holds(rule: Rule, value: object) -> bool:
    """Whether a value keeps the rule; one that cannot be compared does not."""
    try:
        return rule.holds(value)
    except TypeError:
        return False


@lru_cache(maxsize=1000)
def in_place(source: str, variable: str, scalar: str) -> str:
    """Source about ``x`` and its type ``T`` as source about a variable and the name of a type."""
    return re.sub(r"\bx\b", variable, re.sub(r"\bT\b", scalar, source))


def rule_source(rule: Rule, name: str, names: dict[str, object]) -> str:
    """Return source that is true of ``x`` if it keeps the rule; what it needs is added to ``names``."""
    operator = _INLINE.get(type(rule))
    if operator is not None and isinstance(rule, Ge | Gt | Le | Lt):
        names[name] = rule.bound
        return f"x {operator} {name}"
    if isinstance(rule, Length):
        upper = "" if rule.maximum is None else f" <= {rule.maximum}"
        names["__len"] = len  # a field may be called len
        return f"{rule.minimum} <= __len(x){upper}"
    if isinstance(rule, Pattern):
        names[name] = re.compile(rule.expression).fullmatch
        return f"{name}(x) is not None"
    names[name] = rule.holds
    return f"{name}(x)"
