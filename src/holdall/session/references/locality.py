"""Whether a query stays in its collection; and queries as text of a length that can be looked at."""

from __future__ import annotations

from holdall.errors import LimitExceeded, QueryError
from holdall.query import ALWAYS, And, AnyQuery, Compare, Not, Or, Stated, format_query

__all__ = ["is_local", "shown"]

_SHOWN = 300
"""Characters of a query that are shown."""


def is_local(query: AnyQuery) -> bool:
    """Whether no path of the query leaves its collection, and no formula is in it: there is nothing to look into.

    A reference inside a value is no field of the store's: its name is a ``NestedName``, not plain text.
    """
    for key in query.sort_keys:
        if len(key.path) > 1 or key.path[0].__class__ is not str:
            return False
    for path in query.projection:
        if len(path) > 1 or path[0].__class__ is not str:
            return False
    condition = query.condition
    if condition is ALWAYS:
        return True
    if condition.__class__ is Compare:
        path = condition.path
        return len(path) == 1 and path[0].__class__ is str
    pending = [condition]
    while pending:
        match pending.pop():
            case And(items) | Or(items):
                pending.extend(items)
            case Not(item):
                pending.append(item)
            case Compare(path):
                if len(path) > 1 or path[0].__class__ is not str:
                    return False
            case Stated():
                pass
            case _:
                return False
    return True


def shown(query: AnyQuery) -> str:
    """A query as text, of a length that can be looked at."""
    try:
        text = format_query(query)
    except (QueryError, LimitExceeded):
        return f"{query.collection} where …"
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
