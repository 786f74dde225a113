"""The option of requests that are done once, however often they are sent."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from holdall.errors import DeclarationError

__all__ = ["Idempotency"]


class Idempotency(msgspec.Struct, frozen=True):
    """How requests with an ``Idempotency-Key`` are answered when they are repeated.

    ``required`` are the collections whose POST and PATCH must have a key, True stands for all. Answers are kept for
    ``seconds``. Raises DeclarationError for a time that is none.

    >>> Idempotency(required=["orders"]).demands("orders")
    True
    """

    required: bool | Collection[str] = False
    seconds: float = 86_400.0

    def __post_init__(self) -> None:
        if isinstance(self.required, str):
            raise DeclarationError("Idempotency: required is True, False, or the names of collections, as in a list")
        if not self.seconds > 0:
            raise DeclarationError("Idempotency: seconds is a number above zero")

    def demands(self, collection: str) -> bool:
        """Return whether requests that write a collection must have a key."""
        return self.required if isinstance(self.required, bool) else collection in self.required
