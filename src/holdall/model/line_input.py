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
    """The lines of a text with their numbers, of at most ``most`` bytes each; blank ones are left out.

    With ``is_quoted`` a line goes on while quotation marks are open, as in CSV. Raises LongLine.

    >>> async def parts() -> AsyncIterator[bytes]:
    ...     yield b"one\\ntw"
    ...     yield b"o\\n"
    >>> async def example() -> None:
    ...     print([line async for line in lines_in(parts(), 10, is_quoted=False)])
    >>> import asyncio
    >>> asyncio.run(example())
    [(1, b'one'), (2, b'two')]
    """
    rest, number, first = b"", 1, True
    async for part in parts:
        rest += part
        if first and len(rest) >= len(_MARK):
            rest, first = rest.removeprefix(_MARK), False
        begin, seen = 0, 0
        while (end := rest.find(b"\n", seen)) >= 0:
            seen = end + 1
            if is_quoted and rest.count(b'"', begin, end) % 2:
                continue
            _demand_short(number, end - begin, most)
            line = rest[begin:end].rstrip(b"\r")
            if line.strip():
                yield number, line
            number += rest.count(b"\n", begin, seen)
            begin = seen
        rest = rest[begin:]
        _demand_short(number, len(rest), most)
    if rest.strip():
        yield number, rest.removeprefix(_MARK).rstrip(b"\r")


def _demand_short(number: int, size: int, most: int) -> None:
    if size > most:
        raise LongLine(number)
