"""How the sync facade waits for what is async."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from anyio.from_thread import BlockingPortal

__all__ = ["PortalCall", "Wait"]

R = TypeVar("R")


class Wait(Protocol):
    """Calls a function on the facade's own loop, and returns its result. Example: :class:`SyncHoldall`."""

    def __call__(self, function: Callable[[], Awaitable[R]], /) -> R:
        """Wait for the result; raises what it raises."""


class PortalCall(Generic[R]):
    """One call on the thread of a portal, cancelled where the handler of a signal interrupts who waits for it.

    Example: :class:`SyncHoldall`.
    """

    def __init__(self, portal: BlockingPortal, function: Callable[[], Awaitable[R]]) -> None:
        self._portal = portal
        self._function = function
        self._task: asyncio.Task[Any] | None = None
        self._ended = threading.Event()

    def result(self) -> R:
        """Make the call and wait for its result; raises what it raises, or what a handler raised once it has ended."""
        try:
            return self._portal.call(self._run)
        except BaseException:
            if not self._ended.is_set():
                self._give_up()
            raise

    async def _run(self) -> R:
        self._task = asyncio.current_task()
        try:
            return await self._function()
        finally:
            self._ended.set()

    def _give_up(self) -> None:
        self._portal.call(self._cancel)  # which begins after ``_run``, if that was asked for at all
        if self._task is not None:
            self._ended.wait()

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
