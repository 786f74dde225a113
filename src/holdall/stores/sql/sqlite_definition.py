"""Facts that SQLite's catalogue has only in the text of CREATE TABLE: the collation of each column, and the tool that
made the table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["collations_in", "is_made_by_us"]

_TOKEN = re.compile(
    r"""--[^\n]*|/\*.*?\*/|\s+                      # nothing
    |("(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|'(?:[^']|'')*'|[^\W\d][\w$]*)  # a name or a text
    |([(),])|.""",
    re.VERBOSE | re.DOTALL,
)
_CONSTRAINTS = {"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"}


def collations_in(definition: str) -> dict[str, str]:
    """By the column's name in lower case, the collation it is declared with; columns without one are left out."""
    found: dict[str, str] = {}
    for part in _parts(definition):
        if part and part[0].upper() not in _CONSTRAINTS:
            words = [word.upper() for word in part]
            if "COLLATE" in words[:-1]:
                found[_bare(part[0]).casefold()] = _bare(part[words.index("COLLATE") + 1])
    return found


def is_made_by_us(table: str, definition: str) -> bool:
    """Whether it reads as ``create`` writes it: every name in quotes, each column in a line of its own."""
    quoted = table.replace('"', '""')
    return definition.startswith(f'CREATE TABLE "{quoted}" (\n\t"')


def _parts(definition: str) -> Iterator[list[str]]:
    """The words of each column and constraint, without what stands in parentheses of their own."""
    depth, words = 0, list[str]()
    for token in _TOKEN.finditer(definition):
        name, mark = token.group(1), token.group(2)
        if mark == "(":
            depth += 1
            if depth == 1:
                words = []
        elif mark == ")":
            depth -= 1
            if depth == 0:
                yield words
                return
        elif mark == "," and depth == 1:
            yield words
            words = []
        elif name and depth == 1:
            words.append(name)


def _bare(name: str) -> str:
    if name[0] in "\"`'":
        return name[1:-1].replace(name[0] * 2, name[0])
    return name[1:-1] if name[0] == "[" else name
