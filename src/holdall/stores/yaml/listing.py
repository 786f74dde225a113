"""The text of a file that lists a collection's records: items changed, removed and appended, the rest left as it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from holdall.query import Schema
from holdall.stores.yaml.document import differences, first_right
from holdall.stores.yaml.edit import comments_behind, newline_of, replace_in_place, replace_on_lines
from holdall.stores.yaml.emit import emit_mapping
from holdall.stores.yaml.errors import Misfit
from holdall.stores.yaml.parse import parse
from holdall.stores.yaml.record import Row, row_of, written
from holdall.stores.yaml.round_trip import replace_by_round_trip

__all__ = ["changed_list", "rows_of"]

_ITEM = re.compile(r"^( *)- ", re.MULTILINE)
_EMPTY = re.compile(r"^\[\s*\][ \t]*$", re.MULTILINE)


def rows_of(schema: Schema, text: str) -> list[Row]:
    """The rows a text lists. Raises Misfit, naming the item, and Unreadable."""
    values = parse(text)
    if values is None:
        return []
    if not isinstance(values, list):
        raise Misfit(f"a list of {schema.name} is expected: each record begins with a dash")
    rows = []
    for position, item in enumerate(values):
        try:
            rows.append(row_of(schema, item))
        except Misfit as misfit:
            raise misfit.under(f"[{position}]") from None
    return rows


def changed_list(
    schema: Schema, text: str, rows: Sequence[Row], changes: Mapping[int, Row | None], added: Sequence[Row]
) -> str:
    """The text with the rows at some positions changed, or removed where the change is None, and others appended."""
    kept = [position for position in range(len(rows)) if changes.get(position, ()) is not None]
    before = parse(text) or []

    def is_right(result: str) -> bool:
        after = parse(result) or []
        if not isinstance(after, list) or len(after) != len(kept) + len(added):
            return False
        for item, position in zip(after, kept, strict=False):
            new = changes.get(position)
            if item != before[position] if new is None else repr(row_of(schema, item)) != repr(new):
                return False
        return [repr(row_of(schema, item)) for item in after[len(kept) :]] == list(map(repr, added))

    attempts = (
        lambda: _by_items(schema, text, rows, changes, added),
        lambda: _by_round_trip(schema, text, rows, changes, added),
    )

    def last_resort() -> str:
        left = [row for position in kept if (row := changes.get(position, rows[position])) is not None]
        return _appended(schema, "", [*left, *added])

    return first_right(attempts, is_right, last_resort)


def _by_items(
    schema: Schema, text: str, rows: Sequence[Row], changes: Mapping[int, Row | None], added: Sequence[Row]
) -> str | None:
    first = _ITEM.search(text)
    indent = first[1] if first is not None else ""
    starts = [match.start() for match in _ITEM.finditer(text) if match[1] == indent]
    if len(starts) != len(rows):
        return None
    pieces = [text[: starts[0]] if starts else _EMPTY.sub("", text)]
    for position, (start, end) in enumerate(pairwise([*starts, len(text)])):
        item = text[start:end]
        if position in changes:
            new = changes[position]
            item = (
                comments_behind(item, len(indent))
                if new is None
                else _changed(schema, item, indent, rows[position], new)
            )
        pieces.append(item)
    return _appended(schema, "".join(pieces), added, indent)


def _changed(schema: Schema, item: str, indent: str, old: Row, new: Row) -> str:
    changes = differences(schema, old, new)
    width = len(indent)

    def is_right(result: str) -> bool:
        return [repr(row) for row in rows_of(schema, result)] == [repr(new)]

    def as_mapping(replace: Callable[[str], str | None]) -> str | None:
        mapping = replace(f"{indent} {item[width + 1 :]}")
        return None if mapping is None else f"{indent}-{mapping[width + 1 :]}"

    def by_round_trip() -> str:
        behind = comments_behind(item, width)
        lines = item.removesuffix(behind).splitlines(keepends=True)
        outdented = "".join(line.removeprefix(indent) for line in lines)
        result = replace_by_round_trip(outdented, 0, changes)
        return (
            "".join(f"{indent}{line}" if line.strip() else line for line in result.splitlines(keepends=True)) + behind
        )

    if not changes:
        return item
    attempts = (
        lambda: as_mapping(lambda text: replace_on_lines(text, width + 2, changes)),
        lambda: as_mapping(lambda text: replace_in_place(text, changes)),
        by_round_trip,
    )
    return first_right(
        attempts, is_right, lambda: _item(schema, new, indent, newline_of(item)) + comments_behind(item, len(indent))
    )


def _by_round_trip(
    schema: Schema, text: str, rows: Sequence[Row], changes: Mapping[int, Row | None], added: Sequence[Row]
) -> str:
    for position in sorted(changes, reverse=True):
        new = changes[position]
        text = replace_by_round_trip(text, position, None if new is None else differences(schema, rows[position], new))
    return _appended(schema, text, added)


def _appended(schema: Schema, text: str, rows: Sequence[Row], indent: str = "") -> str:
    if not rows:
        return text if text.strip() else "[]\n"
    newline = newline_of(text)
    head = text if not text or text.endswith("\n") else text + newline
    return head + "".join(_item(schema, row, indent, newline) for row in rows)


def _item(schema: Schema, row: Row, indent: str, newline: str) -> str:
    lines = emit_mapping(written(schema, row), f"{indent}  ", newline)
    return f"{indent}- {lines[len(indent) + 2 :]}"
