"""Work that runs to its end in a task of its own: cancelling its callers does not stop it."""

from __future__ import annotations

import asyncio
import sys
from abc import ABC, abstractmethod
from collections.abc import Awaitable
from typing import Generic, TypeVar

__all__ = ["Undisturbed"]

R = TypeVar("R")


class Undisturbed(ABC, Generic[R]):
    """Work that is done once, in a task; its result or error is kept."""

    def __init__(self) -> None:
        self.is_cancelled = False
        self.error: BaseException | None = None
        self._is_begun = False
        self._is_over = False
        self._result: R
        self._woken: asyncio.Future[None]

    @abstractmethod
    def finish(self) -> Awaitable[R]:
        """Do the work, and return its result."""

    def start(self) -> asyncio.Task[None]:
        """Do it in a task, which is begun at once where Python can."""
        loop = asyncio.get_running_loop()
        self._woken = loop.create_future()
        if sys.version_info >= (3, 12):
            task = asyncio.Task(self._conduct(), loop=loop, eager_start=True)
        else:
            task = loop.create_task(self._conduct())
        if not self._is_begun:
            task.add_done_callback(self._wake)  # it may be cancelled before it begins
        return task

    async def ended(self, task: asyncio.Task[None]) -> R:
        """Wait until the work of this task is done, and return its result or raise its error.

        A caller that is cancelled meanwhile waits as well, and gets CancelledError then.
        """
        cancelled: asyncio.CancelledError | None = None
        while not self._is_over and not task.done():
            try:
                await self._woken
            except asyncio.CancelledError as error:
                cancelled, self._woken = error, asyncio.get_running_loop().create_future()
                self.cancel()
        if cancelled is not None:
            raise cancelled from self.error
        if self.error is not None:
            raise self.error
        return self._result

    def cancel(self) -> None:
        """Request cancellation; ignored once the work can no longer be stopped."""
        self.is_cancelled = True

    async def _conduct(self) -> None:
        """Do it and wake who waits, with the result or the error left here."""
        self._is_begun = True
        task = asyncio.current_task()
        if task is not None:
            task.remove_done_callback(self._wake)  # called late, it would keep the task and its context alive
        try:
            self._result = await self.finish()
        except BaseException as error:
            self.error = error
        self._is_over = True
        self._wake()

    def _wake(self, _: object = None) -> None:
        if not self._woken.done():
            self._woken.set_result(None)
