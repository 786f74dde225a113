"""Regular expressions of the one syntax that all engines read alike: checked, bounded, written for each engine.

Characters, ``.`` (any but a line feed), ``[a-z]`` and ``[^a-z]``, ``\\d \\w \\s`` (of ASCII) and escaped signs, groups,
``|``, ``* + ? {2} {2,} {2,5}``, ``^`` at the start and ``$`` at the end of a whole text. There are no references back,
no looks around, no flags; nothing is repeated within what is repeated, so that no text takes long.
"""

from __future__ import annotations

import re
from functools import lru_cache

from holdall.errors import LimitExceeded, QueryError

__all__ = ["MAX_PATTERN", "perl_pattern", "portable"]

MAX_PATTERN = 200
"""Characters in a regular expression."""

_MOST_TIMES = 100
_CLASSES = {"d": "0-9", "w": "A-Za-z0-9_", "s": " \\t\\n\\r\\f"}
_CONTROLS = {"t": "\\t", "n": "\\n", "r": "\\r", "f": "\\f"}
_TIMES = re.compile(r"\{([0-9]{1,3})(?:(,)([0-9]{1,3})?)?\}")


@lru_cache(maxsize=1000)
def portable(pattern: str) -> str:
    """The same expression in words that every engine reads alike, without the ends of a text: ``\\A`` and ``\\Z``
    stand for them, which each engine spells its own way.

    Raises QueryError for what is not of the syntax, LimitExceeded for one that is too long.

    >>> portable(r"^\\d+[.]$")
    '\\\\A[0-9]+[.]\\\\Z'
    """
    if len(pattern) > MAX_PATTERN:
        raise LimitExceeded("characters in a regular expression", MAX_PATTERN)
    found = _Reader(pattern).whole()
    try:
        re.compile(found)
    except re.error as error:
        raise QueryError(f"the regular expression {pattern!r} is none: {error}") from error
    return found


def perl_pattern(pattern: str) -> str:
    """As ``portable``, with the ends of a text as PCRE spells them. Example: :func:`portable`."""
    return re.sub(r"\\\\|\\Z", lambda found: "\\z" if found.group() == "\\Z" else found.group(), portable(pattern))


class _Reader:
    """Reads one pattern from left to right."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._place = 0

    def whole(self) -> str:
        found, _ = self._alternatives(top=True)
        if self._place < len(self._pattern):
            raise self._refusal("a bracket that was never opened")
        return found

    def _refusal(self, what: str) -> QueryError:
        return QueryError(f"the regular expression {self._pattern!r} has {what} at character {self._place + 1}")

    @property
    def _next(self) -> str:
        return self._pattern[self._place : self._place + 1]

    def _alternatives(self, *, top: bool = False) -> tuple[str, bool]:
        """The alternatives up to a closing bracket, and whether anything in them is repeated."""
        parts, repeats = [], False
        while True:
            part, is_repeating = self._sequence(top=top)
            parts.append(part)
            repeats |= is_repeating
            if self._next != "|":
                return "|".join(parts), repeats
            self._place += 1

    def _sequence(self, *, top: bool) -> tuple[str, bool]:
        parts, repeats, is_first = [], False, True
        while self._next not in ("", "|", ")"):
            if self._next == "^":
                if not top or not is_first:
                    raise self._refusal("a ^ that is not at the start")
                self._place += 1
                parts.append("\\A")
            elif self._next == "$":
                self._place += 1
                if not top or self._next not in ("", "|"):
                    raise self._refusal("a $ that is not at the end, before which it stands")
                parts.append("\\Z")
            else:
                part, is_repeating = self._repeated()
                parts.append(part)
                repeats |= is_repeating
            is_first = False
        return "".join(parts), repeats

    def _repeated(self) -> tuple[str, bool]:
        item, repeats = self._item()
        times = self._times()
        if not times:
            return item, repeats
        if self._next in ("*", "+", "?", "{"):
            raise self._refusal("a second sign of repetition")
        if repeats:
            raise self._refusal("a repetition of what is repeated, before which it stands")
        return item + times, True

    def _times(self) -> str:
        sign = self._next
        if sign in ("*", "+", "?") and sign:
            self._place += 1
            return sign
        if sign != "{":
            return ""
        match = _TIMES.match(self._pattern, self._place)
        if match is None:
            raise self._refusal("a brace that tells no number of times")
        least, comma, most = match.groups()
        if max(int(least), int(most or least)) > _MOST_TIMES or int(most or least) < int(least):
            raise self._refusal(f"a repetition of more than {_MOST_TIMES} times, or of fewer than its least number,")
        self._place = match.end()
        return f"{{{int(least)}{comma or ''}{'' if most is None else int(most)}}}"

    def _item(self) -> tuple[str, bool]:
        character = self._next
        self._place += 1
        if character == "(":
            if self._next == "?":
                if self._pattern[self._place : self._place + 2] != "?:":
                    raise self._refusal("a group of a kind that is not taken")
                self._place += 2
            inner, repeats = self._alternatives()
            if self._next != ")":
                raise self._refusal("no closing bracket")
            self._place += 1
            return f"(?:{inner})", repeats
        if character == "[":
            return self._set(), False
        if character == ".":
            return "[^\\n]", False
        if character == "\\":
            name = self._escaped()
            return (f"[{_CLASSES[name[1]]}]" if name[0] == "class" else _literal(name[1])), False
        if character in "*+?{}])":
            self._place -= 1
            raise self._refusal(f"a {character} that is not escaped")
        return _literal(character), False

    def _escaped(self) -> tuple[str, str]:
        character = self._next
        self._place += 1
        if character in _CLASSES and character:
            return "class", character
        if character in _CONTROLS and character:
            return "literal", _CONTROLS[character]
        if not character or character.isalnum() or not character.isascii():
            raise self._refusal("an escape that is not taken, before")
        return "literal", character

    def _set(self) -> str:
        is_negated = self._next == "^"
        self._place += is_negated
        parts: list[str] = []
        while self._next != "]":
            parts.append(self._member())
        self._place += 1
        if not parts:
            raise self._refusal("an empty set, before")
        return f"[{'^' if is_negated else ''}{''.join(parts)}]"

    def _member(self) -> str:
        name = self._one()
        if name[0] == "class":
            return _CLASSES[name[1]]
        low = name[1]
        if self._next == "-" and self._pattern[self._place + 1 : self._place + 2] not in ("]", ""):
            self._place += 1
            high = self._one()
            if high[0] == "class" or len(low) > 1 or len(high[1]) > 1 or low > high[1]:
                raise self._refusal("a range that is none, before")
            return f"{_in_set(low)}-{_in_set(high[1])}"
        return _in_set(low)

    def _one(self) -> tuple[str, str]:
        character = self._next
        if not character:
            raise self._refusal("a set that does not end")
        self._place += 1
        if character == "\\":
            return self._escaped()
        if character == "[":
            raise self._refusal("a [ in a set that is not escaped, before")
        return "literal", character


def _literal(character: str) -> str:
    if len(character) > 1 or character.isalnum() or character in "_ " or not character.isascii():
        return character
    return {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\f": "\\f"}.get(character) or f"[{_in_set(character)}]"


def _in_set(character: str) -> str:
    return f"\\{character}" if character in "]^-\\[&~|" else _CONTROL_SIGNS.get(character, character)


_CONTROL_SIGNS = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\f": "\\f"}
