"""The JSON around a page of records or groups."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import starmap

import msgspec

from holdall.query import Value
from holdall.session import Estimate, Session
from holdall.web.listing import Listing

__all__ = ["cursor_text", "groups_envelope", "groups_page", "keyset_envelope", "page_envelope"]

_encode = msgspec.json.Encoder().encode


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
    return b'{"data":%b,"total_count":%b,"page_size":%d,"next":%b}' % (data, count, page_size, cursor_text(cursor))


def _with_note(body: bytes, total: Estimate) -> bytes:
    """The envelope of a page, which says whether its total is an estimate."""
    return body if total.is_exact else b'%b,"total_is_estimated":true}' % body[:-1]


def cursor_text(cursor: str | None) -> bytes:
    """A cursor as JSON."""
    return b"null" if cursor is None else b'"%b"' % cursor.encode()
