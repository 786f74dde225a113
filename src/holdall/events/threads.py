"""Threads for functions that are not async: one that hangs is counted until it returns, and keeps no program alive."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from queue import Empty, SimpleQueue

from holdall.query import Value

__all__ = ["Threads"]

_MOST = 40
_IDLE = 10.0  # seconds after which a thread without work ends


class Threads:
    """The threads of one function, forty at once. They are daemons, so that the program ends while one of them hangs.

    A call that is cancelled goes on in its thread and keeps its place. Calls come from any number of event loops;
    ``under_way`` has the marks of those that have not returned.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._most = _MOST
        self._lock = threading.Lock()
        self._taken = 0
        self._waiting: deque[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = deque()
        self._jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._idle = 0
        self.under_way: set[str] = set()

    async def place(self) -> None:
        """Wait for a place, which the next ``run`` takes."""
        with self._lock:
            if self._taken < self._most:
                self._taken += 1
                return
            loop = asyncio.get_running_loop()
            waiter: asyncio.Future[None] = loop.create_future()
            self._waiting.append((loop, waiter))
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self._leave()  # the place came too late
            raise

    async def run(self, work: Callable[[], Value], mark: str = "") -> Value:
        """Call ``work`` in a thread, in the place that was waited for. Raises what ``work`` raises."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Value] = loop.create_future()
        job = partial(self._do, partial(copy_context().run, work), mark, loop, future)
        self.under_way.add(mark)
        with self._lock:
            is_taken = self._idle > 0
            if is_taken:
                self._idle -= 1
                self._jobs.put(job)
        if not is_taken:
            try:
                threading.Thread(
                    target=self._serve, args=(job,), name=f"holdall-event-{self._name}", daemon=True
                ).start()
            except BaseException:  # the system has no thread left
                self._end(mark)
                raise
        return await future

    def _serve(self, job: Callable[[], None]) -> None:
        while True:
            job()
            with self._lock:
                self._idle += 1
            try:
                job = self._jobs.get(timeout=_IDLE)
            except Empty:
                with self._lock:
                    if self._jobs.empty():
                        self._idle -= 1
                        return
                    job = self._jobs.get()  # put at the last moment

    def _do(
        self, work: Callable[[], Value], mark: str, loop: asyncio.AbstractEventLoop, future: asyncio.Future[Value]
    ) -> None:
        found: Value = None
        failed: BaseException | None = None
        try:
            found = work()
        except StopIteration as error:  # no future can have one
            failed = RuntimeError(f"{self._name} raised StopIteration")
            failed.__cause__ = error
        except BaseException as error:  # raised where the call is waited for
            failed = error
        self._end(mark)
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(_settle, future, found, failed)

    def _end(self, mark: str) -> None:
        self.under_way.discard(mark)
        self._leave()

    def _leave(self) -> None:
        """Give the place to who waits for one, or back."""
        while True:
            with self._lock:
                if not self._waiting:
                    self._taken -= 1
                    return
                loop, waiter = self._waiting.popleft()
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(self._give, waiter)
                return

    def _give(self, waiter: asyncio.Future[None]) -> None:
        if waiter.done():
            self._leave()
        else:
            waiter.set_result(None)


def _settle(future: asyncio.Future[Value], found: Value, failed: BaseException | None) -> None:
    if future.done():
        return  # nobody waits any more
    if failed is None:
        future.set_result(found)
    else:
        future.set_exception(failed)
