"""A part of a file as the records of a collection: a mapping by key, or a list inside a larger document.

Every change is read back as a whole: the records must then be as they should, and everything else as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import msgspec

from holdall.query import Schema, Value
from holdall.stores.yaml.codec import decode, encode
from holdall.stores.yaml.damage import damaged_row
from holdall.stores.yaml.document import set_fields
from holdall.stores.yaml.edit import Editor
from holdall.stores.yaml.emit import emit_inline, emit_item, emit_mapping, entry_lines
from holdall.stores.yaml.errors import Misfit, Unreadable
from holdall.stores.yaml.node import Entry, Form, Node
from holdall.stores.yaml.parse import Reader
from holdall.stores.yaml.record import Row, row_of, written
from holdall.stores.yaml.same import same
from holdall.stores.yaml.source import Source

__all__ = ["Section", "SectionPlace"]

Record: TypeAlias = tuple[Value, Value]
"""The name of a record in a mapping, and what stands there."""

_REFUSAL = "its records cannot be changed without changing others; edit the file by hand"


class SectionPlace(msgspec.Struct, frozen=True):
    """Where the records lie: the names that lead there, a mapping or a list, and the field that bare values are."""

    steps: tuple[str, ...] = ()
    is_mapping: bool = True
    value: str = ""

    @property
    def empty(self) -> Value:
        """The section without records."""
        return {} if self.is_mapping else []


class Section:
    """The rows of one section of a text, ``Damaged`` in them for what cannot be read."""

    def __init__(self, schema: Schema, place: SectionPlace, text: str) -> None:
        self.schema = schema
        self._place = place
        self.source = Source(text)
        self._root = _read(self.source.text)
        self._way = list(_way(self._root, place.steps))
        self._value: Value = self._section_value()
        self._names: list[Value] = list(self._value) if place.is_mapping else []
        items = [self._value[name] for name in self._names] if place.is_mapping else self._value
        self.rows = [self._row(position, item) for position, item in enumerate(items)]

    def label(self, position: int) -> str:
        """The place of a record in the file, for messages."""
        steps = ".".join(self._place.steps)
        if not self._place.is_mapping:
            return f"{steps}[{position}]"
        return f"{steps}.{self._names[position]}" if steps else str(self._names[position])

    def changed(self, changes: Mapping[int, Row | None], added: Sequence[Row]) -> tuple[str, Section]:
        """The text, and its section, with rows at some positions changed, or removed where there is none, and others
        appended. Raises Unreadable where that cannot be done without changing other lines."""
        if self._place.is_mapping and (renamed := self._renamed(changes)):
            return self._with_names(renamed).changed(changes, added)
        kept = self._kept(changes)
        text = self._with_kept(kept) if changes else self.source.changed(())
        whole = self._with_section(kept)
        if added:
            section = Section(self.schema, self._place, text) if changes else self
            text = section._with_added(added)
            more = [self._written(row) for row in added]
            whole = self._with_section(
                {**kept, **dict(more)} if self._place.is_mapping else [*kept, *dict(more).values()]
            )
        found = Section(self.schema, self._place, text)
        rows = [changes.get(n) or row for n, row in enumerate(self.rows) if changes.get(n, ()) is not None]
        if not same(found._root.value or {}, whole or {}) or not same(found.rows, [*rows, *added]):
            raise Unreadable(_REFUSAL)
        return text, found

    # --- reading ------------------------------------------------------------------------------------------------------

    def _section_value(self) -> Value:
        value = self._way[-1].value if len(self._way) > len(self._place.steps) else None
        if value is None:
            return self._place.empty
        if not isinstance(value, dict if self._place.is_mapping else list):
            where = ".".join(self._place.steps) or "the file"
            kind = "a mapping from keys to fields" if self._place.is_mapping else "a list of records"
            raise Misfit(f"{kind} is expected for {self.schema.name}", where)
        return value

    def _row(self, position: int, item: object) -> Row:
        told: dict[str, Value] | None = None
        try:
            if not self._place.is_mapping:
                return row_of(self.schema, item)
            key = self.schema.by_name[self.schema.key[0]]
            told = {key.name: decode(key, self._names[position])}
            return row_of(self.schema, self._fields(item), told)
        except Misfit as misfit:
            return damaged_row(self.schema, self._fields(item), told, str(misfit))

    def _fields(self, item: object) -> object:
        if not self._place.is_mapping:
            return item
        if self._place.value:
            return {self.schema.by_name[self._place.value].column: item}
        return {} if item is None else item

    # --- writing ------------------------------------------------------------------------------------------------------

    def _kept(self, changes: Mapping[int, Row | None]) -> Value:
        """The content of the section after the changes."""
        items = list(self._value.values()) if self._place.is_mapping else list(self._value)
        found = []
        for position, item in enumerate(items):
            row = changes.get(position, self.rows[position])
            if row is not None:
                changed = self._updated(item, self.rows[position], row) if position in changes else item
                found.append((self._names[position] if self._place.is_mapping else None, changed))
        return dict(found) if self._place.is_mapping else [item for _, item in found]

    def _renamed(self, changes: Mapping[int, Row | None]) -> dict[int, Value]:
        """The names that records get whose keys change, by their positions."""
        key = self.schema.by_name[self.schema.key[0]]
        place = self.schema.positions[key.name]
        names = {position: encode(key, row[place]) for position, row in changes.items() if row is not None}
        return {position: name for position, name in names.items() if not same(name, self._names[position])}

    def _with_names(self, renamed: Mapping[int, Value]) -> Section:
        """The section with other names of records at these positions. Raises Unreadable."""
        editor = Editor(self.source.text)
        for position, name in renamed.items():
            entry = self._way[-1].entries[position]
            if entry.mark is None or self.source.text[entry.start] == "?":
                raise Unreadable(_REFUSAL)
            editor.put(entry.start, entry.mark - 1, emit_inline(name))
        found = Section(self.schema, self._place, self.source.changed(editor.changes))
        names = [renamed.get(position, name) for position, name in enumerate(self._names)]
        if not same(found._root.value, self._with_section(dict(zip(names, self._value.values(), strict=True)))):
            raise Unreadable(_REFUSAL)
        return found

    def _updated(self, item: object, old: Row, new: Row) -> object:
        if self._place.value:
            field = self.schema.by_name[self._place.value]
            return encode(field, new[self.schema.positions[field.name]])
        before = item if isinstance(item, dict) else {}
        if item is not None and not isinstance(item, dict):
            raise Unreadable("it is no record; mend it by hand, or remove it")
        changes = {
            name: value
            for (name, value), was, becomes in zip(written(self.schema, new).items(), old, new, strict=True)
            if not same(was, becomes) and (value is not None or name in before)
        }
        return {**before, **changes} if changes or item is not None else None

    def _written(self, row: Row) -> Record:
        """The name of a new record in a mapping, or anything in a list, and what stands there."""
        values = set_fields(self.schema, row)
        if not self._place.is_mapping:
            return id(row), values
        key = self.schema.by_name[self.schema.key[0]]
        name = values.pop(key.column)
        if self._place.value:
            return name, values.get(self.schema.by_name[self._place.value].column)
        return name, values

    def _with_section(self, section: Value) -> Value:
        """The whole document with this in place of the section."""
        return _placed(self._root.value, self._place.steps, section)

    def _with_kept(self, kept: Value) -> str:
        editor = Editor(self.source.text)
        steps = self._place.steps
        if steps:
            parent = self._way[len(steps) - 1]
            editor.update(parent, {**parent.value, steps[-1]: kept})
        elif kept:
            editor.update(self._root, kept)
        elif self._root.form is Form.FLOW:
            editor.put(self._root.start, self._root.end, "{}")
        else:
            editor.remove_lines(self._root.start, self._root.end)
        return self.source.changed(editor.changes)

    def _with_added(self, added: Sequence[Row]) -> str:
        editor, steps = Editor(self.source.text), self._place.steps
        records = [self._written(row) for row in added]
        node = self._way[-1] if len(self._way) > len(steps) else None
        if node is not None and node.entries:
            self._append(editor, node, records)
        elif steps and len(self._way) > 1 and node is not None:
            self._fill(editor, self._way[-2], steps[-1], records)
        else:
            self._begin(editor, records)
        return self.source.changed(editor.changes)

    def _append(self, editor: Editor, node: Node, records: Sequence[Record]) -> None:
        if node.form is Form.BLOCK:
            editor.follow(node)
            editor.put_below(node.end, list(self._lines(records, " " * node.column)))
        elif self._place.is_mapping:
            editor.update(node, {**node.value, **dict(records)})
        else:
            editor.insert(node, len(node.entries), [values for _, values in records])

    def _fill(self, editor: Editor, parent: Node, name: str, records: Sequence[Record]) -> None:
        """Give the name of a section that is empty its first records."""
        entry = _entry(parent, name)
        assert entry is not None
        if parent.form is not Form.BLOCK or entry.mark is None:
            section = dict(records) if self._place.is_mapping else [values for _, values in records]
            editor.update(parent, {**parent.value, name: section})
            return
        if entry.node.form is not Form.NOTHING:
            editor.put(entry.mark, entry.node.end, "")
        editor.put_below(entry.node.end, list(self._lines(records, " " * (parent.column + 2))))

    def _begin(self, editor: Editor, records: Sequence[Record]) -> None:
        """Write the section behind everything else in the innermost mapping that is there on the way to it."""
        steps, above = self._place.steps, self._way[-1]
        if above.form is Form.FLOW and above.entries:
            section = dict(records) if self._place.is_mapping else [values for _, values in records]
            editor.update(above, {**above.value, **_placed({}, steps[len(self._way) - 1 :], section)})
            return
        indent = " " * above.column if above.entries else ""
        lines = []
        for step in steps[len(self._way) - 1 :]:
            lines.append(f"{indent}{emit_inline(step)}:")
            indent += "  "
        lines += self._lines(records, indent)
        if above.entries:
            editor.follow(above)
            editor.put_below(above.end, lines)
            return
        if above.form is not Form.NOTHING:
            editor.put(above.start, above.end, "")
        reader = Reader(self.source.text)
        end = reader.end if reader.is_ended or not reader.end else reader.end + 1
        editor.put(end, end, "".join(f"{line}\n" for line in lines))

    def _lines(self, records: Sequence[Record], indent: str) -> Iterator[str]:
        for name, values in records:
            if not self._place.is_mapping:
                yield from emit_item(values, indent).splitlines() if values else [f"{indent}- {{}}"]
            elif isinstance(values, dict) and values and not self._place.value:
                yield f"{indent}{emit_inline(name)}:"
                yield from emit_mapping(values, indent + "  ").removesuffix("\n").split("\n")
            else:
                yield from entry_lines(name, values, indent)


def _read(text: str) -> Node:
    reader = Reader(text, has_places=True)
    value = reader.document()
    if value is None and reader.node.form is not Form.SCALAR:
        return Node(None, reader.start, reader.start, Form.NOTHING)
    return reader.node


def _way(root: Node, steps: Sequence[str]) -> Iterator[Node]:
    """The nodes on the way to a section, as far as they are there. Raises Misfit."""
    node = root
    yield node
    for number, step in enumerate(steps):
        if node.value is None:
            return
        if not isinstance(node.value, dict):
            raise Misfit("a mapping is expected", ".".join(steps[:number]) or "the file")
        entry = _entry(node, step)
        if entry is None:
            return
        node = entry.node
        yield node


def _entry(node: Node, name: str) -> Entry | None:
    return next((entry for entry in node.entries if entry.name == name), None)


def _placed(document: Value, steps: Sequence[str], section: Value) -> Value:
    """A document with a section in the place to which the steps lead."""
    if not steps:
        return section
    above = document if isinstance(document, dict) else {}
    return {**above, steps[0]: _placed(above.get(steps[0]), steps[1:], section)}
