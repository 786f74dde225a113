"""The worker that delivers beside an application: woken by its commits, and looking by itself now and then."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Awaitable, Callable
from time import monotonic

from holdall.events.outbox import Outbox

__all__ = ["Worker"]

_log = logging.getLogger("holdall.events")

_EVERY = 1.0  # seconds
_SWEEP_EVERY = 60.0  # seconds


class Worker:
    """Delivers what is due until it is stopped; ``sweep`` is called once a minute."""

    def __init__(self, outbox: Outbox, sweep: Callable[[], Awaitable[None]] | None = None) -> None:
        self._outbox = outbox
        self._sweep = sweep
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken = asyncio.Event()

    def start(self) -> None:
        """Begin, on the loop that runs; started twice, one works."""
        if self._task is None:
            self._loop, self._woken = asyncio.get_running_loop(), asyncio.Event()
            self._task = self._loop.create_task(self._work())

    def wake(self) -> None:
        """Look at once; from any thread."""
        loop = self._loop
        if self._task is not None and loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._woken.set)

    async def stop(self) -> None:
        """End; what is being delivered is cancelled, and delivered again by the next worker."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _work(self) -> None:
        next_sweep = 0.0
        while True:
            self._woken.clear()
            pause = _EVERY
            try:
                if self._sweep is not None and monotonic() >= next_sweep:
                    next_sweep = monotonic() + _SWEEP_EVERY
                    await self._sweep()
                told = await self._outbox.deliver()
                if told.next_due is not None:
                    due = (told.next_due - dt.datetime.now(dt.UTC)).total_seconds()
                    pause = max(0.01, min(_EVERY, due))
                if told.delivered:
                    pause = 0.0
            except Exception:
                _log.exception("events could not be delivered; the worker tries again")
            try:
                async with asyncio.timeout(pause):
                    await self._woken.wait()
            except TimeoutError:
                continue
