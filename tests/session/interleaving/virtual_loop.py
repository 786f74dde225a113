"""An event loop without a clock, sockets or threads: time goes on only when the scheduler says so.

Every callback belongs to the actor in whose context it was planned; those of a dead actor are never called again, as
after ``kill -9``: its coroutines stay where they are, and none of their clean-up runs.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar
from typing import Any, cast

__all__ = ["ACTOR", "BEGIN", "Actor", "VirtualLoop", "start"]

BEGIN = 1000.0
"""The virtual time, in seconds, at which every schedule begins."""


class Actor:
    """One process: it has a number by which its name as an owner is made, and dies with everything it has planned."""

    def __init__(self, name: str, number: int) -> None:
        self.name = name
        self.number = number
        self.is_dead = False
        self.task: asyncio.Task[Any] | None = None
        self.under_way: Counter[str] = Counter()

    def __repr__(self) -> str:
        return self.name


ACTOR: ContextVar[Actor] = ContextVar("actor")


class VirtualLoop:
    """As much of an event loop as tasks, futures, locks and timeouts need; ``loop`` is itself, as they see it."""

    def __init__(self) -> None:
        self.loop = cast(asyncio.AbstractEventLoop, self)
        self._ready: deque[asyncio.Handle] = deque()
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._time = BEGIN
        self._count = 0
        self.troubles: list[dict[str, Any]] = []
        self.tasks: list[asyncio.Task[Any]] = []
        self._unheard: list[asyncio.Handle] = []  # callbacks of the dead

    # --- what asyncio asks for --------------------------------------------------------------------------------------

    def time(self) -> float:
        """Seconds of virtual time."""
        return self._time

    def call_soon(self, callback: Callable[..., Any], *args: Any, context: Context | None = None) -> asyncio.Handle:
        """Call it when the actor moves next."""
        handle = asyncio.Handle(callback, args, self.loop, context)
        self._ready.append(handle)
        return handle

    def call_later(
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Call it after so many virtual seconds."""
        return self.call_at(self._time + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Call it at this virtual time."""
        handle = asyncio.TimerHandle(when, callback, args, self.loop, context)
        self._count += 1
        heapq.heappush(self._timers, (when, self._count, handle))
        return handle

    def create_future(self) -> asyncio.Future[Any]:
        """A future of this loop."""
        return asyncio.Future(loop=self.loop)

    def create_task(self, coro: Any, *, name: str | None = None, context: Context | None = None) -> asyncio.Task[Any]:
        """A task of this loop, remembered to the end, so that no clean-up of a dead one runs by accident."""
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self.loop, name=name, context=context)
        self.tasks.append(task)
        return task

    def get_debug(self) -> bool:
        """Never."""
        return False

    def is_running(self) -> bool:
        """Always."""
        return True

    def is_closed(self) -> bool:
        """Never."""
        return False

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        pass  # found cancelled when its time comes

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Keep it: what nobody handles is a finding."""
        self.troubles.append(context)

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        """As ``call_exception_handler``."""
        self.troubles.append(context)

    # --- what the scheduler asks for --------------------------------------------------------------------------------

    def settle(self) -> None:
        """Run what is ready until nothing is; who waits for a step, a lock or a timer stays waiting."""
        ready = self._ready
        while ready:
            handle = ready.popleft()
            if _is_dead(handle):
                self._unheard.append(handle)
            elif not handle.cancelled():
                handle._run()

    def next_timer(self) -> float | None:
        """When the next timer of a living actor is due."""
        timers = self._timers
        while timers and (timers[0][2].cancelled() or _is_dead(timers[0][2])):
            heapq.heappop(timers)
        return timers[0][0] if timers else None

    def advance(self, to: float) -> None:
        """Let time go on, and everything run that is due by then."""
        self._time = max(self._time, to)
        while (due := self.next_timer()) is not None and due <= self._time:
            handle = heapq.heappop(self._timers)[2]
            handle._run()
            self.settle()

    def end(self) -> None:
        """Cancel what is left, that of the dead too, and let it run to its end: nothing it does counts any more."""
        self._timers.clear()
        self._ready.extend(self._unheard)
        for _ in range(20):
            left = [task for task in self.tasks if not task.done()]
            if not left:
                break
            for task in left:
                task.cancel()
            while self._ready:
                handle = self._ready.popleft()
                if not handle.cancelled():
                    handle._run()
        self._timers.clear()
        self._ready.clear()


def start(loop: VirtualLoop, actor: Actor, work: Coroutine[Any, Any, Any], context: Context) -> None:
    """Let an actor begin."""
    context.run(ACTOR.set, actor)
    actor.task = loop.create_task(work, name=actor.name, context=context)


def _is_dead(handle: asyncio.Handle) -> bool:
    context: Context = handle._context  # type: ignore[attr-defined]
    actor = context.get(ACTOR)
    return actor is not None and actor.is_dead
