"""The Redis store: records in hashes, every batch of changes one script that looks first and then writes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import msgspec

from holdall.errors import DeclarationError, QueryError, StaleVersion, Unsupported
from holdall.query import Kind, Op, Query, Schema, check
from holdall.store import (
    Capabilities,
    Change,
    CommitClass,
    Feature,
    Outcome,
    Rows,
    Runs,
    Verb,
    demand_changes,
    demand_query,
    demand_schema,
)
from holdall.stores.redis.codec import Codec, JsonCodec
from holdall.stores.redis.collection import RedisCollection
from holdall.stores.redis.envelope import EnvelopeCodec
from holdall.stores.redis.fetch import Reader
from holdall.stores.redis.layout import Layout, Spread
from holdall.stores.redis.opening import Connecting, server_at
from holdall.stores.redis.provision import Provision
from holdall.stores.redis.scripts import APPEND, APPLY
from holdall.stores.redis.writes import Batch, lacks_keys, own_key, runs_of, with_keys

__all__ = ["RedisStore", "open_redis"]

_CAPABILITIES = Capabilities(
    commit=CommitClass.BATCH,
    features=frozenset(Feature) - {Feature.FOREIGN_KEYS},
    operators=frozenset(Op),
    kinds=frozenset(Kind),
)


def open_redis(name: str, url: str, **options: Any) -> RedisStore:
    """The factory behind ``redis``, ``rediss``, ``redis+cluster`` and ``rediss+cluster`` URLs.

    Options are those of ``RedisStore`` and ``Connecting``. Raises DeclarationError for an unknown one.
    """
    return RedisStore(name, url, **options)


class RedisStore:
    """Records in hashes on a Redis 7 or Valkey server, or on a cluster of them.

    ``prefix`` begins the name of every key. ``collections`` gives options by collection. ``scan_limit`` is how many
    records may be read through for a condition or sort that no index answers; such a query is refused while it is 0.
    On a cluster ``spread="store"`` keeps the whole store in one slot, so that every batch is atomic; ``"collection"``
    gives each collection a slot of its own and refuses batches over several collections.
    """

    def __init__(
        self,
        name: str,
        url: str = "redis://127.0.0.1:6379/0",
        *,
        prefix: str = "holdall",
        collections: Mapping[str, RedisCollection] | None = None,
        scan_limit: int = 0,
        spread: Spread = "store",
        **connecting: Any,
    ) -> None:
        self.name = name
        try:
            self._connecting = msgspec.convert(connecting, Connecting, strict=False)
        except msgspec.ValidationError as error:
            known = ", ".join(["collections", "prefix", "scan_limit", *Connecting.__struct_fields__])
            raise DeclarationError(f"store {name!r}: a Redis store takes {known}: {error}") from error
        if spread not in ("store", "collection"):
            raise DeclarationError(f'store {name!r}: spread is "store" or "collection", not {spread!r}')
        self._server, is_cluster = server_at(name, url, self._connecting)
        self._prefix = prefix
        self._spread: Spread | None = spread if is_cluster else None
        self._options = dict(collections or {})
        self._scan_limit = scan_limit
        self._layouts: dict[str, Layout] = {}
        self._codecs: dict[str, Codec] = {}
        self._reader = Reader(name, self._server, self._layouts, self._codecs)
        self._provision = Provision(name, self._server, self._layouts, self._reader)

    @property
    def capabilities(self) -> Capabilities:
        """Everything but references kept by the store and transactions of several calls."""
        return _CAPABILITIES

    def bind(self, schemas: Sequence[Schema]) -> None:
        """Learn these collections.

        Raises Unsupported for what cannot be kept, DeclarationError for options of a collection that is not bound.
        """
        for schema in schemas:
            demand_schema(self.name, _CAPABILITIES, schema)
            options = self._options.get(schema.name, RedisCollection())
            layout = Layout(self.name, self._prefix, self._spread, schema, options, self._scan_limit)
            twin = next((n for n, other in self._layouts.items() if n != schema.name and other.base == layout.base), "")
            if twin:
                raise DeclarationError(f"store {self.name!r}: {twin} and {schema.name} would lie at {layout.base}")
            self._layouts[schema.name] = layout
            self._codecs[schema.name] = self._codec(layout)
        unknown = self._options.keys() - self._layouts.keys()
        if unknown:
            raise DeclarationError(
                f"store {self.name!r}: options for unknown collections: {', '.join(sorted(unknown))}"
            )

    async def fetch(self, query: Query[Any]) -> Rows:
        """The rows the query means; Unsupported where it would read through a collection and ``scan_limit`` is 0."""
        self._demand(query)
        return await self._reader.fetch(query)

    async def count(self, query: Query[Any]) -> int:
        """How many rows the query's condition means."""
        self._demand(query)
        return await self._reader.count(query)

    async def stream(self, query: Query[Any], batch: int) -> AsyncIterator[Rows]:
        """The rows of ``fetch``, at most ``batch`` at a time, each batch as the records are when it is read."""
        self._demand(query)
        async with aclosing(self._reader.stream(query, batch)) as batches:
            async for rows in batches:
                yield rows

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Apply all changes or none, in one script."""
        if not changes:
            return []
        demand_changes(self.name, {name: layout.schema for name, layout in self._layouts.items()}, changes)
        self._demand_one_slot(changes)
        made: dict[int, Any] = {}
        if isinstance(changes, Runs) and not changes.is_linked and not any(map(lacks_keys, changes.runs)):
            runs = changes.runs
        else:
            made = await self._made_keys(changes)
            runs = runs_of(with_keys(self.name, self._layouts, changes, made))
        for name in {run.collection for run in runs}:
            await self._reader.purge(self._layouts[name])
        batch = Batch(self.name, self._layouts, self._codecs, runs)
        keys, arguments = batch.arguments()
        return batch.outcomes(await self._server.run(APPLY, keys, arguments), made)

    async def reserve(self, collection: str, count: int) -> Sequence[int]:
        """So many keys that nobody else will get."""
        layout = self._layouts.get(collection)
        if layout is None or not layout.counts:
            raise Unsupported(self.name, f"making keys of {collection}", "declare its key with generated=True")
        last = int(await self._server.command(layout.counter, "INCRBY", layout.counter, count, is_change=True))
        return range(last - count + 1, last + 1)

    async def append(self, collection: str, key: Any, stream: str, data: bytes) -> int:
        """Add these bytes to a stream, in one piece; its length thereafter. Raises StaleVersion without the record."""
        places = self._stream(collection, key, stream)
        length = await self._server.run(APPEND, places, [data])
        if length is None:
            raise StaleVersion(self.name, collection, key)
        return int(length)

    async def read(self, collection: str, key: Any, stream: str, start: int = 0, stop: int | None = None) -> bytes:
        """A part of a stream."""
        if start < 0 or (stop is not None and stop < 0):
            raise QueryError("a part of a stream begins and ends at 0 or later")
        if stop is not None and stop <= start:
            return b""
        _, place = self._stream(collection, key, stream)
        last = -1 if stop is None else stop - 1
        return bytes(await self._server.command(place, "GETRANGE", place, start, last))

    async def length(self, collection: str, key: Any, stream: str) -> int:
        """How long a stream is."""
        _, place = self._stream(collection, key, stream)
        return int(await self._server.command(place, "STRLEN", place))

    def names_of(self, collection: str, key: Any) -> list[str]:
        """The keys of a record and of its streams."""
        layout = self._layouts[collection]
        record = layout.record + layout.text(key)
        return [record, *[layout.stream(record, name) for name in layout.schema.streams]]

    async def create(self) -> None:
        """Take records that others wrote, or that an index lacks, into the listing and the indexes.

        Raises SchemaMismatch for values that must be unique and are not, CorruptRecord for a record it cannot read,
        Conflict where others keep writing past the indexes to be built.
        """
        await self._provision.create()

    async def inspect(self) -> list[str]:
        """What differs, a sentence each."""
        return await self._provision.inspect()

    async def drop(self) -> None:
        """Remove the records of the bound collections and what lies beside them; other keys stay."""
        await self._provision.drop()

    async def close(self) -> None:
        """Close every connection."""
        await self._server.close()

    def _stream(self, collection: str, key: Any, stream: str) -> tuple[str, str]:
        """The keys of a record and of one of its streams."""
        layout = self._layouts.get(collection)
        if layout is None or stream not in layout.schema.streams:
            raise Unsupported(self.name, f"the stream {collection}.{stream}", "declare it first")
        record = layout.record + layout.text(key)
        return record, layout.stream(record, stream)

    def _codec(self, layout: Layout) -> Codec:
        if layout.is_shared:
            return EnvelopeCodec(layout.schema.stored, self._place_of)
        return JsonCodec(layout.schema.stored)

    def _place_of(self, collection: str) -> str:
        """How the keys of a collection's records begin, also of one in another store."""
        layout = self._layouts.get(collection)
        return f"{self._prefix}:{collection}:" if layout is None else layout.record

    def _demand(self, query: Query[Any]) -> None:
        demand_query(self.name, _CAPABILITIES, query)
        check(query, self._reader.schemas)

    def _demand_one_slot(self, changes: Sequence[Change]) -> None:
        if self._spread == "collection":
            parts = changes.runs if isinstance(changes, Runs) else changes
            names = sorted({part.collection for part in parts})
            if len(names) > 1:
                raise Unsupported(
                    self.name,
                    f"one batch over {', '.join(names)}, which lie in several slots of the cluster",
                    'commit them one after another, or keep them together with spread="store"',
                )

    async def _made_keys(self, changes: Sequence[Change]) -> dict[int, Any]:
        """Keys for the new records that have none, counted by the server."""
        wanted: dict[str, list[int]] = {}
        for place, change in enumerate(changes):
            if change.verb is Verb.ADD and own_key(self._layouts[change.collection], change) is None:
                wanted.setdefault(change.collection, []).append(place)
        made: dict[int, Any] = {}
        for collection, places in wanted.items():
            made.update(zip(places, await self.reserve(collection, len(places)), strict=True))
        return made
