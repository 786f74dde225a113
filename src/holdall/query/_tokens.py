"""The words of the text form: names, values, signs, each with its place in the text."""

from __future__ import annotations

import re
from typing import NamedTuple

from holdall.errors import LimitExceeded, QueryError

__all__ = ["KEYWORDS", "MAX_TEXT", "Token", "refusal", "tokens"]

MAX_TEXT = 1_000_000
"""Characters in the text of one query."""

KEYWORDS = frozenset(
    {
        *("where", "sort", "after", "limit", "offset", "only"),
        *("and", "or", "not", "some", "every"),
        *("is", "in", "between", "contains", "icontains", "startswith", "endswith"),
        *("null", "true", "false", "nulls", "first", "last"),
    }
)

_PATTERN = re.compile(
    r"""\s*(?:
        (?P<typed>[a-z]+"[^"\\]*")                      # decimal"1.50"
      | (?P<text>"(?:[^"\\]|\\.)*")
      | (?P<quoted>`(?:[^`]|``)*`)
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<number>-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
      | (?P<sign>!=|<=|>=|[=<>().,:\[\]{}-])
      | (?P<end>\Z)
    )""",
    re.VERBOSE | re.DOTALL,
)


_ADVICE = {
    "'": 'begins no word of a query: text is written in double quotes, as in title = "Emma"',
    '"': "begins a text that does not end",
    "&": "begins no word of a query: write and",
    "|": "begins no word of a query: write or",
    "!": "begins no word of a query: write not, or != for a value that differs",
}


class Token(NamedTuple):
    """One word: its kind (a group of the pattern, or ``keyword``), its text, and where it starts."""

    kind: str
    text: str
    start: int


def tokens(text: str) -> list[Token]:
    """The words of the text, an ``end`` last. Raises QueryError at the first character that begins none."""
    if len(text) > MAX_TEXT:
        raise LimitExceeded("characters in the text of a query", MAX_TEXT)
    found: list[Token] = []
    place = 0
    while not found or found[-1].kind != "end":
        match = _PATTERN.match(text, place)
        if match is None:
            place += len(text[place:]) - len(text[place:].lstrip())
            why = _ADVICE.get(text[place], "begins no word of a query")
            raise QueryError(f"at character {place + 1}: {text[place]!r} {why}")
        kind = str(match.lastgroup)
        word, place = match.group(kind), match.end()
        if kind == "name" and word in KEYWORDS:
            kind = "keyword"
        found.append(Token(kind, word, match.start(str(match.lastgroup))))
    return found


def refusal(token: Token, expected: str) -> QueryError:
    """The error that says what should stand where this token does."""
    found = "the end" if token.kind == "end" else repr(token.text if len(token.text) <= 30 else token.text[:27] + "...")
    return QueryError(f"at character {token.start + 1}: expected {expected}, found {found}")
