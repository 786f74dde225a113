"""Pages of a list, read and encoded piece by piece, so that large records neither make large answers nor are all held.

The size of a page is bounded in bytes. How large the records of a collection are is learned from its pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from holdall.errors import CorruptRecord
from holdall.model import Record
from holdall.query import AnyQuery, Key, Kind, Query, Schema, Value
from holdall.session import Readable, Session
from holdall.store import Damaged, Feature, Rows
from holdall.web.cursor import Cursors
from holdall.web.including import Including
from holdall.web.listing import Listing
from holdall.web.problem import Problem
from holdall.web.view import CollectionView

__all__ = ["Page", "Pages", "may_be_large"]

_PIECE = 100  # records at once, where they may be large
_LARGE_PIECE, _SMALL_RECORD = 512, 4_096  # records at once, where they are known to have less than so many bytes
_FORGETS = 8  # pages after which a size that was learned counts for little


class Page(msgspec.Struct):
    """A page so far: its records as JSON, how many rows it took, those that cannot be read, and its last record.

    ``whole`` is the JSON array of a page that came in one piece; else ``parts`` are its items, several in each.
    ``is_cut`` if there are more that it had no room for. ``rows`` are those of the last piece where some of them cannot
    be read.
    """

    whole: bytes = b""
    parts: list[bytes] = []
    size: int = 0
    count: int = 0
    broken: list[CorruptRecord] = []
    last: Any = None
    rows: Rows = []
    is_cut: bool = False

    @property
    def data(self) -> bytes:
        """The records as a JSON array."""
        return self.whole or b"[%b]" % b",".join(self.parts)


_EMPTY = Page()


class Pages:
    """Reads the pages of one collection; a page has ``most`` bytes of records, or one record."""

    def __init__(self, view: CollectionView, cursors: Cursors, most: int) -> None:
        self._view = view
        self._cursors = cursors
        self._most = most
        self._features = view.binding.store.capabilities.features
        self._may_be_large = may_be_large(view.binding.schema)
        self._learned: float = 0.0  # bytes of a record
        self.including = Including(most)

    async def read(self, session: Session, listing: Listing) -> Page:
        """The page. Raises Problem (422) where it has no room for its records and cannot say how to go on."""
        if self.come_whole(listing) and (whole := await self._whole(session, listing)) is not None:
            return whole
        left, is_in_pieces = listing.page_size, self._is_in_pieces(listing)
        page, query = Page(), listing.query
        while True:
            size = self._piece_size(page, left) if is_in_pieces else left
            piece = await self._piece(session, query if size == left else msgspec.structs.replace(query, max_rows=size))
            await self._take(session, page, piece, listing)
            left -= size
            if page.is_cut or not left or _count(piece) < size:
                break
            if page.size >= self._most:
                page.is_cut = True
                break
            query = await self._behind(session, listing, query, page, size)
            query = msgspec.structs.replace(query, max_rows=left)
        self._learn(page.size, page.count)
        return page

    def come_whole(self, listing: Listing) -> bool:
        """Whether a page is small enough, by what is known of its records, to be read at once."""
        return not self._is_in_pieces(listing) or listing.page_size <= self._piece_size(_EMPTY, listing.page_size)

    def takes(self, size: int, count: int) -> bool:
        """Learn the size of records, and return whether a page has room for them."""
        if size > self._most:
            return False
        self._learn(size, count)
        return True

    def _learn(self, size: int, count: int) -> None:
        """Take note of how many bytes some records had."""
        if count:
            found = size / count
            self._learned = max(found, self._learned + (found - self._learned) / _FORGETS)

    def _is_in_pieces(self, listing: Listing) -> bool:
        return self._may_be_large and self._can_go_on(listing)

    async def _whole(self, session: Session, listing: Listing) -> Page | None:
        """The page in one piece, as nearly all are; None where it has no room, or a record cannot be read."""
        try:
            records = await self._view.handle_get_many(session, listing.query)
        except CorruptRecord:
            return None
        shown = await self.shown(session, records, listing)
        if not self.takes(len(shown), len(records)):
            return None
        return Page(shown, size=len(shown), count=len(records), last=records[-1] if records else None)

    async def shown(self, session: Session, records: Sequence[Any], listing: Listing) -> bytes:
        """The records, or rows, as a JSON array, with what is included in them."""
        if listing.includes:
            return await self.including.shown(session, self._view, records, listing.names, listing.includes)
        return await self._view.shown(records, self._view.visible(session.user, listing.names), listing.shape)

    def _can_go_on(self, listing: Listing) -> bool:
        if self._view.binding.is_keyless and not listing.cursor_keys:
            return False
        return (Feature.KEYSET if listing.is_keyset else Feature.OFFSET) in self._features

    def _piece_size(self, page: Page, left: int) -> int:
        """How many records to read at once: as many as there is room for, by what is known of their size."""
        known = max(page.size / page.count if page.count else 0.0, self._learned)
        room = int((self._most - page.size) / known) + 1 if known else _PIECE
        return max(1, min(left, _LARGE_PIECE if 0 < known < _SMALL_RECORD else _PIECE, room))

    async def _piece(self, session: Session, query: AnyQuery) -> Readable[Any]:
        try:
            return Readable(await self._view.handle_get_many(session, query), [], [])
        except CorruptRecord:
            return await self._readable(session, query)

    async def _readable(self, session: Session, query: AnyQuery) -> Readable[Any]:
        """Read the records of a piece that can be read; keys are asked for too, so that each broken record is named by
        its own.
        """
        keys = tuple([(name,) for name in self._view.binding.schema.key if (name,) not in query.projection])
        if not query.projection or not keys:
            return await self._view.handle_get_readable(session, query)
        size = len(query.projection)
        whole = msgspec.structs.replace(query, projection=(*query.projection, *keys))
        found = await self._view.handle_get_readable(session, whole)
        return Readable([row[:size] for row in found.records], found.broken, found.rows)

    async def _take(self, session: Session, page: Page, piece: Readable[Any], listing: Listing) -> None:
        """Put the records of a piece into the page, as far as there is room."""
        shown = await self.shown(session, piece.records, listing)
        records: Sequence[Record] = piece.records
        broken = piece.broken
        if page.size + len(shown) <= self._most:
            parts = [shown[1:-1]] if records else []
        else:
            shown, parts, size = b"", [], page.size
            for record in records:
                part = (await self.shown(session, [record], listing))[1:-1]
                if size + len(part) > self._most and (parts or page.parts):
                    page.is_cut, records = True, records[: len(parts)]
                    broken = self._broken_before(piece, records) if listing.shape is None else broken
                    break
                parts.append(part)
                size += len(part)
        page.parts += parts
        page.size += sum(map(len, parts))
        page.count += len(records) + len(broken)
        page.broken += broken
        if records or not page.is_cut:  # else those of the piece before tell how far the page reaches
            page.rows = [] if page.is_cut else piece.rows
        page.last = records[-1] if records else page.last

    def _broken_before(self, piece: Readable[Any], records: Sequence[Record]) -> list[CorruptRecord]:
        """Those broken records of a piece that lie before the last of these; the others are of the next page."""
        if not records or not piece.broken:
            return []
        keys, last = list[Key](), records[-1].__key__()
        for row in piece.rows:
            keys.append(self._view.binding.row_key(row))
            if keys[-1] == last:
                break
        unknown = iter([key for key in keys if _is_damaged(key)])
        return [
            each for each in piece.broken if (next(unknown, None) is not None if each.key is None else each.key in keys)
        ]

    # --- going on -----------------------------------------------------------------------------------------------------

    async def _behind(self, session: Session, listing: Listing, query: AnyQuery, page: Page, size: int) -> AnyQuery:
        if not listing.is_keyset:
            return msgspec.structs.replace(query, skip=query.skip + size)
        return query.after(*(await self._position(session, listing, page) or ()))

    async def cursor(self, session: Session, listing: Listing, page: Page) -> str | None:
        """Return the value of ``after`` for the page behind this one; None where its last record has gone meanwhile.

        Raises Problem (422) for a page that was cut, by its bytes, where the store reads none behind a position.
        """
        if page.is_cut and (Feature.KEYSET not in self._features or self._view.binding.is_keyless):
            detail = f"The records of this page have more than {self._most} bytes; ask for a smaller page_size."
            raise Problem(422, "limit", detail)
        position = await self._position(session, listing, page)
        if position is None:
            return None
        return self._cursors.make(listing.query.collection, listing.cursor_keys, position)

    async def _position(self, session: Session, listing: Listing, page: Page) -> tuple[Value, ...] | None:
        """The place of the page's last row in the order. Raises CorruptRecord where it cannot be read."""
        paths = tuple([key.path for key in listing.cursor_keys])
        if page.rows:
            return self._readable_position(paths, page)
        by_name = self._view.declaration.by_name
        if listing.shape is None and all(len(path) == 1 and path[0] in by_name for path in paths):
            return tuple([by_name[name].encode(by_name[name].get(page.last)) for (name,) in paths])
        query = listing.query
        asked: AnyQuery = Query(query.collection, query.condition, listing.cursor_keys, 1, projection=paths)
        if listing.shape is None:
            asked = Query(query.collection, self._view.meets(page.last.__key__()), projection=paths)
        else:  # of a projection, which need not have what it is sorted by
            asked = msgspec.structs.replace(asked, skip=query.skip + page.count - 1)
        rows = await session.rows(asked)
        return rows[0] if rows else None

    def _readable_position(self, paths: Sequence[tuple[str, ...]], page: Page) -> tuple[Value, ...]:
        """The place of the last row of which it can be read."""
        names = [field.name for field in self._view.binding.schema.stored]
        if all(len(path) == 1 for path in paths) and len(page.rows[-1]) == len(names):
            for row in reversed(page.rows):
                position = tuple([row[names.index(name)] for (name,) in paths])
                if not any(isinstance(value, Damaged) for value in position):
                    return position
        raise page.broken[0]


def _is_damaged(key: Key) -> bool:
    return any(isinstance(part, Damaged) for part in (key if isinstance(key, tuple) else (key,)))


def _count(piece: Readable[Any]) -> int:
    return len(piece.records) + len(piece.broken)


def may_be_large(schema: Schema) -> bool:
    """Whether a record may have values that nothing bounds, or that are large all the same."""
    return any(
        field.kind in (Kind.BYTES, Kind.JSON, Kind.MANY)
        or (field.kind is Kind.STR and (field.max_length is None or field.max_length > _SHORT))
        for field in schema.stored
    )


_SHORT = 255  # characters
