"""Reading: what the script finds, looked at again by ``select``, which knows what every query means."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

import msgspec

from holdall.errors import CorruptRecord, LimitExceeded
from holdall.query import AnyQuery, Query, Schema, SortKey, compile_condition, is_formula, select
from holdall.store import Row, Rows
from holdall.stores.redis.access import Access, access_of, refusal
from holdall.stores.redis.asked import ByKeys, ByRanges, LoadAsked, LookKeys, PurgeAsked, SizeAsked, SizeKeys
from holdall.stores.redis.codec import Codec
from holdall.stores.redis.damage import Stored, names_itself, refuse_damaged, row_of, without_damage
from holdall.stores.redis.errors import Misfit, unknown_format
from holdall.stores.redis.layout import Layout
from holdall.stores.redis.related import Related
from holdall.stores.redis.scripts import LOAD, PURGE, SIZE
from holdall.stores.redis.server import Server
from holdall.stores.redis.writes import lost, unbuilt

__all__ = ["COUNTED", "SIEVED", "Reader"]

COUNTED = 1000
"""How many records are looked at to count them all; of more, what is listed is counted."""

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

    async def fetch(self, query: AnyQuery) -> Rows:
        """The rows a checked query means."""
        layout = self._layouts[query.collection]
        access = access_of(layout, query)
        if access.is_answer and not query.projection:
            return await self.rows(layout, access)
        if access.is_answer and not any(len(path) > 1 or is_formula(path) for path in query.projection):
            return await self.rows(layout, access, tuple([path[0] for path in query.projection]))
        found, damaged = await self._readable(layout, access)
        if access.is_answer:  # a page that is cut already
            query = msgspec.structs.replace(query, max_rows=None, skip=0, position=None)
        related = Related(self)
        await related.gather(query, found)
        if damaged:
            return self._selected(query, found, damaged, related)
        return select(query, found, related)

    async def count(self, query: AnyQuery) -> int:
        """How many rows the query's condition means."""
        plain: AnyQuery = Query(query.collection, query.condition)
        layout = self._layouts[query.collection]
        access = access_of(layout, plain)
        if access.is_answer:
            return await self._size(layout)
        found, _ = await self._readable(layout, access)
        related = Related(self)
        await related.gather(plain, found)
        return sum(map(compile_condition(query.condition, layout.schema, related), found))

    async def stream(self, query: AnyQuery, batch: int) -> AsyncGenerator[Rows]:
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
        page: AnyQuery = Query(query.collection, sort_keys=keys, max_rows=batch)
        while True:
            found, damaged = await self._readable(layout, access_of(layout, page))
            related = Related(self)
            await related.gather(query, found)
            if damaged:
                self._selected(query, found, damaged, related)
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
        if layout.ttl is not None:
            while await self._forgotten(layout, None) == _PURGED_AT_ONCE:
                pass

    async def forget(self, layout: Layout, members: Sequence[str]) -> None:
        """Forget what stands of those of these members of ``#keys`` whose records are gone."""
        await self._forgotten(layout, members)

    async def _forgotten(self, layout: Layout, members: Sequence[str] | None) -> int:
        indexes, uniques = layout.slot_numbers
        places = [*LookKeys(layout.keys, layout.mark, layout.entries, layout.expiry)]
        places += [*map(layout.index, layout.indexed), *map(layout.unique_values, layout.unique)]
        asked = PurgeAsked(
            layout.record,
            _PURGED_AT_ONCE,
            len(indexes),
            _pack(uniques),
            len(layout.key_fields),
            _pack(False if members is None else members),
            int(bool(layout.slots)),
        )
        gone = await self._server.run(PURGE, places, asked)
        if isinstance(gone, list):
            raise unknown_format(self._store, gone)
        return int(gone)

    async def raw(self, layout: Layout, access: Access, names: tuple[str, ...]) -> list[tuple[str, Stored]]:
        """The texts of records, and the values as they are stored, null for missing ones, those of the key at the end.

        The name of the type stands in place of the values where a record is no hash.
        """
        reply = await self._run(layout, access, names, 0, "raw")
        return [(key.decode(errors="replace")[len(layout.record) :], values) for key, values in reply[1]]

    async def rows(self, layout: Layout, access: Access, names: tuple[str, ...] = ()) -> Rows:
        """The rows, of these fields or of all, that are found this way.

        Raises Unsupported for a scan that is not allowed, LimitExceeded for one that is too long, CorruptRecord.
        """
        bound = _bound(layout, access)
        if access.is_scan and bound <= 0:
            raise refusal(self._store, layout.schema.name, access.reason)
        if not names:
            names = layout.names
        reply = await self._run(layout, access, names, bound)
        if reply[0] == b"unbuilt":
            raise unbuilt(self._store, layout.base)
        if reply[0] == b"lost":
            raise lost(self._store, layout.base, reply[1].decode())
        if reply[0] == b"format":
            raise unknown_format(self._store, reply)
        if reply[0] == b"many":
            raise _too_many(layout, access)
        codec = self._codecs[layout.schema.name]
        if reply[0] == b"ok":
            try:
                rows = codec.rows(names, reply[1])
                if len(rows) == reply[2] and all(names_itself(layout, codec, *told) for told in reply[3]):
                    return rows
            except Misfit:
                pass  # told below, record by record
        rows = [row_of(layout, codec, text, names, values) for text, values in await self.raw(layout, access, names)]
        refuse_damaged(self._store, layout.schema, names, rows)
        return rows

    async def _readable(self, layout: Layout, access: Access) -> tuple[Rows, dict[int, Row]]:
        """The rows that are found, with null for what cannot be read; by the ids of such rows, what they are."""
        try:
            return await self.rows(layout, access), {}
        except CorruptRecord as error:
            found = list(map(without_damage, error.rows))
            whole = {id(plain): row for plain, row in zip(found, error.rows, strict=True) if plain is not row}
            return found, whole

    def _selected(self, query: AnyQuery, found: Rows, damaged: Mapping[int, Row], related: Related) -> Rows:
        """As ``select``, by what can be read. Raises CorruptRecord, with the rows of the answer, if one is damaged."""
        schema = self._layouts[query.collection].schema
        chosen = select(msgspec.structs.replace(query, projection=()), found, related)
        paths = query.projection or tuple([(field.name,) for field in schema.stored])
        rows = select(Query(query.collection, projection=paths), chosen, related)
        for number, row in enumerate(chosen):
            if id(row) in damaged:
                whole = damaged[id(row)]
                rows[number] = tuple(
                    [
                        whole[schema.positions[path[0]]] if len(path) == 1 and not is_formula(path) else value
                        for path, value in zip(paths, rows[number], strict=True)
                    ]
                )
        refuse_damaged(self._store, schema, [".".join(path) for path in paths], rows)
        return rows

    async def _size(self, layout: Layout) -> int:
        """How many records are listed and there."""
        places = list(filter(None, SizeKeys(layout.keys, layout.mark, layout.expiry if layout.ttl is not None else "")))
        found = await self._server.run(SIZE, places, SizeAsked(layout.record, len(layout.key_fields), COUNTED))
        if isinstance(found, list):
            if found[0] == b"format":
                raise unknown_format(self._store, found)
            raise lost(self._store, layout.base, found[1].decode())
        return int(found)

    async def _run(self, layout: Layout, access: Access, names: tuple[str, ...], bound: int, form: str = "") -> Any:
        mark = layout.declared if _asks_index(layout, access) else ""
        where = _pack(access.where)
        columns = _pack(layout.columns_of(names))
        arguments = LoadAsked(layout.record, columns, where, bound, form, mark, layout.packed_key_names)
        return await self._server.run(LOAD, self._places(layout, access), arguments)

    def _places(self, layout: Layout, access: Access) -> list[str]:
        """Return every key that the script is given; those it finds in an index lie in the same slot."""
        where = access.where
        if isinstance(where, ByKeys):
            return [*layout.load_keys, *[layout.record + text for text in where.texts]]
        if isinstance(where, ByRanges):
            return [*layout.load_keys, *[alternative.key for alternative in where.alternatives]]
        return list(layout.load_keys)


def _bound(layout: Layout, access: Access) -> int:
    """How many records may be read at most; 0 for any number, where all that is read is wanted."""
    if access.is_scan:
        return layout.scan_limit
    return max(layout.scan_limit, SIEVED) if access.is_sieve else 0


def _too_many(layout: Layout, access: Access) -> LimitExceeded:
    what = f"records of {layout.schema.name} to read through for {access.reason}"
    return LimitExceeded(what, _bound(layout, access), "declare an index with field(index=True), or raise scan_limit")


def _asks_index(layout: Layout, access: Access) -> bool:
    where = access.where
    return isinstance(where, ByRanges) and any(item.key != layout.keys for item in where.alternatives)
