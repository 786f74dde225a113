"""Steps before changes are sent: keys made, counters kept clear, and a look whether unique rules are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pymongo

from holdall.errors import SchemaMismatch
from holdall.store import APPLIED, Change, Outcome, Verb, demand_changes
from holdall.stores.mongo.batches import Batch, batches_of, fill_in_keys, is_counted
from holdall.stores.mongo.connection import Connection
from holdall.stores.mongo.counters import Counters
from holdall.stores.mongo.errors import translating
from holdall.stores.mongo.inspection import index_differences
from holdall.stores.mongo.layout import Layout, Layouts
from holdall.stores.mongo.provision import found_indexes

__all__ = ["Preparation"]


class Preparation:
    """Makes changes ready; what it has seen of the database it remembers until ``look_again``."""

    def __init__(self, store: str, connection: Connection, layouts: Layouts) -> None:
        self.counters = Counters(store, connection)
        self._store = store
        self._connection = connection
        self._layouts = layouts
        self._seen: set[str] = set()

    def look_again(self) -> None:
        """Trust nothing that was seen before."""
        self._seen.clear()
        self.counters.look_again()

    async def prepared(self, changes: Sequence[Change]) -> tuple[list[Batch], list[Outcome]]:
        """The changes in batches with all keys filled in, and their outcomes if all goes well.

        Raises Unsupported for a collection that is not bound, SchemaMismatch where a unique index is missing.
        """
        demand_changes(self._store, self._layouts.schemas, changes)
        batches, is_linked = batches_of(self._store, self._layouts, changes)
        for layout in {batch.layout.collection: batch.layout for batch in batches}.values():
            await self._see_unique_indexes(layout)
        made = await self._made(batches)
        fill_in_keys(self._store, batches, made, is_linked=is_linked)
        outcomes = [APPLIED] * len(changes)
        for position, key in made.items():
            outcomes[position] = Outcome(key=key)
        return batches, outcomes

    async def _made(self, batches: Sequence[Batch]) -> dict[int, Any]:
        """Keys for the records that have none, by position; counters keep clear of those that are given."""
        wanted: dict[str, list[int]] = {}
        layouts: dict[str, Layout] = {}
        for batch in batches:
            if batch.verb is not Verb.ADD or not is_counted(batch.layout):
                continue
            name = batch.layout.collection
            layouts[name] = batch.layout
            given = [key for key in batch.keys if isinstance(key, int)]
            if given:
                await self.counters.keep_clear(batch.layout, max(given))
            if len(given) < len(batch.keys):
                places = (place for place, key in enumerate(batch.keys) if key is None)
                wanted.setdefault(name, []).extend(batch.first + place for place in places)
        made: dict[int, Any] = {}
        for name, positions in wanted.items():
            made.update(zip(positions, await self.counters.reserve(layouts[name], len(positions)), strict=True))
        return made

    async def _see_unique_indexes(self, layout: Layout) -> None:
        if not layout.schema.unique or layout.collection in self._seen:
            return
        database = await self._connection.database()
        with translating(self._store), pymongo.timeout(self._connection.timeout):
            there = await found_indexes(database, layout)
        missing = [sentence for sentence in index_differences(layout, there) if "unique" in sentence]
        if missing:  # MongoDB would write all the same
            raise SchemaMismatch(self._store, [*missing, "create() makes what is missing"])
        self._seen.add(layout.collection)
