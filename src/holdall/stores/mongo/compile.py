"""Conditions on a collection's own fields to MongoDB filters that mean exactly the same.

Every value stands behind an operator, so that none becomes one; every name comes from the layout. Conditions that lead
to other collections are answered first, by ``semi_joins``, and arrive here as ``Among``.
"""

from __future__ import annotations

from collections.abc import Callable

from holdall.query import And, Compare, Condition, Node, Not, Op, Or, Value
from holdall.stores.mongo.codec import neighbours
from holdall.stores.mongo.errors import Misfit
from holdall.stores.mongo.layout import Layout, Place
from holdall.stores.mongo.text import containing, containing_any_case, ending, prefix_end

__all__ = ["NOTHING", "Among", "Filter", "filter_of"]

Filter = dict[str, Value]

NOTHING: Filter = {"_id": {"$in": []}}
"""The filter that nothing meets, which the server sees before it looks."""


class Among(Node, frozen=True):
    """True if what lies at this document path, or in its array, is one of these stored values."""

    document_path: str
    stored: list[Value]


def filter_of(condition: Condition | Among, layout: Layout) -> Filter:
    """The filter of a checked condition; ``{}`` for one that everything meets."""
    match condition:
        case Among(path, stored):
            return {path: {"$in": stored}}
        case Compare((name,), op, value):
            return _compare(layout.places[name], op, value)
        case And(items):
            parts = [found for item in items if (found := filter_of(item, layout))]
            return {"$and": parts} if len(parts) > 1 else parts[0] if parts else {}
        case Or(items):
            parts = [filter_of(item, layout) for item in items]
            return {"$or": parts} if len(parts) > 1 else parts[0] if parts else NOTHING
        case Not(Not(item)):
            return filter_of(item, layout)
        case Not(item):
            found = filter_of(item, layout)
            return {"$nor": [found]} if found else NOTHING
    raise TypeError(f"{type(condition).__name__} was not answered before compiling")


def _compare(place: Place, op: Op, value: Value) -> Filter:
    path = place.path
    if op is Op.IS_NULL:
        return _missing(place) if value else _present(place)
    if place.is_array:
        return _among_whole(place, op, value if op in (Op.IN, Op.NOT_IN) else (value,))
    if op in (Op.IN, Op.NOT_IN):
        found = [stored for item in value if (stored := _exact(place, item)) is not None]
        return {path: {"$in": found}} if op is Op.IN else {path: {"$nin": [*found, None]}}
    if op is Op.BETWEEN:
        return {"$and": [_compare(place, Op.GE, value[0]), _compare(place, Op.LE, value[1])]}
    if op in _TEXT:
        return _TEXT[op](path, value)
    stored = _exact(place, value)
    if stored is None:
        return _inexact(place, op, value)
    return {path: {"$nin": [stored, None]}} if op is Op.NE else {path: {_OPERATORS[op]: stored}}


_OPERATORS: dict[Op, str] = {Op.EQ: "$eq", Op.LT: "$lt", Op.LE: "$lte", Op.GT: "$gt", Op.GE: "$gte"}


def _exact(place: Place, value: object) -> Value:
    """The stored form of a value to compare with, None if it has none; numbers stay numbers, whatever the field."""
    if isinstance(value, int) and place.codec.encode is not None and not isinstance(value, bool):
        return value
    try:
        return place.codec.encoded(value)
    except Misfit:
        return None


def _inexact(place: Place, op: Op, value: object) -> Filter:
    below, above = neighbours(place.field, value, native_dates=place.options.native_dates)
    if op is Op.EQ:
        return NOTHING
    if op is Op.NE:
        return _present(place)
    return {place.path: {"$lte": below} if op in (Op.LT, Op.LE) else {"$gte": above}}


def _missing(place: Place) -> Filter:
    if place.is_array:  # an equality would look into the array
        return {"$expr": {"$lte": [f"${place.path}", None]}}
    return {place.path: {"$eq": None}}


def _present(place: Place) -> Filter:
    return {"$nor": [_missing(place)]} if place.is_array else {place.path: {"$ne": None}}


def _among_whole(place: Place, op: Op, values: tuple[Value, ...]) -> Filter:
    """Compared as wholes, by an expression: a filter would also look at the elements of arrays."""
    stored = [place.codec.encoded(value) for value in values]
    found = {"$expr": {"$in": [f"${place.path}", {"$literal": stored}]}}
    return found if op in (Op.EQ, Op.IN) else {"$and": [_present(place), {"$nor": [found]}]}


def _starting(path: str, text: str) -> Filter:
    end = prefix_end(text)
    return {path: {"$gte": text} if end is None else {"$gte": text, "$lt": end}}


_TEXT: dict[Op, Callable[[str, str], Filter]] = {
    Op.STARTSWITH: _starting,
    Op.CONTAINS: lambda path, text: {path: {"$regex": containing(text)}},
    Op.ICONTAINS: lambda path, text: {path: {"$regex": containing_any_case(text)}},
    Op.ENDSWITH: lambda path, text: {path: {"$regex": ending(text)}},
}
