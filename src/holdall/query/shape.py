"""Shapes: what two queries must share to share one compiled text, and the values in which they may differ.

Stores that compile queries look them up by shape on every fetch, so this is written for speed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from holdall.query._formula import Formula
from holdall.query.aggregate import Grouping
from holdall.query.border import Value
from holdall.query.condition import ALWAYS, And, Compare, Condition, Exists, Not, Op, Or, Stated
from holdall.query.query import AnyQuery

__all__ = ["Shape", "Sizes", "condition_shape", "is_truth", "shape", "split", "values"]

Shape: TypeAlias = tuple[Any, ...]

Sizes: TypeAlias = Callable[[int], int]
"""From the length of a list to the number that stands for it in the shape."""

_EQ, _IN, _NOT_IN, _IS_NULL = Op.EQ, Op.IN, Op.NOT_IN, Op.IS_NULL
_NO_CONDITION: Shape = (And,)


def shape(query: AnyQuery) -> Shape:
    """Return everything of the query but its values, hashable; the lengths of IN and NOT_IN lists are left out too.

    Example: :func:`split`.
    """
    return split(query)[0]


def values(query: AnyQuery) -> list[Value]:
    """Return the query's values, in the order in which its nodes stand.

    One for each Compare except IS_NULL and truths, whose values are part of the shape: the tuple of an IN, the pair of
    a BETWEEN, the tuple of a composite key as one value each. Then those of ``having``, those of the position, None
    where missing, the limit if there is one, and the offset if it is not 0.

    Example: :func:`split`.
    """
    return split(query)[1]


def split(query: AnyQuery, sizes: Sizes | None = None) -> tuple[Shape, list[Any]]:
    """Shape and values in one walk; with ``sizes`` lists of different size have different shapes.

    >>> from holdall.query import parse_query
    >>> one, other = parse_query("book where pages > 100"), parse_query("book where pages > 200")
    >>> split(one)[0] == split(other)[0], split(one)[1]
    (True, [100])
    """
    found: list[Any] = []
    position, rows, skip = query.position, query.max_rows, query.skip
    if query.grouping is not None:
        return _split_groups(query, query.grouping, sizes)
    parts = (
        query.collection,
        _walk(query.condition, found, sizes),
        query.sort_keys,
        query.projection,
        position if position is None else tuple([value is None for value in position]),
        rows is None,
        skip > 0,
    )
    if position is not None:
        found.extend(position)
    if rows is not None:
        found.append(rows)
    if skip > 0:
        found.append(skip)
    return parts, found


def _split_groups(query: AnyQuery, grouping: Grouping, sizes: Sizes | None) -> tuple[Shape, list[Value]]:
    found: list[Value] = []
    condition, having = _walk(query.condition, found, sizes), _walk(grouping.having, found, sizes)
    plain = msgspec.structs.replace(query, condition=ALWAYS, grouping=None)
    rest, values = split(plain)
    return (rest, condition, grouping.by, grouping.aggregates, having), [*found, *values]


def is_truth(node: Compare) -> bool:
    """Whether a comparison says of a formula that it is true, or that it is false. Example: :func:`split`."""
    return node.op is _EQ and node.value.__class__ is bool and node.path[-1].__class__ is Formula


def condition_shape(query: AnyQuery, sizes: Sizes | None = None) -> tuple[Shape, list[Any]]:
    """Shape and values of the collection and condition alone, which is all that counting needs.

    Example: :func:`split`.
    """
    found: list[Any] = []
    return (query.collection, _walk(query.condition, found, sizes)), found


def _walk(node: Condition, found: list[Any], sizes: Sizes | None) -> Shape:
    if node is ALWAYS:
        return _NO_CONDITION
    if isinstance(node, Compare):
        op, value = node.op, node.value
        if op is _IS_NULL or (value.__class__ is bool and is_truth(node)):
            return (node.path, op, value)
        found.append(value)
        if sizes is not None and (op is _IN or op is _NOT_IN):
            return (node.path, op, sizes(len(value)))
        return (node.path, op)
    if isinstance(node, And | Or):
        return (type(node), *[_walk(item, found, sizes) for item in node.items])
    if isinstance(node, Not):
        return (Not, _walk(node.item, found, sizes))
    if isinstance(node, Exists):
        parts, values = split(node.query, sizes)
        found.extend(values)
        return (Exists, node.path, parts)
    if isinstance(node, Stated):
        found.append(node.values)
        return (Stated, node.form)
    return (type(node), node.path, _walk(node.condition, found, sizes))
