"""Lists that lie below other records, ``/authors/{author}/books``: which of them a query asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

from holdall.errors import Unsupported
from holdall.query import ALWAYS, And, Compare, Condition, Op, Or, Value

__all__ = ["Parents"]


class Parents:
    """The fields that the path of a collection's list names; a query must say of which values."""

    def __init__(self, store: str, collection: str, names: Sequence[str]) -> None:
        self._store = store
        self._collection = collection
        self._names = tuple(names)

    def of(self, condition: Condition) -> list[Mapping[str, Value]]:
        """The values of the path's names for each list that is to be read; one without names where there is but one.

        Raises Unsupported for a condition that does not say them.
        """
        found: dict[str, list[Value]] = {}
        for item in _conjuncts(condition):
            values = self._values(item)
            if values is not None and isinstance(item, Compare):
                name = item.path[0]
                found[name] = [value for value in found.get(name, values) if value in values]
        for name in self._names:
            if name not in found:
                advice = f"narrow it by {name}, with == or in_"
                raise Unsupported(self._store, f"a list of {self._collection} of every {name}", advice)
        return [
            dict(zip(self._names, values, strict=True)) for values in product(*(found[name] for name in self._names))
        ]

    def rest(self, condition: Condition) -> Condition:
        """The condition without what the path says."""
        if not self._names:
            return condition
        left = [item for item in _conjuncts(condition) if self._values(item) is None]
        return ALWAYS if not left else left[0] if len(left) == 1 else And(tuple(left))

    def _values(self, node: Condition) -> list[Value] | None:
        """The values that a comparison allows a name of the path; None for any other condition."""
        if not isinstance(node, Compare) or len(node.path) != 1 or node.path[0] not in self._names:
            return None
        if node.op is Op.EQ:
            return [node.value]
        return list(dict.fromkeys(node.value)) if node.op is Op.IN else None


def _conjuncts(condition: Condition) -> list[Condition]:
    if isinstance(condition, And) or (isinstance(condition, Or) and len(condition.items) == 1):
        return [part for item in condition.items for part in _conjuncts(item)]
    return [condition]
