"""The reading half of a collection over HTTP: a list of its records, and one of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import starmap

import msgspec

from holdall.policy import Right, User
from holdall.query import Key, Value
from holdall.session import Binding, Bindings, Estimate, Session
from holdall.web.asgi import Receive, Scope, header_list
from holdall.web.conditional import (
    NOT_MET,
    is_unmodified,
    last_modified,
    meets_if_match,
    meets_if_none_match,
    tag_of_body,
)
from holdall.web.cursor import Cursors
from holdall.web.dialects import Dialects
from holdall.web.export import Exports
from holdall.web.formats import Format, accepted_format, with_format
from holdall.web.listing import Listing
from holdall.web.options import Options
from holdall.web.pages import Page, Pages
from holdall.web.reply import Reply, json_reply, unchanged_reply
from holdall.web.rights import demand_right
from holdall.web.view import CollectionView
from holdall.web.visits import demand_visits

__all__ = ["Reads", "conditional", "groups_envelope", "groups_page", "keyset_envelope", "page_envelope"]

_encode = msgspec.json.Encoder().encode


class Reads:
    """Answers GET and HEAD."""

    def __init__(self, view: CollectionView, bindings: Bindings, cursors: Cursors, options: Options) -> None:
        self._view = view
        self._binding: Binding = view.binding
        self._bindings = bindings
        self._challenge = options.challenge
        self._pages = Pages(view, cursors, options.max_page)
        self._exports = Exports(view)
        self._dialects = Dialects(view.binding, bindings, cursors)

    # --- many ---------------------------------------------------------------------------------------------------------

    async def get_many_endpoint(self, scope: Scope, receive: Receive, user: User) -> Reply:
        """``GET /books``: a page of records in its envelope."""
        demand_right(self._binding, Right.READ, user, self._challenge)
        query_string = scope["query_string"]
        if (accepted := accepted_format(scope)) is not Format.JSON:
            query_string = with_format(query_string, accepted)
        listing = self._dialects.of(user).read(query_string)
        if listing.visits:
            demand_visits(listing, user)
        session = Session(self._bindings, user)
        if listing.format is not Format.JSON:
            return await self._exports.reply(scope, session, listing)
        if listing.is_grouped:
            body = await groups_envelope(session, listing)
            return conditional(scope, body, tag_of_body(body))
        page = await self._pages.read(session, listing)
        total = await self._total(session, listing, page) if listing.is_counted else None
        if listing.is_keyset:
            is_last = not page.is_cut and page.count < listing.page_size
            following = None if is_last else await self._pages.cursor(session, listing, page)
            body = keyset_envelope(page.data, total, listing.page_size, following)
        else:
            body = page_envelope(page.data, total, listing.page, listing.page_size)
            if page.is_cut:
                following = await self._pages.cursor(session, listing, page)
                body = b'%b,"truncated":true,"next":%b}' % (body[:-1], _text(following))
        if page.broken:
            body = b'%b,"broken":%b}' % (body[:-1], self._view.shown_broken(page.broken, user))
        return conditional(scope, body, tag_of_body(body))

    async def _total(self, session: Session, listing: Listing, page: Page) -> int | Estimate:
        """How many there are; a page that is not full is the last one and tells it without being asked."""
        query, found = listing.query, page.count
        is_last = found < listing.page_size and not page.is_cut
        if is_last and query.position is None and (found or not query.skip):
            return query.skip + found
        if listing.is_estimated:
            return (await self._view.handle_estimate(session, query)).beside(query.skip, found)
        return await self._view.handle_count(session, query)

    # --- one ----------------------------------------------------------------------------------------------------------

    async def get_one_endpoint(self, scope: Scope, receive: Receive, user: User, key: Key) -> Reply:
        """``GET /books/1``: one record."""
        demand_right(self._binding, Right.READ, user, self._challenge)
        query_string = scope["query_string"]
        listing = self._dialects.of(user).read_one(query_string) if query_string else None
        if listing is not None and listing.visits:
            demand_visits(listing, user)
        session, view = Session(self._bindings, user), self._view
        record = await view.handle_get_one(session, key)
        if listing is not None and listing.includes:
            body = (await self._pages.shown(session, [record], listing))[1:-1]
        else:
            names = view.visible(user, None if listing is None else listing.names)
            body = await view.shown_one(record, names) if view.is_computing else view.encode_one(record, names)
        moment = view.modified(record, user)
        if moment is None:
            return conditional(scope, body, tag_of_body(body))
        if is_unmodified(scope, moment, b"if-unmodified-since", b"if-match") is False:
            raise NOT_MET
        reply = conditional(scope, body, tag_of_body(body))
        if reply.status == 200 and is_unmodified(scope, moment, b"if-modified-since", b"if-none-match"):
            reply = unchanged_reply(tag_of_body(body))
        reply.headers.extend(last_modified(moment))
        return reply


async def groups_envelope(session: Session, listing: Listing) -> bytes:
    """The JSON of a page of groups."""
    return groups_page(await session.query(listing.query), listing)


def groups_page(rows: Sequence[Sequence[Value]], listing: Listing) -> bytes:
    """The JSON of these groups; how many there are is told where the page is the last."""
    assert listing.shape is not None
    is_last = len(rows) < listing.page_size and (rows or not listing.query.skip)
    total = listing.query.skip + len(rows) if is_last else None
    return page_envelope(_encode(list(starmap(listing.shape, rows))), total, listing.page, listing.page_size)


def page_envelope(data: bytes, total: int | Estimate | None, page: int, page_size: int) -> bytes:
    """The JSON of a numbered page."""
    if isinstance(total, Estimate):
        return _with_note(page_envelope(data, total.number, page, page_size), total)
    if total is None:
        return b'{"data":%b,"total_count":null,"page":%d,"page_size":%d,"total_pages":null}' % (data, page, page_size)
    pages = -(-total // page_size)
    return b'{"data":%b,"total_count":%d,"page":%d,"page_size":%d,"total_pages":%d}' % (
        data, total, page, page_size, pages,
    )  # fmt: skip


def keyset_envelope(data: bytes, total: int | Estimate | None, page_size: int, cursor: str | None) -> bytes:
    """The JSON of a page that a cursor follows."""
    if isinstance(total, Estimate):
        return _with_note(keyset_envelope(data, total.number, page_size, cursor), total)
    count = b"null" if total is None else b"%d" % total
    return b'{"data":%b,"total_count":%b,"page_size":%d,"next":%b}' % (data, count, page_size, _text(cursor))


def _with_note(body: bytes, total: Estimate) -> bytes:
    """The envelope of a page, which says whether its total is an estimate."""
    return body if total.is_exact else b'%b,"total_is_estimated":true}' % body[:-1]


def _text(cursor: str | None) -> bytes:
    return b"null" if cursor is None else b'"%b"' % cursor.encode()


def conditional(scope: Scope, body: bytes, tag: bytes) -> Reply:
    """The answer to a read: whole, or 304 or 412 where If-None-Match or If-Match says so."""
    for name, _ in scope["headers"]:
        if name[:3] == b"if-":
            break
    else:
        return json_reply(200, body, (b"etag", tag))
    demanded, condition = header_list(scope, b"if-match"), header_list(scope, b"if-none-match")
    if demanded is not None and not meets_if_match(demanded, tag):
        raise NOT_MET
    if condition is not None and not meets_if_none_match(condition, tag):
        return unchanged_reply(tag)
    return json_reply(200, body, (b"etag", tag))
