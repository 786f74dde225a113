"""Values in brackets and braces, and what every reading needs: the text, the depth, refusals that name the line."""

from __future__ import annotations

import re
from typing import Any

from holdall.query import MAX_DEPTH as MAX_JSON_DEPTH
from holdall.query import Key, Value
from holdall.stores.yaml.errors import Unreadable
from holdall.stores.yaml.node import Entry, Form, Node
from holdall.stores.yaml.patterns import compiled
from holdall.stores.yaml.plain import FLOW_MORE, FLOW_PLAIN, resolve, simple
from holdall.stores.yaml.quoted import QUOTED, unquoted

__all__ = ["MAX_DEPTH", "REFUSED", "FlowReader"]

MAX_DEPTH = MAX_JSON_DEPTH + 2
"""Levels of lists and mappings in one file: those of a value, in a record, in a list of records."""

REFUSED = {
    "*": "aliases (*) are not read; write the value again, or put text in quotes",
    "&": "anchors (&) are not read; remove it, or put text in quotes",
    "!": "tags (!) are not read; remove it, or put text in quotes",
    "%": "directives are not read; remove the line, or put text in quotes",
    "@": "a value cannot begin with @; put it in quotes",
    "`": "a value cannot begin with `; put it in quotes",
    "\t": "a tab cannot indent; use blanks",
}
"""What no value may begin with."""

_END = "\n"  # every text that is read ends with it
_CLOSING = {"[": "]", "{": "}"}
_skip = compiled(r"(?:[ \t\n]++|(?<=[ \t\n])#[^\n]*+)*+").match
_plain = compiled(FLOW_PLAIN).match
_item = compiled(rf"""(?:{FLOW_PLAIN}|"[^"\\\n]*+"|'[^'\n]*+')(?=[ ]*+[,\]])""").match
_pair = compiled(rf"""({FLOW_PLAIN}):[ ]++({FLOW_PLAIN}|"[^"\\\n]*+"|'[^'\n]*+')(?=[ ]*+[,}}])""").match
_line_end = compiled(r"[ \t]*+\n((?:[ \t]*+\n)*+)[ \t]*+").match


class FlowReader:
    """Reads at offsets of ``text``, whose last character is a line end; ``node`` is what was read last.

    ``has_places`` says whether nodes are made.
    """

    def __init__(self, text: str, *, has_places: bool) -> None:
        self.text = text
        self.has_places = has_places
        self.node = Node(None, 0, 0, Form.NOTHING)
        self.depth = 0
        self.starts: list[int] = []
        """Where the entries of the outermost list begin."""
        self.is_flow = False  # whether that list is in brackets

    def refusal(self, pos: int, reason: str) -> Unreadable:
        """The error that names the line of an offset."""
        return Unreadable(f"line {self.text.count(_END, 0, pos) + 1}: {reason}")

    def go_deeper(self, pos: int) -> None:
        """Count a level more. Raises Unreadable at the bound."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.refusal(pos, f"it is nested deeper than {MAX_DEPTH} levels")

    def demand_name(self, pos: int, name: object, values: dict[Key, Value]) -> None:
        """Raise Unreadable for a name that is none, or that is there already."""
        if isinstance(name, list | dict):
            raise self.refusal(pos, "a list or mapping cannot be a name here")
        if name in values:
            raise self.refusal(pos, f"the name {name!r} is there twice; keep one")

    def scalar(self, value: object, start: int, end: int) -> int:
        """Note the place of a scalar and give its end."""
        self.node = Node(value, start, end, Form.SCALAR)
        return end

    def quoted(self, pos: int) -> int:
        """Read a scalar in quotes and give its end."""
        match = QUOTED.match(self.text, pos)
        if match is None:
            raise self.refusal(pos, f"the text that begins with {self.text[pos]} does not end")
        try:
            return self.scalar(unquoted(match[0]), pos, match.end())
        except Unreadable as error:
            raise self.refusal(pos, str(error)) from None

    def flow(self, pos: int) -> int:
        """Read a list or mapping in brackets or braces and give its end."""
        self.go_deeper(pos)
        is_mapping = self.text[pos] == "{"
        closing = _CLOSING[self.text[pos]]
        items: list[Value] = []
        values: dict[Key, Value] = {}
        entries: list[Entry] = []
        is_outermost = self.depth == 1
        at = self._next(pos + 1)
        while self.text[at] != closing:
            if is_outermost:
                self.starts.append(at)
            match = _pair(self.text, at) if is_mapping else _item(self.text, at)
            if match is None:
                end = self._entry(at, values if is_mapping else items, entries)
            elif is_mapping:
                end = self._simple(match, values, entries)
            else:
                items.append(simple(match[0]))
                end = match.end()
                if self.has_places:
                    self.scalar(items[-1], at, end)
                    entries.append(Entry(at, at, None, self.node))
            at = self._behind_comma(end, closing)
        self.depth -= 1
        self.is_flow = is_outermost
        self.node = Node(values if is_mapping else items, pos, at + 1, Form.FLOW, entries)
        return at + 1

    def _behind_comma(self, pos: int, closing: str) -> int:
        """Where the next entry begins behind one that ends at this offset, or the closing bracket is."""
        at = self._next(pos)
        if self.text[at] == ",":
            return self._next(at + 1)
        if self.text[at] != closing:
            raise self.refusal(at, f"a comma or {closing} is expected; put text in quotes")
        return at

    def flow_item(self, start: int) -> tuple[Value, int]:
        """An item of the outermost list in brackets, and where the next one begins or the bracket is; ``node`` is its
        own.
        """
        self.depth = 1
        items: list[Value] = []
        entries: list[Entry] = []
        end = self._entry(start, items, entries)
        self.node = entries[0].node
        return items[0], self._behind_comma(end, "]")

    def _simple(self, match: re.Match[str], values: dict[Key, Value], entries: list[Entry]) -> int:
        """Take in an entry of a mapping that lies on one line."""
        name, value = simple(match[1]), simple(match[2])
        if name in values:
            self.demand_name(match.start(), name, values)
        values[name] = value
        if self.has_places:
            self.scalar(value, *match.span(2))
            entries.append(Entry(match.start(), match.end(1) + 1, name, self.node))
        return match.end()

    def _next(self, pos: int) -> int:
        """The offset of the next token."""
        match = _skip(self.text, pos)
        at = match.end() if match is not None else pos
        if at >= len(self.text):
            raise self.refusal(pos, "a list or mapping in brackets does not end")
        return at

    def _entry(self, at: int, into: list[Any] | dict[Key, Any], entries: list[Entry]) -> int:
        is_explicit = self.text[at] == "?" and self.text[at + 1] in " \t\n"
        start = self._next(at + 1) if is_explicit else at
        end = self._value(start)
        first = self.node
        colon = self._next(end)
        if self._is_colon(colon, is_behind_quotes=first.form is Form.FLOW or self.text[start] in "\"'"):
            if not is_explicit and isinstance(into, list) and _END in self.text[start:colon]:
                raise self.refusal(start, "a name goes over several lines; put { and } around it")
            begin = self._next(colon + 1)
            if self.text[begin] in ",]}":
                self.node, end = Node(None, colon + 1, colon + 1, Form.NOTHING), colon + 1
            else:
                end = self._value(begin)
            entry = Entry(at, colon + 1, first.value, self.node)
        elif is_explicit or isinstance(into, dict):
            entry = Entry(at, None, first.value, Node(None, end, end, Form.NOTHING))
        else:
            into.append(first.value)
            entries.append(Entry(at, at, None, first))
            return end
        if isinstance(into, dict):
            self.demand_name(at, entry.name, into)
            into[entry.name] = entry.node.value
            entries.append(entry)
        else:
            self.demand_name(at, entry.name, {})
            pair = {entry.name: entry.node.value}
            into.append(pair)
            entries.append(Entry(at, at, None, Node(pair, at, end, Form.SCALAR)))
        return end

    def _is_colon(self, at: int, *, is_behind_quotes: bool) -> bool:
        return self.text[at] == ":" and (is_behind_quotes or self.text[at + 1] in " \t\n,[]{}")

    def _value(self, at: int) -> int:
        first = self.text[at]
        if first in "\"'":
            return self.quoted(at)
        if first in "[{":
            return self.flow(at)
        match = _plain(self.text, at)
        if match is None:
            raise self.refusal(at, REFUSED.get(first, f"a value is expected, not {first}; put text in quotes"))
        lines, end = [match[0]], match.end()
        while (line := _line_end(self.text, end)) is not None:
            more = FLOW_MORE.match(self.text, line.end())
            if more is None or not more[0]:
                break
            lines += ["\n" * line[1].count(_END) or " ", more[0]]
            end = more.end()
        return self.scalar(resolve("".join(lines)), at, end)
