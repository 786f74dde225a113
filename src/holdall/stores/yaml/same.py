"""Whether two YAML values are the same: of one kind, number for number, whatever the order of names in a mapping."""

from __future__ import annotations

__all__ = ["same"]


def same(one: object, other: object) -> bool:
    """Whether a reader could not tell them apart."""
    if isinstance(one, dict):
        if not isinstance(other, dict) or one.keys() != other.keys():
            return False
        return all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, list | tuple):
        return type(one) is type(other) and len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float):
        return isinstance(other, float) and (one == other or one != one) and _sign(one) == _sign(other)
    return type(one) is type(other) and one == other


def _sign(number: float) -> bool:
    return str(number).startswith("-")
