"""Reading tokens one after the other, to a bounded depth: the steps that all parts of the text form are read by."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from holdall.errors import LimitExceeded
from holdall.query._tokens import Token, refusal, tokens
from holdall.query.kinds import MAX_DEPTH

__all__ = ["Reading"]

T = TypeVar("T")


class Reading:
    """A place in a text."""

    def __init__(self, text: str) -> None:
        self._tokens = tokens(text)
        self._next = 0
        self._depth = 0

    def _items(self, opening: str, closing: str, read: Callable[[], T]) -> list[T]:
        self._enter()
        self._sign(opening)
        items: list[T] = [] if self._token.text == closing else self._separated(read)
        self._sign(closing)
        self._depth -= 1
        return items

    def _separated(self, read: Callable[[], T]) -> list[T]:
        items = [read()]
        while self._took(","):
            items.append(read())
        return items

    @property
    def _token(self) -> Token:
        return self._tokens[self._next]

    def _took(self, word: str) -> bool:
        """Whether this keyword or sign is next; if so it is passed."""
        token = self._tokens[self._next]
        if token.text != word or token.kind not in ("keyword", "sign"):
            return False
        self._next += 1
        return True

    def _sign(self, sign: str) -> None:
        if not self._took(sign):
            raise refusal(self._token, f"{sign!r}")

    _word = _sign

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > 2 * MAX_DEPTH:
            raise LimitExceeded("levels in the text of a query", MAX_DEPTH, "write it flatter")
