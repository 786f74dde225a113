"""How often and how fast a store calls: retries, the rate of calls."""

from __future__ import annotations

import asyncio
from collections import deque

import msgspec

from holdall.store import spread

__all__ = ["Pace", "Rate", "Retries"]


class Retries(msgspec.Struct, frozen=True, kw_only=True):
    """How often a call that may be repeated is sent again, and after how many seconds.

    The wait doubles from ``first_wait`` up to ``most_wait``, with chance in it. ``Retry-After`` is honoured where it
    asks for no more than ``most_asked`` seconds and the call's total time leaves room for it; else the call fails.

    >>> Retries(most=2).wait(3, None), Retries().wait(1, asked=7.0)
    (None, 7.0)
    """

    most: int = 3
    first_wait: float = 0.1
    most_wait: float = 5.0
    most_asked: float = 30.0

    def wait(self, retry: int, asked: float | None) -> float | None:
        """Seconds to wait before this retry, counted from 1; None to give up."""
        if retry > self.most or (asked is not None and asked > self.most_asked):
            return None
        if asked is not None:
            return asked
        return spread(min(self.most_wait, self.first_wait * 2.0 ** (retry - 1)))


class Rate(msgspec.Struct, frozen=True):
    """A rate of calls: at most ``calls`` in any span of ``seconds``. Example: :func:`open_rest`."""

    calls: int
    seconds: float = 1.0


class Pace:
    """Lets calls go at a rate: none before the time of the call that is ``calls`` places earlier has passed."""

    def __init__(self, rate: Rate) -> None:
        self._seconds = rate.seconds
        self._turns: deque[float] = deque(maxlen=rate.calls)

    async def step(self) -> None:
        """Wait for this call's turn; turns are given in the order of asking."""
        turns, now = self._turns, asyncio.get_running_loop().time()
        turn = max(now, turns[0] + self._seconds) if len(turns) == turns.maxlen else now
        turns.append(turn)
        if turn > now:
            await asyncio.sleep(turn - now)
