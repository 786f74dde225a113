"""Changing a text as a careful person would: only the changed values are touched; comments, order, quotes and blank
lines stay as they are.

A value on one line is replaced in place. What that cannot do goes through ruamel's round trip, which keeps comments and
order too but may settle indentation. Callers read the result back before they trust it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.events import MappingEndEvent, MappingStartEvent, ScalarEvent, SequenceEndEvent, SequenceStartEvent
from ruamel.yaml.scalarstring import LiteralScalarString

from holdall.stores.yaml.emit import emit_inline, emit_mapping, is_inline
from holdall.stores.yaml.errors import Unreadable
from holdall.stores.yaml.parse import events_of

__all__ = ["newline_of", "replace_by_round_trip", "replace_in_place", "replace_on_lines"]

_VALUE = r"""(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\n]|'')*'|\[[^\[\]{}#"'\n]*\]|[^\s#"'\[\]{}|>&*!%@`,-][^#\n]*?|-?[0-9.]+)"""
_NODES = (ScalarEvent, MappingStartEvent, SequenceStartEvent, MappingEndEvent, SequenceEndEvent)
_TRAILING = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\r?\n|\Z)")


def newline_of(text: str) -> str:
    """How the lines of the text end."""
    return "\r\n" if "\r\n" in text else "\n"


def replace_on_lines(text: str, column: int, changes: Mapping[str, Any]) -> str | None:
    """The text with these values replaced where each is alone on its line; None where one is not found so.

    Found by their looks only: the caller's reading back is what makes sure.
    """
    for name, value in changes.items():
        line = re.compile(
            rf"^( {{{column}}}{re.escape(emit_inline(name))}:[ \t]+){_VALUE}(?=[ \t]*(?:[ \t]#.*)?\r?$)", re.MULTILINE
        )
        match = line.search(text)
        if match is None or not is_inline(value):
            return None
        text = f"{text[: match.end(1)]}{emit_inline(value)}{text[match.end() :]}"
    return text


def replace_in_place(text: str, changes: Mapping[str, Any]) -> str | None:
    """The text of one mapping with these values replaced or added; None where a round trip is needed."""
    try:
        spans = _spans(text)
    except Unreadable:
        return None
    if spans is None:
        return None
    missing = {name: value for name, value in changes.items() if name not in spans.values}
    if missing:
        if spans.is_flow or not spans.values:
            return None
        text = _appended(text, spans, missing)
    for name in sorted(changes.keys() & spans.values.keys(), key=lambda name: -spans.values[name][0]):
        start, end = spans.values[name]
        if "\n" in text[start:end]:
            return None
        value = changes[name]
        if not spans.is_flow and not is_inline(value):
            return None
        gap = "" if text[start - 1 : start] == " " else " "
        text = f"{text[:start]}{gap}{emit_inline(value)}{text[end:]}"
    return text


class _Spans:
    """Where the values of a mapping lie in its text."""

    def __init__(self, start: MappingStartEvent) -> None:
        self.is_flow = bool(start.flow_style)
        self.column = start.start_mark.column
        self.values: dict[str, tuple[int, int]] = {}
        self.last_end = 0


def _spans(text: str) -> _Spans | None:
    events = (event for event in events_of(text) if isinstance(event, _NODES))
    first = next(events, None)
    if not isinstance(first, MappingStartEvent):
        return None
    spans = _Spans(first)
    for name in events:
        if isinstance(name, MappingEndEvent):
            break
        if not isinstance(name, ScalarEvent):
            return None
        start, end = _span(events)
        if start == end:  # nothing is written: the value belongs right after the colon
            start = end = text.index(":", name.end_mark.index) + 1
        spans.values[str(name.value)] = (start, end)
        spans.last_end = end
    return spans


def _span(events: Iterator[Any]) -> tuple[int, int]:
    event = next(events)
    start, depth = event.start_mark.index, 0
    while True:
        if isinstance(event, MappingStartEvent | SequenceStartEvent):
            depth += 1
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            depth -= 1
        if depth == 0:
            return start, event.end_mark.index
        event = next(events)


def _appended(text: str, spans: _Spans, values: Mapping[str, Any]) -> str:
    newline = newline_of(text)
    lines = emit_mapping(values, " " * spans.column, newline)
    tail = _TRAILING.match(text, spans.last_end)
    end = tail.end() if tail is not None else spans.last_end
    head = text[:end]
    if not head.endswith("\n"):
        head += newline
    return head + lines + text[end:]


def replace_by_round_trip(text: str, position: int | None, changes: Mapping[str, Any] | None) -> str:
    """The text with values of its mapping, or of the mapping at this position of its list, replaced.

    Without changes the item at the position is removed. Raises Unreadable.
    """
    yaml = YAML(typ="rt", pure=True)
    yaml.preserve_quotes = True
    yaml.width = 1_000_000
    yaml.allow_unicode = True
    yaml.line_break = newline_of(text)  # type: ignore[assignment]
    if re.search(r"^ +- ", text, re.MULTILINE) and not re.search(r"^- ", text, re.MULTILINE):
        yaml.indent(mapping=2, sequence=4, offset=2)
    try:
        document = yaml.load(text)
        if changes is None:
            del document[position]
        else:
            mapping = document if position is None else document[position]
            for name, value in changes.items():
                mapping[name] = _node(value)
        target = StringIO()
        yaml.dump(document, target)
    except Exception as error:  # the library raises what it likes on what it cannot represent
        raise Unreadable(f"the file cannot be edited: {type(error).__name__}") from error
    return target.getvalue()


def _node(value: Any) -> Any:
    if (
        isinstance(value, str)
        and "\n" in value.strip("\n")
        and all(not line.endswith(" ") for line in value.split("\n"))
    ):
        return LiteralScalarString(value)
    if isinstance(value, dict):
        return {name: _node(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_node(item) for item in value]
    return value
