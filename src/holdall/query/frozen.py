"""JSON as hashable values that are equal exactly when it is."""

from __future__ import annotations

from collections.abc import Hashable

__all__ = ["frozen"]


def frozen(value: object) -> Hashable:
    """Return a hashable value for JSON: members in any order, true is not 1.

    >>> frozen({"a": [1, True]}) == frozen({"a": [1, 1]})
    False
    """
    if isinstance(value, dict):
        return ("object", frozenset((name, frozen(item)) for name, item in value.items()))
    if isinstance(value, list):
        return ("array", tuple(map(frozen, value)))
    return ("bool", value) if isinstance(value, bool) else value  # in Python True == 1, in JSON it is not
