"""Carrying out single calls as soon as what they need is done: a ready set, not level by level."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from enum import StrEnum

__all__ = ["ReadySet", "Strategy", "carry_out"]


class Strategy(StrEnum):
    """The treatment of the other calls once one has failed. Calls that were started are awaited either way.

    >>> app = Holdall("library")
    >>> session = app.session(strategy=Strategy.CONTINUE_ON_ERROR)
    """

    INTERRUPT_ON_ERROR = "interrupt on error"
    """Nothing new is started."""
    CONTINUE_ON_ERROR = "continue on error"
    """The others go on; those that need a key which never came to be fail in their turn."""


async def carry_out(
    needs: Sequence[Sequence[int]],
    perform: Callable[[int], Awaitable[bool]],
    *,
    lanes: Sequence[int],
    widths: Sequence[int],
    strategy: Strategy = Strategy.INTERRUPT_ON_ERROR,
) -> None:
    """Perform the numbers ``0 … len(needs)-1``, each once those it needs are done.

    Number n goes in lane ``lanes[n]``, of which ``widths[lane]`` may be under way at once. ``perform`` returns whether
    it went well. Raises ValueError where every need is part of a circle. An exception of ``perform`` ends it all, once
    what was started is done, and so does being cancelled: what is under way is cancelled and awaited.

    >>> done = []
    >>> async def perform(number: int) -> bool:
    ...     done.append(number)
    ...     return True
    >>> asyncio.run(carry_out([[1], [2], []], perform, lanes=[0, 0, 0], widths=[8]))
    >>> done
    [2, 1, 0]
    """
    if needs:
        await ReadySet(needs, perform, lanes=lanes, widths=widths, strategy=strategy).run()


class ReadySet:
    """The state of ``carry_out``, for callers that may have to stop it; to be made and run in one loop."""

    def __init__(
        self,
        needs: Sequence[Sequence[int]],
        perform: Callable[[int], Awaitable[bool]],
        *,
        lanes: Sequence[int],
        widths: Sequence[int],
        strategy: Strategy = Strategy.INTERRUPT_ON_ERROR,
    ) -> None:
        self._perform = perform
        self._lanes = lanes
        self._free = list(widths)
        self._is_strict = strategy is Strategy.INTERRUPT_ON_ERROR
        self._missing = list(map(len, needs))
        self._dependents: list[list[int]] = [[] for _ in needs]
        for number, needed in enumerate(needs):
            for other in needed:
                self._dependents[other].append(number)
        self._ready: list[deque[int]] = [deque() for _ in widths]
        for number, count in enumerate(self._missing):
            if not count:
                self._ready[lanes[number]].append(number)
        self._running: set[asyncio.Task[None]] = set()
        self._is_stopped = False
        self._failure: BaseException | None = None
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[None] = self._loop.create_future()
        self.is_cancelled = False

    def cancel(self) -> None:
        """Start nothing more and cancel what is under way; ``run`` raises CancelledError once that is over."""
        self._is_stopped = self.is_cancelled = True
        for task in self._running:
            task.cancel()

    async def run(self) -> None:
        """Perform them all. Raises what ``perform`` raised first, CancelledError if it was stopped."""
        for lane in range(len(self._ready)):
            self._start(lane)
        if not self._running and not self.is_cancelled:
            raise ValueError("the calls need each other, in a circle")
        try:
            if self._running:
                await self._over
        except asyncio.CancelledError:
            self.cancel()
            while self._running:
                with suppress(asyncio.CancelledError):  # again, while what was started comes to its end
                    await asyncio.wait(self._running)
            raise
        if self._failure is not None:
            raise self._failure
        if self.is_cancelled:
            raise asyncio.CancelledError

    def _start(self, lane: int) -> None:
        ready = self._ready[lane]
        while ready and self._free[lane] and not self._is_stopped:
            self._free[lane] -= 1
            task = self._loop.create_task(self._work(ready.popleft(), lane))
            self._running.add(task)
            task.add_done_callback(self._ended)

    async def _work(self, number: int, lane: int) -> None:
        """Perform one after another, as long as one is ready: cheaper than a task for each."""
        ready = self._ready[lane]
        while True:
            try:
                is_well = await self._perform(number)
            except BaseException as error:
                self._failure = self._failure or error
                self._is_stopped = True
                return
            if not is_well and self._is_strict:
                self._is_stopped = True
            if self._is_stopped:
                return
            for other in self._dependents[number]:
                self._missing[other] -= 1
                if not self._missing[other]:
                    self._ready[self._lanes[other]].append(other)
                    if self._lanes[other] != lane:
                        self._start(self._lanes[other])
            if not ready:
                self._free[lane] += 1
                return
            number = ready.popleft()
            if ready:
                self._start(lane)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not self._running and not self._over.done():
            self._over.set_result(None)
