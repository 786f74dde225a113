"""Text operators as regular expressions of which the user's text is only ever a literal part."""

from __future__ import annotations

from functools import cache

from holdall.errors import LimitExceeded

__all__ = ["MAX_TEXT", "containing", "containing_any_case", "ending", "prefix_end"]

MAX_TEXT = 2_000
"""Characters in a text that is looked for inside others; MongoDB bounds the pattern made of it."""

_CASED = range(0x80, 0x1F000)  # beyond lie no letters with case


def containing(text: str) -> str:
    """The pattern of texts that contain this one."""
    return "".join(map(_literal, _bounded(text)))


def ending(text: str) -> str:
    """The pattern of texts that end with this one: not ``$``, which would pass by a line feed at the end."""
    return containing(text) + r"(?![\s\S])"


def containing_any_case(text: str) -> str:
    """The pattern of texts whose lower case contains this one's.

    Each letter stands for all that have its lower case: the pattern's own notion of case is wider than ours.
    """
    return "".join(map(_any_case, _bounded(text).lower()))


def prefix_end(text: str) -> str | None:
    """The smallest text above all that begin with this one; None if there is none."""
    for place in range(len(text) - 1, -1, -1):
        code = ord(text[place])
        if code < 0x10FFFF:
            return text[:place] + chr(0xE000 if code == 0xD7FF else code + 1)
    return None


def _bounded(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise LimitExceeded("characters in a text to look for", MAX_TEXT)
    return text


def _literal(character: str) -> str:
    return character if character.isalnum() or character == "_" or not character.isascii() else f"\\{character}"


def _any_case(character: str) -> str:
    letters = _letters().get(character)
    return _literal(character) if letters is None else f"[{letters}]"


@cache
def _letters() -> dict[str, str]:
    """Of each lower-case letter all letters that have it, itself among them; both small sigmas are one."""
    found: dict[str, set[str]] = {}
    for code in (*range(0x41, 0x5B), *_CASED):
        lower = chr(code).lower()
        if lower != chr(code) and len(lower) == 1:
            found.setdefault(lower, {lower}).add(chr(code))
    sigma, final_sigma = "\u03c3", "\u03c2"
    found[sigma] = found[final_sigma] = found[sigma] | {final_sigma}
    return {lower: "".join(sorted(letters)) for lower, letters in found.items()}
