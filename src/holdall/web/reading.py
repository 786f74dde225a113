"""The reading half of a collection over HTTP: a list of its records, and one of them."""

from __future__ import annotations

from holdall.policy import Right, User
from holdall.query import Key
from holdall.session import Binding, Bindings, Estimate, Session
from holdall.web.asgi import Receive, Scope
from holdall.web.cursor import Cursors
from holdall.web.dialects import Dialects
from holdall.web.envelopes import cursor_text, groups_envelope, keyset_envelope, page_envelope
from holdall.web.export import Exports
from holdall.web.formats import Format, accepted_format, with_format
from holdall.web.key import KeyText
from holdall.web.listing import Listing
from holdall.web.options import Options
from holdall.web.pages import Page, Pages
from holdall.web.read_reply import conditional, is_dated, record_reply
from holdall.web.reply import Reply
from holdall.web.rights import demand_right
from holdall.web.straight import StraightReads
from holdall.web.view import CollectionView
from holdall.web.visits import demand_visits

__all__ = ["Reads"]


class Reads:
    """Answers GET and HEAD."""

    def __init__(
        self, view: CollectionView, keys: KeyText, bindings: Bindings, cursors: Cursors, options: Options
    ) -> None:
        self._view = view
        self._binding: Binding = view.binding
        self._bindings = bindings
        self._challenge = options.challenge
        self._pages = Pages(view, cursors, options.max_page)
        self._exports = Exports(view)
        self._dialects = Dialects(view.binding, bindings, cursors)
        self.straight = StraightReads(view, keys, self._pages, self._dialects, bindings, options.max_url)

    # --- many ---------------------------------------------------------------------------------------------------------

    async def get_many_endpoint(self, scope: Scope, receive: Receive, user: User) -> Reply:
        """``GET /books``: a page of records in its envelope."""
        demand_right(self._binding, Right.READ, user, self._challenge)
        query_string = scope["query_string"]
        if (accepted := accepted_format(scope)) is not Format.JSON:
            query_string = with_format(query_string, accepted)
        if (straight := await self.straight.many(scope, user)) is not None:
            return straight
        listing = self._dialects.of(user).read(query_string)
        if listing.visits:
            demand_visits(listing, user)
        session = Session(self._bindings, user)
        if listing.format is not Format.JSON:
            return await self._exports.reply(scope, session, listing)
        if listing.is_grouped:
            body = await groups_envelope(session, listing)
            return conditional(scope, body)
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
                body = b'%b,"truncated":true,"next":%b}' % (body[:-1], cursor_text(following))
        if page.broken:
            body = b'%b,"broken":%b}' % (body[:-1], self._view.shown_broken(page.broken, user))
        return conditional(scope, body)

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
        if (straight := await self.straight.one(scope, user, key)) is not None:
            return straight
        listing = self._dialects.of(user).read_one(query_string) if query_string else None
        if listing is not None and listing.visits:
            demand_visits(listing, user)
        session, view = Session(self._bindings, user), self._view
        record = await view.handle_get_one(session, key)
        if listing is not None and listing.includes:
            body, dated = (await self._pages.shown(session, [record], listing))[1:-1], False
        else:
            names = view.visible(user, None if listing is None else listing.names)
            body = await view.shown_one(record, names) if view.is_computing else view.encode_one(record, names)
            dated = is_dated(view, names)
        return record_reply(scope, body, view.modified(record, user), is_dated=dated)
