"""Sorts and positions: what the server sorts by, what is sorted here, and a position as a condition."""

from __future__ import annotations

from typing import Any

import msgspec

from holdall.query import And, AnyQuery, Compare, Condition, Op, Or, Path, SortKey, Value, is_formula, resolve
from holdall.query.ordering import is_ordered
from holdall.stores.mongo.layout import Layout, Layouts

__all__ = ["Order", "order_of", "position_condition", "sorted_rows"]


class Order(msgspec.Struct, frozen=True):
    """The whole order of a query's rows: its sort keys and then the key, or nothing."""

    keys: tuple[SortKey, ...]
    is_here: bool  # whether rows are sorted here, because the server's order is another or it sees no other collection

    def odd(self) -> list[SortKey]:
        """Sort keys that want missing values where MongoDB does not put them: it takes them for the smallest."""
        return [key for key in self.keys if key.nulls_first is key.descending]


def order_of(query: AnyQuery, layouts: Layouts, layout: Layout) -> Order:
    """In which order the query's rows come."""
    if not is_ordered(query):
        return Order((), False)
    schema = layout.schema
    by_path: dict[Path, SortKey] = {}
    for key in (*query.sort_keys, *(SortKey((name,)) for name in schema.key)):
        by_path.setdefault(key.path, key)  # a second look at the same value tells nothing more
    keys = tuple(by_path.values())
    if any(is_formula(key.path) for key in keys):
        return Order(keys, True)
    fields = [resolve(layouts.schemas, schema, key.path)[-1] for key in keys]
    is_here = any(len(key.path) > 1 for key in keys) or any(
        not layouts.of(owner.name).places[field.name].codec.is_ordered for owner, field in fields
    )
    return Order(keys, is_here)


def position_condition(query: AnyQuery) -> Condition:
    """Rows after the query's position, as a condition: greater in one sort key, equal in all before it."""
    alternatives: list[Condition] = []
    equal: tuple[Condition, ...] = ()
    for key, value in zip(query.sort_keys, query.position or (), strict=True):
        is_missing = Compare(key.path, Op.IS_NULL, True)
        if value is None:
            if key.nulls_first:
                alternatives.append(And((*equal, Compare(key.path, Op.IS_NULL, False))))
            equal = (*equal, is_missing)
        else:
            after: Condition = Compare(key.path, Op.LT if key.descending else Op.GT, value)
            if not key.nulls_first:
                after = Or((after, is_missing))
            alternatives.append(And((*equal, after)))
            equal = (*equal, Compare(key.path, Op.EQ, value))
    return Or(tuple(alternatives))


def sorted_rows(rows: list[tuple[Value, ...]], keys: list[tuple[int, SortKey]]) -> None:
    """Sort rows in place; each sort key comes with the column it looks at."""
    for place, key in reversed(keys):
        first = 0 if key.nulls_first is not key.descending else 2

        def rank(row: tuple[Value, ...], place: int = place, first: int = first) -> tuple[int, Any]:
            value = row[place]
            return (first, 0) if value is None else (1, value)

        rows.sort(key=rank, reverse=key.descending)
