"""Where code of a context runs: what is async on its event loop, what is not in a thread.

The parts of a context are written once, as coroutines that leave it to a place how to go from one to the other. On the
loop such a coroutine is awaited; in a thread it never has to wait, and ``drive`` runs it to its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol, TypeVar

from holdall.session import Wait

if TYPE_CHECKING:
    from anyio import CapacityLimiter

__all__ = ["ON_LOOP", "InThread", "Place", "drive", "waiting_for"]

R = TypeVar("R")


class Place(Protocol):
    """Where the code that asks is running."""

    async def on_loop(self, function: Callable[[], Awaitable[R]]) -> R:
        """Do what is async on the loop."""
        ...

    async def in_thread(self, function: Callable[[], R]) -> R:
        """Do what may block where no loop is waiting for it."""
        ...


class _OnLoop:
    """On the event loop: what is not async goes to a worker thread."""

    async def on_loop(self, function: Callable[[], Awaitable[R]]) -> R:
        return await function()

    async def in_thread(self, function: Callable[[], R]) -> R:
        from anyio import to_thread  # takes its time, and only these need it

        return await to_thread.run_sync(_entered(function), limiter=_no_limit() if _is_within.get() else None)


class InThread:
    """In a thread, which blocks while it waits for the loop."""

    __slots__ = ("_wait",)

    def __init__(self, wait: Wait) -> None:
        self._wait = wait

    async def on_loop(self, function: Callable[[], Awaitable[R]]) -> R:
        """Do what is async on the loop, and block until that has ended."""
        return self._wait(function)

    async def in_thread(self, function: Callable[[], R]) -> R:
        """Do it here."""
        return function()


ON_LOOP = _OnLoop()
"""The place of all code that runs on an event loop."""

# Threads that wait for others must not take the places of these: then nobody would ever go on.
_is_within: ContextVar[bool] = ContextVar("holdall_in_worker_thread", default=False)


def _entered(function: Callable[[], R]) -> Callable[[], R]:
    def call() -> R:
        _is_within.set(True)  # in the copy of the context that the thread has for this call
        return function()

    return call


def _no_limit() -> CapacityLimiter:
    from math import inf

    from anyio import CapacityLimiter

    return CapacityLimiter(inf)


def drive(coroutine: Coroutine[object, object, R]) -> R:
    """Run a coroutine that has nothing to wait for, as its place is a thread. Raises RuntimeError for any other.

    >>> async def example() -> int:
    ...     return await InThread(lambda function: 0).in_thread(lambda: 7)
    >>> drive(example())
    7
    """
    try:
        coroutine.send(None)
    except StopIteration as end:
        found: R = end.value
        return found
    coroutine.close()
    raise RuntimeError("this coroutine waits for a loop, and there is none in this thread")


def waiting_for(loop: asyncio.AbstractEventLoop) -> Wait:
    """A function by which threads do something on a loop, and wait for its result."""

    def wait(function: Callable[[], Awaitable[R]]) -> R:
        async def run() -> R:
            return await function()

        return asyncio.run_coroutine_threadsafe(run(), loop).result()

    return wait
