"""A whole collection as CSV or lines of JSON: streamed, so that it takes the memory of one batch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, cast

import msgspec

from holdall.model import csv_lines, csv_row
from holdall.query import Kind
from holdall.session import Session
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
        stored, keeps_formulas = self._view.binding.schema.by_name, listing.keeps_formulas
        of_json = {place for place, name in enumerate(shown) if name in stored and stored[name].kind is Kind.JSON}
        async for records in self._batches(session, listing):
            body = await self._view.shown(records, shown)
            if listing.format is Format.NDJSON:
                yield _lines(_items(body))
            else:
                yield head + csv_lines(
                    [
                        csv_row([row[name] for name in shown], keeps_formulas=keeps_formulas, of_json=of_json)
                        for row in _rows(body)
                    ]
                )
            head = b""
            await asyncio.sleep(0)  # others have their turn, however quick the client takes it
        if head:
            yield head

    async def _batches(self, session: Session, listing: Listing) -> AsyncIterator[list[Any]]:
        gathered: list[Any] = []
        size = _LARGE_BATCH if self._is_large else BATCH
        stream = cast("AsyncGenerator[Any]", aiter(session.stream(listing.query, batch=size)))
        async with aclosing(stream):
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
