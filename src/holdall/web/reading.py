"""The reading half of a collection over HTTP: a list of its records, and one of them."""

from __future__ import annotations

from typing import Any

from holdall.errors import CorruptRecord, FieldError
from holdall.policy import Right, User
from holdall.query import Query
from holdall.session import Binding, Bindings, Readable, Session
from holdall.store import Damaged
from holdall.web.asgi import Receive, Scope, header_list
from holdall.web.conditional import meets_if_none_match, tag_of_body
from holdall.web.cursor import Cursors
from holdall.web.dialect import Dialect
from holdall.web.listing import Listing
from holdall.web.parameters import parameters_of
from holdall.web.problem import Problem
from holdall.web.reply import Reply, json_reply
from holdall.web.rights import demand_right
from holdall.web.view import CollectionView

__all__ = ["Reads"]


class Reads:
    """Answers GET and HEAD."""

    def __init__(self, view: CollectionView, bindings: Bindings, cursors: Cursors, challenge: str) -> None:
        self._view = view
        self._binding: Binding = view.binding
        self._bindings = bindings
        self._cursors = cursors
        self._challenge = challenge
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
        try:
            found = await self._view.handle_get_many(session, listing.query)
        except CorruptRecord:
            return await self._get_readable(scope, session, listing)
        total = await self._total(session, listing, len(found)) if listing.is_counted else None
        data = await self._view.shown(found, listing.names, listing.shape)
        if listing.is_keyset:
            body = _keyset_envelope(data, total, listing.page_size, await self._next(session, listing, found))
        else:
            body = _page_envelope(data, total, listing.page, listing.page_size)
        return _conditional(scope, body, tag_of_body(body))

    async def _get_readable(self, scope: Scope, session: Session, listing: Listing) -> Reply:
        """The page without the records that cannot be read; they are told of beside it."""
        found = await self._view.handle_get_readable(session, listing.query)
        size = len(found.records) + len(found.broken)
        total = await self._total(session, listing, size) if listing.is_counted else None
        data = await self._view.shown(found.records, listing.names, listing.shape)
        if listing.is_keyset:
            cursor = None if size < listing.page_size else self._cursor_behind(listing, found)
            body = _keyset_envelope(data, total, listing.page_size, cursor)
        else:
            body = _page_envelope(data, total, listing.page, listing.page_size)
        body = b'%b,"broken":%b}' % (body[:-1], self._view.shown_broken(found.broken))
        return _conditional(scope, body, tag_of_body(body))

    def _cursor_behind(self, listing: Listing, found: Readable[Any]) -> str:
        """The cursor behind the last row whose place in the order can be read. Raises CorruptRecord if none can."""
        keys = listing.query.sort_keys
        names = [field.name for field in self._binding.schema.stored]
        if not listing.query.projection and all(len(key.path) == 1 for key in keys):
            for row in reversed(found.rows):
                position = tuple([row[names.index(key.path[0])] for key in keys])
                if not any(isinstance(value, Damaged) for value in position):
                    return self._cursors.make(listing.query.collection, keys, position)
        raise found.broken[0]

    def _demand_visits(self, listing: Listing, user: User) -> None:
        """A parameter that looks into a collection the user may not read is one that does not exist."""
        unknown = {
            name: FieldError(name, "unknown", "is not a parameter here")
            for name, binding in listing.visits
            if not binding.policy.allows(Right.READ, user)
        }
        if unknown:
            raise Problem(422, "query", "Parameters cannot be understood; each is listed.", list(unknown.values()))

    async def _total(self, session: Session, listing: Listing, found: int) -> int:
        """How many there are; a page that is not full is the last one and tells it without being asked."""
        query = listing.query
        if found < listing.page_size and query.position is None and (found or not query.skip):
            return query.skip + found
        return await self._view.handle_count(session, query)

    async def _next(self, session: Session, listing: Listing, found: list[Any]) -> str | None:
        """The cursor of the page after this one; None if this one is the last."""
        if len(found) < listing.page_size:
            return None
        query, last = listing.query, found[-1]
        paths = tuple(key.path for key in query.sort_keys)
        by_name = self._view.declaration.by_name
        if all(len(path) == 1 for path in paths):
            position = tuple(by_name[name].encode(by_name[name].get(last)) for (name,) in paths)
        else:
            condition = self._view.meets(last.__key__())
            rows = await session.rows(Query(query.collection, condition, projection=paths))
            if not rows:
                return None
            position = rows[0]
        return self._cursors.make(query.collection, query.sort_keys, position)

    # --- one ----------------------------------------------------------------------------------------------------------

    async def get_one_endpoint(self, scope: Scope, receive: Receive, user: User, key: Any) -> Reply:
        """``GET /books/1``: one record."""
        demand_right(self._binding, Right.READ, user, self._challenge)
        query_string = scope["query_string"]
        names = self._shown_names(query_string) if query_string else None
        session = Session(self._bindings, user)
        record = await self._view.handle_get_one(session, key)
        body = await self._view.shown_one(record, names)
        return _conditional(scope, body, tag_of_body(body))

    def _shown_names(self, query_string: bytes) -> tuple[str, ...] | None:
        names: tuple[str, ...] | None = None
        errors: list[FieldError] = []
        for name, value in parameters_of(query_string):
            asked = set(value.split(","))
            if name != "fields":
                errors.append(FieldError(name, "unknown", "is not a parameter here"))
            elif asked - set(self._names):
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
    following = b"null" if cursor is None else b'"%b"' % cursor.encode()
    count = b"null" if total is None else b"%d" % total
    return b'{"data":%b,"total_count":%b,"page_size":%d,"next":%b}' % (data, count, page_size, following)


def _conditional(scope: Scope, body: bytes, tag: bytes) -> Reply:
    condition = header_list(scope, b"if-none-match")
    if condition is not None and not meets_if_none_match(condition, tag):
        return Reply(304, [(b"etag", tag)])
    return json_reply(200, body, (b"etag", tag))
