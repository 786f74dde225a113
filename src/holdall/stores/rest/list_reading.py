"""The list of one collection, page by page: what is sent for each, and what its answer says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from yarl import URL

from holdall.errors import UpstreamError
from holdall.query import Value
from holdall.store import Row
from holdall.stores.rest.answer import Answer, demand_json
from holdall.stores.rest.binding import Binding
from holdall.stores.rest.call import text_of
from holdall.stores.rest.client import Client
from holdall.stores.rest.codec import Misfit, corrupt
from holdall.stores.rest.decoding import ListDecoder, Listed
from holdall.stores.rest.errors import from_status
from holdall.stores.rest.links import next_link
from holdall.stores.rest.list_headers import header_hints
from holdall.stores.rest.pages import Lister, Page
from holdall.stores.rest.paging import LastRecord
from holdall.stores.rest.plan import Listing
from holdall.stores.rest.request import Request
from holdall.stores.rest.spelling import Parameters
from holdall.stores.rest.versions import ETags

__all__ = ["ListReading"]

_GONE = (404, 410)
_FOUND = (200, 204)


class ListReading:
    """Asks for the pages of lists and reads them."""

    def __init__(self, binding: Binding, client: Client) -> None:
        self._binding = binding
        self._store = binding.store
        self._collection = binding.collection
        self._client = client
        self._lister = Lister(binding.store, binding.collection.paging, self._text_of_last)
        self._decoders: dict[frozenset[str], ListDecoder] = {}

    async def pages(self, plan: Listing, skip: int, needed: int | None) -> AsyncIterator[Page]:
        """The pages of the planned lists; see ``Lister.pages``."""
        for values in plan.parents:
            async for page in self._pages(plan, values, skip, needed):
                if self._collection.in_path:
                    page.rows = [self._binding.filled(row, values) for row in page.rows]
                yield page

    def _pages(self, plan: Listing, values: Mapping[str, Value], skip: int, needed: int | None) -> AsyncIterator[Page]:
        call = self._binding.call("list")
        path = self._binding.path(call.template, values)
        decoder = self._decoder(plan.fields)
        fixed = [*call.declared.query.items(), *self._sparse(plan.fields)]
        place = f"GET list of {self._binding.schema.name}"
        last: URL | None = None

        async def ask(parameters: Parameters, link: str | None, is_later: bool) -> Page | None:
            nonlocal last
            if link is None:
                url = self._client.url(path, [*fixed, *parameters])
            else:
                assert last is not None
                url = self._client.linked(last, link, place)
            last = url
            answer = await self._client.send(Request("GET", url, place, call.declared.headers or None))
            if answer.status in _GONE and is_later:
                if answer.body:
                    demand_json(self._store, answer)  # what is on the way answers in HTML
                return None
            if answer.status in _GONE and values:  # there is no such record above it
                demand_json(self._store, answer)
                return Page([], None, None, None, False, 0, 0, url, place)
            if answer.status not in _FOUND:
                raise from_status(self._store, place, answer.status, is_write=False)
            return self._page(answer, decoder, url)

        return self._lister.pages(ask, plan.parameters, skip, needed)

    def _text_of_last(self, row: Row) -> str:
        """The text by which the page after this record is asked for."""
        paging, schema = self._collection.paging, self._binding.schema
        name = paging.field if isinstance(paging, LastRecord) and paging.field else schema.key[-1]
        return text_of(row[schema.positions[name]])

    def _page(self, answer: Answer, decoder: ListDecoder, url: URL) -> Page:
        found = Listed([])
        if answer.status != 204:
            demand_json(self._store, answer)
            try:
                found = decoder.decode(answer.body)
            except (ValueError, RecursionError, Misfit) as error:
                raise corrupt(self._store, answer.place, error) from error
        rows, total, header = found.rows, found.total, self._collection.total_header
        if header:
            text = answer.headers.get(header, "")
            total = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
        if isinstance(self._binding.version, ETags):
            rows = list(map(self._binding.versioned, rows))
        try:
            link = next_link(", ".join(answer.headers.getall("Link", [])))
        except ValueError as error:
            raise UpstreamError(self._store, f"{answer.place}: {error}") from error
        hints = found.hints | header_hints(answer.headers)
        if hints.failed:
            raise UpstreamError(self._store, f"{answer.place}: the answer has an error beside its list")
        least = found.hints.least if header else hints.least
        return Page(rows, total, found.next, link, hints.more, least, hints.pages, url, answer.place)

    def _decoder(self, fields: frozenset[str]) -> ListDecoder:
        found = self._decoders.get(fields)
        if found is None:
            found = self._decoders[fields] = ListDecoder(self._binding, fields)
        return found

    def _sparse(self, fields: frozenset[str]) -> Parameters:
        parameter, places = self._collection.fields, self._binding.codec.places
        if not parameter or len(fields) == len(self._binding.schema.positions):
            return []
        return [(parameter, ",".join(dict.fromkeys(places[name][0] for name in places if name in fields)))]
