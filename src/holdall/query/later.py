"""Values of a condition that are known only when it is used, such as the id of who asks."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from holdall.query.border import Value
from holdall.query.condition import Compare, Condition, Exists
from holdall.query.walk import nodes, replace

__all__ = ["Later", "has_later", "with_values"]


class Later(msgspec.Struct, frozen=True, eq=False):
    """A value that is to be got of a source, such as a user, when a condition with it is used.

    No store knows what it is: ``with_values`` puts the value itself in its place.

    >>> from holdall.query import Compare, Later, Op, format_condition, with_values
    >>> mine = Compare(("owner",), Op.EQ, Later("me.id", lambda user: user["id"]))
    >>> format_condition(mine), format_condition(with_values(mine, {"id": 7}))
    ('owner = me.id', 'owner = 7')
    """

    name: str
    get: Callable[[Value], Value]
    encode: Callable[[Value], Value] | None = None

    def __repr__(self) -> str:
        return self.name

    def encoded(self, encode: Callable[[Value], Value]) -> Later:
        """The same for a field, which turns the value into a border value by this function."""
        return Later(self.name, self.get, encode)

    def known(self, source: object) -> Value:
        """The value. Raises LookupError where the source has none, and what the field raises for one that is wrong."""
        found = self.get(source)
        if found is None:
            raise LookupError(f"{self.name} has no value")
        return found if self.encode is None else self.encode(found)


def with_values(condition: Condition, source: object) -> Condition:
    """The condition with the values of a source in their places; raises LookupError where it has one of them not.

    Example: :class:`Later`.
    """

    if condition.__class__ is Compare:  # as most are
        return _compared(condition, source)

    def known(node: Condition) -> Condition:
        if isinstance(node, Compare):
            return _compared(node, source)
        if isinstance(node, Exists):
            inner = with_values(node.query.condition, source)
            if inner is not node.query.condition:
                return Exists(msgspec.structs.replace(node.query, condition=inner), node.path, node.of)
        return node

    return replace(condition, known)


def has_later(condition: Condition) -> bool:
    """Whether a value in the condition, wherever it is, is known later. Example: :class:`Later`."""
    for node in nodes(condition):
        if isinstance(node, Compare):
            parts = node.value if isinstance(node.value, tuple) else (node.value,)
            if any(part.__class__ is Later for part in parts):
                return True
        if isinstance(node, Exists) and has_later(node.query.condition):
            return True
    return False


def _compared(node: Compare, source: object) -> Compare:
    value = _known(node.value, source)
    return node if value is node.value else Compare(node.path, node.op, value, node.of)


def _known(value: Value, source: object) -> Value:
    if value.__class__ is Later:
        return value.known(source)
    if isinstance(value, tuple) and any(part.__class__ is Later for part in value):
        return tuple([_known(part, source) for part in value])
    return value
