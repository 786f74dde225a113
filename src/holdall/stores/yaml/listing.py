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
from holdall.stores.yaml.parse import Reader, read
from holdall.stores.yaml.record import Row, row_of
from holdall.stores.yaml.same import same
from holdall.stores.yaml.source import Change, Source, ordered

__all__ = ["Listing"]

_REFUSAL = "its items cannot be changed without changing others; edit the file by hand"


class Listing:
    """The rows of a text; ``starts`` is where the items begin of a list that is in block form."""

    def __init__(self, schema: Schema, source: Source, rows: list[Row], starts: list[int]) -> None:
        self.schema = schema
        self.source = source
        self.rows = rows
        self.starts = starts

    @classmethod
    def of(cls, schema: Schema, text: str) -> Listing:
        """The listing that a text is, ``Damaged`` in the rows for what cannot be read. Raises Misfit and Unreadable."""
        source = Source(text)
        reader = Reader(source.text)
        values = reader.document()
        if not isinstance(values, list | None):
            raise Misfit(f"a list of {schema.name} is expected: each record begins with a dash")
        return cls(schema, source, [_row(schema, item) for item in values or ()], reader.starts)

    def changed(self, changes: Mapping[int, Row | None], added: Sequence[Row]) -> tuple[str, Listing]:
        """The text, and its listing, with rows at some positions changed, or removed where there is none, and others
        appended. Raises Unreadable where that cannot be done without changing other lines."""
        editor = Editor(self.source.text)
        kept = [position for position in range(len(self.rows)) if changes.get(position, ()) is not None]
        if self.starts:
            self._change_items(editor, changes)
        else:
            self._change_flow(editor, changes, kept)
        if self.starts or not kept:
            self._append(editor, [emit_item(set_fields(self.schema, row), self._indent) for row in added], kept)
        elif added:
            editor.insert(read(editor.text), len(self.rows), [set_fields(self.schema, row) for row in added])
        text = self.source.changed(editor.changes)
        rows = [*(changes.get(position) or self.rows[position] for position in kept), *added]
        listing = Listing(self.schema, Source(text), rows, [])
        if self.starts and kept:
            starts = list(_moved([self.starts[position] for position in kept], editor.changes))
            beside = {position for changed in changes for position in (changed - 1, changed)} | {len(self.rows) - 1}
            touched = [number for number, position in enumerate(kept) if position in beside]
            listing.starts = listing._checked(starts, touched, self._column)
        else:
            again = Listing.of(self.schema, text)
            if not same(again.rows, rows):
                raise Unreadable(_REFUSAL)
            listing.starts = again.starts
        return text, listing

    @property
    def _column(self) -> int:
        start = self.starts[0] if self.starts else 0
        return start - self.source.text.rfind("\n", 0, start) - 1 if self.starts else 0

    @property
    def _indent(self) -> str:
        return " " * self._column

    def _change_items(self, editor: Editor, changes: Mapping[int, Row | None]) -> None:
        reader = Reader(editor.text, has_places=True)
        for position, row in sorted(changes.items()):
            start = self.starts[position]
            next(reader.items(start, start + 1, self._column))
            if row is None:
                editor.remove_lines(start, reader.node.end)
            else:
                update_record(editor, self.schema, reader.node, self.rows[position], row)

    def _change_flow(self, editor: Editor, changes: Mapping[int, Row | None], kept: Sequence[int]) -> None:
        node = read(editor.text)
        if not kept:
            editor.put(node.start, node.end, "")
            return
        for position, row in changes.items():
            if row is not None:
                update_record(editor, self.schema, node.entries[position].node, self.rows[position], row)
        editor.remove(node, sorted(position for position, row in changes.items() if row is None))

    def _append(self, editor: Editor, items: Sequence[str], kept: Sequence[int]) -> None:
        if not items and kept:
            return
        reader = Reader(editor.text)
        text = "".join(items) or f"{self._indent}[]\n"
        editor.put(reader.end, reader.end, text if reader.is_ended or not reader.end else f"\n{text}")

    def _checked(self, starts: list[int], positions: Sequence[int], column: int) -> list[int]:
        """Where all items begin, those at these positions and the appended ones being read and found right."""
        reader = Reader(self.source.text)
        if reader.first() != starts[0]:
            raise Unreadable(_REFUSAL)
        for position in positions:
            row = _row(self.schema, next(iter(reader.items(starts[position], starts[position] + 1, column)))[1])
            is_last = position + 1 == len(starts)
            if not same(row, self.rows[position]) or (not is_last and reader.pos != starts[position + 1]):
                raise Unreadable(_REFUSAL)
        appended: list[int] = []
        for start, value in reader.items(reader.pos, len(reader.text), column) if reader.column == column else ():
            if not same(_row(self.schema, value), self.rows[len(starts) + len(appended)]):
                raise Unreadable(_REFUSAL)
            appended.append(start)
        if reader.column >= 0 or len(starts) + len(appended) != len(self.rows):
            raise Unreadable(_REFUSAL)
        return [*starts, *appended]


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
