"""Deadlines of reads: one that takes too long is ended, its store's work with it. A look each second, no timer each."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any

__all__ = ["Deadlines"]

_OFTEN = 4  # looks in the time that a request has, one each second at most


class Deadlines:
    """Ends tasks that take longer than ``seconds``. Example: :func:`asgi`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since: dict[asyncio.Task[Any], float] = {}
        self._ended: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def enter(self) -> asyncio.Task[Any]:
        """Count the time of this task from now on."""
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        assert task is not None
        if loop is not self._loop:
            self._loop, self._timer = loop, None
            self._since.clear()
        self._since[task] = monotonic()
        if self._timer is None:
            self._look_later(loop)
        return task

    def leave(self, task: asyncio.Task[Any]) -> None:
        """Count it no more."""
        self._since.pop(task, None)
        if self._ended:
            self._ended.discard(task)

    def has_ended(self, task: asyncio.Task[Any]) -> bool:
        """Whether the task was cancelled because of its time, and nothing else; it then goes on."""
        if task not in self._ended:
            return False
        self._ended.discard(task)
        return not task.uncancel()

    def _look_later(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = loop.call_later(min(1.0, self._seconds / _OFTEN), self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        begun = monotonic() - self._seconds
        for task, since in list(self._since.items()):
            if since < begun:
                del self._since[task]
                self._ended.add(task)
                task.cancel()
        if self._since:
            self._look_later(loop)
