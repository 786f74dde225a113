"""A row into the text of a record's file, new or already there, each result read back before it is trusted."""

from __future__ import annotations

from holdall.query import Schema, Value
from holdall.stores.yaml.edit import Editor
from holdall.stores.yaml.emit import emit_mapping
from holdall.stores.yaml.errors import Unreadable
from holdall.stores.yaml.node import Node
from holdall.stores.yaml.parse import parse, read
from holdall.stores.yaml.record import Row, row_of, written
from holdall.stores.yaml.same import same
from holdall.stores.yaml.source import Source

__all__ = ["changed_record", "new_record", "update_record"]


def new_record(schema: Schema, row: Row) -> str:
    """The text of a new file for one record, without the fields that are null."""
    return emit_mapping(set_fields(schema, row))


def set_fields(schema: Schema, row: Row) -> dict[str, Value]:
    """The written values of the fields that are not null."""
    return {name: value for name, value in written(schema, row).items() if value is not None}


def changed_record(schema: Schema, text: str, old: Row, new: Row) -> str:
    """The text of a record's file with the fields changed that differ between the rows.

    Raises Unreadable where that cannot be done without changing more than their lines.
    """
    source = Source(text)
    editor, node = Editor(source.text), read(source.text)
    if not isinstance(node.value, dict):
        raise Unreadable("it is no record; mend it by hand, or remove it")
    update_record(editor, schema, node, old, new)
    result = source.changed(editor.changes)
    key_values = {name: new[schema.positions[name]] for name in schema.key}
    if not same(row_of(schema, parse(Source(result).text), key_values), new):
        raise Unreadable("the values cannot be put into it without changing others; edit the file by hand")
    return result


def update_record(editor: Editor, schema: Schema, node: Node, old: Row, new: Row) -> None:
    """Gather the changes that make a record's mapping that of the new row."""
    changes = {
        name: value
        for (name, value), before, after in zip(written(schema, new).items(), old, new, strict=True)
        if not same(before, after) and (value is not None or name in node.value)
    }
    editor.update(node, {**node.value, **changes})
