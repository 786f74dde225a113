"""A file that lists a collection's records: its rows, and its text with items changed, removed and appended.

After a change only the items beside it are read again: what an item is depends on its own text alone, and each of the
others begins where it began.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

from holdall.query import Schema
from holdall.stores.yaml.damage import damaged_row
from holdall.stores.yaml.document import set_fields, update_record
from holdall.stores.yaml.edit import Editor
from holdall.stores.yaml.emit import emit_item
from holdall.stores.yaml.errors import Misfit, Unreadable
from holdall.stores.yaml.node import Entry, Form, Node
from holdall.stores.yaml.parse import Reader, read
from holdall.stores.yaml.record import Row, row_of
from holdall.stores.yaml.same import same
from holdall.stores.yaml.source import Change, Source, ordered

__all__ = ["Listing"]

_REFUSAL = "its items cannot be changed without changing others; edit the file by hand"


_UNREAD = Entry(0, 0, None, Node(None, 0, 0, Form.NOTHING))


class Listing:
    """The rows of a text; ``starts`` is where the items of its list begin, which is in brackets if it ``is_flow``."""

    def __init__(self, schema: Schema, source: Source, rows: list[Row], starts: list[int], *, is_flow: bool) -> None:
        self.schema = schema
        self.source = source
        self.rows = rows
        self.starts = starts
        self.is_flow = is_flow

    @classmethod
    def of(cls, schema: Schema, text: str) -> Listing:
        """The listing that a text is, ``Damaged`` in the rows for what cannot be read. Raises Misfit and Unreadable."""
        source = Source(text)
        reader = Reader(source.text)
        values = reader.document()
        if not isinstance(values, list | None):
            raise Misfit(f"a list of {schema.name} is expected: each record begins with a dash")
        return cls(schema, source, [_row(schema, item) for item in values or ()], reader.starts, is_flow=reader.is_flow)

    def label(self, position: int) -> str:
        """The place of a record in the file, for messages."""
        return f"[{position}]"

    def changed(self, changes: Mapping[int, Row | None], added: Sequence[Row]) -> tuple[str, Listing]:
        """The text, and its listing, with rows at some positions changed, or removed where there is none, and others
        appended. Raises Unreadable where that cannot be done without changing other lines."""
        editor = Editor(self.source.text)
        kept = [position for position in range(len(self.rows)) if changes.get(position, ()) is not None]
        if self.is_flow:
            self._change_flow(editor, changes, kept, added)
        elif self.starts:
            self._change_items(editor, changes)
        if not self.is_flow or not kept:
            self._append(editor, [emit_item(set_fields(self.schema, row), self._indent) for row in added], kept)
        text = self.source.changed(editor.changes)
        rows = [*(changes.get(position) or self.rows[position] for position in kept), *added]
        if not kept:
            listing = Listing.of(self.schema, text)
            if not same(listing.rows, rows):
                raise Unreadable(_REFUSAL)
            return text, listing
        listing = Listing(self.schema, Source(text), rows, [], is_flow=self.is_flow)
        starts = list(_moved([self.starts[position] for position in kept], editor.changes))
        beside = {position for changed in changes for position in (changed - 1, changed)} | {len(self.rows) - 1}
        touched = [number for number, position in enumerate(kept) if position in beside]
        if touched[-1:] != [len(kept) - 1]:
            touched.append(len(kept) - 1)
        listing._check(starts, touched, self._column)
        return text, listing

    @property
    def _column(self) -> int | None:
        """That of the items; None in brackets."""
        start = self.starts[0] if self.starts else 0
        return start - self.source.text.rfind("\n", 0, start) - 1 if not self.is_flow else None

    @property
    def _indent(self) -> str:
        return " " * ((self._column or 0) if self.starts else 0)

    def _node(self, reader: Reader, position: int) -> Node:
        reader.item(self.starts[position], self._column)
        return reader.node

    def _change_items(self, editor: Editor, changes: Mapping[int, Row | None]) -> None:
        reader = Reader(self.source.text, has_places=True)
        for position, row in sorted(changes.items()):
            node = self._node(reader, position)
            if row is None:
                editor.remove_lines(self.starts[position], node.end)
            else:
                update_record(editor, self.schema, node, self.rows[position], row)

    def _change_flow(
        self, editor: Editor, changes: Mapping[int, Row | None], kept: Sequence[int], added: Sequence[Row]
    ) -> None:
        if not kept:
            node = read(self.source.text)
            editor.put(node.start, node.end, "")
            return
        reader = Reader(self.source.text, has_places=True)
        for position, row in changes.items():
            if row is not None:
                update_record(editor, self.schema, self._node(reader, position), self.rows[position], row)
        gone = sorted(position for position, row in changes.items() if row is None)
        entries = [_UNREAD] * len(self.rows)
        for position in {*gone, *(position - 1 for position in gone if position), len(entries) - 1}:
            start = self.starts[position]
            entries[position] = Entry(start, start, None, self._node(reader, position))
        node = Node(None, 0, 0, Form.FLOW, entries)
        editor.remove(node, gone)
        if added:
            editor.insert(node, len(entries), [set_fields(self.schema, row) for row in added])

    def _append(self, editor: Editor, items: Sequence[str], kept: Sequence[int]) -> None:
        if not items and kept:
            return
        reader = Reader(self.source.text, has_places=True)
        if kept and not reader.is_ended:
            editor.follow(self._node(reader, kept[-1]))
        end = reader.end if reader.is_ended or not reader.end else reader.end + 1
        editor.put(end, end, "".join(items) or f"{self._indent}[]\n")

    def _check(self, starts: list[int], positions: Sequence[int], column: int | None) -> None:
        """Note where all items begin, those at these positions, the last among them, and the appended ones being read
        and found right.
        """
        reader = Reader(self.source.text)
        if reader.first() != starts[0]:
            raise Unreadable(_REFUSAL)
        self.starts = starts
        for position in positions:
            value = reader.item(starts[position], column)
            following = starts[position + 1] if position + 1 < len(starts) else reader.pos
            if reader.pos != following or not same(_row(self.schema, value), self.rows[position]):
                raise Unreadable(_REFUSAL)
        while reader.pos >= 0:
            self.starts.append(reader.pos)
            value = reader.item(reader.pos, column)
            if len(self.starts) > len(self.rows) or not same(_row(self.schema, value), self.rows[len(self.starts) - 1]):
                raise Unreadable(_REFUSAL)
        if len(self.starts) < len(self.rows):
            raise Unreadable(_REFUSAL)


def _row(schema: Schema, values: object) -> Row:
    try:
        return row_of(schema, values)
    except Misfit as misfit:
        return damaged_row(schema, values, None, str(misfit))


def _moved(starts: Sequence[int], changes: Sequence[Change]) -> Iterator[int]:
    """Where what began at these offsets begins after the changes."""
    in_order = ordered(changes)
    ends = [change.end for change in in_order]
    moves = [0, *accumulate(len(change.text) - change.end + change.start for change in in_order)]
    for start in starts:
        yield start + moves[bisect_left(ends, start + 1)]
