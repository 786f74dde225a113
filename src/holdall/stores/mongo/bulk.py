"""Bulk changes: one command for all documents that a query means, with values that the server computes."""

from __future__ import annotations

from typing import Any

from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError, DuplicateKeyError

from holdall.query import Call, Constant, Kind, Of, Path, Term
from holdall.query.term import formula_of
from holdall.query.term_values import WHOLE_BOUND
from holdall.store import BulkChange, Computed, Verb, demand_at_most, demand_settable
from holdall.stores.mongo.documents import encoded_column
from holdall.stores.mongo.layout import Layout
from holdall.stores.mongo.reading import Reader
from holdall.stores.mongo.source import Document, Source
from holdall.stores.mongo.writing import violation_of

__all__ = ["change_at_once", "is_at_once"]

_SIGNS = {"add": "$add", "sub": "$subtract", "mul": "$multiply"}


def is_at_once(change: BulkChange, layout: Layout) -> bool:
    """Whether the server can make the change by itself: its formulas are sums or products of two whole numbers."""
    return all(_is_whole(value.path, layout) for value in change.values if isinstance(value, Computed))


async def change_at_once(source: Source, reader: Reader, layout: Layout, change: BulkChange) -> int:
    """Make the change; how many documents there were. Raises LimitExceeded, UniqueViolation and the driver's errors."""
    demand_settable(source.store, layout.schema, change.fields)
    wanted = await _wanted(reader, layout, change)
    collection = source.database[layout.collection]
    number = await collection.count_documents(wanted, session=source.session)
    demand_at_most(change, number)
    if not number:
        return 0
    if change.verb is Verb.REMOVE:
        await collection.delete_many(wanted, session=source.session)
        return number
    update = _update(layout, change)
    if update:
        await _updated(source, layout, collection, wanted, update)
    return number


async def _updated(
    source: Source, layout: Layout, collection: AsyncCollection[Document], wanted: Document, update: Any
) -> None:
    try:
        await collection.update_many(wanted, update, session=source.session)
    except (BulkWriteError, DuplicateKeyError) as error:
        details: Any = error.details or {}
        raise violation_of(source.store, layout, details, None) from error


async def _wanted(reader: Reader, layout: Layout, change: BulkChange) -> Document:
    """The filter; that of keys where only the first of what meets the condition is meant."""
    query = change.query
    if query.max_rows is None and not query.skip:
        return await reader.filter(query)
    rows = await reader.fetch(query.only(*[(name,) for name in layout.schema.key]))
    found = [layout.key.encoded(row[0] if len(row) == 1 else row) for row in rows]
    return {"_id": {"$in": found}}


def _update(layout: Layout, change: BulkChange) -> Document | list[Document]:
    version = layout.schema.version
    given, missing, computed = dict[str, Any](), list[str](), dict[str, Any]()
    for name, value in zip(change.fields, change.values, strict=True):
        place = layout.places[name]
        if isinstance(value, Computed):
            computed[place.path] = {"$ifNull": [_expression(formula_of(value.path).term, layout), "$$REMOVE"]}
            continue
        ((stored,), is_missing) = encoded_column(layout, place, [value])
        if is_missing:
            missing.append(place.path)
        else:
            given[place.path] = stored
    if not computed:
        update: Document = {}
        if given:
            update["$set"] = given
        if missing:
            update["$unset"] = dict.fromkeys(missing, "")
        if version is not None:
            update["$inc"] = {layout.path(version): 1}
        return update
    sets = computed | {path: {"$literal": value} for path, value in given.items()}
    if version is not None:
        sets[layout.path(version)] = {"$add": [f"${layout.path(version)}", 1]}
    return [{"$set": sets}, *([{"$unset": missing}] if missing else [])]


def _is_whole(path: Path, layout: Layout) -> bool:
    match formula_of(path).term:
        case Call(function, (one, two)):
            return function in _SIGNS and _is_number(one, layout) and _is_number(two, layout)
    return False


def _is_number(term: Term, layout: Layout) -> bool:
    match term:
        case Constant(value):
            return type(value) is int
        case Of((name,)):
            place = layout.places.get(name)
            return place is not None and place.field.kind is Kind.INT and place.codec.encode is None
    return False


def _expression(term: Term, layout: Layout) -> Document:
    """The expression of a formula: null where a value is, or where the result is beyond what whole numbers may be."""
    assert isinstance(term, Call)
    sign = _SIGNS[term.function]
    parts = [_operand(argument, layout) for argument in term.arguments]
    size = {sign: [{"$toDouble": part} for part in parts]}
    is_fit = {"$and": [{"$gt": [size, -WHOLE_BOUND]}, {"$lt": [size, WHOLE_BOUND]}]}
    return {"$cond": [is_fit, {sign: parts}, None]}


def _operand(term: Term, layout: Layout) -> Any:
    if isinstance(term, Of):
        return f"${layout.path(term.path[0])}"
    return term.value if isinstance(term, Constant) else None
