"""From the places of a value and a new value to changes of the text: what differs is written anew, nothing else.

Comments stay, on the lines of what is kept and on lines of their own; so do order, quotes and blank lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from holdall.query import Value
from holdall.stores.yaml.emit import block, emit_inline, entry_lines
from holdall.stores.yaml.errors import Unreadable
from holdall.stores.yaml.node import Entry, Form, Node
from holdall.stores.yaml.patterns import compiled
from holdall.stores.yaml.same import same
from holdall.stores.yaml.source import Change

__all__ = ["Editor"]

_comments = re.compile(r"(?<![^ \t\n])#[^\n]*").findall
_indented_comment = compiled(r"\n(?:[ \t]*+\n)*+( *+)#").match
_comma = compiled(r"(?:[ \t\n]++|#[^\n]*+)*+(,) *+").match


class Editor:
    """Gathers the changes of one text, which do not overlap. Methods raise Unreadable for what cannot be edited.

    The last line of ``text`` is ended here, also where it is not in the file.
    """

    def __init__(self, text: str) -> None:
        self.is_ended = not text or text.endswith("\n")
        self.text = text if self.is_ended else f"{text}\n"
        self.changes: list[Change] = []

    def update(self, node: Node, new: Mapping[str, Value]) -> None:
        """Make these the entries of a mapping, some of which it has."""
        for entry in node.entries:
            if entry.name in new:
                self._replace(node, entry, new[entry.name])
        self.remove(node, [n for n, entry in enumerate(node.entries) if entry.name not in new])
        added = {name: value for name, value in new.items() if name not in node.value}
        if added and node.form is Form.FLOW:
            self._insert_flow(node, len(node.entries), emit_inline(added)[1:-1])
        elif added:
            indent = " " * node.column
            self.follow(node)
            self.put_below(node.end, [line for name in added for line in entry_lines(name, added[name], indent)])

    def put(self, start: int, end: int, text: str) -> None:
        """Put a text in the place of another."""
        self.changes.append(Change(start, end, text))

    def put_below(self, pos: int, lines: Sequence[str]) -> None:
        """Put lines below the one of an offset."""
        if lines:
            end = self.line_end(pos)
            self.put(end + 1, end + 1, "".join(f"{line}\n" for line in lines))

    def follow(self, node: Node) -> None:
        """Let lines follow this value: block text that ends with the file gets the mark of one without a line end."""
        while node.entries:
            node = node.entries[-1].node
        if self.is_ended or node.form is not Form.BLOCK_TEXT or self.line_end(node.end) + 1 < len(self.text):
            return
        is_kept = all(change.end < node.start or change.start > node.end for change in self.changes)
        if is_kept and node.value and not node.value.endswith("\n"):
            header = self.text[node.start : node.header_end]
            self.put(node.start, node.header_end, f"{header.rstrip('+-')}-")

    def remove_lines(self, start: int, end: int) -> None:
        """Remove the lines between two offsets, both included."""
        self.put(self.text.rfind("\n", 0, start) + 1, self.line_end(end) + 1, "")

    def line_end(self, pos: int) -> int:
        """Where the line of an offset ends."""
        end = self.text.find("\n", pos)
        return end if end >= 0 else len(self.text)

    def _refusal(self, pos: int, reason: str) -> Unreadable:
        return Unreadable(f"line {self.text.count(chr(10), 0, pos) + 1}: {reason}; edit the file by hand")

    def _replace(self, parent: Node, entry: Entry, new: object) -> None:
        """Make this the value of an entry."""
        node = entry.node
        if same(node.value, new):
            return
        if isinstance(new, dict) and isinstance(node.value, dict) and node.entries and node.value.keys() & new.keys():
            self.update(node, new)
        elif isinstance(new, list) and isinstance(node.value, list) and node.entries and new:
            self._update_list(node, new)
        elif parent.form is Form.FLOW:
            self._rewrite_flow(entry, new)
        else:
            self._rewrite(entry, parent.column, new)

    def _rewrite(self, entry: Entry, column: int, new: object) -> None:
        node, mark = entry.node, entry.mark
        if mark is None:
            raise self._refusal(node.start, "a name without a colon cannot be given a value")
        head, body = block(new, " " * column)
        if head.startswith("|") and _deep_comment(self.text, self.line_end(node.end), column):
            head, body = emit_inline(new), []  # the comment would be part of the text
        comments: list[str] = []
        end = node.end
        if node.form is Form.NOTHING:
            self.put(mark, mark, f" {head}" if head else "")
        elif node.form is Form.BLOCK_TEXT:
            self.put(node.start if head else mark, node.header_end, head)
            if node.end > node.header_end:
                self.remove_lines(self.line_end(node.header_end) + 1, node.end)
            end = node.header_end
        elif "\n" in self.text[mark : node.start]:  # it begins below its name
            end = self.line_end(mark)
            comments = [*_comments(self.text, end, node.start), *self._comments_in(node)]
            comments += _comments(self.text, node.end, self.line_end(node.end))
            self.put(mark, mark, f" {head}" if head else "")
            self.remove_lines(end + 1, node.end)
        else:
            comments = self._comments_in(node)
            self.put(node.start if head else mark, node.end, head)
        self.put_below(end, [*body, *(" " * column + comment for comment in comments)])

    def _rewrite_flow(self, entry: Entry, new: object) -> None:
        node = entry.node
        if self._comments_in(node):
            raise self._refusal(node.start, "comments inside the value would be lost")
        if node.form is Form.NOTHING:
            self.put(node.end, node.end, f"{': ' if entry.mark is None else ' '}{emit_inline(new)}")
        else:
            blank = " " if self.text[node.start - 1] == ":" else ""  # {a:[1]} needs none, {a:true} does
            self.put(node.start, node.end, f"{blank}{emit_inline(new)}")

    def _update_list(self, node: Node, new: Sequence[Any]) -> None:
        old = node.value
        shorter = min(len(old), len(new))
        first = next((n for n in range(shorter) if not same(old[n], new[n])), shorter)
        last = next((n for n in range(shorter - first) if not same(old[-1 - n], new[-1 - n])), shorter - first)
        middle = range(first, len(old) - last)
        wanted = new[first : len(new) - last]
        for position, value in zip(middle, wanted, strict=False):
            self._replace(node, node.entries[position], value)
        self.remove(node, middle[len(wanted) :])
        if added := wanted[len(middle) :]:
            self.insert(node, first + len(middle), added)

    def insert(self, node: Node, position: int, values: Sequence[Value]) -> None:
        """Put items into a list, before the entry at this position."""
        if node.form is Form.FLOW:
            self._insert_flow(node, position, emit_inline(list(values))[1:-1])
            return
        indent = " " * node.column
        lines = [line for value in values for line in _item_lines(value, indent)]
        if position:
            self.follow(node.entries[position - 1].node)
            self.put_below(node.entries[position - 1].node.end, lines)
        else:
            start = node.entries[0].start
            self.put(start, start, "\n".join([*lines, indent])[node.column :])

    def _insert_flow(self, node: Node, position: int, written: str) -> None:
        if not node.entries:
            self.put(node.start + 1, node.start + 1, written)
        elif position:
            last = node.entries[position - 1].node
            blank = " " if last.form is Form.NOTHING else ""  # some take a colon before a comma for part of the name
            self.put(last.end, last.end, f"{blank}, {written}")
        else:
            start = node.entries[0].start
            self.put(start, start, f"{written}, ")

    def remove(self, node: Node, gone: Sequence[int]) -> None:
        """Remove the entries at these positions of a collection that keeps others."""
        goes = set(gone)
        kept = next((n for n in reversed(range(len(node.entries))) if n not in goes), -1)  # the last one that stays
        leading = 0
        if node.form is Form.BLOCK and gone and self._is_behind_mark(node.entries[0].start):
            leading = next(n for n in range(len(node.entries)) if n >= len(gone) or gone[n] != n)
        if leading:
            self._remove_behind_mark(node, leading)
        for position in gone[leading:]:
            entry = node.entries[position]
            if node.form is Form.FLOW:
                self._remove_flow(node, position, is_last=position > kept)
            else:
                self.remove_lines(entry.start, entry.node.end)

    def _is_behind_mark(self, pos: int) -> bool:
        """Whether something stands before this offset on its line."""
        return bool(self.text[self.text.rfind("\n", 0, pos) + 1 : pos].strip(" "))

    def _remove_behind_mark(self, node: Node, count: int) -> None:
        """Remove the first entries of a collection that begins on the line of its own mark."""
        end = node.entries[count - 1].node.end
        behind = self.text[end : node.entries[count].start]
        comments = _comments(behind)
        self.put(node.start, end + (behind.index(comments[0]) if comments else len(behind)), "")

    def _remove_flow(self, node: Node, position: int, *, is_last: bool) -> None:
        entry = node.entries[position]
        if not is_last:
            self.put(entry.start, entry.node.end, "")
            comma, end = self._comma(entry.node.end)
            self.put(comma, end, "")
            return
        comma, end = self._comma(node.entries[position - 1].node.end)
        if end == entry.start:
            self.put(comma, entry.node.end, "")
        else:
            self.put(comma, comma + 1, "")
            self.put(entry.start, entry.node.end, "")

    def _comma(self, pos: int) -> tuple[int, int]:
        """Where the comma behind an entry is, and where the blanks behind it end."""
        match = _comma(self.text, pos)
        if match is None:
            raise self._refusal(pos, "the list or mapping cannot be shortened")
        return match.start(1), match.end()

    def _comments_in(self, node: Node) -> list[str]:
        """The comments between the parts of a collection."""
        found: list[str] = []
        done = node.start
        for start, end in self._parts(node.entries):
            found += _comments(self.text, done, start)
            done = end
        return [*found, *_comments(self.text, done, node.end)] if node.entries else found

    def _parts(self, entries: Iterable[Entry]) -> Iterator[tuple[int, int]]:
        for entry in entries:
            node = entry.node
            yield entry.start, entry.start if entry.mark is None else entry.mark
            if node.entries:
                yield from self._parts(node.entries)
            elif node.form is Form.BLOCK_TEXT:
                yield node.start, node.header_end
                yield self.line_end(node.header_end), node.end
            else:
                yield node.start, node.end


def _deep_comment(text: str, pos: int, column: int) -> bool:
    """Whether a comment below the line end at this offset is indented further than this column."""
    match = _indented_comment(text, pos)
    return match is not None and len(match[1]) > column


def _item_lines(value: object, indent: str) -> list[str]:
    head, body = block(value, indent)
    if not head and isinstance(value, dict):
        return [f"{indent}- {body[0].lstrip(' ')}", *body[1:]]
    return [f"{indent}- {head}".rstrip(" "), *body]
