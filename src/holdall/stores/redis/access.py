"""How a query finds its records: by key, through an index, a page of the keys in order, or by reading all."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from holdall.errors import Unsupported
from holdall.query import (
    ALWAYS,
    And,
    AnyQuery,
    Compare,
    Condition,
    Every,
    Key,
    Kind,
    Op,
    Or,
    Query,
    Some,
    Value,
    is_formula,
    nodes,
)
from holdall.stores.redis.asked import Alternative, ByKeys, ByPage, ByRanges, Where
from holdall.stores.redis.layout import SEPARATOR, Layout
from holdall.stores.redis.text import exact, sortable

__all__ = ["Access", "access_of", "referring", "refusal"]

_AFTER = chr(ord(SEPARATOR) + 1)
_NULLS = [f"[-{SEPARATOR}", f"(-{_AFTER}"]
_VALUES = ["[=", "(>"]
_ALL = ["-", "+"]
_MOST = 2**53  # to which numbers of Lua are exact
_EXACT = frozenset(
    {Kind.INT, Kind.DATETIME, Kind.DATE, Kind.TIME, Kind.TIMEDELTA, Kind.UUID}
)  # neither cut nor rounded


class Access(NamedTuple):
    """Where the script is to look. ``is_scan`` if it reads through everything to answer with a part.

    ``is_sieve`` if an index finds what is then sieved or cut: more than is wanted may be read, within a bound.
    """

    where: Where
    is_scan: bool = False
    is_sieve: bool = False
    is_answer: bool = False  # what is found is the answer, in its order
    reason: str = ""


def access_of(layout: Layout, query: AnyQuery) -> Access:
    """The way that reads the least."""
    if query.condition == ALWAYS:
        return _listing(layout, query)
    items = _together(query.condition)
    wanted = _wanted_keys(layout, items)
    if wanted is not None:
        return Access(ByKeys("keys", list(dict.fromkeys(map(layout.text, wanted)))))
    alternatives = _alternatives(layout, items)
    if alternatives:
        is_part = query.max_rows is not None or query.skip > 0 or query.position is not None
        is_more = len(items) > 1 or any(isinstance(item, Or) for item in items)
        return Access(ByRanges("ranges", alternatives), is_sieve=is_part or is_more, reason="the condition")
    return Access(_whole(layout), is_scan=True, reason=f"the condition on {_named(query.condition)}")


def referring(layout: Layout, field: str, keys: Iterable[Key]) -> Access:
    """The records whose reference ``field`` is one of these keys."""
    return access_of(layout, Query(layout.schema.name, Compare((field,), Op.IN, tuple(keys))))


def _together(condition: Condition) -> tuple[Condition, ...]:
    return condition.items if isinstance(condition, And) else (condition,)


def _whole(layout: Layout) -> ByRanges:
    separators, number = len(layout.key_fields), layout.numbers[layout.keys]
    return ByRanges("ranges", [Alternative("sorted", layout.keys, _ALL, separators, number)])


def _named(condition: Condition) -> str:
    paths = (node.path for node in nodes(condition) if isinstance(node, Compare | Some | Every))
    return next((".".join(path) for path in paths), "nothing")


def _listing(layout: Layout, query: AnyQuery) -> Access:
    """All records, or a page of them in the order of their keys."""
    is_part = query.max_rows is not None or query.skip > 0 or query.position is not None
    direction = _key_order(layout, query)
    if direction is None:
        by = ".".join(query.sort_keys[0].path) if query.sort_keys else "the key"
        return Access(_whole(layout), is_scan=is_part, reason=f"the sort by {by}")
    if not is_part and not query.sort_keys:
        return Access(_whole(layout), is_answer=True)
    low, high = _ALL
    if query.position is not None:
        if None in query.position:
            return Access(_whole(layout), is_scan=True, reason="the position")
        place = layout.place(query.position)
        low, high = (f"[{place}{_AFTER}", high) if not direction else (low, f"({place}{SEPARATOR}")
    count = sys.maxsize if query.max_rows is None else query.max_rows
    page = ByPage("page", low, high, direction, min(query.skip, _MOST), min(count, 2**31), len(layout.key_fields))
    return Access(page, is_answer=True)


def _key_order(layout: Layout, query: AnyQuery) -> bool | None:
    """Whether the rows are wanted in the order of their keys (False), the other way round (True), or neither (None)."""
    names = [key.path[0] if len(key.path) == 1 else "" for key in query.sort_keys]
    if query.position == () or not layout.is_ordered or names != list(layout.schema.key[: len(names)]):
        return None
    descending = {key.descending for key in query.sort_keys} or {False}
    if len(descending) > 1 or (True in descending and len(names) < len(layout.schema.key)):
        return None
    return True in descending


def _wanted_keys(layout: Layout, items: Sequence[Condition]) -> list[Key] | None:
    """The keys, one of which a record that meets these conditions together has; None where they do not tell."""
    key = layout.schema.key
    equal: dict[str, Value] = {}
    for item in items:
        if isinstance(item, Or) and item.items:
            each = [_wanted_keys(layout, _together(one)) for one in item.items]
            if all(keys is not None for keys in each):
                return list(dict.fromkeys(key for keys in each for key in keys or ()))
        if isinstance(item, Compare) and len(item.path) == 1 and item.path[0] in key:
            if item.op is Op.EQ:
                equal[item.path[0]] = item.value
            elif item.op is Op.IN and len(key) == 1:
                return list(dict.fromkeys(item.value))
    if len(equal) < len(key):
        return None
    return [equal[key[0]]] if len(key) == 1 else [tuple([equal[name] for name in key])]


def _alternatives(layout: Layout, items: Sequence[Condition]) -> list[Alternative]:
    """The index reads each of which finds all records that meet these conditions together, and perhaps more."""
    found = [each for item in items if (each := _alternative(layout, item)) is not None]
    equal = {item.path[0]: item.value for item in items if isinstance(item, Compare) and _is_equality(item)}
    for group in layout.unique:
        if len(group) > 1 and equal.keys() >= {*group}:
            value = SEPARATOR.join([exact(layout.schema.by_name[name], equal[name]) for name in group])
            found.append(_unique(layout, group, [value]))
    return found


def _is_equality(item: Compare) -> bool:
    return item.op is Op.EQ and len(item.path) == 1 and item.value is not None


def _unique(layout: Layout, fields: tuple[str, ...], values: list[str]) -> Alternative:
    place = layout.unique_values(fields)
    return Alternative("unique", place, values, 0, layout.numbers[place])


def _either(layout: Layout, items: Sequence[Condition]) -> Alternative | None:
    """The reads of one index that find all records that meet any of these conditions, and perhaps more."""
    merged: dict[str, Alternative] | None = None
    for item in items:
        parts = _alternatives(layout, _together(item))
        by_place = {part.key: part for part in parts}
        if merged is not None:
            by_place = {
                key: part._replace(wanted=[*merged[key].wanted, *part.wanted])
                for key, part in by_place.items()
                if key in merged
            }
        merged = by_place
    return next(iter((merged or {}).values()), None)


def _alternative(layout: Layout, item: Condition) -> Alternative | None:
    """Return the index reads for one part of a condition: they find all records that meet it, and perhaps more."""
    if isinstance(item, Or):
        if item.items:
            return _either(layout, item.items)
        return Alternative("sorted", layout.keys, [], 1, layout.numbers[layout.keys])
    if not isinstance(item, Compare) or len(item.path) != 1 or is_formula(item.path):
        return None
    name, field = item.path[0], layout.schema.by_name[item.path[0]]
    if (name,) in layout.unique and item.op in (Op.EQ, Op.IN):
        values = item.value if item.op is Op.IN else (item.value,)
        return _unique(layout, (name,), [exact(field, value) for value in values])
    if name not in layout.indexed:
        return None
    ranges = _ranges(item, lambda value: f"={sortable(field, value)}", field.kind)
    place = layout.index(name)
    return None if ranges is None else Alternative("sorted", place, ranges, 1, layout.numbers[place])


def _ranges(item: Compare, text: Any, kind: Kind) -> list[str] | None:
    value, is_exact = item.value, kind in _EXACT
    match item.op:
        case Op.EQ:
            return _equal(text(value))
        case Op.IN:
            return [bound for one in dict.fromkeys(map(text, value)) for bound in _equal(one)]
        case Op.GT if is_exact:
            return [f"[{text(value)}{_AFTER}", _VALUES[1]]
        case Op.LT if is_exact:
            return [_VALUES[0], f"({text(value)}{SEPARATOR}"]
        case Op.GT | Op.GE:
            return [f"[{text(value)}", _VALUES[1]]
        case Op.LT | Op.LE:
            return [_VALUES[0], f"({text(value)}{_AFTER}"]
        case Op.BETWEEN:
            return [f"[{text(value[0])}", f"({text(value[1])}{_AFTER}"]
        case Op.STARTSWITH if kind is Kind.STR:
            return [f"[{text(value)}", f"({_successor(text(value))}"]
        case Op.IS_NULL:
            return _NULLS if value else _VALUES
    return None


def _equal(text: str) -> list[str]:
    return [f"[{text}{SEPARATOR}", f"({text}{_AFTER}"]


def _successor(prefix: str) -> str:
    """The smallest text after all that begin with this one, which begins with a character below the largest."""
    kept = prefix.rstrip(chr(sys.maxunicode))
    following = ord(kept[-1]) + 1
    return kept[:-1] + chr(0xE000 if following == 0xD800 else following)


def refusal(store: str, collection: str, reason: str) -> Unsupported:
    """The error for a query that would read through the whole collection."""
    return Unsupported(
        store,
        f"{reason} of {collection} without reading through all of it",
        "declare an index with field(index=True), or allow reading with scan_limit=",
    )
