"""Facts that databases have only as text, SQLite in that of CREATE TABLE: collations, ON CONFLICT, CHECKs, the tool
that made the table.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

__all__ = ["checks_in", "collations_in", "columns_in", "conflict_clauses_in", "is_made_by_us"]

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


def conflict_clauses_in(definition: str) -> set[str]:
    """The ON CONFLICT clauses of the table's rules, in upper case: REPLACE, IGNORE, FAIL or ROLLBACK. ABORT, which
    refuses the statement and nothing else, is left out.
    """
    found: set[str] = set()
    for part in _parts(definition):
        words = [word.upper() for word in part]
        for place in range(1, len(words) - 2):
            # SQLite takes the clause behind CHECK, and does nothing by it
            if words[place : place + 2] == ["ON", "CONFLICT"] and words[place - 1] != "CHECK":
                found.add(words[place + 2])
    return found - {"ABORT"}


def is_made_by_us(table: str, definition: str) -> bool:
    """Whether it reads as ``create`` writes it: every name in quotes, each column in a line of its own."""
    quoted = table.replace('"', '""')
    return definition.startswith(f'CREATE TABLE "{quoted}" (\n\t"')


def checks_in(definition: str) -> dict[str, str]:
    """By name, what the CHECKs say that have a name."""
    found: dict[str, str] = {}
    tokens = [token for token in _TOKEN.finditer(definition) if token.group(1) or token.group(2)]
    words = [token.group(1) or token.group(2) for token in tokens]
    for place in range(len(words) - 3):
        if words[place].upper() == "CONSTRAINT" and words[place + 2].upper() == "CHECK" and words[place + 3] == "(":
            depth = 0
            for end in range(place + 3, len(words)):
                depth += {"(": 1, ")": -1}.get(words[end], 0)
                if not depth:
                    found[_bare(words[place + 1])] = definition[tokens[place + 3].end() : tokens[end].start()]
                    break
    return found


def columns_in(clause: str, columns: Collection[str]) -> list[str]:
    """Those of these columns that a clause names, as far as that can be seen without its grammar."""
    names = {token.group(1) for token in _TOKEN.finditer(clause) if token.group(1)}
    named = {_bare(name).casefold() for name in names if name[0] != "'"}
    return [column for column in columns if column.casefold() in named]


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
