"""Records in memory: what every memory store does, whatever it promises about groups of changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from holdall.errors import StaleVersion
from holdall.query import AnyQuery, Key, Schema, outline
from holdall.store import Capabilities, Change, Outcome, Rows, StorePlan, StoreTransaction, demand_schema, keys_asked
from holdall.stores.memory.data import Data
from holdall.stores.memory.fetch import CAPABILITIES, count_rows, fetch_rows
from holdall.stores.memory.reservations import Reservations
from holdall.stores.memory.transaction import MemoryTransaction

__all__ = ["MemoryRecords"]


class MemoryRecords:
    """Records in dictionaries. They outlive ``close``, but not the object. Example: :func:`open_memory`."""

    def __init__(self, name: str = "memory") -> None:
        self.name = name
        self._data = Data(name)
        self._reserved = Reservations(self._data)
        self._lock: asyncio.Lock | None = None
        self._lock_loop: asyncio.AbstractEventLoop | None = None
        self._open: MemoryTransaction | None = None

    @property
    def capabilities(self) -> Capabilities:
        """Everything."""
        return CAPABILITIES

    def bind(self, schemas: Sequence[Schema]) -> None:
        """Learn these collections. One bound again with another declaration loses its rows."""
        for schema in schemas:
            demand_schema(self.name, self.capabilities, schema)
            self._data.bind(schema)

    async def fetch(self, query: AnyQuery) -> Rows:
        """The rows the query means; a condition on the whole key alone does not scan."""
        return fetch_rows(self._committed(), query)

    async def explain(self, query: AnyQuery, *, analyze: bool = False) -> StorePlan:
        """Say which records are looked at for a query; with ``analyze`` also how many rows are found."""
        data = self._committed()
        keys = keys_asked(data.schemas[query.collection], query)
        number = len(data.tables[query.collection].rows)
        told = f"all {number} records are looked at" if keys is None else f"by key: {len(tuple(keys))} records"
        rows = fetch_rows(data, query) if analyze else ()
        return StorePlan(outline(query), f"{told}; {len(rows)} rows are found" if analyze else told)

    async def count(self, query: AnyQuery) -> int:
        """How many rows the query's condition means."""
        return count_rows(self._committed(), query)

    async def stream(self, query: AnyQuery, batch: int) -> AsyncIterator[Rows]:
        """The rows of ``fetch`` as they are at the start, at most ``batch`` at a time."""
        rows = await self.fetch(query)
        for start in range(0, len(rows), batch):
            yield rows[start : start + batch]

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Apply all changes or none; references are checked after the last one."""
        async with self._writing():
            return MemoryTransaction(self._data, self._reserved.demand_free).apply_all(changes)

    async def append(self, collection: str, key: Key, stream: str, data: bytes) -> int:
        """Add these bytes to a stream; its length thereafter."""
        if self._committed().by_key(collection)(key) is None:
            raise StaleVersion(self.name, collection, key)
        grown = self._data.streams.get((collection, key, stream), b"") + data
        self._data.streams[collection, key, stream] = grown
        return len(grown)

    async def read(self, collection: str, key: Key, stream: str, start: int = 0, stop: int | None = None) -> bytes:
        """A part of a stream."""
        return self._data.streams.get((collection, key, stream), b"")[start:stop]

    async def length(self, collection: str, key: Key, stream: str) -> int:
        """How long a stream is."""
        return len(self._data.streams.get((collection, key, stream), b""))

    async def create(self) -> None:
        """Nothing is missing: binding a collection made its place."""

    async def inspect(self) -> list[str]:
        """Nothing differs."""
        return []

    async def drop(self, *collections: str) -> None:
        """Forget the records of these collections, or every record, and what is held of them."""
        async with self._writing():
            self._data.clear(collections)
            if not collections:
                self._reserved.clear()

    async def close(self) -> None:
        """Nothing is held open; the records stay."""

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[StoreTransaction]:
        async with self._writing():
            transaction = self._open = MemoryTransaction(self._data, self._reserved.demand_free)
            try:
                yield transaction
                transaction.check()
                transaction.end()
            except BaseException:
                transaction.roll_back()
                raise
            finally:
                transaction.is_over = True
                self._open = None

    def _writing(self) -> asyncio.Lock:
        loop = asyncio.get_running_loop()
        if self._lock is None or self._lock_loop is not loop:  # a lock serves the loop it was first waited on
            self._lock, self._lock_loop = asyncio.Lock(), loop
        return self._lock

    def _committed(self) -> Data:
        return self._data if self._open is None else self._open.before()
