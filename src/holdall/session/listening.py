"""The listeners to changes of records: functions called before a commit decides, and rows that are written with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from holdall.policy import User
from holdall.query import Value

__all__ = ["Listening"]


class Listening(Protocol):
    """All that listens to the sessions of an application, which do not look where there is none.

    Example: :class:`Binding`.
    """

    def settle(self) -> None:
        """Look which collections are concerned, once all are known, and add those that rows need."""

    def rows(self, batches: Sequence[Value], user: User) -> list[Value]:
        """Return what is to be written with these batches, in the same commit."""
        ...

    def untold(self, context: Value, plan: Value) -> list[Value]:
        """Return what functions are still to be delivered before this plan may be carried out."""
        ...

    async def tell(self, context: Value, news: list[Value], seconds: float) -> None:
        """Call functions, each for at most ``seconds``; raises their errors."""

    def written(self, plan: Value) -> None:
        """Take note that a plan was carried out."""
