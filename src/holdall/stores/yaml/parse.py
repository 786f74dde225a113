"""YAML text to values and their places: YAML 1.2, core schema, without tags, anchors, aliases and directives.

One pass, line after line. Callers that need places get them from the same code as callers that need values only, so
that an edit lands where the value was read.
"""

from __future__ import annotations

import re
from typing import Any

from holdall.query import Key, Value
from holdall.stores.yaml.block_text import block_text
from holdall.stores.yaml.errors import Unreadable
from holdall.stores.yaml.flow import REFUSED, FlowReader
from holdall.stores.yaml.markers import content_of
from holdall.stores.yaml.node import Entry, Form, Node
from holdall.stores.yaml.patterns import compiled
from holdall.stores.yaml.plain import MORE, PLAIN, SPECIAL, resolve, simple
from holdall.stores.yaml.quoted import unquoted

__all__ = ["Reader", "parse", "read"]

_SCALAR = rf"""{PLAIN}|"[^"\\\n]*+"|'[^'\n]*+'"""  # on one line, with nothing to be translated
_GAP = r"(?:[ \t]*+(?:#[^\n]*+)?+\n)*+( *+)"  # up to the next token
_gap = compiled(_GAP).match
_rest = compiled(rf"[ \t]*+(?:#[^\n]*+)?+\n{_GAP}").match
_REST = rf"[ \t]*+(?:(?<=[ \t])#[^\n]*+)?+\n{_GAP}"  # a shorter scalar would make a comment of its own #
_blanks = re.compile(r"[ \t]*+").match
_key = compiled(rf"(?:({PLAIN})|(\"(?:[^\"\\\n]++|\\.)*+\"|'(?:[^'\n]++|'')*+'))[ \t]*+:(?=[ \t\n])").match
_entry = compiled(rf"({PLAIN}):[ \t]++({_SCALAR}){_REST}").match
_item = compiled(rf"-[ \t]++({_SCALAR}){_REST}").match
_plain = compiled(PLAIN).match
_line_end = compiled(r"[ \t]*+\n((?:[ \t]*+\n)*+)( *+)[ \t]*+").match


def parse(text: str) -> Value:
    """The value of a text whose lines end with LF; None if it is empty. Raises Unreadable."""
    return Reader(text).document()


def read(text: str) -> Node:
    """The value and its places. Raises Unreadable."""
    reader = Reader(text, has_places=True)
    reader.document()
    return reader.node


class Reader(FlowReader):
    """Reads one document; ``start`` is where its content begins, and ``end`` where it ends, markers left out.

    ``pos`` is the next token and ``column`` its column, -1 behind the last one.
    """

    def __init__(self, text: str, *, has_places: bool = False) -> None:
        self.start, self.end = content_of(text)
        self.is_ended = text.endswith("\n", 0, self.end)
        super().__init__(text[: self.end] + ("" if self.is_ended else "\n"), has_places=has_places)
        self.pos = self.start
        self.column = -1

    def document(self) -> Value:
        """The value of the whole text."""
        at = self._behind_blanks(self.start)
        if self.start and self.text[at] not in "\n#":  # on the line of the marker
            value = self._leaf(-1, at)
        else:
            self._go(_gap(self.text, self.start))
            value = self._node(-1, self.pos, self.column) if self.column >= 0 else None
        if self.column >= 0:
            raise self.refusal(self.pos, "this belongs to nothing before it; look at the indentation")
        return value

    def first(self) -> int:
        """Where the outermost list has its first item."""
        self._go(_gap(self.text, self.start))
        return self._next(self.pos + 1) if self.text.startswith("[", self.pos) else self.pos

    def item(self, start: int, column: int | None) -> Value:
        """The item of the outermost list at this offset; its items are in this column, or in brackets if there is none.

        ``node`` is then its own, and ``pos`` where the next one begins, -1 if it was the last.
        """
        if column is None:
            value, pos = self.flow_item(start)
            self.pos = -1 if self.text[pos] == "]" else pos
            return value
        self.pos, self.column, self.depth = start, column, 1
        value = self._list_item(column) if self._is_item(column) else None
        if self.column >= 0 and not self._is_item(column):
            raise self.refusal(self.pos, "an item of the list is expected here")
        self.pos = self.pos if self.column >= 0 else -1
        return value

    def _go(self, match: re.Match[str] | None) -> None:
        """Go to the next token, behind line ends, comments and indentation."""
        assert match is not None
        self.pos = match.end()
        self.column = self.pos - match.start(1) if self.pos < len(self.text) else -1
        if self.column >= 0 and self.text[self.pos] == "\t":
            raise self.refusal(self.pos, REFUSED["\t"])

    def _finish(self, pos: int) -> None:
        """Go on from an offset behind a value, with nothing but a comment behind it on its line."""
        match = _rest(self.text, pos)
        if match is None:
            raise self.refusal(pos, self._surplus(self._behind_blanks(pos)))
        self._go(match)

    def _surplus(self, at: int) -> str:
        if self.text[at] == ":":
            return "a colon follows, which makes a name of it; put the text in quotes, and a name on one line"
        if self.text[at] == "#":
            return "a comment begins with a blank before its #; put the text in quotes if it is none"
        return "something follows the value; put the text in quotes"

    def _behind_blanks(self, pos: int) -> int:
        match = _blanks(self.text, pos)
        return match.end() if match is not None else pos

    def _is_mark(self, mark: str, pos: int) -> bool:
        return self.text.startswith(mark, pos) and self.text[pos + 1] in " \t\n"

    def _is_item(self, column: int) -> bool:
        return self.column == column and self._is_mark("-", self.pos)

    def _node(self, parent: int, pos: int, column: int) -> Value:
        """A value of any kind, at this offset and column, of a collection in column ``parent``."""
        if self._is_mark("-", pos):
            return self._list(column)
        if self._is_mark("?", pos) or _key(self.text, pos):
            return self._mapping(column)
        return self._leaf(parent, pos)

    def _list(self, column: int) -> list[Value]:
        start = self.pos
        self.go_deeper(start)
        is_outermost = self.depth == 1
        values: list[Value] = []
        entries: list[Entry] = []
        while self._is_item(column):
            at = self.pos
            if is_outermost:
                self.starts.append(at)
            values.append(self._list_item(column))
            if self.has_places:
                entries.append(Entry(at, at + 1, None, self.node))
        self._leave(values, start, entries, column)
        return values

    def _list_item(self, column: int) -> Value:
        match = _item(self.text, self.pos)
        if match is not None and (len(match[2]) <= column or match.end() == len(self.text)):
            self.pos, self.column = match.end(), len(match[2]) if match.end() < len(self.text) else -1
            value = simple(match[1])
            if self.has_places:
                self.scalar(value, *match.span(1))
            return value
        return self._behind(self.pos + 1, column, column + 1)

    def _mapping(self, column: int) -> dict[Key, Any]:
        start = self.pos
        self.go_deeper(start)
        values: dict[Key, Value] = {}
        entries: list[Entry] = []
        text, size = self.text, len(self.text)
        mark: int | None
        while self.column == column:
            at = self.pos
            match = _entry(text, at)
            if match is not None:
                written, scalar, indentation = match.groups()
                end, width = match.end(), len(indentation)
            if match is not None and (width <= column or end == size):  # it goes on in no further line
                self.pos, self.column = end, width if end < size else -1
                name, mark = simple(written), at + len(written) + 1
                if name in values:
                    self.demand_name(at, name, values)
                value = scalar if scalar[0] not in SPECIAL else simple(scalar)
                if self.has_places:
                    self.scalar(value, *match.span(2))
            elif self._is_mark("?", at):
                name, mark, value = self._explicit(at, column)
                self.demand_name(at, name, values)
            else:
                name, mark = self._name(at)
                self.demand_name(at, name, values)
                value = self._behind(mark, column)
            values[name] = value
            if self.has_places:
                entries.append(Entry(at, mark, name, self.node))
        self._leave(values, start, entries, column)
        return values

    def _leave(self, values: object, start: int, entries: list[Entry], column: int) -> None:
        self.depth -= 1
        if self.column > column:
            raise self.refusal(self.pos, "this is indented further than what it follows; look at the indentation")
        if self.has_places:
            self.node = Node(values, start, entries[-1].node.end, Form.BLOCK, entries, column)

    def _name(self, at: int) -> tuple[Any, int]:
        match = _key(self.text, at)
        if match is None:
            expected = "a name and a colon are expected here; look at the indentation, or put the text in quotes"
            raise self.refusal(at, REFUSED.get(self.text[at], expected))
        if match[1] is not None:
            return resolve(match[1]), match.end()
        try:
            return unquoted(match[2]), match.end()
        except Unreadable as error:
            raise self.refusal(at, str(error)) from None

    def _explicit(self, at: int, column: int) -> tuple[Any, int | None, Any]:
        """A name behind a question mark, where its value begins, and the value."""
        name = self._behind(at + 1, column, column + 1)
        if self.column == column and self._is_mark(":", self.pos):
            mark = self.pos + 1
            return name, mark, self._behind(mark, column, column + 1)
        end = self.node.end
        self.node = Node(None, end, end, Form.NOTHING)
        return name, None, None

    def _behind(self, mark: int, parent: int, column: int | None = None) -> Value:
        """The value behind a mark of a collection in column ``parent``.

        ``column`` is that of the mark's end where a block collection may begin on its line, behind - and ?.
        """
        at = self._behind_blanks(mark)
        first = self.text[at]
        if first == "\n" or (first == "#" and at > mark):
            self._finish(mark)
            if self.column > parent:
                return self._node(parent, self.pos, self.column)
            if column is None and self._is_item(parent):
                return self._list(parent)
            self.node = Node(None, mark, mark, Form.NOTHING)
            return None
        if column is None:
            return self._leaf(parent, at)
        self.pos, self.column = at, column + at - mark
        value = self._node(parent, at, self.column)
        if isinstance(value, list | dict) and first not in "[{" and "\t" in self.text[mark:at]:
            raise self.refusal(at, REFUSED["\t"])
        return value

    def _leaf(self, parent: int, at: int) -> Value:
        """A scalar, or a collection in brackets or braces."""
        first = self.text[at]
        if first in "\"'":
            self._finish(self.quoted(at))
        elif first in "[{":
            end = self.flow(at)
            if self.text[self._behind_blanks(end)] == ":":
                raise self.refusal(at, "a list or mapping cannot be a name here")
            self._finish(end)
        elif first in "|>":
            self._block_text(parent, at)
        else:
            self._plain(parent, at)
        return self.node.value

    def _block_text(self, parent: int, at: int) -> None:
        try:
            found = block_text(self.text, at, parent, is_ended=self.is_ended)
        except Unreadable as error:
            raise self.refusal(at, str(error)) from None
        self.node = Node(found.value, at, found.end, Form.BLOCK_TEXT, header_end=found.header_end)
        self._go(_gap(self.text, found.following))

    def _plain(self, parent: int, at: int) -> None:
        match = _plain(self.text, at)
        if match is None:
            first = self.text[at]
            expected = f"a value cannot begin with {first} here; put text in quotes"
            raise self.refusal(at, REFUSED.get(first, expected))
        lines, end = [match[0]], match.end()
        while (line := _line_end(self.text, end)) is not None and len(line[2]) > parent:
            more = MORE.match(self.text, line.end())
            if more is None or not more[0]:
                break
            lines += ["\n" * line[1].count("\n") or " ", more[0]]
            end = more.end()
        self.scalar(resolve("".join(lines)), at, end)
        self._finish(end)
