"""Records as a view shows them in lists and, with what is asked to be shown of it, one by itself."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec

from holdall.model import Model, Record
from holdall.query import Value
from holdall.session import Estimate, Session
from holdall.web.asgi import Scope
from holdall.web.dialects import Dialects
from holdall.web.envelopes import keyset_envelope, page_envelope
from holdall.web.listing import Listing
from holdall.web.options import Options
from holdall.web.pages import Page, Pages
from holdall.web.problem import Problem
from holdall.web.read_reply import conditional
from holdall.web.reply import Reply
from holdall.web.view import CollectionView
from holdall.web.views.answers import ListingResult
from holdall.web.views.forms import Form
from holdall.web.views.simple_rest import content_range

__all__ = ["Listed"]

_encode = msgspec.json.Encoder().encode


class Listed:
    """Shows the records that a view has found. Example: :class:`AsyncRestView`."""

    def __init__(
        self, collection: CollectionView, form: Form, options: Options, dialects: Dialects, pages: Pages
    ) -> None:
        self._collection = collection
        self._form: Form = form
        self._options = options
        self._dialects = dialects
        self._pages = pages

    async def prepared(self, session: Session, records: list[Record], paths: Collection[object]) -> None:
        """Load what records are shown with."""
        model = self._collection.binding.model
        wanted = [*paths, *(_at(model, path) for path in self._form.loads)]
        if records and wanted:
            await session.load(records, *wanted)

    async def array(
        self, scope: Scope, session: Session, result: ListingResult[Record], paths: Collection[object]
    ) -> Reply:
        listing = result.query_params or self._dialects.of(session.user).read(b"")
        data = await self.data(session, list(result.objects), listing, paths)
        reply = conditional(scope, data)
        skip, count = listing.query.skip, len(result.objects)
        total = skip + count if result.total_count is None else result.total_count
        total = total.beside(skip, count).number if isinstance(total, Estimate) else total
        reply.headers.append((b"content-range", content_range(self._collection.binding.collection, skip, count, total)))
        return reply

    async def page(self, session: Session, result: ListingResult[Record], paths: Collection[object]) -> bytes:
        records = list(result.objects)
        listing = result.query_params or self._dialects.of(session.user).read(b"")
        data = await self.data(session, records, listing, paths)
        size, count, total = listing.page_size, len(records) + len(result.broken), result.total_count
        if isinstance(total, Estimate):
            total = total.beside(listing.query.skip, count)
        if listing.is_keyset:
            page = Page(size=len(data), count=count, last=records[-1] if records else None)
            following = await self._pages.cursor(session, listing, page) if count >= size and records else None
            body = keyset_envelope(data, total, size, following)
        else:
            body = page_envelope(data, total, listing.page, size)
        if result.broken:
            body = b'%b,"broken":%b}' % (body[:-1], self._collection.shown_broken(result.broken, session.user))
        return body

    async def data(self, session: Session, records: list[Record], listing: Listing, paths: Collection[object]) -> bytes:
        await self.prepared(session, records, paths)
        if not self._form.is_showing:
            plain = msgspec.structs.replace(listing, shape=None)
            data = await self._pages.shown(session, records, plain)
        else:
            data = _encode([self._chosen(self._form.show(record), listing.names) for record in records])
        most = self._options.max_page
        if len(data) > most and len(records) > 1:
            detail = f"The records of this page have more than {most} bytes; ask for fewer of them."
            raise Problem(422, "limit", detail)
        return data

    def _chosen(self, shown: Value, names: Collection[str] | None) -> Value:
        if names is None:
            return shown
        return {alias: value for alias, value in shown.items() if self._form.names.get(alias) in names}


def _at(model: type[Model], path: tuple[str, ...]) -> object:
    found: Any = model
    for name in path:
        found = getattr(found, name)
    return found
