"""Cancellations: those that a driver lost on their way are heeded, and work that heeds none is not waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

__all__ = ["heed_cancellation", "still_running"]

_ROUNDS = 2
_ROUND = 5.0  # seconds


def heed_cancellation() -> None:
    """Raise CancelledError where the running task was cancelled and has heard nothing of it.

    ``asyncio.wait_for`` of Python 3.11 returns the result of what is done in the place of the cancellation (CPython's
    issue 86296, mended in 3.12), and drivers use it. A loop that waits again would never end then, nor would the
    ``asyncio.timeout`` around it. Outside of tasks nothing is raised.

    >>> async def work() -> None:
    ...     try:
    ...         await asyncio.sleep(1)
    ...     except asyncio.CancelledError:
    ...         pass  # as such a driver does
    ...     heed_cancellation()
    ...     print("goes on")
    >>> async def main() -> bool:
    ...     task = asyncio.create_task(work())
    ...     await asyncio.sleep(0)
    ...     task.cancel()
    ...     await asyncio.wait([task])
    ...     return task.cancelled()
    >>> asyncio.run(main())
    True
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def still_running(tasks: Collection[asyncio.Task[Any]]) -> set[asyncio.Task[Any]]:
    """Cancel tasks, and once more those that have not ended five seconds later; return those that go on after ten.

    The end of code that catches CancelledError, and goes on, may never come.

    >>> async def main() -> int:
    ...     task = asyncio.create_task(asyncio.sleep(60))
    ...     return len(await still_running([task]))
    >>> asyncio.run(main())
    0
    """
    running = set(tasks)
    for _ in range(_ROUNDS):
        for task in running:
            task.cancel()
        if running:
            _, running = await asyncio.wait(running, timeout=_ROUND)
    return running
