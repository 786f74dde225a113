"""Deadlines of what is waited for: a look now and then at all that is under way, no timer of the event loop for each.

To begin and cancel a timer, as ``asyncio.timeout`` around a statement does, costs three times as much.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import Context
from time import monotonic
from typing import Any, Generic, TypeVar

__all__ = ["Deadline", "Deadlines", "Watchdog"]

T = TypeVar("T")

_OFTEN = 20  # looks in the time that something may take
_LONGEST = 0.1  # seconds between two looks


class Watchdog(Generic[T]):
    """Calls ``end`` with each item that is still watched ``seconds`` later, or a look after that, on its event loop.

    There is a look each twentieth of that time, at least ten a second. Items belong to the loop they are watched from.
    Example: :class:`Deadlines`.
    """

    __slots__ = ("_end", "_every", "_loops", "_seconds")

    def __init__(self, seconds: float, end: Callable[[T], object]) -> None:
        self._seconds = seconds
        self._every = min(_LONGEST, seconds / _OFTEN)
        self._end = end
        self._loops: dict[asyncio.AbstractEventLoop, dict[T, float]] = {}

    def watch(self, item: T, until: float | None = None) -> dict[T, float]:
        """Watch an item from now on, or until a time of ``time.monotonic()``; the dict that it is taken out of later is
        returned.
        """
        watched = self.watched(asyncio.get_running_loop())
        watched[item] = monotonic() + self._seconds if until is None else until
        return watched

    def watched(self, loop: asyncio.AbstractEventLoop) -> dict[T, float]:
        """The items that are watched on the running loop, with their times; new ones are added before it goes on."""
        watched = self._loops.get(loop)
        return self._begin(loop) if watched is None else watched

    def forget(self, item: T) -> None:
        """Watch it no more."""
        try:
            watched = self._loops.get(asyncio.get_running_loop())
        except RuntimeError:  # a coroutine is closed whose loop has ended, and nobody looks there any more
            return
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


class Deadline:
    """One act of a task and its time. Example: :class:`Deadlines`."""

    __slots__ = ("cancelled", "is_over", "task", "watched")

    def __init__(self, task: asyncio.Task[Any], watched: dict[Deadline, float]) -> None:
        self.task = task
        self.watched = watched
        self.cancelled = task.cancelling()  # by others, who may have had it go on to end what it had begun
        self.is_over = False

    def end(self) -> None:
        """Cancel the task."""
        self.is_over = True
        self.task.cancel()


class Deadlines:
    """Cancels what takes longer than ``seconds``.

    >>> async def main():
    ...     try:
    ...         await Deadlines(0.01).within(asyncio.sleep(60))
    ...     except TimeoutError:
    ...         print("took too long")
    >>> asyncio.run(main())
    took too long
    """

    __slots__ = ("_seconds", "_watchdog")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._watchdog = Watchdog(seconds, Deadline.end)

    async def within(self, answer: Awaitable[T], until: float | None = None) -> T:
        """Wait for an answer. Raises TimeoutError where the time is over, or ``until`` by ``time.monotonic()``; where
        it was over before, nothing is begun.
        """
        if until is not None and until < monotonic():
            if isinstance(answer, Coroutine):
                answer.close()
            raise TimeoutError
        deadline = self.enter(until)
        try:
            return await answer
        except asyncio.CancelledError:
            if not self.has_ended(deadline):
                raise
            raise TimeoutError from None
        finally:
            self.leave(deadline)

    def enter(self, until: float | None = None) -> Deadline:
        """Count the time of this task from now on, or until a time of ``time.monotonic()``."""
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        assert task is not None
        watched = self._watchdog.watched(loop)
        deadline = Deadline(task, watched)
        watched[deadline] = monotonic() + self._seconds if until is None else until
        return deadline

    def leave(self, deadline: Deadline) -> None:
        """Count it no more."""
        deadline.watched.pop(deadline, None)  # also where its loop has ended, and nobody looks there any more
        if deadline.is_over:
            self.has_ended(deadline)

    def has_ended(self, deadline: Deadline) -> bool:
        """Whether the task was cancelled because of its time, and nothing else since it began; it then goes on."""
        if not deadline.is_over:
            return False
        deadline.is_over = False
        return deadline.task.uncancel() <= deadline.cancelled
