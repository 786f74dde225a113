"""Lines of a text as it comes in parts: no more of it is kept than one line and what was sent with it."""

from __future__ import annotations

from collections.abc import AsyncIterator

__all__ = ["Lines", "LongLine", "lines_in"]

_MARK = b"\xef\xbb\xbf"  # of the order of bytes, which some programs write before UTF-8


class LongLine(Exception):
    """The line of this number is longer than it may be. Example: :func:`lines_in`."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"line {number} is too long")


Lines = list[tuple[int, bytes]]
"""Lines with their numbers."""


async def lines_in(parts: AsyncIterator[bytes], most: int, *, is_quoted: bool) -> AsyncIterator[Lines]:
    """The lines that end in each part of a text, of at most ``most`` bytes each; empty ones are left out.

    With ``is_quoted`` a line goes on while quotation marks are open, as in CSV, where spaces are a value; elsewhere a
    line of spaces is empty. Raises LongLine.

    >>> async def parts() -> AsyncIterator[bytes]:
    ...     yield b"one\\ntw"
    ...     yield b"o\\n"
    >>> async def example() -> None:
    ...     print([lines async for lines in lines_in(parts(), 10, is_quoted=False)])
    >>> import asyncio
    >>> asyncio.run(example())
    [[(1, b'one')], [(2, b'two')]]
    """
    text = _Text(most, is_quoted)
    async for part in parts:
        lines: Lines = []
        try:
            text.take(part, lines)
        except LongLine:
            if lines:
                yield lines
            raise
        if lines:
            yield lines
    if lines := text.end():
        yield lines


class _Text:
    """A text of which no more is kept than the line under way."""

    def __init__(self, most: int, is_quoted: bool) -> None:
        self._most, self._is_quoted = most, is_quoted
        self._rest, self._number, self._is_first = bytearray(), 1, True
        self._seen = self._marks = 0  # of the line under way: how far it was looked at, and the quotation marks there
        self._is_cut = False  # whether there are ends of lines in it, between quotation marks

    def take(self, part: bytes, lines: Lines) -> None:
        """Append the lines that end in this part. Raises LongLine once those before the long one are there."""
        rest = self._rest
        rest += part
        if self._is_first and len(rest) >= len(_MARK):
            self._is_first = False
            if rest.startswith(_MARK):
                del rest[: len(_MARK)]
                self._seen = 0
        if self._is_cut or self._marks % 2 or not self._take_whole(lines):
            self._take_each(lines)
        _demand_short(self._number, self._seen, self._most)

    def end(self) -> Lines:
        """Return the last line, where it has no end."""
        line = bytes(self._rest).removeprefix(_MARK if self._is_first else b"").rstrip(b"\r")
        return [(self._number, line)] if self._is_there(line) else []

    def _take_whole(self, lines: Lines) -> bool:
        """Append all lines that have ended, if each ends at its first end of a line, and none is long."""
        rest = self._rest
        end = rest.rfind(b"\n", self._seen)
        if end < 0:
            return False
        found = bytes(rest[:end]).split(b"\n")
        if max(map(len, found)) > self._most:
            return False
        if self._is_quoted and b'"' in rest and any(line.count(b'"') % 2 for line in found):
            return False
        if b"\r" in rest:
            found = [line.rstrip(b"\r") for line in found]
        there = self._is_there
        lines.extend([pair for pair in enumerate(found, self._number) if there(pair[1])])
        self._number += len(found)
        self._is_first = False
        del rest[: end + 1]
        self._marks, self._seen = rest.count(b'"') if self._is_quoted else 0, len(rest)
        return True

    def _take_each(self, lines: Lines) -> None:
        """Append the lines that have ended, each looked at by itself."""
        rest, begin = self._rest, 0
        while (end := rest.find(b"\n", self._seen)) >= 0:
            self._marks += rest.count(b'"', self._seen, end) if self._is_quoted else 0
            self._seen = end + 1
            self._is_cut = self._marks % 2 == 1
            if self._is_cut:
                continue
            _demand_short(self._number, end - begin, self._most)
            line = bytes(rest[begin:end]).rstrip(b"\r")
            if self._is_there(line):
                lines.append((self._number, line))
            self._number += rest.count(b"\n", begin, self._seen)
            begin, self._marks, self._is_first = self._seen, 0, False
        self._marks += rest.count(b'"', self._seen) if self._is_quoted else 0
        del rest[:begin]
        self._seen = len(rest)

    def _is_there(self, line: bytes) -> bool:
        return bool(line if self._is_quoted else line.strip())


def _demand_short(number: int, size: int, most: int) -> None:
    if size > most:
        raise LongLine(number)
