"""Counters of generated keys: one document per collection, raised before the records are written, never lowered.

A document is ``{_id: the collection, last: the last key, format: 1}``. One without a format is of format 1.
"""

from __future__ import annotations

import pymongo
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.collection import ReturnDocument
from pymongo.write_concern import WriteConcern

from holdall.errors import UnknownFormat
from holdall.stores.mongo.connection import Connection
from holdall.stores.mongo.errors import translating
from holdall.stores.mongo.layout import COUNTERS, Layout
from holdall.stores.mongo.source import Document

__all__ = ["COUNTER_FORMAT", "Counters"]

COUNTER_FORMAT = 1
"""The version of a counter's document; one of another version is refused."""

_NEW = {"$setOnInsert": {"format": COUNTER_FORMAT}}


class Counters:
    """Keys for new records. Those reserved and never used are lost."""

    def __init__(self, store: str, connection: Connection) -> None:
        self._store = store
        self._connection = connection
        self._known: dict[str, int] = {}

    async def reserve(self, layout: Layout, count: int) -> range:
        """Reserve ``count`` keys that no record has had."""
        name = layout.collection
        if name not in self._known:  # records may have come from elsewhere
            await self.keep_clear(layout, await self._largest(layout))
        counters = await self._collection()
        with translating(self._store), pymongo.timeout(self._connection.timeout):
            found = await counters.find_one_and_update(
                {"_id": name}, {"$inc": {"last": count}, **_NEW}, upsert=True, return_document=ReturnDocument.AFTER
            )
        self._demand_known(name, found)
        last = int((found or {})["last"])
        self._known[name] = max(last, self._known.get(name, 0))
        return range(last - count + 1, last + 1)

    async def keep_clear(self, layout: Layout, key: int) -> None:
        """Give out no key up to this one."""
        name = layout.collection
        if self._known.get(name, -1) >= key:
            return
        counters = await self._collection()
        with translating(self._store), pymongo.timeout(self._connection.timeout):
            if name not in self._known:
                self._demand_known(name, await counters.find_one({"_id": name}))
            await counters.update_one({"_id": name}, {"$max": {"last": key}, **_NEW}, upsert=True)
        self._known[name] = key

    async def forget(self, names: list[str]) -> None:
        """These collections are dropped."""
        counters = await self._collection()
        with translating(self._store), pymongo.timeout(self._connection.timeout):
            await counters.delete_many({"_id": {"$in": names}})
        self.look_again()

    def look_again(self) -> None:
        """Trust nothing that was seen before."""
        self._known.clear()

    def _demand_known(self, name: str, counter: Document | None) -> None:
        """Raise UnknownFormat for a counter that another version of Holdall wrote."""
        found = (counter or {}).get("format", COUNTER_FORMAT)
        if found != COUNTER_FORMAT:
            number = found if isinstance(found, int) else None
            raise UnknownFormat(self._store, f"{COUNTERS} {name!r}", number, COUNTER_FORMAT)

    async def _largest(self, layout: Layout) -> int:
        database = await self._connection.database()
        with translating(self._store), pymongo.timeout(self._connection.timeout):
            found = await database[layout.collection].find({}, {"_id": 1}).sort("_id", -1).limit(1).to_list()
        return max(0, int(found[0]["_id"])) if found else 0

    async def _collection(self) -> AsyncCollection[Document]:
        database = await self._connection.database()
        return database.get_collection(COUNTERS, write_concern=WriteConcern("majority"))
