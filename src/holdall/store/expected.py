"""Expected values: stored values that a record must still have when it is changed, compared where it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from holdall.query import Value

__all__ = ["Expected", "is_same_value"]


class Expected(msgspec.Struct, frozen=True, eq=False):
    """Values of fields that a record must still have; ``fields`` and ``values`` run in parallel, none is of the key.

    >>> Expected(("name", "size"), ("Rome", 3)).is_met_by(("Rome", 3))
    True
    >>> Expected(("size",), (1,)).is_met_by((True,))
    False
    """

    fields: tuple[str, ...]
    values: tuple[Value, ...]

    def is_met_by(self, values: Sequence[Value]) -> bool:
        """Whether these values of the fields, as their store reads them, are those expected."""
        return len(values) == len(self.values) and all(map(is_same_value, self.values, values))

    def is_met_by_row(self, positions: Mapping[str, int], row: Sequence[Value]) -> bool:
        """The same of a whole row, given the places of its fields."""
        return self.is_met_by([*map(row.__getitem__, map(positions.__getitem__, self.fields))])


def is_same_value(one: object, other: object) -> bool:
    """Whether two border values are the same, of one kind: neither is 1 true nor, in JSON, 1.0.

    >>> is_same_value({"a": [1, True]}, {"a": [1, True]}), is_same_value({"a": 1}, {"a": True})
    (True, False)
    """
    if one is other:
        return True
    if isinstance(one, dict):
        if not isinstance(other, dict) or one.keys() != other.keys():
            return False
        return all(is_same_value(value, other[name]) for name, value in one.items())
    if isinstance(one, list | tuple):
        return isinstance(other, list | tuple) and len(one) == len(other) and all(map(is_same_value, one, other))
    return one.__class__ is other.__class__ and bool(one == other)
