"""Reading: queries go to their stores, rows become records, each key becomes one record."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any

import msgspec

from holdall.errors import CorruptRecord, QueryError, Unsupported
from holdall.model import Record, State, is_soft_deleted, state_of
from holdall.policy import Right, User
from holdall.query import MAX_INT, AnyQuery, Key, Query
from holdall.session.binding import Binding
from holdall.session.bindings import Bindings
from holdall.session.damage import Readable, decoded, parted, records_of
from holdall.session.dao.dao_records import DaoRecords
from holdall.session.gathering import Gathering, fetched_apart
from holdall.session.group_reader import GroupReader
from holdall.session.identity import IdentityMap
from holdall.session.projection import decoded_rows, parted_rows
from holdall.session.references.cross_store import CrossStore
from holdall.session.references.explanation import Asked, Explanation
from holdall.session.references.key_conditions import having_keys
from holdall.session.references.locality import is_local
from holdall.session.references.related_reader import keys_asked
from holdall.session.references.semi_joins import SemiJoins, visible_to
from holdall.session.references.standing import is_standing, stands_in
from holdall.session.row_batches import row_batches, standing_rows
from holdall.session.withholding import withhold
from holdall.store import Rows, Store, StoreTransaction

__all__ = ["Reader"]

_READ = Right.READ  # a name of the module costs less to look up
_Ask = Callable[[AnyQuery], Awaitable[list[Record]]]


class Reader(msgspec.Struct, eq=False):
    """The reading half of a session."""

    bindings: Bindings
    records: IdentityMap
    user: User
    dao_records: DaoRecords
    gathering: Gathering | None = None  # sessions of queries alone need none
    flush: Callable[[], Awaitable[None]] | None = None
    """Within a transaction, what writes changes before a query, which is to see them."""

    @property
    def _semi_joins(self) -> SemiJoins:
        return SemiJoins(self.bindings, self.user, is_living=True)

    def access(self, binding: Binding) -> Store | StoreTransaction:
        """The one that answers queries of a collection, by the records that the user may read."""
        if binding.is_open_to(self.user):
            return self.bindings.access(binding)
        return visible_to(self.bindings, self.user, is_living=True).access(binding)

    @property
    def _groups(self) -> GroupReader:
        return GroupReader(self.bindings, self.user)

    async def get(self, binding: Binding, key: Key) -> Record:
        """The record with this key, or None.

        Gets issued in the same tick of the loop share one fetch; a get of a key that is being fetched awaits that.
        """
        binding.policy.demand(Right.READ, self.user, binding.collection)
        record = self.records.find(binding.model, key)
        if record is not None:
            if state_of(record) is not State.NEW or record.__key__() == key:
                return record if is_standing(record) else None
            self.records.index_new(binding.model)  # its key was changed since it was added
            return await self.get(binding, key)
        if binding.record_access is not None:
            found = await self.dao_records.get(binding, key)
            return None if found is None or is_soft_deleted(found) else found
        if self.gathering is None:
            self.gathering = Gathering()
        return await self.gathering.get(binding, key, partial(fetched_apart, self.fetch_keys))

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
            rows = await self.access(binding).fetch(Query(binding.collection, condition))
            for row, record in zip(rows, self.adopt(binding, rows), strict=True):
                if is_standing(record):
                    found[binding.row_key(row)] = record
        return found

    async def query(self, query: AnyQuery) -> list[Any]:
        """The records the query means, or rows of the fields it asks for."""
        binding = self.bindings.of_query(query)
        if self.flush is not None:
            await self.flush()
        if query.grouping is not None:
            return await self._groups.query(query)
        if binding.record_access is not None and (keys := keys_asked(binding, query)) is not None:
            return await self._by_keys(binding, query, keys)
        named = self._named(query, binding)
        if is_local(named):
            is_direct = self.flush is None and binding.is_open_to(self.user)  # in no transaction, every record
            rows = await (binding.store if is_direct else self.access(binding)).fetch(named)
        else:
            rows = await self._rows_of_several(named, binding)
        if query.projection:
            return decoded_rows(self.bindings, binding, query, rows)
        return self._kept(binding, query, self.adopt(binding, rows))

    async def readable(self, query: AnyQuery) -> Readable[Any]:
        """The records the query means that can be read, and an error for each that cannot.

        Raises CorruptRecord where a record in another store cannot be read that the query sorts or projects by.
        """
        binding = self.bindings.of_query(query)
        if query.grouping is not None:
            return Readable(await self._groups.query(query), [], [])
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
        return Readable(self._kept(binding, query, self.adopt(binding, rows)), broken, list(corrupt.rows))

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
        if self.flush is not None:
            await self.flush()
        return await self._rows(await self.rewritten(query, binding), binding)

    async def visible(self, query: AnyQuery, binding: Binding) -> AnyQuery:
        """The query for those of the records it means that the user may read."""
        guarded = self._semi_joins.visible.guarded(binding)
        return query if guarded is None else await guarded.guarded(query)

    async def seen(self, query: AnyQuery, binding: Binding) -> AnyQuery:
        """The query for visible records, as the program itself may ask it: nothing in it looks at hidden ones."""
        return await self.visible(await self.rewritten(query, binding), binding)

    async def _rows_of_several(self, query: AnyQuery, binding: Binding) -> Rows:
        """The rows of a query that leads into other collections."""
        return await self._rows(await self._semi_joins.rewrite(query, binding), binding)

    async def _rows(self, query: AnyQuery, binding: Binding) -> Rows:
        """The rows of a query whose condition is local."""
        if is_local(query):
            return await self.access(binding).fetch(query)
        return await CrossStore(self._semi_joins).fetch(query, binding)

    async def explain(self, query: AnyQuery, *, analyze: bool) -> Explanation:
        """Send the queries that come before, and explain them; the query itself is sent only to ``analyze`` it."""
        binding, asked = self.bindings.of_query(query), list[Asked]()
        if query.grouping is not None:
            return await self._groups.explain(query, analyze=analyze)
        semi_joins = SemiJoins(self.bindings, self.user, asked, is_living=True)
        plain = self._named(query, binding)
        self.bindings.demand_whole(query, binding, self.user)
        local = plain if is_local(plain) else await semi_joins.rewrite(plain, binding)
        return await CrossStore(semi_joins).explained(local, binding, asked, analyze=analyze)

    async def _by_keys(self, binding: Binding, query: AnyQuery, keys: list[Key]) -> list[Record]:
        """Get the records of a query that asks for nothing but their keys, where a DAO gets them."""
        found = await self.dao_records.get_all(lambda key: self.get(binding, key), keys)
        end = None if query.max_rows is None else query.skip + query.max_rows
        records = list(found.values())[query.skip : end]
        if not query.projection:
            return records
        names = tuple([name for (name,) in query.projection])
        return decoded_rows(self.bindings, binding, query, list(map(binding.codec.reader(names), records)))

    async def some(self, query: AnyQuery, number: int, ask: _Ask | None = None) -> list[Record]:
        """Return the first ``number`` records of the query, passing by those that are to be removed; ``ask`` reads."""
        model, most = self.bindings.of_query(query).model, MAX_INT if query.max_rows is None else query.max_rows
        passed = 0 if query.projection else sum(type(record) is model for record in self.records.deleted.values())
        return (await (ask or self.query)(query.limit(min(number + passed, most))))[: min(number, most)]

    async def rewritten(self, query: AnyQuery, binding: Binding) -> AnyQuery:
        """The query under its collection's name here, as its own store can answer it."""
        query = self._named(query, binding)
        return query if is_local(query) else await self._semi_joins.rewrite(query, binding)

    def _named(self, query: AnyQuery, binding: Binding) -> AnyQuery:
        """The query under its collection's name here. Raises Forbidden without the right to read the collection."""
        binding.policy.demand(_READ, self.user, binding.collection)
        if self.bindings.has_stored_ends or self.bindings.has_field_rights:
            self.bindings.demand_ends(query, binding, self.user)
        if query.model is not None or query.collection != binding.collection:
            return binding.named(query)
        return query

    async def count(self, query: AnyQuery) -> int:
        """How many records meet the query's condition.

        Raises QueryError for groups, Unsupported where the store cannot count.
        """
        binding = self.bindings.of_query(query)
        if query.grouping is not None:
            raise QueryError("count() counts records: fetch the groups, or show rows() for the records of each")
        is_open = binding.is_open_to(self.user)
        counting = self.bindings.counting(binding) if is_open else self._semi_joins.counting(binding)
        if counting is None:
            raise Unsupported(binding.store.name, "counting")
        if self.flush is not None:
            await self.flush()
        local = await self.rewritten(query, binding)
        # A sort or a projection may lead into another store, which this one knows nothing of; a count needs neither.
        return await counting(local if is_local(local) else Query(local.collection, local.condition))

    async def stream(self, query: AnyQuery, batch: int) -> AsyncIterator[Record]:
        """The records of a query, of any number; clean ones are let go batch by batch."""
        binding = self.bindings.of_query(query)
        if query.grouping is not None:
            for row in await self._groups.query(query):
                yield row
            return
        query, batches = await self._batches(query, binding, batch)
        async with aclosing(batches):
            async for rows in batches:
                if query.projection or binding.is_keyless:
                    passed = decoded_rows(self.bindings, binding, query, rows) if query.projection else None
                    for row in self.adopt(binding, rows) if passed is None else passed:
                        yield row
                    continue
                known = self.records.of(binding.model)
                keys = list(map(binding.row_key, rows))
                kept = known.keys() & keys
                records = self.adopt(binding, rows)
                try:
                    for record in filter(stands_in(binding, query), records):
                        yield record
                finally:
                    passing = zip(keys, records, strict=True)
                    self.records.release([record for key, record in passing if key not in kept])

    async def stream_rows(self, query: AnyQuery, batch: int) -> AsyncIterator[Rows]:
        """The whole rows of the records that ``stream`` gives, while the session holds none of the collection."""
        binding = self.bindings.of_query(query)
        query, batches = await self._batches(query, binding, batch)
        async with aclosing(batches):
            async for rows in batches:
                yield standing_rows(binding, query, rows)

    async def _batches(self, query: AnyQuery, binding: Binding, batch: int) -> tuple[AnyQuery, AsyncGenerator[Rows]]:
        """The query as its store can answer it, and its rows, at most ``batch`` at a time."""
        if self.flush is not None:
            await self.flush()
        query = await self.rewritten(query, binding)
        return query, row_batches(query, binding, batch, self.access(binding), self._semi_joins, self._rows)

    def _kept(self, binding: Binding, query: AnyQuery, records: list[Record]) -> list[Record]:
        is_whole = not self.records.deleted and binding.declaration.deletion is None
        return records if is_whole else list(filter(stands_in(binding, query), records))

    def adopt(self, binding: Binding, rows: Rows) -> list[Record]:
        """The records for whole rows; those without a key are new to the session each time."""
        records = records_of(binding, rows)
        if binding.policy.has_fields:
            withhold(binding, self.user, records)
        if binding.is_keyless:
            self.records.states.take(records)
            return records
        return self.records.adopt(binding.model, list(map(binding.row_key, rows)), records)
