"""Comparisons with the beginning or the end of texts, where a statement with a range of texts cannot say them."""

from __future__ import annotations

import msgspec

from holdall.query import AnyQuery, Compare, Condition, Op
from holdall.query.walk import replace

__all__ = ["without_edges"]


def without_edges(query: AnyQuery) -> AnyQuery:
    """The same query without texts that begin or end with nothing, or begin with the last of all characters.

    >>> from holdall.query import Query
    >>> without_edges(Query("book", Compare(("title",), Op.ENDSWITH, ""))).condition
    Compare(path=('title',), op=<Op.IS_NULL: 'is_null'>, value=False)
    """
    return msgspec.structs.replace(query, condition=replace(query.condition, _plain))


def _plain(node: Condition) -> Condition:
    match node:
        case Compare(path, Op.STARTSWITH, value) if not value.strip("\U0010ffff"):
            return Compare(path, Op.GE, value)
        case Compare(path, Op.ENDSWITH, ""):
            return Compare(path, Op.IS_NULL, False)
    return node
