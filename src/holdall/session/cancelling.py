"""Cancellations that a driver lost on their way are heeded by loops that go on after errors."""

from __future__ import annotations

import asyncio

__all__ = ["heed_cancellation"]


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
