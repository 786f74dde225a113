"""Pages about work that takes longer than a page may: the head at once, the result when there is one.

The work belongs to the request, so that any number of processes may serve pages: who leaves the page cancels it, and
an action that is cancelled has written nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from starlette.responses import Response

from holdall.web.asgi import Receive, Scope, Send

__all__ = ["Lasting", "done_soon"]

SOON = 1.0
"""Seconds that a page waits for its work before it tells that the work is under way."""

_Result = TypeVar("_Result")


async def done_soon(work: asyncio.Task[_Result]) -> bool:
    """Wait ``SOON`` seconds for work; return whether it is over. Cancels it with who waits for it.

    >>> async def example() -> None:
    ...     print(await done_soon(asyncio.create_task(asyncio.sleep(0))))
    >>> asyncio.run(example())
    True
    """
    try:
        await asyncio.wait({work}, timeout=SOON)
    except asyncio.CancelledError:
        work.cancel()
        raise
    return work.done()


class Lasting(Response):
    """A page whose work is under way: ``head`` is sent at once, then what ``told`` makes of the result, then ``tail``.

    Example: ``docs/back-office.md``.
    """

    media_type = "text/html"

    def __init__(self, work: asyncio.Task[_Result], head: str, told: Callable[[_Result], str], tail: str) -> None:
        super().__init__()
        del self.headers["content-length"]
        self.headers["x-accel-buffering"] = "no"
        self._work = work
        self._texts = head, tail
        self._told: Callable[[], str] = lambda: told(work.result())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the head, wait, and send the rest; a browser that goes away cancels the work."""
        head, tail = self._texts
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": head.encode(), "more_body": True})
        gone = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait({self._work, gone}, return_when=asyncio.FIRST_COMPLETED)
            if self._work.done():
                text = self._told() + tail
                await send({"type": "http.response.body", "body": text.encode(), "more_body": False})
        finally:
            for task in (gone, self._work):
                task.cancel()
            await asyncio.wait({gone, self._work})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
