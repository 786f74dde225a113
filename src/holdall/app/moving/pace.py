"""How many records go together: fewer where a store does not do as many in its time, more again where it does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from holdall.errors import LimitExceeded, StoreTimeout, StoreUnavailable, ValidationError

__all__ = ["TOO_MANY", "Pace"]

T = TypeVar("T")

TOO_MANY = (StoreTimeout, StoreUnavailable, LimitExceeded, ValidationError)
"""The ends of a batch that its number may be the reason of: drivers tell too large a statement as values that a store
cannot keep, and a transaction that has no room as a store that cannot do it now.
"""

_STEADY = 4
_MOST_STEADY = 256


class Pace:
    """The ``size`` of the batches of one move, of ``most`` records at first.

    ``look`` raises where a store on either side does not answer at all; it is called before half as many are tried.
    """

    def __init__(self, most: int, look: Callable[[], Awaitable[object]]) -> None:
        self.most = most
        self.size = most
        self._look = look
        self._well = 0  # batches in a row that were done
        self._steady = _STEADY  # how many of these it takes until twice as many records are tried

    async def each(self, items: Sequence[T], work: Callable[[Sequence[T]], Awaitable[object]]) -> None:
        """Have work done on all items, as many at a time as the stores do; on some of them twice."""
        start = 0
        while start < len(items):
            piece = items[start : start + self.size]
            try:
                await work(piece)
            except TOO_MANY as error:
                await self.fewer(len(piece), error)
            else:
                start += len(piece)
                self._went_well()

    async def fewer(self, number: int, error: BaseException) -> None:
        """Go on with half of this number. Raises the error where that was one record, or no store answers."""
        if number < 2:
            raise error
        self.size = number // 2
        self._well, self._steady = 0, min(self._steady * 2, _MOST_STEADY)
        await self._look()

    def _went_well(self) -> None:
        self._well += 1
        if self._well >= self._steady and self.size < self.most:
            self.size, self._well = min(self.size * 2, self.most), 0
