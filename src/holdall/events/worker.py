"""The worker that delivers beside an application: woken by its commits, and looking by itself now and then."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Awaitable, Callable
from time import monotonic

from holdall.errors import HoldallError
from holdall.events.delivery import Delivered
from holdall.events.due import is_any_due
from holdall.events.outbox import Outbox
from holdall.events.rows import RowBinding
from holdall.session.cancelling import heed_cancellation, still_running

__all__ = ["Worker"]

_log = logging.getLogger("holdall.events")

_EVERY = 1.0  # seconds
_SWEEP_EVERY = 60.0  # seconds
_PART = 20  # a look among many events that wait takes at most this part of the time


class Worker:
    """Delivers what is due until it is stopped; ``sweep`` is called once a minute."""

    def __init__(self, outbox: Outbox, sweep: Callable[[], Awaitable[None]]) -> None:
        self._outbox = outbox
        self._sweep = sweep
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken = asyncio.Event()
        self._wakes = 0
        self._passes: dict[tuple[str, str], asyncio.Task[None]] = {}  # by outbox and function
        self._not_before: dict[tuple[str, str], float] = {}  # the next try of one that was delivered in vain
        self._next_look: dict[tuple[str, str], float] = {}  # for events that others wrote until then

    def start(self) -> None:
        """Begin, on the loop that runs; started twice, one works."""
        if self._task is None:
            self._loop, self._woken = asyncio.get_running_loop(), asyncio.Event()
            self._task = self._loop.create_task(self._work())

    def wake(self) -> None:
        """Look at once; from any thread."""
        loop = self._loop
        if self._task is not None and loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._wakes += 1
        self._woken.set()

    async def stop(self) -> None:
        """End; what is being delivered is cancelled, and delivered again by the next worker.

        A function that goes on in spite of that is logged, and not waited for.
        """
        task, self._task = self._task, None
        passes = dict(self._passes)
        running = await still_running([*passes.values(), *([] if task is None else [task])])
        for (_, name), each in passes.items():
            if each in running:
                _log.error("the function %r goes on although it was cancelled; its events are delivered again", name)
        self._passes.clear()

    async def _work(self) -> None:
        next_sweep, is_woken = 0.0, True
        while True:
            self._woken.clear()
            try:
                if monotonic() >= next_sweep:
                    next_sweep = monotonic() + _SWEEP_EVERY
                    await self._sweep()
                failures = list[HoldallError]()
                for outbox, name in await self._outbox.waiting(failures, self._passes):
                    key = outbox.collection, name
                    if key not in self._passes and (is_woken or self._may_look(key)):
                        self._passes[key] = asyncio.create_task(self._pass(outbox, name))
                for error in failures:
                    _log.warning("events could not be looked for; the worker tries again: %s", error)
            except Exception:
                _log.exception("events could not be looked for; the worker tries again")
            heed_cancellation()
            is_woken = await self._is_woken()

    def _may_look(self, key: tuple[str, str]) -> bool:
        return min(self._not_before.get(key, 0.0), self._next_look.get(key, 0.0)) <= monotonic()

    async def _is_woken(self) -> bool:
        """Wait until there may be something to do; whether somebody said so."""
        soonest = min(self._not_before.values(), default=0.0) - monotonic()
        try:
            async with asyncio.timeout(min(_EVERY, max(0.01, soonest)) if soonest > 0 else _EVERY):
                await self._woken.wait()
        except TimeoutError:
            return False
        return True

    async def _pass(self, outbox: RowBinding, name: str) -> None:
        """Deliver to one function, which holds up no other one; wakes meanwhile are heeded once that is done.

        Before the next try is due, there may be events of other records, or some that were retried, which other
        processes wrote.
        """
        key, wakes, told = (outbox.collection, name), self._wakes, Delivered()
        try:
            if self._not_before.get(key, 0.0) <= monotonic() or await self._finds_any_due(key, outbox):
                self._not_before.pop(key, None)
                told = await self._outbox.deliver_to(outbox, name, goes_on=True)
            if told.next_due is not None:
                due = (told.next_due - dt.datetime.now(dt.UTC)).total_seconds()
                self._not_before[key] = monotonic() + max(0.0, due)
        except Exception:
            _log.exception("events could not be delivered to %r; the worker tries again", name)
        else:
            if told.delivered or self._wakes != wakes:
                self._woken.set()  # there may be more
        finally:
            self._passes.pop(key, None)

    async def _finds_any_due(self, key: tuple[str, str], outbox: RowBinding) -> bool:
        began = monotonic()
        is_found = await is_any_due(outbox, key[1])
        self._next_look[key] = monotonic() + _PART * (monotonic() - began)
        return is_found
