"""A row into the text of a record's file, new or already there, each result read back before it is trusted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from holdall.query import Schema
from holdall.stores.yaml.edit import comments_behind, replace_in_place, replace_on_lines
from holdall.stores.yaml.emit import emit_mapping
from holdall.stores.yaml.errors import Misfit, Unreadable
from holdall.stores.yaml.parse import parse
from holdall.stores.yaml.record import Row, row_of, written
from holdall.stores.yaml.round_trip import replace_by_round_trip

__all__ = ["changed_record", "differences", "first_right", "new_record"]


def new_record(schema: Schema, row: Row) -> str:
    """The text of a new file for one record."""
    return emit_mapping(written(schema, row))


def changed_record(schema: Schema, text: str, old: Row, new: Row) -> str:
    """The text of a record's file with the fields changed that differ between the rows."""
    changes = differences(schema, old, new)
    if not changes:
        return text
    behind = comments_behind(text, 0)
    attempts: tuple[Callable[[], str | None], ...] = (
        lambda: replace_on_lines(text, 0, changes),
        lambda: replace_in_place(text, changes),
        lambda: replace_by_round_trip(text.removesuffix(behind), None, changes) + behind,
    )
    return first_right(
        attempts, lambda result: repr(_read(schema, result, old)) == repr(new), lambda: new_record(schema, new)
    )


def _read(schema: Schema, text: str, old: Row) -> Row:
    return row_of(schema, parse(text), _key_values(schema, old))


def _key_values(schema: Schema, row: Row) -> dict[str, Any]:
    return {name: row[schema.positions[name]] for name in schema.key}


def differences(schema: Schema, old: Row, new: Row) -> dict[str, Any]:
    """The written values of the fields in which the rows differ."""
    values = written(schema, new)
    return {
        field.name: values[field.name]
        for field, before, after in zip(schema.stored, old, new, strict=True)
        if repr(before) != repr(after)
    }


def first_right(
    attempts: tuple[Callable[[], str | None], ...], is_right: Callable[[str], bool], last: Callable[[], str]
) -> str:
    """The first attempt that is right; otherwise the last resort, which keeps the values and loses the comments."""
    for attempt in attempts:
        try:
            result = attempt()
            if result is not None and is_right(result):
                return result
        except (Misfit, Unreadable):
            continue
    return last()
