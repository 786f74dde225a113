"""The list of one collection, page by page: what is sent for each, and what its answer says."""

from __future__ import annotations

from collections.abc import AsyncIterator

from yarl import URL

from holdall.errors import UpstreamError
from holdall.stores.rest.answer import Answer, demand_json
from holdall.stores.rest.binding import Binding
from holdall.stores.rest.client import Client
from holdall.stores.rest.codec import Misfit, corrupt
from holdall.stores.rest.decoding import ListDecoder, Listed
from holdall.stores.rest.errors import from_status
from holdall.stores.rest.links import next_link
from holdall.stores.rest.pages import Lister, Page
from holdall.stores.rest.plan import Listing
from holdall.stores.rest.request import Request
from holdall.stores.rest.spelling import Parameters
from holdall.stores.rest.versions import ETags
from holdall.stores.rest.vocabulary import TOTAL_HEADERS

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
        self._lister = Lister(binding.store, binding.collection.paging)
        self._decoders: dict[frozenset[str], ListDecoder] = {}

    def pages(self, plan: Listing, skip: int, needed: int | None) -> AsyncIterator[Page]:
        """The pages of the planned list; see ``Lister.pages``."""
        call = self._binding.call("list")
        path = self._binding.path(call.template, {})
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
                return None
            if answer.status not in _FOUND:
                raise from_status(self._store, place, answer.status, is_write=False)
            return self._page(answer, decoder, url)

        return self._lister.pages(ask, plan.parameters, skip, needed)

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
        goes_on = found.goes_on
        if self._collection.paging is None and not goes_on:
            goes_on = len(rows) < max(found.least, 0 if header else _least(answer))
        return Page(rows, total, found.next, link, goes_on, url, answer.place)

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


def _least(answer: Answer) -> int:
    """How many records there are at least, by headers that are not declared."""
    texts = [answer.headers.get(name, "") for name in TOTAL_HEADERS]
    texts.append(answer.headers.get("Content-Range", "").rpartition("/")[2])  # items 0-24/319
    return max(int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0 for text in texts)
