"""What two queries must share to share one compiled text, and the values in which they differ, in one quick walk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from holdall.query import And, Compare, Condition, Node, Not, Op, Or, Query

__all__ = ["Shape", "Sizes", "bucket", "condition_shape", "query_shape", "some"]

Shape: TypeAlias = tuple[Any, ...]
Sizes: TypeAlias = Callable[[int], int]
"""From the length of an IN list to the number that takes its place in the shape."""

_IN, _NOT_IN, _IS_NULL = Op.IN, Op.NOT_IN, Op.IS_NULL


def bucket(length: int) -> int:
    """The next power of two: how many places an IN list of this length gets where each value needs its own."""
    return 1 << (length - 1).bit_length() if length else 0


def some(length: int) -> int:
    """None, one or several: where one parameter carries the whole list."""
    return min(length, 2)


def query_shape(query: Query[Any], sizes: Sizes) -> tuple[Shape, list[Any]]:
    """The query's shape and its values: those of the condition in order of the tree, the position's, limit, offset."""
    values: list[Any] = []
    position = query.position
    shape = (
        query.collection,
        _walk(query.condition, values, sizes),
        query.sort_keys,
        query.projection,
        position if position is None else tuple([value is None for value in position]),
        query.max_rows is None,
        query.skip > 0,
    )
    if position is not None:
        values.extend(position)
    if query.max_rows is not None:
        values.append(query.max_rows)
    if query.skip > 0:
        values.append(query.skip)
    return shape, values


def condition_shape(query: Query[Any], sizes: Sizes) -> tuple[Shape, list[Any]]:
    """The same of the query's condition alone, as counting needs it."""
    values: list[Any] = []
    return (query.collection, _walk(query.condition, values, sizes)), values


def _walk(node: Condition | Node, values: list[Any], sizes: Sizes) -> Shape:
    kind = type(node)
    if kind is Compare:
        op, value = node.op, node.value  # type: ignore[union-attr]
        if op is _IS_NULL:
            return (node.path, op, value)  # type: ignore[union-attr]
        values.append(value)
        if op is _IN or op is _NOT_IN:
            return (node.path, op, sizes(len(value)))  # type: ignore[union-attr]
        return (node.path, op)  # type: ignore[union-attr]
    if kind is And or kind is Or:
        return (kind, *[_walk(item, values, sizes) for item in node.items])  # type: ignore[union-attr]
    if kind is Not:
        return (kind, _walk(node.item, values, sizes))  # type: ignore[union-attr]
    return (kind, node.path, _walk(node.condition, values, sizes))  # type: ignore[union-attr]
