"""Conditions that lead to other records, answered by asking there first: a bounded list of keys takes their place.

``author.country == "FR"`` becomes *author is among the keys of authors whose country is FR*; ``Some`` and ``Every`` go
the other way, from the records that refer here. Byte strings, which MongoDB sorts by length first, are compared here
and become a list of keys as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import ge, gt, le, lt
from typing import Any

import msgspec

from holdall.errors import LimitExceeded
from holdall.query import (
    And,
    Compare,
    Condition,
    Every,
    FieldSchema,
    Key,
    Kind,
    ManyForm,
    Node,
    Not,
    Op,
    Or,
    Row,
    Schema,
    Some,
    Value,
    compile_condition,
    is_formula,
)
from holdall.query.value_columns import ValueColumns, needed
from holdall.store import Damaged
from holdall.stores.mongo.codec import codec_of
from holdall.stores.mongo.compile import Among, Filter, filter_of
from holdall.stores.mongo.documents import projection_of
from holdall.stores.mongo.errors import Misfit
from holdall.stores.mongo.layout import Layout, Layouts
from holdall.stores.mongo.narrowing import narrowed
from holdall.stores.mongo.source import Source
from holdall.stores.mongo.values import Values

__all__ = ["SemiJoins"]


class _Through(Node, frozen=True):
    """True if the record this reference leads to meets the condition."""

    name: str
    inner: Condition


_ADVICE = "narrow the condition on the records themselves, or on those it leads to"
_ORDER = {Op.LT, Op.LE, Op.GT, Op.GE, Op.BETWEEN}


class SemiJoins:
    """Answers conditions step by step; no list of keys is longer than ``most``."""

    def __init__(self, source: Source, layouts: Layouts, most: int) -> None:
        self._source = source
        self._layouts = layouts
        self._most = most

    async def resolved(self, condition: Condition, layout: Layout) -> Condition | Among:
        """The same condition on own fields alone. Raises LimitExceeded where too many keys would be needed."""
        return condition if _is_own(condition, layout) else await self._resolve(condition, layout, {})

    async def _resolve(self, node: Condition, layout: Layout, within: Filter) -> Value:
        """``within`` is what holds for every record of interest; it helps where a list of keys would be too long."""
        if _is_own(node, layout):
            return node
        match node:
            case _Through(name, inner):
                return await self._through(name, inner, layout, within)
            case And(items):
                own = And(tuple(item for item in items if _is_own(item, layout)))
                narrower = _both(within, filter_of(own, layout))
                return And(
                    (own, *[await self._resolve(item, layout, narrower) for item in _merged(items, And, layout)])
                )
            case Or(items):
                own_items = tuple(item for item in items if _is_own(item, layout))
                return Or(
                    (*own_items, *[await self._resolve(item, layout, within) for item in _merged(items, Or, layout)])
                )
            case Not(item):
                return Not(await self._resolve(item, layout, within))
            case Every(path, inner):
                return Not(await self._resolve(Some(path, Not(inner)), layout, within))
            case Some((_,) as path, inner):
                return await self._some(path[0], inner, layout)
            case Some(path, inner):
                return await self._through(path[0], Some(path[1:], inner), layout, within)
            case Compare(path) if is_formula(path):
                return await self._computed_here(node, layout, within)
            case Compare((name,), op, value):
                return await self._compared_here(name, op, value, layout)
            case Compare(path, Op.IS_NULL, True):
                return Not(await self._through(path[0], Compare(path[1:], Op.IS_NULL, False), layout, within))
            case Compare(path, op, value):
                return await self._through(path[0], Compare(path[1:], op, value), layout, within)
        raise TypeError(f"no condition: {type(node).__name__}")

    async def _through(self, name: str, inner: Condition, layout: Layout, within: Filter) -> Value:
        place = layout.places[name]
        target = self._layouts.target(place.field)
        wanted = filter_of(await self._resolve(inner, target, {}), target)
        keys = await self._keys(target, wanted, "_id")
        if keys is None and within:  # too many there: ask which of those referred to from here
            pointed = await self._keys(layout, within, place.path)
            if pointed is not None:
                keys = await self._keys(target, _both({"_id": {"$in": pointed}}, wanted), "_id")
        return Among(place.path, self._bounded(keys))

    async def _some(self, name: str, inner: Condition, layout: Layout) -> Value:
        field = layout.schema.field(name)
        if field.is_stored and str(field.target) not in self._layouts.schemas:
            return await self._some_key(name, inner, layout)
        target = self._layouts.target(field)
        wanted = filter_of(await self._resolve(inner, target, {}), target)
        if field.form is ManyForm.BACK:
            return Among("_id", self._bounded(await self._keys(target, wanted, target.path(str(field.back)))))
        return Among(layout.path(name), self._bounded(await self._keys(target, wanted, "_id")))

    async def _some_key(self, name: str, inner: Condition, layout: Layout) -> Key:
        """Of records in another store only their keys are known: those that lists here hold are looked at here."""
        place = layout.places[name]
        key = place.field.target_key
        stages: list[Filter] = [
            {"$unwind": f"${place.path}"},
            {"$group": {"_id": f"${place.path}"}},
            {"$limit": self._most + 1},
        ]
        found = [each["_id"] for each in await self._source.aggregate(layout.collection, stages)]
        self._bounded(found if len(found) <= self._most else None)
        members = Schema(str(place.field.target), key, tuple(part.name for part in key))
        meets = compile_condition(inner, members, _KeysAlone())
        codec = codec_of(msgspec.structs.replace(place.field, kind=Kind.REF), place.options)
        rows = map(codec.decoded, found)
        return Among(place.path, [each for each, row in zip(found, rows, strict=True) if meets(_row(key, row))])

    async def _compared_here(self, name: str, op: Op, value: object, layout: Layout) -> Value:
        place = layout.places[name]
        documents = await self._source.find(
            layout.collection, {place.path: {"$ne": None}}, {place.path: 1}, limit=self._most + 1
        )
        self._bounded(documents if len(documents) <= self._most else None)
        found = []
        for each in documents:
            try:
                stored = place.codec.decoded(_at(each, place.path))
            except Misfit:
                continue  # told when the record is read
            if _holds(op, stored, value):
                found.append(each["_id"])
        return Among("_id", found)

    async def _computed_here(self, node: Compare, layout: Layout, within: Filter) -> Value:
        """A formula that the server would compute otherwise, or not at all."""
        paths = needed([node.path]) or tuple([(name,) for name in layout.schema.key])
        asked = projection_of(layout, [path[0] for path in paths])
        wanted = _both(within, narrowed(node, layout))
        documents = await self._source.find(layout.collection, wanted, asked, limit=self._most + 1)
        self._bounded(documents if len(documents) <= self._most else None)
        if not documents:
            return Among("_id", [])
        columns = await Values(self._source, self._layouts).columns(layout, documents, paths)
        meets = ValueColumns(self._layouts.schemas, layout.schema, paths).meets(node)
        rows = zip(documents, zip(*columns.values, strict=True), strict=True)
        return Among("_id", [each["_id"] for each, row in rows if _is_readable(row) and meets(row)])

    async def _keys(self, layout: Layout, wanted: Filter, path: str) -> list[Key] | None:
        """The different values at this path of the records that meet the filter; None if there are too many."""
        if path == "_id":
            found = await self._source.find(layout.collection, wanted, {"_id": 1}, limit=self._most + 1)
        else:
            stages: list[Filter] = [{"$match": wanted}, {"$group": {"_id": f"${path}"}}, {"$limit": self._most + 2}]
            found = await self._source.aggregate(layout.collection, stages)
        keys = [key for document in found if (key := document["_id"]) is not None]
        return keys if len(keys) <= self._most else None

    def _bounded(self, keys: Sequence[Value] | None) -> list[Value]:
        if keys is None:
            raise LimitExceeded("keys on the way through a reference", self._most, _ADVICE)
        return list(keys)


class _KeysAlone:
    """No collection can be looked up from keys alone."""

    schemas: Mapping[str, Schema] = {}

    def by_key(self, collection: str) -> Callable[[Any], None]:
        return lambda key: None

    def referring(self, collection: str, field: str) -> Callable[[Any], tuple[()]]:
        return lambda key: ()


def _is_readable(row: Row) -> bool:
    return not any(isinstance(value, Damaged) for value in row)


def _row(key: Sequence[FieldSchema], value: Value) -> tuple[Value, ...]:
    return (value,) if len(key) == 1 else tuple(value)


def _is_own(node: Condition, layout: Layout) -> bool:
    """Whether MongoDB can answer it with this collection alone."""
    pending = [node]
    while pending:
        each = pending.pop()
        match each:
            case And(items) | Or(items):
                pending.extend(items)
            case Not(item):
                pending.append(item)
            case Compare(path) if is_formula(path):
                return False
            case Compare((name,), op, _):
                if op in _ORDER and not layout.places[name].codec.is_ordered:
                    return False
            case Some() | Every() | Compare() | _Through():
                return False
    return True


def _merged(items: Iterable[Condition], kind: type[And | Or], layout: Layout) -> list[Value]:
    """The items that lead elsewhere; those through one reference are asked together."""
    through: dict[str, list[Compare]] = {}
    merged: list[Any] = []
    for item in items:
        if isinstance(item, Compare) and len(item.path) > 1 and not (item.op is Op.IS_NULL and item.value):
            through.setdefault(item.path[0], []).append(item)
        elif not _is_own(item, layout):
            merged.append(item)
    for name, found in through.items():
        merged.append(
            found[0] if len(found) == 1 else _Through(name, kind(tuple([_shortened(each) for each in found])))
        )
    return merged


def _shortened(compare: Compare) -> Compare:
    return Compare(compare.path[1:], compare.op, compare.value)


def _both(left: Filter, right: Filter) -> Filter:
    return {"$and": [left, right]} if left and right else left or right


def _at(document: dict[str, Value], path: str) -> Value:
    for name in path.split("."):
        document = document[name]
    return document


def _holds(op: Op, found: Any, value: Value) -> bool:
    if op is Op.BETWEEN:
        return bool(value[0] <= found <= value[1])
    return bool(_COMPARISONS[op](found, value))


_COMPARISONS = {Op.LT: lt, Op.LE: le, Op.GT: gt, Op.GE: ge}
