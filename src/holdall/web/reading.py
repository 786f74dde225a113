"""The reading half of a collection over HTTP: a list of its records, and one of them."""

from __future__ import annotations

from holdall.errors import FieldError
from holdall.policy import Right, User
from holdall.query import Key
from holdall.session import Binding, Bindings, Session
from holdall.web.asgi import Receive, Scope, header_list
from holdall.web.conditional import NOT_MET, meets_if_match, meets_if_none_match, tag_of_body
from holdall.web.cursor import Cursors
from holdall.web.dialect import Dialect
from holdall.web.listing import Listing
from holdall.web.options import Options
from holdall.web.pages import Page, Pages
from holdall.web.parameters import parameters_of
from holdall.web.problem import Problem
from holdall.web.reply import Reply, json_reply, unchanged_reply
from holdall.web.rights import demand_right
from holdall.web.view import CollectionView

__all__ = ["Reads"]


class Reads:
    """Answers GET and HEAD."""

    def __init__(self, view: CollectionView, bindings: Bindings, cursors: Cursors, options: Options) -> None:
        self._view = view
        self._binding: Binding = view.binding
        self._bindings = bindings
        self._challenge = options.challenge
        self._pages = Pages(view, cursors, options.max_page)
        self._dialect = Dialect(view.binding, bindings, cursors)
        self._names = view.declaration.json_output.names

    # --- many ---------------------------------------------------------------------------------------------------------

    async def get_many_endpoint(self, scope: Scope, receive: Receive, user: User) -> Reply:
        """``GET /books``: a page of records in its envelope."""
        demand_right(self._binding, Right.READ, user, self._challenge)
        listing = self._dialect.read(scope["query_string"])
        if listing.visits:
            self._demand_visits(listing, user)
        session = Session(self._bindings, user)
        page = await self._pages.read(session, listing)
        total = await self._total(session, listing, page) if listing.is_counted else None
        if listing.is_keyset:
            is_last = not page.is_cut and page.count < listing.page_size
            following = None if is_last else await self._pages.cursor(session, listing, page)
            body = _keyset_envelope(page.data, total, listing.page_size, following)
        else:
            body = _page_envelope(page.data, total, listing.page, listing.page_size)
            if page.is_cut:
                following = await self._pages.cursor(session, listing, page)
                body = b'%b,"truncated":true,"next":%b}' % (body[:-1], _text(following))
        if page.broken:
            body = b'%b,"broken":%b}' % (body[:-1], self._view.shown_broken(page.broken))
        return _conditional(scope, body, tag_of_body(body))

    def _demand_visits(self, listing: Listing, user: User) -> None:
        """A parameter that looks into a collection the user may not read is one that does not exist."""
        unknown = {
            name: FieldError(name, "unknown", "is not a parameter here")
            for name, binding in listing.visits
            if not binding.policy.allows(Right.READ, user)
        }
        if unknown:
            raise Problem(422, "query", "Parameters cannot be understood; each is listed.", list(unknown.values()))

    async def _total(self, session: Session, listing: Listing, page: Page) -> int:
        """How many there are; a page that is not full is the last one and tells it without being asked."""
        query, found = listing.query, page.count
        is_last = found < listing.page_size and not page.is_cut
        if is_last and query.position is None and (found or not query.skip):
            return query.skip + found
        return await self._view.handle_count(session, query)

    # --- one ----------------------------------------------------------------------------------------------------------

    async def get_one_endpoint(self, scope: Scope, receive: Receive, user: User, key: Key) -> Reply:
        """``GET /books/1``: one record."""
        demand_right(self._binding, Right.READ, user, self._challenge)
        query_string = scope["query_string"]
        names = self._shown_names(query_string, user) if query_string else None
        session = Session(self._bindings, user)
        record = await self._view.handle_get_one(session, key)
        body = await self._view.shown_one(record, self._view.visible(user, names))
        return _conditional(scope, body, tag_of_body(body))

    def _shown_names(self, query_string: bytes, user: User) -> tuple[str, ...] | None:
        names: tuple[str, ...] | None = None
        errors: list[FieldError] = []
        for name, value in parameters_of(query_string):
            asked = set(value.split(","))
            if name != "fields":
                errors.append(FieldError(name, "unknown", "is not a parameter here"))
            elif asked - set(self._names) or asked & self._view.hidden(user):
                errors.append(FieldError(name, "unknown", "names something that is not a field"))
            else:
                names = tuple(item for item in self._names if item in asked)
        if errors:
            raise Problem(422, "query", "Parameters cannot be understood; each is listed.", errors)
        return names


def _page_envelope(data: bytes, total: int | None, page: int, page_size: int) -> bytes:
    if total is None:
        return b'{"data":%b,"total_count":null,"page":%d,"page_size":%d,"total_pages":null}' % (data, page, page_size)
    pages = -(-total // page_size)
    return b'{"data":%b,"total_count":%d,"page":%d,"page_size":%d,"total_pages":%d}' % (
        data, total, page, page_size, pages,
    )  # fmt: skip


def _keyset_envelope(data: bytes, total: int | None, page_size: int, cursor: str | None) -> bytes:
    count = b"null" if total is None else b"%d" % total
    return b'{"data":%b,"total_count":%b,"page_size":%d,"next":%b}' % (data, count, page_size, _text(cursor))


def _text(cursor: str | None) -> bytes:
    return b"null" if cursor is None else b'"%b"' % cursor.encode()


def _conditional(scope: Scope, body: bytes, tag: bytes) -> Reply:
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
