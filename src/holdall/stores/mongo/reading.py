"""Queries answered: conditions resolved, documents found, sorted there or here, and made rows of."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from operator import itemgetter

import msgspec

from holdall.errors import LimitExceeded, StoreError, StoreTimeout, StoreUnavailable
from holdall.query import AnyQuery, GroupPlan, Path, Query, Value, both
from holdall.query.value_columns import needed
from holdall.store import Damaged, Rows
from holdall.stores.mongo.compile import Filter, filter_of
from holdall.stores.mongo.documents import projection_of, refuse_damaged
from holdall.stores.mongo.errors import Misfit
from holdall.stores.mongo.grouping import groups_of, is_grouped_there, pipeline_of
from holdall.stores.mongo.layout import Layout, Layouts
from holdall.stores.mongo.ordering import Order, order_of, position_condition, sorted_rows
from holdall.stores.mongo.semi_joins import SemiJoins
from holdall.stores.mongo.source import Document, Source
from holdall.stores.mongo.values import Values

__all__ = ["Bounds", "Reader"]


class Bounds(msgspec.Struct, frozen=True):
    """The bounds of memory in this process: ``keys`` on the way through a reference, ``rows`` that the server cannot
    sort.
    """

    keys: int
    rows: int


class Reader:
    """Answers queries from one source."""

    def __init__(self, source: Source, layouts: Layouts, bounds: Bounds) -> None:
        self._source = source
        self._layouts = layouts
        self._bounds = bounds
        self._joins = SemiJoins(source, layouts, bounds.keys)
        self._values = Values(source, layouts)

    async def fetch(self, query: AnyQuery) -> Rows:
        """The rows the query means."""
        layout = self._layouts.of(query.collection)
        if query.max_rows == 0:
            return []
        if query.grouping is not None:
            return await self.groups(query)
        wanted = await self._wanted(query, layout)
        order = order_of(query, self._layouts, layout)
        if order.is_here:
            return await self._sorted_here(query, layout, wanted, order)
        if pipeline := _pipeline(query, layout, wanted, order):
            documents = await self._source.aggregate(layout.collection, pipeline)
        else:
            documents = await self._source.find(layout.collection, wanted, *_found(query, layout, order))
        return await self._rows(query, layout, documents)

    async def command(self, query: AnyQuery) -> Document | None:
        """The command that answers a query; None where rows are sorted or grouped here."""
        layout = self._layouts.of(query.collection)
        if query.grouping is not None:
            plan = GroupPlan(query, self._layouts.schemas)
            if not is_grouped_there(plan, self._layouts, layout):
                return None
            wanted = filter_of(await self._joins.resolved(query.condition, layout), layout)
            return {"aggregate": layout.collection, "pipeline": pipeline_of(plan, layout, wanted), "cursor": {}}
        wanted = await self._wanted(query, layout)
        order = order_of(query, self._layouts, layout)
        if order.is_here:
            return None
        if pipeline := _pipeline(query, layout, wanted, order):
            return {"aggregate": layout.collection, "pipeline": pipeline, "cursor": {}}
        projection, sort, skip, limit = _found(query, layout, order)
        given = {"filter": wanted, "projection": projection, "sort": dict(sort), "skip": skip, "limit": limit}
        return {"find": layout.collection, **{name: value for name, value in given.items() if value}}

    async def batches(self, query: AnyQuery, size: int) -> AsyncGenerator[Rows]:
        """The rows of ``fetch``, at most ``size`` at a time."""
        layout = self._layouts.of(query.collection)
        if query.max_rows == 0:
            return
        wanted = await self._wanted(query, layout)
        order = order_of(query, self._layouts, layout)
        if order.is_here:
            rows = await self._sorted_here(query, layout, wanted, order)
            for start in range(0, len(rows), size):
                yield rows[start : start + size]
            return
        if pipeline := _pipeline(query, layout, wanted, order):
            batches = self._source.aggregated_batches(layout.collection, pipeline, size)
        else:
            batches = self._source.found_batches(layout.collection, wanted, *_found(query, layout, order), size)
        try:
            async for documents in batches:
                yield await self._rows(query, layout, documents)
        finally:
            await batches.aclose()

    async def count(self, query: AnyQuery) -> int:
        """How many rows the query's condition means."""
        layout = self._layouts.of(query.collection)
        wanted = filter_of(await self._joins.resolved(query.condition, layout), layout)
        return await self._source.count(layout.collection, wanted)

    async def noted_count(self, collection: str) -> int:
        """About how many documents a collection has."""
        return await self._source.noted_count(self._layouts.of(collection).collection)

    async def filter(self, query: AnyQuery) -> Filter:
        """The filter that a query's condition is, what leads to other collections resolved."""
        layout = self._layouts.of(query.collection)
        return filter_of(await self._joins.resolved(query.condition, layout), layout)

    async def groups(self, query: AnyQuery) -> Rows:
        """The rows of a query of groups: made by the server, or here of the records, within a bound."""
        layout, plan = self._layouts.of(query.collection), GroupPlan(query, self._layouts.schemas)
        if is_grouped_there(plan, self._layouts, layout):
            wanted = filter_of(await self._joins.resolved(query.condition, layout), layout)
            try:
                documents = await self._source.aggregate(layout.collection, pipeline_of(plan, layout, wanted))
                return plan.finish(query, groups_of(plan, layout, documents))
            except (StoreUnavailable, StoreTimeout):
                raise
            except (Misfit, StoreError):
                pass  # where values are of other types, reading tells in which records
        paths = tuple(plan.paths) or tuple([(name,) for name in layout.schema.key])
        most = self._bounds.rows
        rows = await self.fetch(Query(query.collection, query.condition, max_rows=most + 1, projection=paths))
        if len(rows) > most:
            raise LimitExceeded("records to group outside the database", most, "narrow the condition")
        places = {path: place for place, path in enumerate(paths)}
        return plan.finish(query, plan.group(rows, lambda path: itemgetter(places[path])))

    async def _wanted(self, query: AnyQuery, layout: Layout) -> Filter:
        condition = query.condition
        if query.position is not None:
            condition = both(condition, position_condition(query))
        return filter_of(await self._joins.resolved(condition, layout), layout)

    async def _rows(self, query: AnyQuery, layout: Layout, documents: list[Document]) -> Rows:
        """The rows of documents. Raises CorruptRecord, with all of them, where one cannot be read whole."""
        if not documents:
            return []
        paths = query.projection or tuple((field.name,) for field in layout.schema.stored)
        columns = await self._values.columns(layout, documents, paths)
        rows: Rows = list(zip(*columns.values, strict=True))
        if columns.is_damaged:
            refuse_damaged(self._source.store, layout, documents, _names(paths), rows)
        return rows

    async def _sorted_here(self, query: AnyQuery, layout: Layout, wanted: Filter, order: Order) -> Rows:
        projection = query.projection or tuple((field.name,) for field in layout.schema.stored)
        paths = (*projection, *(key.path for key in order.keys))
        asked = projection_of(layout, _first_names(paths))
        documents = await self._source.find(layout.collection, wanted, asked, limit=self._bounds.rows + 1)
        if len(documents) > self._bounds.rows:
            raise LimitExceeded(
                "records to sort outside the database", self._bounds.rows, "narrow the condition, or sort by own fields"
            )
        if not documents:
            return []
        columns, width = await self._values.columns(layout, documents, paths), len(projection)
        sorted_by = [list(map(_without_damage, column)) for column in columns.values[width:]]
        rows = list(zip(*columns.values[:width], *sorted_by, documents, strict=True))
        sorted_rows(rows, [(width + place, key) for place, key in enumerate(order.keys)])
        end = None if query.max_rows is None else query.skip + query.max_rows
        chosen = rows[query.skip : end]
        found = [row[:width] for row in chosen]
        if columns.is_damaged:
            refuse_damaged(self._source.store, layout, [row[-1] for row in chosen], _names(projection), found)
        return found


def _names(paths: Sequence[Path]) -> list[str]:
    return [".".join(path) for path in paths]


def _first_names(paths: Sequence[Path]) -> list[str]:
    """The own fields that must be read for the values at these paths."""
    return [path[0] for path in needed(paths)]


def _without_damage(value: object) -> Value:
    """Return the value to sort a record by: a value that cannot be read stands where missing values do."""
    return None if isinstance(value, Damaged) else value


def _found(
    query: AnyQuery, layout: Layout, order: Order
) -> tuple[dict[str, int] | None, list[tuple[str, int]], int, int]:
    """Projection, sort, offset and limit of a find."""
    names = _first_names(query.projection)
    return (
        projection_of(layout, names) if query.projection else None,
        _sort(layout, order),
        query.skip,
        query.max_rows or 0,
    )


def _sort(layout: Layout, order: Order) -> list[tuple[str, int]]:
    """Return the sort of the server; ``_id`` alone where it says the same as its parts, because there is an index on
    it.
    """
    sort = [(layout.path(key.path[0]), -1 if key.descending else 1) for key in order.keys]
    parts = [(layout.path(name), 1) for name in layout.schema.key]
    return [*sort[: -len(parts)], ("_id", 1)] if len(parts) > 1 and sort[-len(parts) :] == parts else sort


def _pipeline(query: AnyQuery, layout: Layout, wanted: Filter, order: Order) -> list[Document]:
    """The stages for a sort that puts missing values where MongoDB does not; empty if there is none."""
    odd = order.odd()
    if not odd:
        return []
    marks = {key.path: f"holdall_missing_{place}" for place, key in enumerate(odd)}
    sort: dict[str, int] = {}
    for key in order.keys:
        if key.path in marks:
            sort[marks[key.path]] = -1 if key.nulls_first else 1
        sort[layout.path(key.path[0])] = -1 if key.descending else 1
    tests = {mark: {"$lte": [f"${layout.path(path[0])}", None]} for path, mark in marks.items()}
    stages: list[Document] = [{"$match": wanted}, {"$set": tests}, {"$sort": sort}]
    if query.skip:
        stages.append({"$skip": query.skip})
    if query.max_rows is not None:
        stages.append({"$limit": query.max_rows})
    if query.projection:
        stages.append({"$project": projection_of(layout, _first_names(query.projection))})
    else:
        stages.append({"$unset": list(marks.values())})
    return stages
