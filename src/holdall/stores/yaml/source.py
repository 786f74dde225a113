"""The text of a file with line ends of one kind, for those who read it; and changes of it, put back among its own.

In YAML 1.2 a line ends with LF, CRLF or CR. U+0085, U+2028 and U+2029 are characters like others.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable

import msgspec

from holdall.stores.yaml.errors import Unreadable

__all__ = ["Change", "Source", "decoded", "ordered"]

_LINE_END = re.compile(r"\r\n?")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_MARK = "\ufeff"  # a byte order mark


class Change(msgspec.Struct, frozen=True):
    """The text between two offsets, and what takes its place; its lines end with LF."""

    start: int
    end: int
    text: str


def ordered(changes: Iterable[Change]) -> list[Change]:
    """The changes by their offsets; those at the same one stay in order."""
    return sorted(changes, key=lambda change: (change.start, change.end))


class Source:
    """A file's text: ``text`` is what is read, without a byte order mark, every line ended by LF."""

    def __init__(self, original: str) -> None:
        self._mark = _MARK if original.startswith(_MARK) else ""
        self._original = original.removeprefix(_MARK)
        self._shortened: list[int] = []  # offsets in ``text`` of the line ends that are one character shorter there
        self.text = self._original
        if "\r" in self._original:
            for match in _LINE_END.finditer(self._original):
                if len(match[0]) > 1:
                    self._shortened.append(match.start() - len(self._shortened))
            self.text = _LINE_END.sub("\n", self._original)
        control = _CONTROL.search(self.text)
        if control is not None:
            name = "a NUL character" if control[0] == "\0" else "a control character"
            line = self.text.count("\n", 0, control.start()) + 1
            raise Unreadable(f'line {line} holds {name}; write it as an escape such as "\\x07", in double quotes')

    def changed(self, changes: Iterable[Change]) -> str:
        """The file's text with these changes, which do not overlap; every other character stays as it is.

        A change behind the last character ends the last line before.
        """
        in_order = ordered(changes)
        if in_order and in_order[-1].end > len(self.text):
            return Source(f"{self._mark}{self._original}{self._line_end(len(self.text))}").changed(in_order)
        pieces, done = [self._mark], 0
        for change in in_order:
            start = self._place(change.start)
            pieces.append(self._original[done:start])
            pieces.append(change.text.replace("\n", self._line_end(change.start)) if change.text else "")
            done = self._place(change.end)
        pieces.append(self._original[done:])
        return "".join(pieces)

    def _place(self, offset: int) -> int:
        return offset + bisect_left(self._shortened, offset)

    def _line_end(self, offset: int) -> str:
        """How the line at this offset ends, or the one before where it begins there or is the last one of the file."""
        end = offset - 1 if offset and self.text[offset - 1] == "\n" else self.text.find("\n", offset)
        if end < 0:
            end = self.text.rfind("\n")
        if end < 0:
            return "\n"
        place = self._place(end)
        return "\r\n" if self._original.startswith("\r\n", place) else self._original[place]


def decoded(raw: bytes) -> str:
    """The bytes of a file as text. Raises Unreadable."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable(f"byte {error.start} is not UTF-8; save the file as UTF-8") from None
