"""Rows of selections: in pages, by number or by cursor, and in files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import cast

import msgspec

from holdall.errors import CorruptRecord
from holdall.model import csv_lines, csv_objects, json_names
from holdall.query import AnyQuery, Path, Row, Value
from holdall.selections import AnySelection, Column
from holdall.session import Session
from holdall.web.acting.selected import Selected, label_of
from holdall.web.cursor import Cursors
from holdall.web.envelopes import keyset_envelope, page_envelope
from holdall.web.export import BATCH
from holdall.web.formats import Format
from holdall.web.view import CollectionView

__all__ = ["SelectionPages"]

_PIECE = 100  # rows at once, as nothing bounds how large they are
_encode = msgspec.json.Encoder().encode
_object = msgspec.json.Decoder(dict[str, Value]).decode


class SelectionPages:
    """Reads and shows the rows of the selections of one collection; a page has ``most`` bytes, or one row."""

    def __init__(self, view: CollectionView, cursors: Cursors, most: int) -> None:
        self._view = view
        self._cursors = cursors
        self._most = most

    async def envelope(self, session: Session, selection: AnySelection, asked: Selected) -> bytes:
        """The JSON of one page."""
        rows, last, is_cut = await self._rows(session, selection, asked)
        data = b"[%b]" % b",".join(rows)
        skip = 0 if asked.is_keyset else (asked.page - 1) * asked.page_size
        total: int | None = None
        if asked.is_counted:
            is_last = len(rows) < asked.page_size and not is_cut and asked.position is None and (rows or not skip)
            total = skip + len(rows) if is_last else await session.count(asked.query)
        if not asked.is_keyset and not is_cut:
            return page_envelope(data, total, asked.page, asked.page_size)
        has_more = is_cut or len(rows) == asked.page_size
        following = self._cursors.make(label_of(selection), asked.keys, last) if has_more and last is not None else None
        if asked.is_keyset:
            return keyset_envelope(data, total, asked.page_size, following)
        envelope = page_envelope(data, total, asked.page, asked.page_size)
        return b'%b,"truncated":true,"next":%b}' % (envelope[:-1], _encode(following))

    async def _rows(
        self, session: Session, selection: AnySelection, asked: Selected
    ) -> tuple[list[bytes], tuple[Value, ...] | None, bool]:
        """The rows of a page as JSON, the position of the last of them, and whether there was no room for the rest."""
        query = msgspec.structs.replace(asked.query, sort_keys=asked.keys, position=asked.position)
        if not asked.is_keyset:
            query = query.offset((asked.page - 1) * asked.page_size)
        shown: list[bytes] = []
        last: tuple[Value, ...] | None = None
        size = 0
        while len(shown) < asked.page_size:
            wanted = min(_PIECE, asked.page_size - len(shown))
            pairs = await self._piece(session, selection, asked, query.limit(wanted))
            for row, position in pairs:
                if shown and size + len(row) > self._most:
                    return shown, last, True
                shown.append(row)
                size += len(row)
                last = position
            if len(pairs) < wanted or last is None:
                break
            query = query.offset(0).after(*last)
        return shown, last, False

    async def _piece(
        self, session: Session, selection: AnySelection, asked: Selected, query: AnyQuery
    ) -> list[tuple[bytes, tuple[Value, ...]]]:
        """Rows as JSON, each with its position."""
        columns = selection.columns
        if not columns:
            return await self._records(session, query, asked)
        paths: list[Path] = [column.path for column in columns]
        places = []
        for key in asked.keys:
            if key.path not in paths:
                paths.append(key.path)
            places.append(paths.index(key.path))
        rows = await session.rows(msgspec.structs.replace(query, projection=tuple(paths)))
        encode = self._encoder(columns, is_listed=asked.is_listed)
        return [(encode(row), tuple([row[place] for place in places])) for row in rows]

    async def _records(
        self, session: Session, query: AnyQuery, asked: Selected
    ) -> list[tuple[bytes, tuple[Value, ...]]]:
        """Whole records as JSON, for a selection without columns."""
        keys = self._view.binding.schema.key
        paths = [key.path for key in asked.keys]
        rows = await session.rows(query.only(*paths))
        places = [paths.index((name,)) for name in keys]
        positions: dict[Value, tuple[Value, ...]] = {
            tuple([row[place] for place in places]): tuple(row) for row in rows
        }
        records: list[Value] = await session.query(query)
        names = self._view.visible(session.user, None)
        found = []
        for record in records:
            key = record.__key__()
            position = positions.get(key if len(keys) > 1 else (key,))
            if position is not None:  # else it came between the two questions
                found.append((await self._view.shown_one(record, names), position))
        return found

    def _encoder(
        self, columns: Sequence[Column], *, is_listed: bool, is_decoded: bool = False
    ) -> Callable[[Row], bytes]:
        """The function from a row to its JSON; border values, unless it ``is_decoded``, more than there are columns."""
        showers = [_shower(column, is_decoded=is_decoded) for column in columns]
        names = [column.name for column in columns]

        def encode(row: Row) -> bytes:
            values = self._shown(showers, names, row)
            return _encode(values if is_listed else dict(zip(names, values, strict=True)))

        return encode

    def _shown(self, showers: Sequence[Callable[[Value], Value] | None], names: list[str], row: Row) -> list[Value]:
        try:
            return [
                value if show is None or value is None else show(value)
                for show, value in zip(showers, row, strict=False)
            ]
        except (LookupError, TypeError, ValueError) as error:
            binding = self._view.binding
            reason = f"one of {', '.join(names)} is stored as something that the model does not know"
            raise CorruptRecord(binding.store.name, binding.collection, reason, fields=tuple(names)) from error

    # --- files --------------------------------------------------------------------------------------------------------

    async def parts(self, session: Session, selection: AnySelection, asked: Selected) -> AsyncGenerator[bytes]:
        """All rows as CSV or as lines of JSON."""
        columns = selection.columns
        names = [column.name for column in columns] or list(
            self._view.visible(session.user, None) or self._view.declaration.json_output.names
        )
        head = csv_lines([names]) if asked.format is Format.CSV else b""
        gathered: list[Value] = []
        stream = cast("AsyncGenerator[Value]", aiter(session.stream(asked.query, batch=BATCH)))
        async with aclosing(stream):
            async for row in stream:
                gathered.append(row)
                if len(gathered) == BATCH:
                    yield head + await self._part(gathered, columns, names, asked)
                    head, gathered = b"", []
                    await asyncio.sleep(0)  # others have their turn, however quick the client takes it
        if gathered or head:
            yield head + await self._part(gathered, columns, names, asked)

    async def _part(self, rows: list[Value], columns: Sequence[Column], names: list[str], asked: Selected) -> bytes:
        if columns:
            lines = list(map(self._encoder(columns, is_listed=False, is_decoded=True), rows))
        else:
            lines = [await self._view.shown_one(row, names) for row in rows]
        if asked.format is Format.NDJSON:
            return b"".join([line + b"\n" for line in lines])
        of_json = json_names(self._view.binding.schema)
        if columns:
            of_json = frozenset([each.name for each in columns if each.is_json])
        return csv_objects(map(_object, lines), names, keeps_formulas=asked.keeps_formulas, of_json=of_json)


def _shower(column: Column, *, is_decoded: bool) -> Callable[[Value], Value] | None:
    """The function from a value to what is shown of it; None where they are the same."""
    if is_decoded:
        return column.shown
    field = column.field
    if field is None or field.type is None:
        return None
    decode = field.type.decode
    if field.type.own is None:
        return decode
    return field.shown if decode is None else lambda value: field.shown(decode(value))
