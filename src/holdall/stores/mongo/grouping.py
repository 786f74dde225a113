"""Groups to an aggregation pipeline: the base columns of groups, of which ``GroupPlan`` makes the rows of a query.

Integers are added as Decimal128, whose 34 digits no sum of them fills; what the server would round, or orders in
another way, and what lies behind references is left to Python.
"""

from __future__ import annotations

from holdall.query import Aggregate, Function, GroupPlan, Kind, Row, Value, is_formula, resolve
from holdall.query.groups import timedelta_of
from holdall.stores.mongo.compile import Filter
from holdall.stores.mongo.errors import Misfit
from holdall.stores.mongo.layout import Layout, Layouts, Place
from holdall.stores.mongo.source import Document

__all__ = ["groups_of", "is_grouped_there", "pipeline_of"]

_EXACT_DIGITS = 18
"""Digits of decimals of which the server can add 10**15 without rounding."""

_WHOLE = ["int", "long"]
_ADDED = {
    Kind.INT: _WHOLE,
    Kind.TIMEDELTA: _WHOLE,
    Kind.FLOAT: ["double", *_WHOLE],
    Kind.DECIMAL: ["decimal", *_WHOLE],
}
"""The BSON types that are added as they are; the server passes by others without a word."""


def is_grouped_there(plan: GroupPlan, layouts: Layouts, layout: Layout) -> bool:
    """Whether the server itself can make these groups, exactly."""
    if any(is_formula(path) or len(path) > 1 or layout.places[path[0]].is_array for path in plan.paths):
        return False
    for part in plan.base:
        if part.path:
            place, field = layout.places[part.path[0]], resolve(layouts.schemas, layout.schema, part.path)[-1][1]
            if part.function in (Function.MIN, Function.MAX) and not place.codec.is_ordered:
                return False
            is_decimal = part.function is Function.SUM and field.kind is Kind.DECIMAL
            if is_decimal and (field.digits is None or field.digits > _EXACT_DIGITS):
                return False
    return True


def pipeline_of(plan: GroupPlan, layout: Layout, wanted: Filter) -> list[Document]:
    """The stages that give a document for each group."""
    keys = {f"k{place}": _value(layout.places[path[0]]) for place, path in enumerate(plan.by)}
    group: Document = {"_id": keys or None}
    for index, part in enumerate(plan.base):
        place = layout.places[part.path[0]] if part.path else None
        group[f"n{index}"] = {"$sum": 1 if place is None else _is_there(place)}
        if place is not None:
            accumulator = _accumulator(plan, part, place)
            if accumulator is not None:
                group[f"v{index}"] = accumulator
            if part.function is Function.SUM:
                is_fit = {"$in": [{"$type": f"${place.path}"}, _ADDED[plan.kind(part)]]}
                group[f"t{index}"] = {"$sum": {"$cond": [is_fit, 1, 0]}}
    return [{"$match": wanted}, {"$group": group}] if wanted else [{"$group": group}]


def groups_of(plan: GroupPlan, layout: Layout, documents: list[Document]) -> list[Row]:
    """The base columns of these groups. Raises Misfit for a value that its field never holds."""
    rows = []
    for document in documents:
        keys = document["_id"] or {}
        by = [layout.places[path[0]].codec.decoded(keys.get(f"k{place}")) for place, path in enumerate(plan.by)]
        rows.append((*by, *[_result(plan, layout, part, document, index) for index, part in enumerate(plan.base)]))
    return rows or ([] if plan.by else plan.group((), lambda path: lambda row: None))


def _value(place: Place) -> Document:
    return {"$ifNull": [f"${place.path}", None]}


def _is_there(place: Place) -> Document:
    return {"$cond": [{"$lte": [f"${place.path}", None]}, 0, 1]}


def _accumulator(plan: GroupPlan, part: Aggregate, place: Place) -> Document | None:
    path = f"${place.path}"
    match part.function:
        case Function.COUNT_DISTINCT:
            return {"$addToSet": path}
        case Function.SUM:
            is_whole = plan.kind(part) in (Kind.INT, Kind.TIMEDELTA)
            return {"$sum": {"$toDecimal": path} if is_whole else path}
        case Function.MIN:
            return {"$min": path}
        case Function.MAX:
            return {"$max": path}
    return None


def _result(plan: GroupPlan, layout: Layout, part: Aggregate, document: Document, index: int) -> Value:
    number: int = document[f"n{index}"]
    value: Value = document.get(f"v{index}")
    match part.function:
        case Function.ROWS | Function.COUNT:
            return int(number)
        case Function.COUNT_DISTINCT:
            return len([item for item in value if item is not None])
    if not number:
        return None
    codec, kind = layout.places[part.path[0]].codec, plan.kind(part)
    if part.function is not Function.SUM:
        return codec.decoded(value)
    if document[f"t{index}"] != number:
        raise Misfit("is stored as something that cannot be added")
    if kind in (Kind.INT, Kind.TIMEDELTA):
        total = int(value.to_decimal())
        return total if kind is Kind.INT else timedelta_of(total)
    return codec.decoded(value)
