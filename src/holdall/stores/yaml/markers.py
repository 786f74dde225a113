"""Where the document of a text begins and ends: the lines ``---`` and ``...``, directives before, comments around."""

from __future__ import annotations

import re

from holdall.stores.yaml.errors import Unreadable
from holdall.stores.yaml.flow import REFUSED
from holdall.stores.yaml.patterns import compiled

__all__ = ["content_of"]

_BEHIND = "behind ... only a comment may follow, after a blank"
_SECOND = "a second document begins; keep one in a file"
_empty = compiled(r"(?:[ \t]*+(?:#[^\n]*+)?+\n)*+[ \t]*+(?:#[^\n]*+)?+")
_marker = re.compile(r"^(---|\.\.\.)(?=[ \t\n]|\Z)", re.MULTILINE)


def content_of(text: str) -> tuple[int, int]:
    """Between which offsets the only document of a text has its content. Raises Unreadable."""
    start, end, done = 0, len(text), 0
    if not (text.startswith(("---", "...")) or "\n---" in text or "\n..." in text):
        return start, end
    is_over = False
    for match in _marker.finditer(text):
        is_empty = _empty.fullmatch(text, done, match.start())
        if match[1] == "...":
            if is_over and not is_empty:
                raise _refusal(text, match.start(), _SECOND)
            end, is_over = match.start() if not is_over else end, True
        elif done or not is_empty:
            is_directive = not done and _begins_with_directive(text)
            raise _refusal(text, match.start(), REFUSED["%"] if is_directive else _SECOND)
        else:
            start = match.end()
        done = match.end()
    if is_over and not _empty.fullmatch(text, done):
        line_end = text.find("\n", done)
        is_behind = not _empty.fullmatch(text, done, line_end if line_end >= 0 else len(text))
        raise _refusal(text, done, _BEHIND) if is_behind else _refusal(text, line_end + 1, _SECOND)
    return start, end


def _refusal(text: str, pos: int, reason: str) -> Unreadable:
    return Unreadable(f"line {text.count(chr(10), 0, pos) + 1}: {reason}")


def _begins_with_directive(text: str) -> bool:
    match = _empty.match(text)
    return match is not None and text.startswith("%", match.end())
