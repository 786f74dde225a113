"""Literal and folded block scalars (YAML 1.2, section 8.1)."""

from __future__ import annotations

import re
from functools import cache

import msgspec

from holdall.stores.yaml.errors import Unreadable
from holdall.stores.yaml.patterns import compiled

__all__ = ["BlockText", "block_text"]

_HEADER = compiled(r"([|>])(?:([1-9])([-+]?)|([-+])([1-9])?)?(?=[ \t]*+(?:(?<=[ \t])#[^\n]*+)?+\n)")
_EMPTY_LINES = compiled(r"((?: *+\n)*+)( *+)")


class BlockText(msgspec.Struct, frozen=True):
    """A block scalar that was read.

    ``header_end`` is behind its mark, ``end`` behind the last line that is part of the value; ``following`` is
    where the first line begins that does not belong to it.
    """

    value: str
    header_end: int
    end: int
    following: int


def block_text(text: str, start: int, parent: int, *, is_ended: bool) -> BlockText:
    """The scalar that begins at this offset, in a collection in column ``parent``, -1 if there is none.

    ``is_ended`` says whether the last line end of the text is in the file. Raises Unreadable.
    """
    header = _HEADER.match(text, start)
    if header is None:
        raise Unreadable("after | or > only a digit, + or -, and a comment may follow")
    first = text.index("\n", header.end()) + 1
    digit = header[2] or header[5]
    width = max(parent, 0) + int(digit) if digit else _width(text, first, parent)
    match = _lines(width).match(text, first)
    following = match.end() if match is not None else first
    raw = text[first:following].split("\n")[:-1]
    lines = [line[width:] for line in raw]
    while lines and not lines[-1]:
        lines.pop()
    empty = len(raw) - len(lines)
    breaks = len(raw) if lines else empty  # the line ends behind the text
    breaks -= len(lines) - 1 if lines else 0
    if following == len(text) and not is_ended and raw:
        breaks -= 1
    value = "\n".join(lines) if header[1] == "|" else _folded(lines)
    end = following - 1 - sum(len(line) + 1 for line in raw[len(lines) :]) if lines else header.end()
    chomping = header[3] or header[4]
    if chomping == "+":
        value += "\n" * breaks
        end = following - 1 if raw else end
    elif chomping != "-" and lines:
        value += "\n" * min(1, breaks)
    return BlockText(value, header.end(), end, following)


def _width(text: str, first: int, parent: int) -> int:
    """The indentation that the first line with text has."""
    match = _EMPTY_LINES.match(text, first)
    longest = max(map(len, match[1].split("\n"))) if match is not None else 0
    width = len(match[2]) if match is not None else 0
    if width <= parent or match is None or match.end() == len(text):
        return max(longest, parent + 1)
    if longest > width:
        raise Unreadable("an empty line before the text has more blanks than the text; remove them")
    return width


@cache
def _lines(width: int) -> re.Pattern[str]:
    return compiled(rf"(?: {{{width}}}[^\n]*+\n| {{0,{width}}}\n)*+" if width else r"(?:[^\n]*+\n)*+")


def _folded(lines: list[str]) -> str:
    pieces: list[str] = []
    empty, is_first, was_indented = 0, True, False
    for line in lines:
        if not line:
            empty += 1
            continue
        is_indented = line[0] in " \t"
        if not is_first:
            if is_indented or was_indented:
                pieces.append("\n")
            elif not empty:
                pieces.append(" ")
        pieces.append("\n" * empty)
        pieces.append(line)
        empty, is_first, was_indented = 0, False, is_indented
    return "".join(pieces)
