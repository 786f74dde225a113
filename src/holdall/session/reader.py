"""Reading: queries go to their stores, rows become records, each key becomes one record."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any, cast

import msgspec

from holdall.errors import CorruptRecord, NotFound, StateError, Unsupported
from holdall.model import Record, State, state_of
from holdall.policy import Right, User
from holdall.query import AnyQuery, Key, Query, SortKey
from holdall.session.binding import Binding
from holdall.session.bindings import Bindings
from holdall.session.damage import Readable, decoded, parted, records_of
from holdall.session.dao.dao_records import DaoRecords
from holdall.session.gathering import Fetched, Gathering
from holdall.session.identity import IdentityMap
from holdall.session.projection import decoded_rows, parted_rows
from holdall.session.references.cross_store import CrossStore
from holdall.session.references.explanation import Asked, Explanation
from holdall.session.references.related_reader import having_keys, keys_asked
from holdall.session.references.semi_joins import SemiJoins, is_local
from holdall.store import Rows, Streaming

__all__ = ["Reader"]


class Reader(msgspec.Struct, eq=False):
    """The reading half of a session."""

    bindings: Bindings
    records: IdentityMap
    user: User
    dao_records: DaoRecords
    gathering: Gathering | None = None  # sessions of queries alone need none

    @property
    def _semi_joins(self) -> SemiJoins:
        return SemiJoins(self.bindings, self.user)

    async def get(self, binding: Binding, key: Key) -> Record:
        """The record with this key, or None.

        Gets issued in the same tick of the loop share one fetch; a get of a key that is being fetched awaits that.
        """
        binding.policy.demand(Right.READ, self.user, binding.collection)
        record = self.records.find(binding.model, key)
        if record is not None:
            state = state_of(record)
            if state is not State.NEW or record.__key__() == key:
                return None if state is State.DELETED else record
            self.records.index_new(binding.model)  # its key was changed since it was added
            return await self.get(binding, key)
        if binding.record_access is not None:
            return await self.dao_records.get(binding, key)
        if self.gathering is None:
            self.gathering = Gathering()
        return await self.gathering.get(binding, key, self._fetch_readable)

    async def _fetch_readable(self, binding: Binding, keys: Sequence[Key]) -> Fetched:
        """As ``fetch_keys``, with an error for each of several records that cannot be read."""
        try:
            return await self.fetch_keys(binding, keys), {}
        except CorruptRecord:
            if len(keys) == 1:
                raise
        found, broken = dict[Any, Any](), dict[Any, CorruptRecord]()
        for key in keys:
            try:
                found |= await self.fetch_keys(binding, [key])
            except CorruptRecord as error:
                broken[key] = error
        return found, broken

    async def fetch_keys(self, binding: Binding, keys: Sequence[Key]) -> dict[Key, Record]:
        """The records with these keys, by key; those that do not exist or are to be removed are left out."""
        if binding.record_access is not None:
            return await self.dao_records.get_all(lambda key: self.get(binding, key), keys)
        limits = binding.store.capabilities.limits
        parts = len(binding.schema.key)
        size = limits.in_values if parts == 1 else max(1, (limits.condition_nodes - 1) // (parts + 1))
        found: dict[Key, Any] = {}
        for start in range(0, len(keys), size):
            condition = having_keys(binding, keys[start : start + size])
            rows = await binding.store.fetch(Query(binding.collection, condition))
            for row, record in zip(rows, self.adopt(binding, rows), strict=True):
                if state_of(record) is not State.DELETED:
                    found[binding.row_key(row)] = record
        return found

    async def query(self, query: AnyQuery) -> list[Any]:
        """The records the query means, or rows of the fields it asks for."""
        binding = self.bindings.of_query(query)
        if binding.record_access is not None and (keys := keys_asked(binding, query)) is not None:
            return await self._by_keys(binding, query, keys)
        named = self._named(query, binding)
        rows = await (binding.store.fetch(named) if is_local(named) else self._rows_of_several(named, binding))
        if query.projection:
            return decoded_rows(self.bindings, binding, query, rows)
        records = self.adopt(binding, rows)
        if self.records.deleted:
            return [record for record in records if state_of(record) is not State.DELETED]
        return records

    async def readable(self, query: AnyQuery) -> Readable[Any]:
        """The records the query means that can be read, and an error for each that cannot.

        Raises CorruptRecord where a record in another store cannot be read that the query sorts or projects by.
        """
        binding = self.bindings.of_query(query)
        local = await self.rewritten(query, binding)
        is_own = is_local(local) and binding.record_access is None
        try:
            return Readable(await self.query(local if is_own else query), [], [])
        except CorruptRecord as error:
            if not error.rows or not is_own:  # the rows of an answer from elsewhere are none of this collection
                raise
            corrupt = error
        if query.projection:
            rows, broken = parted_rows(binding, query, corrupt)
            return Readable(decoded_rows(self.bindings, binding, query, rows), broken, list(corrupt.rows))
        rows, broken = parted(binding, corrupt)
        kept = [record for record in self.adopt(binding, rows) if state_of(record) is not State.DELETED]
        return Readable(kept, broken, list(corrupt.rows))

    async def mend(self, binding: Binding, key: Key) -> Record:
        """The record with this key, ``Damaged`` where it cannot be read; None if there is none."""
        try:
            return await self.get(binding, key)
        except CorruptRecord as error:
            if len(error.rows) != 1:
                raise
            (row,) = error.rows
        record = binding.declaration.create(*decoded(binding, row))
        record = self.records.adopt(binding.model, [key], [record])[0]
        self.records.mended.add(id(record))
        return record

    async def rows(self, query: AnyQuery) -> Rows:
        """The rows of a query, nothing decoded."""
        binding = self.bindings.of_query(query)
        return await self._rows(await self.rewritten(query, binding), binding)

    async def _rows_of_several(self, query: AnyQuery, binding: Binding) -> Rows:
        """The rows of a query that leads into other collections."""
        return await self._rows(await self._semi_joins.rewrite(query, binding), binding)

    async def _rows(self, query: AnyQuery, binding: Binding) -> Rows:
        """The rows of a query whose condition is local."""
        if is_local(query):
            return await binding.store.fetch(query)
        return await CrossStore(self._semi_joins).fetch(query, binding)

    async def explain(self, query: AnyQuery) -> Explanation:
        """Send the queries that come before, and explain them; the query itself is not sent."""
        binding, asked = self.bindings.of_query(query), list[Asked]()
        semi_joins = SemiJoins(self.bindings, self.user, asked)
        binding.policy.demand(Right.READ, self.user, binding.collection)
        self.bindings.demand_ends(query, binding, self.user)
        plain = _under_name(query, binding)
        local = plain if is_local(plain) else await semi_joins.rewrite(plain, binding)
        return await CrossStore(semi_joins).explained(local, binding, asked)

    async def _by_keys(self, binding: Binding, query: AnyQuery, keys: list[Key]) -> list[Record]:
        """Get the records of a query that asks for nothing but their keys, where a DAO gets them."""
        found = await self.dao_records.get_all(lambda key: self.get(binding, key), keys)
        end = None if query.max_rows is None else query.skip + query.max_rows
        records = list(found.values())[query.skip : end]
        if not query.projection:
            return records
        names = tuple([name for (name,) in query.projection])
        return decoded_rows(self.bindings, binding, query, list(map(binding.codec.reader(names), records)))

    async def some(self, query: AnyQuery, number: int) -> list[Record]:
        """Return the first ``number`` records of the query, passing by records that are to be removed."""
        model = self.bindings.of_query(query).model
        wanted = number if query.max_rows is None else min(number, query.max_rows)
        passed = 0 if query.projection else sum(type(record) is model for record in self.records.deleted.values())
        limit = wanted + passed if query.max_rows is None else min(wanted + passed, query.max_rows)
        return (await self.query(query.limit(limit)))[:wanted]

    async def rewritten(self, query: AnyQuery, binding: Binding) -> AnyQuery:
        """The query under its collection's name here, as its own store can answer it."""
        query = self._named(query, binding)
        return query if is_local(query) else await self._semi_joins.rewrite(query, binding)

    def _named(self, query: AnyQuery, binding: Binding) -> AnyQuery:
        """The query under its collection's name here. Raises Forbidden without the right to read the collection."""
        binding.policy.demand(Right.READ, self.user, binding.collection)
        self.bindings.demand_ends(query, binding, self.user)
        if query.collection != binding.collection or query.model is not None:
            return _under_name(query, binding)
        return query

    async def count(self, query: AnyQuery) -> int:
        """How many records meet the query's condition."""
        binding = self.bindings.of_query(query)
        if binding.count is None:
            raise Unsupported(binding.store.name, "counting")
        named = self._named(query, binding)
        local = named if is_local(named) else await self._semi_joins.rewrite(named, binding)
        # A sort or a projection may lead into another store, which this one knows nothing of; a count needs neither.
        return await binding.count(local if is_local(local) else Query(local.collection, local.condition))

    async def stream(self, query: AnyQuery, batch: int) -> AsyncIterator[Record]:
        """The records of a query, of any number; clean ones are let go batch by batch."""
        binding = self.bindings.of_query(query)
        query = await self.rewritten(query, binding)
        store, cross_store = binding.store, CrossStore(self._semi_joins)
        if not is_local(query) and cross_store.sorts_away(query, binding):
            batches = cross_store.stream(query, binding, batch)
        elif isinstance(store, Streaming) and not cross_store.shows_away(query, binding):
            batches = store.stream(query, batch)
        else:
            batches = self._pages(binding, query, batch)
        async with aclosing(cast("AsyncGenerator[Rows]", batches)):
            async for rows in batches:
                if query.projection:
                    for row in decoded_rows(self.bindings, binding, query, rows):
                        yield row
                    continue
                known = self.records.of(binding.model)
                keys = list(map(binding.row_key, rows))
                kept = known.keys() & keys
                records = self.adopt(binding, rows)
                try:
                    for record in records:
                        if state_of(record) is not State.DELETED:
                            yield record
                finally:
                    passing = zip(keys, records, strict=True)
                    self.records.release([record for key, record in passing if key not in kept])

    async def _pages(self, binding: Binding, query: AnyQuery, batch: int) -> AsyncIterator[Rows]:
        """Batches by keyset, for stores that do not stream; the position is read off the last row of each."""
        schema = binding.schema
        keys = [SortKey((name,)) for name in schema.key if SortKey((name,)) not in query.sort_keys]
        query = query.sort(*query.sort_keys, *keys)
        left = query.max_rows
        paths = tuple(key.path for key in query.sort_keys)
        shown = query.projection or tuple((field.name,) for field in schema.stored)
        while left is None or left > 0:
            size = batch if left is None else min(batch, left)
            rows = await self._rows(query.limit(size).only(*shown, *paths), binding)
            if rows:
                yield [row[: len(shown)] for row in rows]
            if len(rows) < size:
                return
            left = None if left is None else left - len(rows)
            query = query.after(*rows[-1][len(shown) :]).offset(0)

    def adopt(self, binding: Binding, rows: Rows) -> list[Record]:
        """The records for whole rows."""
        records = records_of(binding, rows)
        return self.records.adopt(binding.model, list(map(binding.row_key, rows)), records)

    async def refresh(self, binding: Binding, record: Record) -> None:
        """Take over what the store has now; discards the record and raises NotFound if it has nothing any more."""
        key = self.records.stored_key(record)
        if not await self.reread(binding, record):
            self.records.discard(record)
            raise NotFound(binding.collection, key)

    async def reread(self, binding: Binding, record: Record) -> bool:
        """Take over what the store has now; False if it has nothing any more, and the record stays as it is."""
        binding.policy.demand(Right.READ, self.user, binding.collection)
        key = self.records.stored_key(record)
        fresh = await self._fresh(binding, key)
        if not self.records.holds(record):
            raise StateError(f"this {binding.collection} left the session while it was read")
        if fresh is None:
            return False
        for field in binding.declaration.stored:
            field.put(record, field.get(fresh))
        self.records.mark_clean(record, key)
        self.records.renew([record])
        return True

    async def _fresh(self, binding: Binding, key: Key) -> Record:
        """A record, not of this session, with what the store has now; None where it has nothing."""
        if binding.record_access is not None:
            return await self.dao_records.fresh(binding, key)
        rows = await binding.store.fetch(Query(binding.collection, having_keys(binding, [key])))
        return records_of(binding, rows)[0] if rows else None


def _under_name(query: AnyQuery, binding: Binding) -> AnyQuery:
    """The query as a store takes it: under the collection's name there, and of no model."""
    return Query(
        binding.collection,
        query.condition,
        query.sort_keys,
        query.max_rows,
        query.skip,
        query.position,
        query.projection,
    )
