"""Scalars in single and double quotes, folded over lines as YAML 1.2 says (section 7.3)."""

from __future__ import annotations

import re

from holdall.stores.yaml.errors import Unreadable
from holdall.stores.yaml.patterns import compiled

__all__ = ["QUOTED", "unquoted"]

QUOTED = compiled(r"\"(?:[^\"\\]++|\\[\s\S])*+\"|'(?:[^']++|'')*+'(?!')")
"""A scalar in quotes, over as many lines as it has."""


def _line_end(name: str) -> str:
    return rf"\n(?P<{name}>(?:[ \t]*+\n)*+)[ \t]*+"


_FOLDED = rf"(?P<blanks>[ \t]++)(?:{_line_end('after')})?+|{_line_end('alone')}"
_SINGLE = compiled(rf"''|{_FOLDED}")
_DOUBLE = compiled(
    rf"\\(?:{_line_end('escaped')}|(?P<escape>x[0-9a-fA-F]{{2}}|u[0-9a-fA-F]{{4}}|U[0-9a-fA-F]{{8}}|.))|{_FOLDED}"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_ESCAPES = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "\t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b",
    " ": " ", '"': '"', "/": "/", "\\": "\\", "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029",
}  # fmt: skip


def unquoted(text: str) -> str:
    """The value of a scalar, its quotes included. Raises Unreadable for an escape that YAML does not know."""
    inner = text[1:-1]
    if text[0] == "'":
        return _SINGLE.sub(_single, inner) if "'" in inner or "\n" in inner else inner
    if "\\" not in inner and "\n" not in inner:
        return inner
    value = _DOUBLE.sub(_double, inner)
    if _SURROGATE.search(value):
        return _PAIR.sub(_joined, value)
    return value


def _joined(pair: re.Match[str]) -> str:
    """The character that two escapes stand for, as JSON writes it."""
    return pair[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le")


def _single(match: re.Match[str]) -> str:
    return "'" if match[0] == "''" else _folded(match)


def _double(match: re.Match[str]) -> str:
    if match["escaped"] is not None:
        return "\n" * match["escaped"].count("\n")
    escape = match["escape"]
    if escape is None:
        return _folded(match)
    if escape in _ESCAPES:
        return _ESCAPES[escape]
    if len(escape) == 1 or int(escape[1:], 16) > 0x10FFFF:
        raise Unreadable(f"YAML knows no escape \\{escape[:1]}; write \\\\ for a backslash, or use single quotes")
    return chr(int(escape[1:], 16))


def _folded(match: re.Match[str]) -> str:
    """Return the replacement for blanks, or for a line end, the blanks beside it and the empty lines that follow."""
    empty = match["alone"] if match["blanks"] is None else match["after"]
    return match["blanks"] if empty is None else "\n" * empty.count("\n") or " "
