"""Changing a text as a careful person would: only the changed values are touched; comments, order, quotes and blank
lines stay as they are.

What this cannot do, it leaves to ``round_trip``. Callers read the result back before they trust it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ruamel.yaml.events import MappingEndEvent, MappingStartEvent, ScalarEvent, SequenceEndEvent, SequenceStartEvent

from holdall.stores.yaml.emit import emit_inline, emit_mapping, is_inline
from holdall.stores.yaml.errors import Unreadable
from holdall.stores.yaml.parse import events_of

__all__ = ["comments_behind", "newline_of", "replace_in_place", "replace_on_lines"]

_VALUE = r"""(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\n]|'')*'|\[[^\[\]{}#"'\n]*\]|[^\s#"'\[\]{}|>&*!%@`,-][^#\n]*?|-?[0-9.]+)"""
_NODES = (ScalarEvent, MappingStartEvent, SequenceStartEvent, MappingEndEvent, SequenceEndEvent)
_TRAILING = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\r?\n|\Z)")


def newline_of(text: str) -> str:
    """How the lines of the text end."""
    return "\r\n" if "\r\n" in text else "\n"


def comments_behind(text: str, column: int) -> str:
    """The comments and blank lines at the end of the text that begin no further in than ``column``: they belong to
    what follows, not to the last value."""
    lines = text.splitlines(keepends=True)
    end = len(lines)
    is_behind = re.compile(rf" {{0,{column}}}#|\s*\Z")
    while end > 1 and is_behind.match(lines[end - 1]):
        end -= 1
    return "".join(lines[end:])


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
