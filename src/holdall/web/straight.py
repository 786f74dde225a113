"""Answers to reads that nothing of the program looks at: from rows to bytes, with no session between.

Reads that are out of the ordinary are left to ``reading``, which answers the same, and everything else.
"""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

from holdall.policy import User
from holdall.query import AnyQuery, Key, Query, Value, condition_shape, values
from holdall.session import Bindings, ReadyReads, Sight
from holdall.store import ReadyQuery, Rows
from holdall.web.asgi import Scope, header_list
from holdall.web.dialects import Dialects
from holdall.web.envelopes import page_envelope
from holdall.web.events import EVENTS
from holdall.web.formats import Format
from holdall.web.key import KeyText
from holdall.web.listing import Listing
from holdall.web.pages import Pages
from holdall.web.read_reply import conditional, record_reply
from holdall.web.reply import Reply
from holdall.web.view import CollectionView

__all__ = ["StraightReads"]

_Known = TypeVar("_Known", dict[tuple[object, bytes], Value], set[bytes])
_REMEMBERED = 1_000
_LONGEST = 512  # characters of a path, and bytes of a query string
_MOST_BYTES = 12  # of one character in a path
_OTHER_FORMATS = re.compile(rb"csv|ndjson|jsonl", re.IGNORECASE).search


class _Page(msgspec.Struct, eq=False):
    """A page that is ready, and the number of all records, where it is told.

    They are asked with the values of ``condition``, those of the rule by which a user sees records, and ``extent``.
    """

    listing: Listing
    query: ReadyQuery
    count: ReadyQuery | None
    condition: tuple[Value, ...]
    extent: tuple[Value, ...]

    def counts(self, found: int) -> bool:
        """Whether the store must count all records: a page that ends the list tells their number by itself."""
        is_end = found < self.listing.page_size and (found or not self.listing.query.skip)
        return self.listing.is_counted and not is_end


class StraightReads:
    """The reads of one collection that need no session. Each is answered with None where one is needed.

    ``now`` asks stores that answer at once, ``one`` and ``many`` wait for the others.
    """

    def __init__(
        self, view: CollectionView, keys: KeyText, pages: Pages, dialects: Dialects, bindings: Bindings, max_url: int
    ) -> None:
        self._view = view
        self._keys = keys
        self._pages = pages
        self._dialects = dialects
        self._reads = ReadyReads(bindings, view.binding.collection)
        self._is_possible = not (view.is_computing or view.binding.is_keyless)
        self._longest = min(_LONGEST, max_url // _MOST_BYTES)
        self._encode = view.declaration.json_output.encode_whole
        self._encode_one = view.declaration.json_output.encode_whole_one
        self._has_parts = len(view.binding.schema.key) > 1
        self._version = -1
        self._waits = False  # for the store, which does not answer at once
        self._ones: dict[object, ReadyQuery] = {}  # by the form of the rule
        self._known: dict[tuple[object, bytes], _Page] = {}
        self._others: set[bytes] = set()  # query strings of pages that are out of the ordinary

    def now(self, scope: Scope, user: User, key: str) -> Reply | None:
        """The answer to a read at a path that ends with this key, undecoded, or without one."""
        if self._waits or len(scope["path"]) > self._longest:
            return None
        try:
            if not key:
                return self._many_now(scope, user)
            if key[:1] == "_" or "/" in key or key == EVENTS:
                return None
            known, sight = self._keys.read(key), self._sight(user)
            if sight is None or scope["query_string"]:
                return None
            query = self._ones.get(sight.form) or self._learned_one(known, sight)
            if query is None or query.now is None:
                return None
            values = (*known, *sight.values) if self._has_parts else (known, *sight.values)
            return self._record(scope, user, query.now(values))
        except Exception:  # whatever it is, the long way says so
            return None

    async def one(self, scope: Scope, user: User, key: Key) -> Reply | None:
        """The record with this key."""
        sight = self._sight(user) if self._waits and not scope["query_string"] else None
        if sight is None:
            return None
        query = self._ones.get(sight.form) or self._learned_one(key, sight)
        if query is None or query.now is not None:
            return None
        values = (*key, *sight.values) if self._has_parts else (key, *sight.values)
        return self._record(scope, user, await query.rows(values))

    def _many_now(self, scope: Scope, user: User) -> Reply | None:
        """A page of records, with the number of all of them."""
        sight = self._sight(user)
        page = None if sight is None else self._page(scope, user, sight)
        if sight is None or page is None or page.query.now is None:
            return None
        condition = page.condition + sight.values
        rows = page.query.now(condition + page.extent)
        counted: Rows | None = None
        if rows is not None and page.counts(len(rows)) and page.count is not None and page.count.now is not None:
            counted = page.count.now(condition)
        return self._listed(scope, page, rows, counted)

    async def many(self, scope: Scope, user: User) -> Reply | None:
        """A page of records, with the number of all of them."""
        sight = self._sight(user) if self._waits else None
        page = None if sight is None else self._page(scope, user, sight)
        if sight is None or page is None or page.query.now is not None:
            return None
        condition = page.condition + sight.values
        rows = await page.query.rows(condition + page.extent)
        counted: Rows | None = None
        if rows is not None and page.counts(len(rows)) and page.count is not None:
            counted = await page.count.rows(condition)
        return self._listed(scope, page, rows, counted)

    # --- queries that are ready ---------------------------------------------------------------------------------------

    def _sight(self, user: User) -> Sight | None:
        if not self._is_possible:
            return None
        sight = self._reads.sight(user)
        if self._version != self._reads.version:
            self._forget()
        return sight

    def _learned_one(self, key: Key, sight: Sight) -> ReadyQuery | None:
        """The query of one record made ready, and remembered."""
        query = self._ready(Query(self._view.binding.collection, self._view.meets(key)), sight)
        if query is not None:
            self._ones[sight.form] = query
        return query

    def _forget(self) -> None:
        self._version = self._reads.version
        self._waits = False
        self._ones.clear()
        self._known.clear()
        self._others.clear()

    def _ready(self, query: AnyQuery, sight: Sight) -> ReadyQuery | None:
        ready = self._reads.ready(query, sight)
        if ready is not None:
            self._waits = ready.now is None
        return ready

    def _page(self, scope: Scope, user: User, sight: Sight) -> _Page | None:
        if _OTHER_FORMATS(header_list(scope, b"accept") or b"") is not None:
            return None
        query_string = scope["query_string"]
        if len(query_string) > self._longest:
            return None
        page = self._known.get((sight.form, query_string))
        if page is None:
            page = self._learned(query_string, user, sight)
        return None if page is None or not self._pages.come_whole(page.listing) else page

    def _learned(self, query_string: bytes, user: User, sight: Sight) -> _Page | None:
        """The page made ready, and remembered. Raises Problem."""
        if query_string in self._others:
            return None
        listing = self._dialects.of(user).read(query_string)
        if _is_other(listing):
            _bounded(self._others).add(query_string)
            return None
        query, count = self._ready(listing.query, sight), None
        if listing.is_counted and (count := self._reads.ready(listing.query, sight, is_count=True)) is None:
            return None
        if query is None:
            return None
        condition, whole = condition_shape(listing.query)[1], values(listing.query)
        page = _Page(listing, query, count, tuple(condition), tuple(whole[len(condition) :]))
        _bounded(self._known)[sight.form, query_string] = page
        return page

    # --- answers ------------------------------------------------------------------------------------------------------

    def _record(self, scope: Scope, user: User, rows: Rows | None) -> Reply | None:
        records = self._reads.records(rows)
        if not records:
            return None  # a session says which record is missing, or cannot be read
        body = self._encode_one(records[0])
        if self._view.stamp is None:
            return conditional(scope, body)
        return record_reply(scope, body, self._view.modified(records[0], user), is_dated=not self._view.hides)

    def _listed(self, scope: Scope, page: _Page, rows: Rows | None, counted: Rows | None) -> Reply | None:
        records, listing = self._reads.records(rows), page.listing
        if records is None:
            return None
        total: int | None = listing.query.skip + len(records) if listing.is_counted else None
        if page.counts(len(records)):
            if counted is None:
                return None
            total = counted[0][0]
        shown = self._encode(records)
        if not self._pages.takes(len(shown), len(records)):
            return None
        return conditional(scope, page_envelope(shown, total, listing.page, listing.page_size))


def _is_other(listing: Listing) -> bool:
    """Whether a list is out of the ordinary."""
    has_more = listing.names is not None or listing.includes or listing.visits or listing.is_grouped
    return bool(has_more or listing.is_keyset or listing.is_estimated or listing.format is not Format.JSON)


def _bounded(known: _Known) -> _Known:
    """A memory with room for one more."""
    if len(known) >= _REMEMBERED:
        known.clear()  # what is asked often is back at once
    return known
