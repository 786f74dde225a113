"""Reading one collection: records by key or from its list, and whatever of a query is left to do here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from holdall.errors import LimitExceeded, UpstreamError
from holdall.query import ALWAYS, AnyQuery, Compare, Json, Key, Op, Query, Schema, compile_condition, select
from holdall.query.ordering import compile_position, compile_sort, is_ordered
from holdall.store import Row, Rows
from holdall.stores.rest.answer import Answer, demand_json
from holdall.stores.rest.binding import AS_IT_IS, Binding
from holdall.stores.rest.client import Client
from holdall.stores.rest.codec import Misfit, corrupt
from holdall.stores.rest.decoding import ItemDecoder
from holdall.stores.rest.errors import from_status
from holdall.stores.rest.list_reading import ListReading
from holdall.stores.rest.pages import Page, can_skip
from holdall.stores.rest.plan import ByKeys, Listing
from holdall.stores.rest.request import Request
from holdall.stores.rest.spelling import Parameters
from holdall.stores.rest.versions import ETags, Seen, SeenTags, TaggedVersion

__all__ = ["Current", "Reading"]

_NOT_THERE = (204, 404, 410)
_FEW_KEYS = 2  # from here on one list is better than many single calls


class Current(msgspec.Struct, frozen=True):
    """A record as it is now: its row, its entity tag, and the JSON object with what the model does not know of."""

    row: Row
    tag: str | None
    document: dict[str, Json]


class Reading:
    """The reading half of one collection."""

    def __init__(self, binding: Binding, client: Client, tags: SeenTags) -> None:
        self._binding = binding
        self._store = binding.store
        self._schema = binding.schema
        self._collection = binding.collection
        self._client = client
        self._tags = tags
        self._lookup = _OneCollection(binding.schema)
        self._item = ItemDecoder(binding)
        self._listing = ListReading(binding, client)

    # --- one record ---------------------------------------------------------------------------------------------------

    async def one(self, key: Key) -> tuple[Row, str | None] | None:
        """The record with this key and its entity tag, or None."""
        answer = await self._answer(key, {})
        if answer is None:
            return None
        row = self._row_with(key, answer)
        tag = answer.headers.get("ETag")
        if isinstance(self._binding.version, ETags | TaggedVersion):
            row = self._binding.versioned(row)
            self._tags.note(self._schema.name, key, row[self._binding.version_place], Seen(tag))
        return row, tag

    async def document(self, key: Key) -> Current | None:
        """The record with this key and all its JSON, or None."""
        answer = await self._answer(key, AS_IT_IS)
        if answer is None:
            return None
        row = self._row_with(key, answer)
        try:
            document = self._item.document(answer.body)
        except (ValueError, RecursionError) as error:
            raise corrupt(self._store, answer.place, error) from error
        return Current(row, answer.headers.get("ETag"), document)

    async def _answer(self, key: Key, headers: Mapping[str, str]) -> Answer | None:
        """The answer that holds the record, or None where there is none."""
        call = self._binding.call("get")
        path = self._binding.path(call.template, self._binding.key_values(key))
        url = self._client.url(path, call.declared.query)
        sent = {**headers, **call.headers} if call.headers else headers
        answer = await self._client.send(Request("GET", url, call.place, sent or None))
        if answer.status in _NOT_THERE:
            return None
        if answer.status != 200:
            raise from_status(self._store, call.place, answer.status, is_write=False)
        return answer

    def _row_with(self, key: Key, answer: Answer) -> Row:
        row = self._binding.filled(self.row_of(answer), self._binding.key_values(key))
        if self._schema.key_of(row) != key:
            raise corrupt(self._store, answer.place, Misfit("it has another key than the one asked for", "the record"))
        return row

    def row_of(self, answer: Answer) -> Row:
        """The record in an answer. Raises UpstreamError or CorruptRecord."""
        demand_json(self._store, answer)
        try:
            return self._item.decode(answer.body)
        except (ValueError, RecursionError, Misfit) as error:
            raise corrupt(self._store, answer.place, error) from error

    async def _by_keys(self, keys: Sequence[Key]) -> Rows:
        if len(keys) >= _FEW_KEYS and (rows := await self._by_list(keys)) is not None:
            return rows
        if len(keys) == 1:
            found = await self.one(keys[0])
            return [] if found is None else [found[0]]
        tasks = [asyncio.ensure_future(self.one(key)) for key in keys]
        try:
            return [found[0] for found in await asyncio.gather(*tasks) if found is not None]
        finally:
            for task in tasks:
                task.cancel()

    async def _by_list(self, keys: Sequence[Key]) -> Rows | None:
        """The records as parts of lists, where the API takes lists of keys."""
        filters, names = self._collection.filters, self._schema.key
        if filters is None or len(names) > 1 or self._collection.list is None:
            return None
        asked: list[Parameters] = []
        for start in range(0, len(keys), filters.most_values):
            part = tuple(keys[start : start + filters.most_values])
            parameters, left = self._binding.spelling.condition(Compare((names[0],), Op.IN, part))
            if left is not None or sum(len(value) for _, value in parameters) > self._collection.url_limit:
                return None
            asked.append(parameters)
        found: dict[Key, Row] = {}
        wanted = frozenset(keys)
        everything = frozenset(self._schema.positions)
        for parameters in asked:
            async for rows in self._rows(Listing(parameters, False, False, len(wanted), everything), 0, None):
                found |= {key: row for row in rows if (key := self._schema.key_of(row)) in wanted}
        return list(found.values())

    def plan(self, query: AnyQuery) -> ByKeys | Listing:
        """The questions to the API for a checked query."""
        return self._binding.planner.plan(query)

    # --- lists --------------------------------------------------------------------------------------------------------

    async def fetch(self, query: AnyQuery) -> Rows:
        """The rows of a checked query."""
        plan = self._binding.planner.plan(query)
        if isinstance(plan, ByKeys):
            return select(query, await self._by_keys(plan.keys) if plan.keys else [], self._lookup)
        skips = query.skip > 0 and plan.is_in_order and plan.is_exact and can_skip(self._collection.paging)
        wanted = None
        if query.max_rows is not None and plan.is_in_order:
            wanted = query.max_rows + (0 if skips else query.skip)
        found: list[Row] = []
        async for rows in self._meeting(query, plan, query.skip if skips else 0, wanted):
            found += rows
            if wanted is not None and len(found) >= wanted:
                break
        if plan.is_in_order and wanted is not None:
            self._demand_order(query, found)
        rest = msgspec.structs.replace(query, condition=ALWAYS, position=None, skip=0 if skips else query.skip)
        return select(rest, found, self._lookup)

    async def stream(self, query: AnyQuery, batch: int) -> AsyncIterator[Rows]:
        """The rows of ``fetch`` in batches, without holding all where the API sorts them."""
        plan = self._binding.planner.plan(query)
        if isinstance(plan, ByKeys) or not plan.is_in_order or (is_ordered(query) and not self._sorts(query)):
            rows = await self.fetch(query)
            for start in range(0, len(rows), batch):
                yield rows[start : start + batch]
            return
        skip, left = query.skip, query.max_rows
        rest = msgspec.structs.replace(query, condition=ALWAYS, position=None, skip=0, max_rows=None, sort_keys=())
        held: Rows = []
        plan = msgspec.structs.replace(plan, bound=2**63)
        last: Rows = []
        async for found in self._meeting(query, plan, 0, None if left is None else skip + left):
            if is_ordered(query) and found:
                self._demand_order(query, last + found)
                last = found[-1:]
            held += select(rest, found[skip:], self._lookup)
            skip = max(0, skip - len(found))
            if left is not None:
                held = held[:left]
            while len(held) >= batch:
                yield held[:batch]
                left = None if left is None else left - batch
                held = held[batch:]
            if left is not None and len(held) >= left:
                break
        if held:
            yield held

    async def count(self, query: AnyQuery) -> int:
        """How many rows the query's condition means."""
        whole = Query[Any](query.collection, query.condition)
        plan = self._binding.planner.plan(whole)
        if isinstance(plan, ByKeys):
            return len(await self.fetch(whole))
        collection = self._collection
        if plan.is_exact and (collection.total_at or collection.total_header):
            async for page in self._listing.pages(plan, 0, 1):
                return self._trusted_total(whole, page)
        counted = 0
        async for rows in self._meeting(whole, plan, 0, None):
            counted += len(rows)
        return counted

    def _trusted_total(self, query: AnyQuery, page: Page) -> int:
        """The total that a page tells, if its own rows agree. Raises UpstreamError where they do not."""
        if page.total is None:
            raise UpstreamError(self._store, f"{page.place}: the answer lacks its total")
        count, goes_on = len(page.rows), bool(page.next or page.link or page.goes_on)
        if page.total < count or (page.total and not count) or (page.total <= count and goes_on):
            raise UpstreamError(self._store, f"{page.place}: the answer contradicts its own total; leave the total out")
        if len(select(query, page.rows, self._lookup)) < count:
            raise self._inexact()
        return page.total

    def _inexact(self) -> UpstreamError:
        sentence = "gives records that do not meet what was asked; declare Filters(is_exact=False)"
        return UpstreamError(self._store, f"the API of {self._schema.name} {sentence}")

    async def _meeting(self, query: AnyQuery, plan: Listing, skip: int, needed: int | None) -> AsyncIterator[Rows]:
        """The rows of the list that meet the query's condition and come after its position."""
        tests: list[Callable[[Row], bool]] = []
        if query.condition != ALWAYS:
            tests.append(compile_condition(query.condition, self._schema, self._lookup))
        if query.position is not None:
            tests.append(compile_position(query, self._schema, self._lookup))
        async for rows in self._rows(plan, skip, needed):
            found = rows
            for test in tests:
                found = list(filter(test, found))
            if skip and len(found) < len(rows):
                raise self._inexact()
            yield found

    async def _rows(self, plan: Listing, skip: int, needed: int | None) -> AsyncIterator[Rows]:
        """The rows of the list, none twice, at most as many as the plan's bound."""
        seen: set[Any] = set()
        key_of = self._schema.key_of
        totals: set[int] = set()
        async for page in self._listing.pages(plan, skip, needed):
            rows = page.rows
            if page.total is not None:
                totals.add(page.total)
            fresh = {key: row for row in rows if (key := key_of(row)) not in seen}
            if rows and not fresh:
                raise UpstreamError(self._store, f"{page.place}: it gives the same page again and again")
            seen.update(fresh)
            if len(seen) > plan.bound:
                advice = "narrow the query, or raise the collection's row_limit or scan_limit"
                raise LimitExceeded(f"records of {self._schema.name} in one list", plan.bound, advice)
            yield list(fresh.values())
        if not skip and len(totals) == 1 and len(seen) < min(totals):
            sentence = "gives some records twice and may leave out others; declare how it is sorted"
            raise UpstreamError(self._store, f"the list of {self._schema.name} {sentence}")

    def _sorts(self, query: AnyQuery) -> bool:
        return self._binding.spelling.sort(query.sort_keys) is not None

    def _demand_order(self, query: AnyQuery, found: Rows) -> None:
        """Raise UpstreamError where the API sorts otherwise than the query means: its first rows are not ours."""
        ordered = list(found)
        compile_sort(query, self._schema, self._lookup)(ordered)
        if ordered != found:
            raise UpstreamError(
                self._store,
                f"the API of {self._schema.name} sorts otherwise than by code point and value; leave the field out of"
                " Sorting(fields=…)",
            )


class _OneCollection:
    """A ``Lookup`` that leads nowhere: paths through references are refused before."""

    def __init__(self, schema: Schema) -> None:
        self.schemas: Mapping[str, Schema] = {schema.name: schema}

    def by_key(self, collection: str) -> Callable[[Key], Row | None]:
        return {}.get

    def referring(self, collection: str, field: str) -> Callable[[Key], Iterable[Row]]:
        return lambda key: ()
