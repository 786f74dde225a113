"""A list page by page, in whichever of the five ways the API gives it; one whose end is not proven is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeAlias

import msgspec
from yarl import URL

from holdall.errors import StoreUnavailable, UpstreamError
from holdall.store import Row
from holdall.stores.rest.paging import Cursor, LastRecord, LinkHeader, Offset, PageSize, Paging
from holdall.stores.rest.spelling import Parameters

__all__ = ["Ask", "Lister", "Page", "can_skip"]

_MOST_EMPTY = 100  # pages without a record in a row that still lead to another
_RIGHT_SIZE = "declare the right most="


class Page(msgspec.Struct, gc=False):
    """The rows of one answer, how many there are in all, and what it says of the next page, where it says so.

    ``next`` stands at the declared place, ``link`` in the header; ``goes_on``, ``least`` (how many records there are at
    least) and ``pages`` (how many there are) are what other words tell.
    """

    rows: list[Row]
    total: int | None
    next: str | None
    link: str | None
    goes_on: bool
    least: int
    pages: int
    url: URL
    place: str


Ask: TypeAlias = Callable[[Parameters, str | None, bool], Awaitable[Page | None]]
"""A function that gives the page for parameters, or the one at the URL an earlier page named.

Its last argument says whether there may be no such page, as the one before was the last; that is None.
"""


def can_skip(paging: Paging | None) -> bool:
    """Whether a list can be begun at any record."""
    return isinstance(paging, PageSize | Offset)


class Lister:
    """Reads lists of one collection. Raises UpstreamError for one that contradicts itself or the declaration."""

    def __init__(self, store: str, paging: Paging | None, text_of_last: Callable[[Row], str] = str) -> None:
        self._store = store
        self._paging = paging
        self._text_of_last = text_of_last
        self._proven: set[int] = set()  # sizes of pages that the API was seen to keep

    def pages(self, ask: Ask, parameters: Parameters, skip: int, needed: int | None) -> AsyncIterator[Page]:
        """The pages from the record after ``skip``, which only some ways allow; ``needed`` records are enough."""
        match self._paging:
            case None:
                return self._only(ask, parameters)
            case PageSize() as paging:
                return self._numbered(ask, paging, parameters, skip, needed)
            case Offset() as paging:
                return self._from_positions(ask, paging, parameters, skip, needed)
            case Cursor() | LinkHeader() as paging:
                return self._linked(ask, paging, parameters, needed)
            case LastRecord() as paging:
                return self._after_last(ask, paging, parameters, needed)

    async def _only(self, ask: Ask, parameters: Parameters) -> AsyncIterator[Page]:
        page = await _found(ask, parameters)
        if page.link or _is_part(page):
            advice = "declare how it pages (paging=), or what its total is (total_at=)"
            raise UpstreamError(self._store, f"{page.place}: the list is only a part of it; {advice}")
        yield page

    # --- by number or position ----------------------------------------------------------------------------------------

    async def _numbered(
        self, ask: Ask, paging: PageSize, parameters: Parameters, skip: int, needed: int | None
    ) -> AsyncIterator[Page]:
        size = _size(paging.most, needed) if paging.size else paging.most
        if skip % size:
            size = paging.most
        first, dropped = skip // size, skip % size

        async def numbered(number: int, is_later: bool) -> Page | None:
            place = [(paging.page, str(paging.first + number)), *_asked(paging.size, size)]
            return await ask([*parameters, *place], None, is_later)

        end = _End(self._store, size, first * size, paging.short_page_ends)
        number, is_uneven = first, False
        while True:
            page = await numbered(number, number > 0)
            if first and number == first and size not in self._proven:
                await self._prove(size, await numbered(0, False), page)
            count = 0 if page is None else len(page.rows)
            if page is not None and count and first and (is_uneven or count > size):
                raise UpstreamError(self._store, f"{page.place}: its pages are not of {size} records; {_RIGHT_SIZE}")
            is_uneven, is_end = is_uneven or count != size, end.after(page)
            if is_end:
                end.demand_pages(number + 1 if count else number)
            if page is None:
                return
            if dropped:
                page.rows, dropped = page.rows[dropped:], max(0, dropped - count)
            yield page
            if is_end:
                return
            number += 1

    async def _prove(self, size: int, start: Page | None, later: Page | None) -> None:
        """Raise UpstreamError unless the list's first page shows that a later one is where its number says."""
        assert start is not None
        has_rows = later is not None and bool(later.rows)
        if len(start.rows) > size or (len(start.rows) < size and has_rows):
            raise UpstreamError(self._store, f"{start.place}: its pages are not of {size} records; {_RIGHT_SIZE}")
        if has_rows:
            self._proven.add(size)

    async def _from_positions(
        self, ask: Ask, paging: Offset, parameters: Parameters, skip: int, needed: int | None
    ) -> AsyncIterator[Page]:
        size = _size(paging.most, needed) if paging.size else paging.most
        end = _End(self._store, size, skip, paging.short_page_ends)
        while True:
            place = [(paging.offset, str(end.position)), *_asked(paging.size, size)]
            page = await ask([*parameters, *place], None, end.position > 0)
            if page is not None and skip and len(page.rows) > size:
                raise UpstreamError(self._store, f"{page.place}: it gives more than the {size} records asked for")
            is_end = end.after(page)
            if page is None:
                return
            yield page
            if is_end:
                return

    # --- from page to page --------------------------------------------------------------------------------------------

    async def _linked(
        self, ask: Ask, paging: Cursor | LinkHeader, parameters: Parameters, needed: int | None
    ) -> AsyncIterator[Page]:
        sized = [*parameters, *_asked(paging.size, _size(paging.most, needed))]
        page = await _found(ask, sized)
        seen: set[str] = set()
        asked, position, empty, count = "", 0, 0, 0
        while True:
            yield page
            position, count = position + len(page.rows), count + 1
            empty = 0 if page.rows else empty + 1
            following = page.link if isinstance(paging, LinkHeader) else page.next
            if not following or (following == asked and not page.rows):
                self._demand_whole(paging, page, position, count, has_next=bool(following))
                return
            if following != asked and following in seen:
                raise UpstreamError(self._store, f"{page.place}: it gives the same cursor again, in a circle")
            if empty == _MOST_EMPTY:
                raise UpstreamError(self._store, f"{page.place}: it gives {empty} empty pages in a row and no end")
            seen.add(following)
            asked = following
            if isinstance(paging, LinkHeader) or paging.is_url:
                page = await _found(ask, [], following)
            else:
                page = await _found(ask, [*sized, (paging.cursor, following)])

    async def _after_last(
        self, ask: Ask, paging: LastRecord, parameters: Parameters, needed: int | None
    ) -> AsyncIterator[Page]:
        sized = [*parameters, *_asked(paging.size, _size(paging.most, needed))]
        page, position = await _found(ask, sized), 0
        while True:
            yield page
            position += len(page.rows)
            if paging.more_at and page.next not in ("True", "False"):
                raise UpstreamError(self._store, f"{page.place}: it does not say at {paging.more_at} if there is more")
            if not page.rows or page.next == "False":
                if page.total is not None and position < page.total:
                    raise _too_few(self._store, page.place)
                if page.link or (page.goes_on and not paging.more_at) or page.next == "True":
                    raise _goes_on(self._store, page.place)
                return
            page = await _found(ask, [*sized, (paging.parameter, self._text_of_last(page.rows[-1]))])

    def _demand_whole(
        self, paging: Cursor | LinkHeader, page: Page, position: int, count: int, *, has_next: bool
    ) -> None:
        if page.total is not None and position < page.total:
            raise _too_few(self._store, page.place)
        is_part = page.goes_on if count > 1 else _is_part(page)  # nothing was seen yet to lead from page to page
        if (isinstance(paging, Cursor) and page.link) or (is_part and not has_next) or count < page.pages:
            raise _goes_on(self._store, page.place)


class _End:
    """The end of a list that is read by positions, found from its pages."""

    def __init__(self, store: str, size: int, position: int, short_page_ends: bool) -> None:
        self.position = position
        self._store = store
        self._size = size
        self._is_skipping = position > 0
        self._short_page_ends = short_page_ends
        self._total: int | None = None
        self._pages = 0
        self._place = ""

    def after(self, page: Page | None) -> bool:
        """Whether this page, None for one that is not there, was the last. Raises UpstreamError where it cannot be."""
        before = self._total
        if page is None:
            self._demand_reached()
            return True
        count, self._place = len(page.rows), page.place
        self._pages = page.pages or self._pages
        self._total = before if page.total is None else page.total
        if before is not None and page.total is not None and page.total < before:
            sentence = "records went while the list was read, so that others may be missing; try again"
            raise StoreUnavailable(self._store, f"{page.place}: {sentence}")
        if self._is_skipping and count and page.total is not None and self.position + count > page.total:
            raise UpstreamError(self._store, f"{page.place}: it gives more records than its total says are left")
        self.position += count
        # a total may be cut off at some number, so a full page is never taken for the last one
        reached = count != self._size and page.total is not None and self.position >= page.total
        if not (not count or reached or (count < self._size and self._short_page_ends)):
            return False
        self._demand_reached()
        if page.goes_on or page.link:
            raise _goes_on(self._store, page.place)
        return True

    def demand_pages(self, count: int) -> None:
        """Raise UpstreamError where there are more pages than were read."""
        if max(1, count) < self._pages:
            raise _goes_on(self._store, self._place)

    def _demand_reached(self) -> None:
        if self._total is not None and self.position < self._total:
            raise _too_few(self._store, self._place)


def _is_part(page: Page) -> bool:
    """Whether the words beside a list say that it is not all of it."""
    count = len(page.rows)
    return page.goes_on or page.pages > 1 or max(page.least, page.total or 0) > count


async def _found(ask: Ask, parameters: Parameters, link: str | None = None) -> Page:
    page = await ask(parameters, link, False)
    assert page is not None
    return page


def _size(most: int, needed: int | None) -> int:
    return most if needed is None else max(1, min(most, needed))


def _asked(name: str, size: int) -> Parameters:
    return [(name, str(size))] if name else []


def _too_few(store: str, place: str) -> UpstreamError:
    advice = "if the total counts something else, leave total_at= or total_header= out"
    return UpstreamError(store, f"{place}: the list ends before the total it tells; {advice}")


def _goes_on(store: str, place: str) -> UpstreamError:
    return UpstreamError(store, f"{place}: it leads to a next page where the list should end; declare how it pages")
