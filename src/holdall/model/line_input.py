"""Lines of a text as it comes in parts: no more of it is kept than one line and what was sent with it."""

from __future__ import annotations

from collections.abc import AsyncIterator

__all__ = ["LongLine", "lines_in"]

_MARK = b"\xef\xbb\xbf"  # of the order of bytes, which some programs write before UTF-8


class LongLine(Exception):
    """The line of this number is longer than it may be. Example: :func:`lines_in`."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"line {number} is too long")


async def lines_in(parts: AsyncIterator[bytes], most: int, *, is_quoted: bool) -> AsyncIterator[tuple[int, bytes]]:
    """The lines of a text with their numbers, of at most ``most`` bytes each; empty ones are left out.

    With ``is_quoted`` a line goes on while quotation marks are open, as in CSV, where spaces are a value; elsewhere a
    line of spaces is empty. Raises LongLine.

    >>> async def parts() -> AsyncIterator[bytes]:
    ...     yield b"one\\ntw"
    ...     yield b"o\\n"
    >>> async def example() -> None:
    ...     print([line async for line in lines_in(parts(), 10, is_quoted=False)])
    >>> import asyncio
    >>> asyncio.run(example())
    [(1, b'one'), (2, b'two')]
    """
    rest, number, is_first = bytearray(), 1, True
    seen, marks = 0, 0  # of the line under way: how far it was looked at, and the quotation marks there
    async for part in parts:
        rest += part
        if is_first and len(rest) >= len(_MARK):
            is_first = False
            if rest.startswith(_MARK):
                del rest[: len(_MARK)]
                seen = 0
        begin = 0
        while (end := rest.find(b"\n", seen)) >= 0:
            marks += rest.count(b'"', seen, end) if is_quoted else 0
            seen = end + 1
            if marks % 2:
                continue
            _demand_short(number, end - begin, most)
            line = bytes(rest[begin:end]).rstrip(b"\r")
            if line if is_quoted else line.strip():
                yield number, line
            number += rest.count(b"\n", begin, seen)
            begin, marks, is_first = seen, 0, False
        marks += rest.count(b'"', seen) if is_quoted else 0
        del rest[:begin]
        seen = len(rest)
        _demand_short(number, seen, most)
    line = bytes(rest).removeprefix(_MARK if is_first else b"").rstrip(b"\r")
    if line if is_quoted else line.strip():
        yield number, line


def _demand_short(number: int, size: int, most: int) -> None:
    if size > most:
        raise LongLine(number)
