"""Jobs that an operator began: they run in this process until they are done, or cancelled."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine

from holdall.errors import HoldallError

__all__ = ["JobRuns"]

_log = logging.getLogger("holdall.admin")


class JobRuns:
    """Runs that nobody waits for; a failure of one is logged, and the job can be resumed.

    >>> JobRuns().number
    0
    """

    def __init__(self) -> None:
        self._tasks = set[asyncio.Task[None]]()

    @property
    def number(self) -> int:
        """The number of runs under way in this process."""
        return len(self._tasks)

    def begin(self, work: Coroutine[object, object, object]) -> None:
        """Begin a run."""
        task = asyncio.create_task(_done(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def wait(self) -> None:
        """Wait until the runs that are under way are over."""
        if self._tasks:
            await asyncio.wait(list(self._tasks))


async def _done(work: Coroutine[object, object, object]) -> None:
    try:
        await work
    except HoldallError:
        _log.exception("a job ended before it was done; resume goes on")
