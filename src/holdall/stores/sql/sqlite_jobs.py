"""Works on their way through SQLite's writing thread, and how those who wait for them are woken."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from queue import SimpleQueue
from threading import Lock
from typing import Any, Generic, TypeAlias, TypeVar

import apsw

from holdall.query import Value
from holdall.store import Rows, Watchdog
from holdall.stores.sql.sqlite_connection import ApswConnection

__all__ = ["Channel", "Ended", "Ending", "Job", "NothingLeft", "rows_of", "set_outcomes"]

T = TypeVar("T")


class NothingLeft(Exception):
    """A work was refused, and has left nothing behind in the transaction that it was carried out in."""


class Job(Generic[T]):
    """A work on its way through a thread: claimed once, by the thread or by a caller that gives up waiting for it.

    ``is_lazy`` if its COMMIT need not wait for the disk. One that ``is_bare`` needs no savepoint: where it raises
    ``NothingLeft``, there is nothing to take back, and it changes rows alone, not tables or reservations.
    """

    __slots__ = ("_claims", "future", "is_bare", "is_lazy", "loop", "work")

    def __init__(self, work: Callable[[ApswConnection], T], *, is_lazy: bool = False, is_bare: bool = False) -> None:
        self.work = work
        self.is_lazy = is_lazy
        self.is_bare = is_bare
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[T] = self.loop.create_future()
        self._claims = [True]

    def claim(self) -> bool:
        """Whether the caller is the first and may run or drop it."""
        try:
            return self._claims.pop()
        except IndexError:
            return False

    def expire(self) -> None:
        """Give up, unless it has begun."""
        if self.claim() and not self.future.done():
            self.future.set_exception(TimeoutError())

    def set_outcome(self, result: Any, error: BaseException | None) -> None:
        """Hand over the result or error; called on the job's loop."""
        if self.future.done():
            return
        if error is not None:
            self.future.set_exception(error)
        else:
            self.future.set_result(result)

    async def ended(self, watchdog: Watchdog[Job[Any]]) -> T:
        """Wait for the result. Raises TimeoutError if the job does not start before the watchdog expires it;
        cancelling drops a job that has not started.
        """
        watched = watchdog.watch(self)
        try:
            return await self.future
        except asyncio.CancelledError:
            self.claim()
            raise
        finally:
            watched.pop(self, None)


class Channel:
    """An open transaction: the writer works for it alone until it ends."""

    def __init__(self) -> None:
        self.begun: Job[None] = Job(lambda connection: None)
        self.jobs: SimpleQueue[Job[Any] | None] = SimpleQueue()
        self.is_open = True

    def close(self) -> None:
        """Take no further works; what is not committed is rolled back."""
        self.is_open = False
        self.jobs.put(None)


class Ending:
    """The last thing the writer's thread is given: it tells that it has ended."""

    def __init__(self) -> None:
        self.told: Job[None] = Job(lambda connection: None)


class _Read:
    """A reading statement as a work of the writer's thread, which may be stopped while it runs and never after."""

    def __init__(self, sql: str, parameters: Sequence[Value]) -> None:
        self._sql = sql
        self._parameters = parameters
        self._connection: apsw.Connection | None = None
        self._is_stopped = False
        self._lock = Lock()

    def __call__(self, connection: apsw.Connection) -> Rows:
        with self._lock:
            if self._is_stopped:
                return []
            self._connection = connection
        try:
            return connection.execute(self._sql, self._parameters).fetchall()
        finally:
            with self._lock:  # from here on the connection does the work of others
                self._connection = None

    def stop(self) -> None:
        with self._lock:
            self._is_stopped = True
            if self._connection is not None:
                self._connection.interrupt()


async def rows_of(
    run: Callable[[Callable[[apsw.Connection], Rows]], Awaitable[Rows]], sql: str, parameters: Sequence[Value]
) -> Rows:
    """The rows of a reading statement, run by the writer's thread; cancelling stops it."""
    read = _Read(sql, parameters)
    try:
        return await run(read)
    except asyncio.CancelledError:
        read.stop()
        raise


Ended: TypeAlias = list[tuple[Job[Any], Any, BaseException | None]]
"""Works that have ended, each with its result or its error."""


def set_outcomes(ended: Ended) -> None:
    """Wake the waiting loops, each once."""
    by_loop: dict[asyncio.AbstractEventLoop, Ended] = {}
    for item in ended:
        by_loop.setdefault(item[0].loop, []).append(item)
    for loop, items in by_loop.items():
        try:
            loop.call_soon_threadsafe(_settle_here, items)
        except RuntimeError:  # a closed loop waits for nothing
            continue


def _settle_here(items: Ended) -> None:
    for job, result, error in items:
        job.set_outcome(result, error)
