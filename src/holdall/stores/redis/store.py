"""The Redis store: records in hashes, every batch of changes one script that looks first and then writes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import msgspec

from holdall.errors import DeclarationError, QueryError, Unsupported
from holdall.query import AnyQuery, Key, Kind, Op, Schema, check
from holdall.store import (
    OF_TABLES,
    OF_TRANSACTIONS,
    Capabilities,
    Change,
    CommitClass,
    Description,
    Feature,
    Hold,
    Look,
    Outcome,
    Reservation,
    Rows,
    Seam,
    demand_options,
    demand_query,
    demand_schema,
    demand_whole_fields,
)
from holdall.stores.redis.codec import Codec, JsonCodec
from holdall.stores.redis.collection import RedisCollection
from holdall.stores.redis.describing import describe
from holdall.stores.redis.durability import Durability
from holdall.stores.redis.envelope import EnvelopeCodec
from holdall.stores.redis.fenced import FencedRedisStore
from holdall.stores.redis.fetch import Reader
from holdall.stores.redis.holding import Holding
from holdall.stores.redis.layout import Layout, Spread
from holdall.stores.redis.opening import Connecting, server_at
from holdall.stores.redis.provision import Provision
from holdall.stores.redis.seen import SeenRedisStore
from holdall.stores.redis.writer import Writer

__all__ = ["RedisStore", "open_redis"]

_LACKING = {Feature.FOREIGN_KEYS, Feature.AGGREGATES, Feature.SUBQUERIES, Feature.GENERATED_PARTS}
_CAPABILITIES = Capabilities(
    commit=CommitClass.BATCH,
    features=frozenset(Feature) - OF_TABLES - OF_TRANSACTIONS - _LACKING,
    operators=frozenset(Op),
    kinds=frozenset(Kind),
    differences=frozenset({"index", "null", "unique", "values"}),
    hold=Hold.RESERVED,
)
_OPTIONS = ("collections", "prefix", "scan_limit", "spread")


def open_redis(name: str, url: str, **options: Any) -> RedisStore:
    """Open the store behind ``redis``, ``rediss``, ``redis+cluster`` and ``rediss+cluster`` URLs, unconnected.

    Options are those of ``RedisStore`` and ``Connecting``. Raises DeclarationError for an unknown one.

    >>> open_redis("main", "redis://127.0.0.1:6379/0", timeout=10.0).name
    'main'
    """
    return RedisStore(name, url, **options)


class RedisStore(SeenRedisStore, FencedRedisStore):
    """Records in hashes on a Redis 7 or Valkey server, or on a cluster of them.

    ``prefix`` begins the name of every key, if it is not empty. ``collections`` gives options by collection.
    ``scan_limit`` is how many records may be read through for a condition or sort that no index answers; such a query
    is refused while it is 0. On a cluster ``spread="store"`` keeps the whole store in one slot, so that every batch is
    atomic; ``"collection"`` gives each collection a slot of its own and refuses batches over several collections.

    Example: :func:`open_redis`.
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
        **connecting: object,
    ) -> None:
        self.name = name
        demand_options((*_OPTIONS, *Connecting.__struct_fields__), name, connecting)
        try:
            self._connecting = msgspec.convert(connecting, Connecting, strict=False)
        except msgspec.ValidationError as error:
            raise DeclarationError(f"store {name!r}: {error}") from error
        if spread not in ("store", "collection"):
            raise DeclarationError(f'store {name!r}: spread is "store" or "collection", not {spread!r}')
        self._seam = Seam(name, "redis", "redis")
        self._server, is_cluster = server_at(self._seam, url, self._connecting)
        self._prefix = prefix
        self._spread: Spread | None = spread if is_cluster else None
        self._options = dict(collections or {})
        self._scan_limit = scan_limit
        self._layouts: dict[str, Layout] = {}
        self._codecs: dict[str, Codec] = {}
        self._reader = Reader(name, self._server, self._layouts, self._codecs)
        self._provision = Provision(name, self._server, self._layouts, self._codecs, self._reader)
        self._writer = Writer(
            name, self._server, self._layouts, self._codecs, self._reader, self._provision, self._slots
        )
        self._holding = Holding(name, self._server, self._slots)
        self._durability: Durability | None = None

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
            demand_whole_fields(self.name, schema)
            options = self._options.get(schema.name, RedisCollection())
            layout = Layout(self.name, self._prefix, self._spread, schema, options, self._scan_limit)
            twin = next((n for n, other in self._layouts.items() if n != schema.name and other.base == layout.base), "")
            if twin:
                raise DeclarationError(f"store {self.name!r}: {twin} and {schema.name} would lie at {layout.base}")
            layout.refuse_inside(self._layouts)
            self._layouts[schema.name] = layout
            self._codecs[schema.name] = self._codec(layout)
        self._durability = None
        unknown = self._options.keys() - self._layouts.keys()
        if unknown:
            raise DeclarationError(
                f"store {self.name!r}: options for unknown collections: {', '.join(sorted(unknown))}"
            )

    async def fetch(self, query: AnyQuery) -> Rows:
        """The rows the query means; Unsupported where it would read through a collection and ``scan_limit`` is 0."""
        self._demand(query)
        return await self._reader.fetch(query)

    async def count(self, query: AnyQuery) -> int:
        """How many rows the query's condition means."""
        self._demand(query)
        return await self._reader.count(query)

    async def stream(self, query: AnyQuery, batch: int) -> AsyncIterator[Rows]:
        """The rows of ``fetch``, at most ``batch`` at a time, each batch as the records are when it is read."""
        self._demand(query)
        async with aclosing(self._reader.stream(query, batch)) as batches:
            async for rows in batches:
                yield rows

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Apply all changes or none, in one script."""
        return await self._writer.apply(changes)

    async def hold(self) -> Hold:
        """The store reserves records, new keys and unique values; all that write with Holdall respect that."""
        return Hold.RESERVED

    async def prepare(self, reservation: Reservation, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Check all that ``apply`` checks and hold what the changes touch, in one script.

        Holds do not expire. Raises what ``apply`` raises, and then holds nothing.
        """
        if changes:
            return await self._writer.prepare(reservation, changes)
        await self._holding.roll_back(reservation.commit)
        return []

    async def commit_prepared(self, commit: str, changes: Sequence[Change]) -> bool:
        """Write what was prepared and let go of it, in one script; False where nothing is held under this commit."""
        return await self._writer.commit_prepared(commit, changes)

    async def roll_back_prepared(self, commit: str) -> None:
        """Let go of what is held under this commit; records get the time back that they had to live."""
        await self._holding.roll_back(commit)

    async def renew_prepared(self, reservation: Reservation) -> None:
        """Keep this reservation in place of the one under which its commit holds something, if it does."""
        await self._holding.renew(reservation)

    async def prepared(self) -> list[Reservation]:
        """Every reservation in the bound collections; no record is read."""
        return await self._holding.prepared()

    async def durability(self) -> str | None:
        """Say what gap in durability the server's settings leave; None where every write lasts. They are read once."""
        if self._durability is None:
            self._durability = Durability(self._server, self._slots())
        return await self._durability.told()

    @property
    def shortfall(self) -> str | None:
        """The same, as far as it was read."""
        return self._durability.known if self._durability is not None else None

    async def reserve(self, collection: str, count: int) -> Sequence[int]:
        """Reserve ``count`` keys that no other caller gets, above all that are listed where the counter was lost."""
        return await self._writer.reserve(collection, count)

    async def step_over(self, collection: str, key: int) -> None:
        """Never make this key, nor one below it: other stores refer to it."""
        await self._writer.step_over(collection, key)

    async def append(self, collection: str, key: Key, stream: str, data: bytes) -> int:
        """Add these bytes to a stream, in one piece; its length thereafter.

        Raises StaleVersion without the record, Reserved where a commit over several stores is about to remove it.
        """
        places = self._stream(collection, key, stream)
        return await self._writer.append(self._layouts[collection], key, places, data)

    async def read(self, collection: str, key: Key, stream: str, start: int = 0, stop: int | None = None) -> bytes:
        """A part of a stream."""
        if start < 0 or (stop is not None and stop < 0):
            raise QueryError("a part of a stream begins and ends at 0 or later")
        if stop is not None and stop <= start:
            return b""
        _, place = self._stream(collection, key, stream)
        last = -1 if stop is None else stop - 1
        return bytes(await self._server.command(place, "GETRANGE", place, start, last))

    async def length(self, collection: str, key: Key, stream: str) -> int:
        """How long a stream is."""
        _, place = self._stream(collection, key, stream)
        return int(await self._server.command(place, "STRLEN", place))

    def names_of(self, collection: str, key: Key) -> list[str]:
        """The keys of a record and of its streams."""
        record = (layout := self._layouts[collection]).record + layout.text(key)
        return [record, *[layout.stream(record, name) for name in layout.schema.streams]]

    async def create(self) -> None:
        """Take records that others wrote, or that an index lacks, into the listing and the indexes.

        Raises SchemaMismatch for values that must be unique and are not, CorruptRecord for a record it cannot read,
        Conflict where others keep writing past the indexes to be built.
        """
        await self._provision.create()

    async def inspect(self) -> list[str]:
        """Return the differences between store and models, a sentence each."""
        return await self._provision.inspect()

    async def obstacles(self) -> list[str]:
        """Return the findings of ``inspect`` that concern more than single records."""
        return await self._provision.obstacles()

    async def drop(self, *collections: str) -> None:
        """Remove the records of these collections, or of all that are bound, and what lies beside them."""
        await self._provision.drop(collections)
        if not collections:
            await self._drop_identity()

    async def describe(self, look: Look) -> Description:
        """Every collection that hashes of the database can be taken for, by a sample of them."""
        return await describe(self._server, look)

    async def close(self) -> None:
        """Close every connection."""
        await self._server.close()

    def _stream(self, collection: str, key: Key, stream: str) -> tuple[str, str]:
        """The keys of a record and of one of its streams."""
        layout = self._layouts.get(collection)
        if layout is None or stream not in layout.schema.streams:
            raise Unsupported(self.name, f"the stream {collection}.{stream}", "declare it first")
        record = layout.record + layout.text(key)
        return record, layout.stream(record, stream)

    def _slots(self) -> list[list[Layout]]:
        """The collections that lie in one slot, slot by slot."""
        layouts = list(self._layouts.values())
        return [[layout] for layout in layouts] if self._spread == "collection" else [layouts] if layouts else []

    def _codec(self, layout: Layout) -> Codec:
        if layout.is_shared:
            return EnvelopeCodec(layout.schema.stored, self._place_of)
        return JsonCodec(layout.schema.stored)

    def _place_of(self, collection: str) -> str:
        """How the keys of a collection's records begin, also of one in another store."""
        layout = self._layouts.get(collection)
        if layout is not None:
            return layout.record
        return f"{self._prefix}:{collection}:" if self._prefix else f"{collection}:"

    def _demand(self, query: AnyQuery) -> None:
        demand_query(self.name, _CAPABILITIES, query)
        check(query, self._reader.schemas)
