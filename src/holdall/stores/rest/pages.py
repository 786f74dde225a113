"""A list page by page, in whichever of the four ways the API gives it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

import msgspec
from yarl import URL

from holdall.errors import StoreError
from holdall.store import Row
from holdall.stores.rest.paging import Cursor, LinkHeader, Offset, PageSize, Paging
from holdall.stores.rest.spelling import Parameters

__all__ = ["Page", "can_skip", "pages"]

_NEXT = re.compile(r'<([^<>]*)>\s*(?:;[^,<]*)?;\s*rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next\b)', re.IGNORECASE)


class Page(msgspec.Struct, gc=False):
    """The rows of one answer, how many there are in all, and what it says of the next page, where it says so."""

    rows: list[Row]
    total: int | None
    next: str | None
    links: str
    url: URL
    place: str


Ask: TypeAlias = Callable[[Parameters, str | None], Awaitable[Page]]
"""A function that gives the page for parameters, or the one at the URL an earlier page named."""


def can_skip(paging: Paging | None) -> bool:
    """Whether a list can be begun at any record."""
    return isinstance(paging, PageSize | Offset)


async def pages(
    store: str, paging: Paging | None, ask: Ask, parameters: Parameters, skip: int, needed: int | None
) -> AsyncIterator[Page]:
    """The pages from the record after ``skip``, which only some ways allow; ``needed`` records are enough."""
    match paging:
        case None:
            page = await ask(parameters, None)
            if page.total is not None and page.total > len(page.rows):
                raise StoreError(store, f"{page.place}: the list is only a part of it; declare how it pages")
            yield page
        case PageSize() | Offset():
            async for page in _numbered(store, paging, ask, parameters, skip, needed):
                yield page
        case Cursor():
            async for page in _by_cursor(store, paging, ask, parameters, needed):
                yield page
        case LinkHeader():
            page = await ask([*parameters, *_size(paging.size, paging.most, needed)], None)
            yield page
            while (found := _NEXT.search(page.links)) is not None:
                page = await ask([], found[1])
                yield page


async def _numbered(
    store: str, paging: PageSize | Offset, ask: Ask, parameters: Parameters, skip: int, needed: int | None
) -> AsyncIterator[Page]:
    size = paging.most if needed is None else max(1, min(paging.most, needed))
    if isinstance(paging, PageSize) and skip % size:
        size = paging.most
    number = skip // size
    dropped = skip % size if isinstance(paging, PageSize) else 0
    position, is_uneven = skip - dropped, False
    while True:
        if isinstance(paging, PageSize):
            place = [(paging.page, str(paging.first + number)), (paging.size, str(size))]
        else:
            place = [(paging.offset, str(position)), (paging.size, str(size))]
        page = await ask([*parameters, *place], None)
        count = len(page.rows)
        # a total may be cut off at some number, so a full page is never taken for the last one
        is_end = not count or (count != size and page.total is not None and position + count >= page.total)
        if is_uneven and count and isinstance(paging, PageSize) and skip:
            raise StoreError(store, f"{page.place}: its pages are not of {size} records; declare the right most=")
        is_uneven = is_uneven or count != size
        if dropped:
            page.rows, dropped = page.rows[dropped:], 0
        yield page
        if is_end or (count < size and paging.short_page_ends):
            return
        number, position = number + 1, position + count


async def _by_cursor(
    store: str, paging: Cursor, ask: Ask, parameters: Parameters, needed: int | None
) -> AsyncIterator[Page]:
    sized: list[Any] = [*parameters, *_size(paging.size, paging.most, needed)]
    page = await ask(sized, None)
    seen: str | None = None
    while True:
        yield page
        if not page.next:
            return
        if page.next == seen:
            raise StoreError(store, f"{page.place}: it gives the same cursor again")
        seen = page.next
        page = await (ask([], seen) if paging.is_url else ask([*sized, (paging.cursor, seen)], None))


def _size(name: str, most: int, needed: int | None) -> Parameters:
    return [(name, str(most if needed is None else max(1, min(most, needed))))] if name else []
