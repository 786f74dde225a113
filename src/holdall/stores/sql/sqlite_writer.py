"""SQLite writes: one thread, and group commit.

Works given while another is under way share its BEGIN and its COMMIT, and so its wait for the disk, see ``Group``. A
failure is raised only once the others are committed: a caller refused for the write of another can read that write.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, TypeVar

import apsw

from holdall.store import Watchdog
from holdall.stores.sql.sqlite_connection import ApswConnection, Unsynced
from holdall.stores.sql.sqlite_group import Group, begin, roll_back
from holdall.stores.sql.sqlite_jobs import Channel, Ending, Job, set_outcomes

__all__ = ["SqliteWriter"]

T = TypeVar("T")

GROUP_SECONDS = 0.02  # a group takes no further work once it has lasted this long
_CHECKPOINT_PAGES = 1000  # after which a commit that may take its time moves the log into the file; SQLite's default


class SqliteWriter:
    """The one connection that writes to a database. ``lock`` is held while it is in a transaction."""

    def __init__(self, opened: Callable[[], ApswConnection], timeout: float, synchronous: str = "full") -> None:
        self._opened = opened
        self._timeout = timeout
        self._watchdog = Watchdog[Job[Any]](timeout, Job.expire)
        self._synchronous = synchronous
        self._connection: ApswConnection | None = None
        self._queue: SimpleQueue[Job[Any] | Channel | Ending] = SimpleQueue()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._channel: Channel | None = None
        self.lock = threading.Lock()
        self._is_at_rest = False

    def rest(self, patience: float) -> None:
        """Begin nothing new until ``resume``, if the work under way ends within ``patience`` seconds."""
        self._is_at_rest = self.lock.acquire(timeout=patience)

    def resume(self) -> None:
        """Go on after ``rest``."""
        if self._is_at_rest:
            self._is_at_rest = False
            self.lock.release()

    def inherited(self) -> tuple[ApswConnection | None, bool]:
        """In a process whose threads are gone: the connection there was, and whether it was at rest."""
        return self._connection, self._is_at_rest

    def adopt(self, connection: ApswConnection) -> None:
        """Use this connection, before any other is opened."""
        self._connection = connection

    def connection(self) -> ApswConnection:
        """The connection, opened if need be; for those who hold ``lock``."""
        if self._connection is None:
            self._connection = self._opened()
        self._connection.demand_sound()
        return self._connection

    def run(self, work: Callable[[ApswConnection], T], *, is_lazy: bool = False, is_bare: bool = False) -> Awaitable[T]:
        """Run the work in a transaction, shared or not, and give its result once that is committed.

        One that ``is_lazy`` need not wait for the disk: with others it does all the same. See ``Job`` for ``is_bare``.

        Raises what the work raises, apsw's errors, and TimeoutError if its turn does not come in time.
        """
        job = Job(work, is_lazy=is_lazy, is_bare=is_bare)
        self._put(job)
        return job.ended(self._watchdog)

    def run_now(self, work: Callable[[apsw.Connection], T]) -> T | None:
        """Run a short work here and now, without waiting for the disk or for anybody; None if it must take its turn.

        Raises what the work raises, and apsw's errors.
        """
        if not self._queue.empty() or not self.lock.acquire(blocking=False):
            return None
        try:
            connection = self._connection
            if connection is None or not _has_log(connection):
                return None
            connection.demand_sound()
            connection.set_busy_timeout(0)
            connection.wal_autocheckpoint(0)
            try:
                return self._at_once(connection, work)
            finally:
                connection.wal_autocheckpoint(_CHECKPOINT_PAGES)
                connection.set_busy_timeout(int(self._timeout * 1000))
        finally:
            self.lock.release()

    def _at_once(self, connection: ApswConnection, work: Callable[[apsw.Connection], T]) -> T | None:
        with Unsynced(connection, self._synchronous):
            try:
                begin(connection)
            except apsw.BusyError:
                return None
            try:
                result = work(connection)
                connection.commit()
            except BaseException:
                roll_back(connection)
                raise
            return result

    async def open(self) -> Channel:
        """Begin a transaction of the caller's own. Raises apsw's errors and TimeoutError."""
        channel = Channel()
        self._put(channel)
        try:
            await channel.begun.ended(self._watchdog)
        except BaseException:
            channel.close()
            raise
        return channel

    async def ask(self, channel: Channel, work: Callable[[ApswConnection], T]) -> T:
        """Run the work in the channel's transaction."""
        job = Job(work)
        channel.jobs.put(job)
        return await job.ended(self._watchdog)

    async def close(self, *, keep_connection: bool = False) -> None:
        """End the thread after the works it has, roll back an open transaction, close the connection."""
        with self._starting:
            thread, self._thread = self._thread, None
            if thread is not None:
                if self._channel is not None:
                    self._channel.close()
                ending = Ending()
                self._queue.put(ending)
        if thread is not None:
            await ending.told.future  # not joined in an executor: there is none any more when a program ends
        with self.lock:
            if self._connection is not None and not keep_connection:
                self._connection.close(True)
                self._connection = None

    def _put(self, item: Job[Any] | Channel) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="holdall-sqlite-write", daemon=True)
                self._thread.start()
            self._queue.put(item)

    def _serve(self) -> None:
        following: Job[Any] | Channel | Ending | None = None
        while not isinstance(following, Ending):
            following = self._serve_one(following or self._queue.get())
        set_outcomes([(following.told, None, None)])

    def _serve_one(self, item: Job[Any] | Channel | Ending) -> Job[Any] | Channel | Ending | None:
        """Serve this, apart from waiting for more, so that nothing of it is kept meanwhile; gives what comes next."""
        if isinstance(item, Ending):
            return item
        with self.lock:
            if isinstance(item, Job):
                return self._group(item)
            self._serve_channel(item)
        return None

    def _group(self, first: Job[Any]) -> Job[Any] | Channel | Ending | None:
        """Run this job and those that come meanwhile; gives what was taken from the queue but cannot join them."""
        if not first.claim():
            return None
        try:
            connection = self.connection()
            is_alone = first.is_lazy and self._queue.empty()
            is_unsynced = is_alone and _has_log(connection)
        except BaseException as error:
            set_outcomes([(first, None, error)])
            return None
        group = Group(connection)
        if is_alone:
            with Unsynced(connection, self._synchronous) if is_unsynced else nullcontext():
                group.add_alone(first)
            return None
        following = self._gathered(group) if group.add_first(first) else None
        group.commit()
        return following

    def _gathered(self, group: Group) -> Job[Any] | Channel | Ending | None:
        """Add what comes meanwhile to the group; gives what was taken from the queue but cannot join it."""
        until = monotonic() + GROUP_SECONDS
        while monotonic() < until:
            try:
                following = self._queue.get_nowait()
            except Empty:
                break
            if not isinstance(following, Job):
                return following
            if following.claim():
                group.add(following)
        return None

    def _serve_channel(self, channel: Channel) -> None:
        if not channel.begun.claim() or not channel.is_open:
            return
        self._channel = channel
        try:
            connection = self.connection()
            begin(connection)
        except BaseException as error:
            self._channel = None
            set_outcomes([(channel.begun, None, error)])
            return
        set_outcomes([(channel.begun, None, None)])
        while (job := channel.jobs.get()) is not None:
            if job.claim():
                try:
                    set_outcomes([(job, job.work(connection), None)])
                except BaseException as error:
                    set_outcomes([(job, None, error)])
        self._channel = None
        roll_back(connection)


def _has_log(connection: apsw.Connection) -> bool:
    """Whether changes go to a write-ahead log, where a commit need not wait for the disk to be safe."""
    return bool(connection.execute("PRAGMA journal_mode").fetchone() == ("wal",))
