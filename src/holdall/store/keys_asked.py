"""The keys that the condition of a query demands, for stores that find records by key without looking at all rows."""

from __future__ import annotations

from holdall.query import And, AnyQuery, Compare, Key, Op, Schema, Value

__all__ = ["keys_asked"]


def keys_asked(schema: Schema, query: AnyQuery) -> list[Key] | None:
    """Return the only keys that rows of the query can have, each once; None where its condition demands none.

    >>> from holdall.query import FieldSchema, Kind, Query
    >>> book = Schema("book", (FieldSchema("id", Kind.INT), FieldSchema("pages", Kind.INT)), key=("id",))
    >>> keys_asked(book, Query("book", Compare(("id",), Op.IN, (7, 8)))), keys_asked(book, Query("book"))
    ([7, 8], None)
    """
    items = query.condition.items if isinstance(query.condition, And) else (query.condition,)
    equal: dict[str, Value] = {}
    for item in items:
        if isinstance(item, Compare) and len(item.path) == 1 and item.path[0] in schema.key:
            if item.op is Op.EQ:
                equal[item.path[0]] = item.value
            elif item.op is Op.IN and len(schema.key) == 1:
                return list(dict.fromkeys(item.value))
    if len(equal) < len(schema.key):
        return None
    return [equal[schema.key[0]]] if len(schema.key) == 1 else [tuple([equal[name] for name in schema.key])]
