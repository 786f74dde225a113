"""The outline of a query: its text without values, for logs."""

from __future__ import annotations

import re

from holdall.errors import LimitExceeded, QueryError
from holdall.query.query import AnyQuery
from holdall.query.text import format_query

__all__ = ["outline"]

_WORD = re.compile(
    r"""(?P<value>[a-z]*"(?:[^"\\]|\\.)*")|(?P<kept>`(?:[^`]|``)*`|[A-Za-z_][A-Za-z0-9_]*)"""
    r"""|(?P<number>-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)""",
    re.DOTALL,
)
_LIST = re.compile(r"([(\[{])\?(?:, \?)+(?=[)\]}])")
_LONGEST = 2_000  # characters


def outline(query: AnyQuery) -> str:
    """The text of a query with a question mark in place of each value.

    >>> from holdall.query import parse_query
    >>> outline(parse_query('book where title = "Emma" and pages in (1, 2, 3) sort title limit 10'))
    'book where title = ? and pages in (?, …) sort title limit ?'
    """
    try:
        text = format_query(query)
    except (QueryError, LimitExceeded):
        return f"{query.collection} where …"
    found = _LIST.sub(r"\1?, …", _WORD.sub(lambda match: match["kept"] or "?", text))
    return found if len(found) <= _LONGEST else f"{found[:_LONGEST]}…"
