"""Deadlines of what is waited for: a look now and then at all that is under way, no timer of the event loop for each.

A timer that is cancelled stays among those of the loop until its time has come, so that a thousand statements a second
with a timeout of half a minute make all timers of a program slow.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context
from time import monotonic
from typing import Any, Generic, TypeVar

__all__ = ["Deadlines", "Watchdog"]

T = TypeVar("T")

_OFTEN = 4  # looks in the time that something may take, one each second at most


class Watchdog(Generic[T]):
    """Calls ``end`` with each item that is still watched ``seconds`` later, or a look after that, on its event loop.

    There is a look each quarter of that time, at least one a second. Items belong to the loop they are watched from.
    Example: :class:`Deadlines`.
    """

    __slots__ = ("_end", "_every", "_loops", "_seconds")

    def __init__(self, seconds: float, end: Callable[[T], object]) -> None:
        self._seconds = seconds
        self._every = min(1.0, seconds / _OFTEN)
        self._end = end
        self._loops: dict[asyncio.AbstractEventLoop, dict[T, float]] = {}

    def watch(self, item: T, until: float | None = None) -> None:
        """Watch an item from now on, or until a time of ``time.monotonic()``."""
        loop = asyncio.get_running_loop()
        watched = self._loops.get(loop)
        if watched is None:
            watched = self._begin(loop)
        watched[item] = monotonic() + self._seconds if until is None else until

    def forget(self, item: T) -> None:
        """Watch it no more."""
        watched = self._loops.get(asyncio.get_running_loop())
        if watched is not None:
            watched.pop(item, None)

    def _begin(self, loop: asyncio.AbstractEventLoop) -> dict[T, float]:
        for other in list(self._loops):
            if other.is_closed():
                self._loops.pop(other, None)
        watched = self._loops[loop] = {}
        self._look_later(loop, watched)
        return watched

    def _look_later(self, loop: asyncio.AbstractEventLoop, watched: dict[T, float]) -> None:
        # in a context of its own: that of whoever came first would be kept as long as there is something to watch
        loop.call_later(self._every, self._look, loop, watched, context=Context())

    def _look(self, loop: asyncio.AbstractEventLoop, watched: dict[T, float]) -> None:
        if not watched:
            self._loops.pop(loop, None)
            return
        self._look_later(loop, watched)
        now = monotonic()
        for item in [item for item, until in watched.items() if until < now]:
            del watched[item]
            self._end(item)


class Deadlines:
    """Cancels tasks that take longer than ``seconds``.

    >>> async def main():
    ...     try:
    ...         await Deadlines(0.01).within(asyncio.sleep(60))
    ...     except TimeoutError:
    ...         print("took too long")
    >>> asyncio.run(main())
    took too long
    """

    __slots__ = ("_ended", "_watchdog")

    def __init__(self, seconds: float) -> None:
        self._ended: set[asyncio.Task[Any]] = set()
        self._watchdog = Watchdog(seconds, self._cancel)

    async def within(self, answer: Awaitable[T], until: float | None = None) -> T:
        """Wait for an answer. Raises TimeoutError where the time is over, or ``until`` by ``time.monotonic()``."""
        task = self.enter(until)
        try:
            return await answer
        except asyncio.CancelledError:
            if not self.has_ended(task):
                raise
            raise TimeoutError from None
        finally:
            self.leave(task)

    def enter(self, until: float | None = None) -> asyncio.Task[Any]:
        """Count the time of this task from now on, or until a time of ``time.monotonic()``."""
        task = asyncio.current_task()
        assert task is not None
        self._watchdog.watch(task, until)
        return task

    def leave(self, task: asyncio.Task[Any]) -> None:
        """Count it no more."""
        self._watchdog.forget(task)
        if task in self._ended:
            self.has_ended(task)

    def has_ended(self, task: asyncio.Task[Any]) -> bool:
        """Whether the task was cancelled because of its time, and nothing else; it then goes on."""
        if task not in self._ended:
            return False
        self._ended.discard(task)
        return not task.uncancel()

    def _cancel(self, task: asyncio.Task[Any]) -> None:
        self._ended.add(task)
        task.cancel()
