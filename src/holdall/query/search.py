"""Full-text search: what a text of words asks of the texts of a record.

Texts are compared by their words, in any letter case (full case folding, Unicode 3.13). A word is what stands between
``SEPARATORS``, whatever its language: nothing is stemmed and no word is too common to be asked for. Every store gives
the answer that is defined here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

import msgspec

from holdall.errors import LimitExceeded, QueryError
from holdall.query.separators import separated

__all__ = [
    "BETWEEN",
    "MAX_DOCUMENT",
    "MAX_SEARCH",
    "MAX_SEARCHED",
    "MAX_WORD",
    "Search",
    "Sought",
    "document",
    "read_search",
    "searcher",
]

MAX_SEARCH = 500
"""Characters in a text of words that are searched for."""

MAX_SEARCHED = 100_000
"""Characters at the start of each text that are searched."""

MAX_WORD = 200
"""Characters, folded, in a word; what is longer is no word."""

MAX_DOCUMENT = 250_000
"""Characters of the words of a record, with what stands between them, that are searched."""

BETWEEN = "\ue000"
"""Stands as a word between the texts of a record, so that no phrase goes from one into the next."""

_PARTS = re.compile(r'(?P<minus>(?<!\S)-(?=[^\s]))?(?:"(?P<phrase>[^"]*)"?|(?P<bare>[^\s"]+))')


class Sought(msgspec.Struct, frozen=True):
    """Words that stand one after the other in one text; with ``is_beginning``, the last one is but begun.

    Example: :func:`read_search`.
    """

    words: tuple[str, ...]
    is_beginning: bool = False

    @property
    def piece(self) -> str:
        """The part of a ``document`` in which the words are found."""
        return f" {' '.join(self.words)}{'' if self.is_beginning else ' '}"


class Search(msgspec.Struct, frozen=True):
    """Words that must be found, each in any text of a record, and words that must not. Example: :func:`read_search`."""

    wanted: tuple[Sought, ...]
    unwanted: tuple[Sought, ...]


@lru_cache(maxsize=1000)
def read_search(text: str) -> Search:
    """Read what is searched for: words, ``"words one after the other"``, ``begin*``, ``-without``.

    Raises QueryError where there is no word, LimitExceeded for a text or a word that is too long.

    >>> found = read_search('Left "dark hand" -war* e-mail')
    >>> [each.piece for each in found.wanted], [each.piece for each in found.unwanted]
    ([' left ', ' dark hand ', ' e mail '], [' war'])
    """
    if len(text) > MAX_SEARCH:
        raise LimitExceeded("characters in a text that is searched for", MAX_SEARCH)
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise QueryError("search() takes text, and half of a surrogate pair is none")
    wanted, unwanted = list[Sought](), list[Sought]()
    for part in _PARTS.finditer(text):
        phrase, bare = part["phrase"], part["bare"] or ""
        words = _words(phrase if phrase is not None else bare)
        if any(len(word) > MAX_WORD for word in words):
            raise LimitExceeded("characters in a word that is searched for", MAX_WORD)
        if words:
            (unwanted if part["minus"] else wanted).append(Sought(tuple(words), bare.endswith("*")))
    if not (wanted or unwanted):
        raise QueryError("search() takes at least one word: letters or digits")
    return Search(tuple(dict.fromkeys(wanted)), tuple(dict.fromkeys(unwanted)))


def document(texts: Iterable[str | None]) -> str:
    """The words of the texts, folded, a blank before and behind each and ``BETWEEN`` between texts, as far as both
    bounds allow.

    >>> document(["The Left Hand", None, "Of (darkness)"])
    ' the left hand \ue000 \ue000 of darkness '
    """
    whole = f" {BETWEEN} ".join([text[:MAX_SEARCHED] if text else "" for text in texts])
    words = " ".join([word for word in _words(whole) if len(word) <= MAX_WORD])
    return f" {words}"[:MAX_DOCUMENT] + " "


def _words(text: str) -> list[str]:
    return [word for word in separated(text.casefold()) if word]


def searcher(text: str) -> Callable[[Iterable[str | None]], bool]:
    """The function that says whether texts, missing ones among them, have what is searched for.

    >>> is_found = searcher('hand -war')
    >>> is_found(["The Left Hand", None]), is_found(["Handy", "A hand of war"]), is_found([None])
    (True, False, False)
    """
    search = read_search(text)
    wanted = [each.piece for each in search.wanted]
    unwanted = [each.piece for each in search.unwanted]

    def is_found(texts: Iterable[str | None]) -> bool:
        words = document(texts)
        return all(piece in words for piece in wanted) and not any(piece in words for piece in unwanted)

    return is_found
