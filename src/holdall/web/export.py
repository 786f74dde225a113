"""A whole collection as CSV or lines of JSON: streamed, so that it takes the memory of one batch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any, cast

import msgspec

from holdall.model import UNENCODABLE, RowOutput, csv_lines, csv_objects, json_names
from holdall.query import Value
from holdall.session import Session, records_of
from holdall.web.asgi import Scope, header_list
from holdall.web.conditional import NOT_MET, meets_if_match
from holdall.web.formats import MEDIA_TYPES, Format
from holdall.web.listing import Listing
from holdall.web.pages import may_be_large
from holdall.web.reply import Reply
from holdall.web.view import CollectionView

__all__ = ["BATCH", "Exports", "file_reply"]

BATCH = 1_000
"""Records that are read and written together."""

_LARGE_BATCH = 100  # where nothing bounds how large a record is
_lines = msgspec.json.Encoder().encode_lines
_rows = msgspec.json.Decoder(list[dict[str, Any]]).decode
_items = msgspec.json.Decoder(list[msgspec.Raw]).decode


_Stream = AsyncGenerator[Value]
_Write = Callable[[list[Value]], Awaitable[bytes]]


class Exports:
    """Writes the records of one collection. Example: ``GET /books?format=csv``."""

    def __init__(self, view: CollectionView) -> None:
        self._view = view
        self._is_large = may_be_large(view.binding.schema)

    async def reply(self, scope: Scope, session: Session, listing: Listing) -> Reply:
        """The answer, its first batch read. Raises what reading raises, and Problem for a tag, as it has none."""
        demanded = header_list(scope, b"if-match")
        if demanded is not None and not meets_if_match(demanded, b""):
            raise NOT_MET
        return await file_reply(scope, self._view.binding.collection, listing.format, self._parts(session, listing))

    async def _parts(self, session: Session, listing: Listing) -> AsyncGenerator[bytes]:
        names = self._view.visible(session.user, listing.names)
        shown = tuple(self._view.declaration.json_output.names if names is None else names)
        head = csv_lines([shown]) if listing.format is Format.CSV else b""
        by_rows = self._is_of_rows(session, shown)
        write = self._of_rows(shown, listing) if by_rows else partial(self._of_records, shown, listing)
        async for items in self._batches(session, listing, by_rows=by_rows):
            yield head + await write(items)
            head = b""
            await asyncio.sleep(0)  # others have their turn, however quick the client takes it
        if head:
            yield head

    def _is_of_rows(self, session: Session, shown: Sequence[str]) -> bool:
        """Whether rows say all that is shown: nothing is computed, and no record of the session stands for one."""
        binding = self._view.binding
        return binding.schema.by_name.keys() >= set(shown) and not session.context.records.of(binding.model)

    def _of_rows(self, shown: Sequence[str], listing: Listing) -> _Write:
        names = shown
        if listing.format is not Format.CSV:
            names = [name for name in self._view.declaration.json_output.names if name in shown]
        output = RowOutput(self._view.declaration.stored, names)

        async def write(rows: list[Value]) -> bytes:
            try:
                if listing.format is Format.CSV:
                    return output.csv(rows, keeps_formulas=listing.keeps_formulas)
                return output.ndjson(rows)
            except UNENCODABLE:  # the records say what is wrong
                return await self._of_records(shown, listing, records_of(self._view.binding, rows))

        return write

    async def _of_records(self, shown: Sequence[str], listing: Listing, records: list[Value]) -> bytes:
        body = await self._view.shown(records, shown)
        if listing.format is Format.NDJSON:
            return _lines(_items(body))
        of_json = json_names(self._view.binding.schema)
        return csv_objects(_rows(body), shown, keeps_formulas=listing.keeps_formulas, of_json=of_json)

    async def _batches(
        self, session: Session, listing: Listing, *, by_rows: bool = False
    ) -> AsyncIterator[list[Value]]:
        """The rows, or the records, that are written together."""
        gathered: list[Value] = []
        size = _LARGE_BATCH if self._is_large else BATCH
        if by_rows:
            async with aclosing(cast(_Stream, session.context.reader.stream_rows(listing.query, size))) as batches:
                async for rows in batches:
                    gathered += rows
                    while len(gathered) >= size:
                        yield gathered[:size]
                        gathered = gathered[size:]
        else:
            async with aclosing(cast(_Stream, aiter(session.stream(listing.query, batch=size)))) as stream:
                async for record in stream:
                    gathered.append(record)
                    if len(gathered) == size:
                        yield gathered
                        gathered = []
        if gathered:
            yield gathered


async def file_reply(scope: Scope, name: str, form: Format, parts: AsyncGenerator[bytes]) -> Reply:
    """The answer that is a file, its first part read."""
    first = b"" if scope["method"] == "HEAD" else await anext(parts, b"")
    disposition = b'attachment; filename="%b"' % f"{name}.{form}".encode("ascii", "replace").replace(b'"', b"_")
    headers = [
        (b"content-type", MEDIA_TYPES[form]),
        (b"content-disposition", disposition),
        (b"x-content-type-options", b"nosniff"),
        (b"cache-control", b"private, no-store"),
        (b"vary", b"accept"),
    ]
    return Reply(200, headers, first, parts)
