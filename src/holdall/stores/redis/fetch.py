"""Reading: what the script finds, looked at again by ``select``, which knows what every query means."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

import msgspec

from holdall.errors import CorruptRecord, LimitExceeded
from holdall.query import Query, Schema, SortKey, compile_condition, select
from holdall.store import Rows
from holdall.stores.redis.access import Access, access_of, refusal
from holdall.stores.redis.codec import Codec
from holdall.stores.redis.errors import Misfit
from holdall.stores.redis.layout import Layout
from holdall.stores.redis.related import Related
from holdall.stores.redis.scripts import LOAD, PURGE
from holdall.stores.redis.server import Server
from holdall.stores.redis.writes import unbuilt

__all__ = ["SIEVED", "Reader"]

SIEVED = 100_000
"""How many records of an index may be read to answer with a part of them."""

_PURGED_AT_ONCE = 1000
_pack = msgspec.msgpack.Encoder().encode


class Reader:
    """The reading half of a store."""

    def __init__(self, store: str, server: Server, layouts: Mapping[str, Layout], codecs: Mapping[str, Codec]) -> None:
        self._store = store
        self._server = server
        self._layouts = layouts
        self._codecs = codecs

    @property
    def schemas(self) -> Mapping[str, Schema]:
        """Every collection by name."""
        return {name: layout.schema for name, layout in self._layouts.items()}

    def layout(self, collection: str) -> Layout:
        """Where a collection lies."""
        return self._layouts[collection]

    async def fetch(self, query: Query[Any]) -> Rows:
        """The rows a checked query means."""
        layout = self._layouts[query.collection]
        access = access_of(layout, query)
        if access.where[0] == "page":
            await self.purge(layout)
        if access.is_answer and not query.projection:
            return await self.rows(layout, access)
        if access.is_answer and all(len(path) == 1 for path in query.projection):
            return await self.rows(layout, access, tuple([path[0] for path in query.projection]))
        found = await self.rows(layout, access)
        if access.is_answer:  # a page that is cut already
            query = msgspec.structs.replace(query, max_rows=None, skip=0, position=None)
        related = Related(self)
        await related.gather(query, found)
        return select(query, found, related)

    async def count(self, query: Query[Any]) -> int:
        """How many rows the query's condition means."""
        plain: Query[Any] = Query(query.collection, query.condition)
        layout = self._layouts[query.collection]
        access = access_of(layout, plain)
        if access.is_answer:
            await self.purge(layout)
            return int(await self._server.command(layout.keys, "ZCARD", layout.keys))
        found = await self.rows(layout, access)
        related = Related(self)
        await related.gather(plain, found)
        return sum(map(compile_condition(query.condition, layout.schema, related), found))

    async def stream(self, query: Query[Any], batch: int) -> AsyncGenerator[Rows]:
        """The rows of ``fetch``, at most ``batch`` at a time; a whole collection is read page by page."""
        layout = self._layouts[query.collection]
        access = access_of(layout, query)
        is_plain = not query.sort_keys and query.max_rows is None and not query.skip and query.position is None
        if not is_plain or not layout.is_ordered or not (access.is_scan or access.is_answer):
            rows = await self.fetch(query)
            for start in range(0, len(rows), batch):
                yield rows[start : start + batch]
            return
        if access.is_scan:
            await self._demand_few(layout, access)
        keys = tuple([SortKey((name,)) for name in layout.schema.key])
        page: Query[Any] = Query(query.collection, sort_keys=keys, max_rows=batch)
        while True:
            found = await self.rows(layout, access_of(layout, page))
            related = Related(self)
            await related.gather(query, found)
            rows = select(query, found, related)
            if rows:
                yield rows
            if len(found) < batch:
                return
            last = layout.schema.key_of(found[-1])
            page = page.after(*(last if len(keys) > 1 else (last,)))

    async def _demand_few(self, layout: Layout, access: Access) -> None:
        """Raise Unsupported or LimitExceeded where the collection has more records than may be read through."""
        if layout.scan_limit <= 0:
            raise refusal(self._store, layout.schema.name, access.reason)
        if await self._server.command(layout.keys, "ZCARD", layout.keys) > layout.scan_limit:
            raise _too_many(layout, access)

    async def purge(self, layout: Layout) -> None:
        """Forget what stands of records that have expired."""
        if layout.ttl is None:
            return
        indexes, uniques = layout.slot_numbers
        places = [layout.keys, layout.expiry, layout.entries, *map(layout.index, layout.indexed)]
        places += map(layout.unique_values, layout.unique)
        arguments = (layout.record, _PURGED_AT_ONCE, len(indexes), _pack(uniques), len(layout.key_fields))
        while await self._server.run(PURGE, places, arguments) == _PURGED_AT_ONCE:
            pass

    async def raw(self, layout: Layout, access: Access, names: tuple[str, ...]) -> list[tuple[str, list[bytes]]]:
        """The texts and the values as they are stored; null for missing ones."""
        reply = await self._run(layout, access, names, 0, "raw")
        return [(key.decode()[len(layout.record) :], values) for key, values in reply[1]]

    def decoded(self, layout: Layout, text: str, names: tuple[str, ...], values: Sequence[bytes]) -> dict[str, Any]:
        """The values of one record. Raises CorruptRecord."""
        codec, found = self._codecs[layout.schema.name], {}
        for name, value in zip(names, values, strict=True):
            try:
                found[name] = codec.value(name, value)
            except Misfit as misfit:
                raise CorruptRecord(self._store, f"{layout.record}{text} {name}", str(misfit)) from misfit
        return found

    async def rows(self, layout: Layout, access: Access, names: tuple[str, ...] = ()) -> Rows:
        """The rows, of these fields or of all, that are found this way.

        Raises Unsupported for a scan that is not allowed, LimitExceeded for one that is too long, CorruptRecord.
        """
        bound = _bound(layout, access)
        if access.is_scan and bound <= 0:
            raise refusal(self._store, layout.schema.name, access.reason)
        if not names:
            names = tuple([field.name for field in layout.schema.stored])
        reply = await self._run(layout, access, names, bound)
        if reply[0] == b"unbuilt":
            raise unbuilt(self._store, layout.base)
        if reply[0] == b"many":
            raise _too_many(layout, access)
        try:
            return self._codecs[layout.schema.name].rows(names, reply[1])
        except Misfit as misfit:
            for text, values in await self.raw(layout, access, names):
                self.decoded(layout, text, names, values)
            raise CorruptRecord(self._store, layout.base, str(misfit)) from misfit

    async def _run(self, layout: Layout, access: Access, names: tuple[str, ...], bound: int, form: str = "") -> Any:
        mark = layout.declared if _asks_index(layout, access) else ""
        arguments = (layout.record, _pack(names), _pack(access.where), bound, form, mark)
        return await self._server.run(LOAD, self._places(layout, access), arguments)

    def _places(self, layout: Layout, access: Access) -> list[str]:
        """Every key that the script is told of; those it finds in an index lie in the same slot."""
        if access.where[0] == "keys":
            return [layout.keys, layout.mark, *[layout.record + text for text in access.where[1]]]
        if access.where[0] == "ranges":
            return [layout.keys, layout.mark, *[alternative[1] for alternative in access.where[1]]]
        return [layout.keys, layout.mark]


def _bound(layout: Layout, access: Access) -> int:
    """How many records may be read at most; 0 for any number, where all that is read is wanted."""
    if access.is_scan:
        return layout.scan_limit
    return max(layout.scan_limit, SIEVED) if access.is_sieve else 0


def _too_many(layout: Layout, access: Access) -> LimitExceeded:
    what = f"records of {layout.schema.name} to read through for {access.reason}"
    return LimitExceeded(what, _bound(layout, access), "declare an index with field(index=True), or raise scan_limit")


def _asks_index(layout: Layout, access: Access) -> bool:
    return access.where[0] == "ranges" and any(alternative[1] != layout.keys for alternative in access.where[1])
