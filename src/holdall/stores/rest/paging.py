"""How an API gives a list in pages, and how to ask for the next one."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

__all__ = ["Cursor", "LastRecord", "LinkHeader", "Offset", "PageSize", "Paging"]


class PageSize(msgspec.Struct, frozen=True, kw_only=True):
    """Pages by number: ``?page=2&page_size=100``. ``most`` is the largest page the API gives.

    ``size`` is empty where the API has no such parameter; its pages are then of ``most`` records. Without a total, the
    end is known by an empty page, or a 404 instead; ``short_page_ends`` says that one which is not full is the last.

    Example: :func:`open_rest`.
    """

    page: str = "page"
    size: str = "page_size"
    most: int = 100
    first: int = 1
    short_page_ends: bool = False


class Offset(msgspec.Struct, frozen=True, kw_only=True):
    """Pages by position: ``?offset=100&limit=100``; otherwise as ``PageSize``.

    >>> from holdall.stores.rest import RestCollection
    >>> RestCollection(path="/books/{id}", paging=Offset(offset="start", size="count")).paging.size
    'count'
    """

    offset: str = "offset"
    size: str = "limit"
    most: int = 100
    short_page_ends: bool = False


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """Pages by a text that each page gives for the next one, at ``next_at`` of its body; none there ends the list.

    An empty page that gives its own cursor once more ends it, too. ``is_url``: what stands there is the address of the
    next page, which must lie on the same host.

    >>> from holdall.stores.rest import RestCollection
    >>> RestCollection(path="/books/{id}", list_at="items", paging=Cursor(next_at="next")).paging.next_at
    'next'
    """

    next_at: str
    cursor: str = "cursor"
    size: str = "limit"
    most: int = 100
    is_url: bool = False


class LastRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Pages by the last record that was given: ``?starting_after=cus_17&limit=100``, ``?since=4711``.

    ``field`` is the field whose value is sent, the key if it is left out. ``more_at`` is where a page says whether
    there are more; without it the end is known by an empty page.

    >>> from holdall.stores.rest import RestCollection
    >>> paging = LastRecord(parameter="since", more_at="")
    >>> RestCollection(path="/users/{id}", paging=paging).paging.parameter
    'since'
    """

    parameter: str = "starting_after"
    field: str = ""
    more_at: str = ""
    size: str = "limit"
    most: int = 100


class LinkHeader(msgspec.Struct, frozen=True, kw_only=True):
    """Pages by the header ``Link: <…>; rel="next"`` (RFC 8288).

    >>> from holdall.stores.rest import RestCollection
    >>> RestCollection(path="/books/{id}", paging=LinkHeader(most=50)).paging.most
    50
    """

    size: str = "per_page"
    most: int = 100


Paging: TypeAlias = PageSize | Offset | Cursor | LastRecord | LinkHeader
