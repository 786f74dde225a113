"""Reading: gets of one tick go out as one fetch, rows become records, each key becomes one record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any, cast

from holdall.errors import NotFound, StateError, Unsupported
from holdall.model import State, state_of
from holdall.policy import Right, User
from holdall.query import And, Compare, Condition, Op, Or, Query, SortKey
from holdall.session.binding import Binding, Bindings
from holdall.session.identity import IdentityMap
from holdall.session.relations import Localizer, is_local
from holdall.store import Row, Rows, Streaming

__all__ = ["Reader"]


class Reader:
    """The reading half of a session."""

    def __init__(self, bindings: Bindings, records: IdentityMap, user: User) -> None:
        self._bindings = bindings
        self._records = records
        self._user = user
        self._localizer = Localizer(bindings, user)
        self._waiting: dict[Binding, dict[Any, asyncio.Future[Any]]] = {}

    async def get(self, binding: Binding, key: Any) -> Any:
        """The record with this key, or None. Gets issued in the same tick of the loop share one fetch."""
        binding.policy.demand(Right.READ, self._user, binding.collection)
        record = self._records.find(binding.model, key)
        if record is not None:
            return None if state_of(record) is State.DELETED else record
        while True:
            waiting = self._waiting.get(binding)
            if waiting is not None:
                future = waiting.get(key)
                if future is None:
                    future = waiting[key] = asyncio.get_running_loop().create_future()
                try:
                    return await asyncio.shield(future)
                except asyncio.CancelledError:
                    if future.cancelled():  # the get that was to fetch for all was cancelled; take its place
                        continue
                    raise
            return await self._lead(binding, key)

    async def _lead(self, binding: Binding, key: Any) -> Any:
        """Wait for the others of this tick, then fetch for all of them."""
        waiting: dict[Any, asyncio.Future[Any]] = {}
        self._waiting[binding] = waiting
        try:
            await asyncio.sleep(0)
            del self._waiting[binding]
            found = await self.fetch_keys(binding, [key, *(other for other in waiting if other != key)])
        except BaseException as error:
            if self._waiting.get(binding) is waiting:
                del self._waiting[binding]
            for future in waiting.values():
                if isinstance(error, Exception):
                    future.set_exception(error)
                    future.exception()  # a follower that was cancelled meanwhile leaves nobody to retrieve it
                else:
                    future.cancel()
            raise
        for other, future in waiting.items():
            if not future.done():
                future.set_result(found.get(other))
        return found.get(key)

    async def fetch_keys(self, binding: Binding, keys: Sequence[Any]) -> dict[Any, Any]:
        """The records with these keys, by key; those that do not exist are left out."""
        limit = binding.store.capabilities.limits.in_values
        found: dict[Any, Any] = {}
        for start in range(0, len(keys), limit):
            some = keys[start : start + limit]
            query: Query[Any] = Query(binding.collection, _key_condition(binding, some))
            for record in self.adopt(binding, await binding.store.fetch(query)):
                found[record.__key__()] = record
        return found

    async def query(self, query: Query[Any]) -> list[Any]:
        """The records the query means, or rows of the fields it asks for."""
        binding = self._bindings.of_query(query)
        rows = await binding.store.fetch(await self.localized(query, binding))
        if query.projection:
            return self._decoded(binding, query, rows)
        records = self.adopt(binding, rows)
        if self._records.deleted:
            return [record for record in records if state_of(record) is not State.DELETED]
        return records

    async def some(self, query: Query[Any], number: int) -> list[Any]:
        """The first so many of what the query means, passing by records that are to be removed."""
        wanted = number if query.max_rows is None else min(number, query.max_rows)
        model = self._bindings.of_query(query).model
        passed = 0 if query.projection else sum(type(record) is model for record in self._records.deleted.values())
        limit = wanted + passed if query.max_rows is None else min(wanted + passed, query.max_rows)
        return (await self.query(query.limit(limit)))[:wanted]

    async def localized(self, query: Query[Any], binding: Binding) -> Query[Any]:
        """The query under its collection's name here, as its own store can answer it."""
        binding.policy.demand(Right.READ, self._user, binding.collection)
        if query.collection != binding.collection or query.model is not None:
            query = Query(
                binding.collection,
                query.condition,
                query.sort_keys,
                query.max_rows,
                query.skip,
                query.position,
                query.projection,
            )
        return query if is_local(query) else await self._localizer.localize(query, binding)

    async def count(self, query: Query[Any]) -> int:
        """How many records meet the query's condition."""
        binding = self._bindings.of_query(query)
        if binding.count is None:
            raise Unsupported(binding.store.name, "counting")
        return await binding.count(await self.localized(query, binding))

    async def stream(self, query: Query[Any], batch: int) -> AsyncIterator[Any]:
        """The records of a query, of any number; clean ones are let go batch by batch."""
        binding = self._bindings.of_query(query)
        query = await self.localized(query, binding)
        store = binding.store
        batches = store.stream(query, batch) if isinstance(store, Streaming) else self._pages(binding, query, batch)
        async with aclosing(cast("AsyncGenerator[Rows]", batches)):
            async for rows in batches:
                if query.projection:
                    for row in self._decoded(binding, query, rows):
                        yield row
                    continue
                known = self._records.of(binding.model)
                keys = list(map(binding.row_key, rows))
                kept = known.keys() & keys
                records = self.adopt(binding, rows)
                try:
                    for record in records:
                        if state_of(record) is not State.DELETED:
                            yield record
                finally:
                    passing = zip(keys, records, strict=True)
                    self._records.release([record for key, record in passing if key not in kept])

    async def _pages(self, binding: Binding, query: Query[Any], batch: int) -> AsyncIterator[Rows]:
        """Batches by keyset, for stores that do not stream; the position is read off the last row of each."""
        schema = binding.schema
        keys = [SortKey((name,)) for name in schema.key if SortKey((name,)) not in query.sort_keys]
        query = query.sort(*query.sort_keys, *keys)
        left = query.max_rows
        paths = tuple(key.path for key in query.sort_keys)
        shown = query.projection or tuple((field.name,) for field in schema.stored)
        while left is None or left > 0:
            size = batch if left is None else min(batch, left)
            rows = await binding.store.fetch(query.limit(size).only(*shown, *paths))
            if rows:
                yield [row[: len(shown)] for row in rows]
            if len(rows) < size:
                return
            left = None if left is None else left - len(rows)
            query = query.after(*rows[-1][len(shown) :]).offset(0)

    def adopt(self, binding: Binding, rows: Rows) -> list[Any]:
        """The records for whole rows."""
        return self._records.adopt(binding.model, list(map(binding.row_key, rows)), binding.codec.records_from(rows))

    def _decoded(self, binding: Binding, query: Query[Any], rows: Rows) -> list[Row]:
        decoders = [self._decoder(binding, path) for path in query.projection]
        if not any(decoders):
            return rows
        return [
            tuple(
                value if decode is None or value is None else decode(value)
                for decode, value in zip(decoders, row, strict=True)
            )
            for row in rows
        ]

    def _decoder(self, binding: Binding, path: tuple[str, ...]) -> Any:
        for name in path[:-1]:
            target = binding.schema.field(name).target
            assert target is not None
            binding = self._bindings.of_name(target)
        field = binding.declaration.by_name[path[-1]]
        return field.type.decode if field.type is not None else None

    async def refresh(self, binding: Binding, record: Any) -> None:
        """Take over what the store has now; raises NotFound if it has nothing any more."""
        binding.policy.demand(Right.READ, self._user, binding.collection)
        key = self._records.stored_key(record)
        rows = await binding.store.fetch(Query(binding.collection, _key_condition(binding, [key])))
        if not self._records.holds(record):
            raise StateError(f"this {binding.collection} left the session while it was read")
        if not rows:
            self._records.discard(record)
            raise NotFound(binding.collection, key)
        fresh = binding.codec.records_from(rows)[0]
        for field in binding.declaration.stored:
            field.put(record, field.get(fresh))
        self._records.mark_clean(record, key)
        self._records.renew([record])


def _key_condition(binding: Binding, keys: Sequence[Any]) -> Condition:
    names = binding.schema.key
    if len(names) == 1:
        path = (names[0],)
        return Compare(path, Op.EQ, keys[0]) if len(keys) == 1 else Compare(path, Op.IN, tuple(keys))
    conditions = tuple(
        And(tuple(Compare((name,), Op.EQ, part) for name, part in zip(names, key, strict=True))) for key in keys
    )
    return conditions[0] if len(conditions) == 1 else Or(conditions)
