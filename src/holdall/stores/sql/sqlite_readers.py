"""SQLite reads: short ones at once on the calling thread, under an instruction budget, long ones in a thread."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from time import monotonic, sleep
from typing import TypeVar

import apsw

from holdall.query import Value
from holdall.store import Answer, Deadlines, PoolFigures, Rows
from holdall.stores.sql.raw import RawStatement
from holdall.stores.sql.sqlite_connection import SqliteOptions
from holdall.stores.sql.sqlite_raw import answer_of, columns_of

__all__ = ["Reader", "SqliteReaders"]

T = TypeVar("T")

TICKS = 4  # how often the budget is looked at before it is used up
LONG_STATEMENTS = 1_000  # statements remembered as long


class Reader:
    """A connection with a budget: ``rows`` raises apsw.InterruptError once a read takes more than its instructions.

    SQLite counts instructions per prepared statement and over all its runs, so one tick early in a short run is
    ordinary; only the ticks of one run together mean anything.
    """

    __slots__ = ("_allowed", "connection", "execute", "generation", "is_disowned", "ticks")

    def __init__(self, connection: apsw.Connection, steps: int, generation: int) -> None:
        self.connection = connection
        self.execute = connection.cursor().execute  # one cursor for all: a new one for each read costs a seventh of it
        self.generation = generation
        self.is_disowned = False
        self._allowed = TICKS
        self.ticks = 0
        connection.set_progress_handler(self._tick, max(steps // TICKS, 1))

    def _tick(self) -> bool:
        self.ticks += 1
        return self.ticks > self._allowed

    @property
    def was_short(self) -> bool:
        """Whether the last read would have stayed within the budget."""
        return self.ticks <= TICKS

    def rows(self, sql: str, parameters: Sequence[Value]) -> Rows:
        """All rows of one read."""
        self.ticks = 0
        return self.execute(sql, parameters).fetchall()

    def answer(self, statement: RawStatement, limit: int) -> Answer:
        """The answer to a statement, with one row more than ``limit`` at the most."""
        self.ticks = 0
        return answer_of(self.connection, statement, limit)

    def bound(self) -> None:
        """Reads have a budget from now on, and do not wait for locks."""
        self._allowed = TICKS
        self.connection.set_busy_timeout(0)

    def unbound(self, patience: int) -> None:
        """Reads may take long, and wait this many milliseconds for locks."""
        self._allowed = sys.maxsize
        self.connection.set_busy_timeout(patience)

    def stop(self) -> None:
        """End the read under way in another thread, or about to begin there; the reader is of no use afterwards."""
        self.is_disowned = True
        self._allowed = -1
        self.connection.interrupt()


class SqliteReaders:
    """The read connections of one database file, as many as reads ever ran at once.

    ``opened`` opens one; its argument is how many milliseconds the connection waits for locks.
    """

    def __init__(self, opened: Callable[[int], apsw.Connection], options: SqliteOptions) -> None:
        self._opened = opened
        self._steps = options.inline_steps
        self._threads = options.threads
        self._patience = int(options.timeout * 1000)
        self._deadlines = Deadlines(options.read_timeout)
        self._free: list[Reader] = []
        self._all: set[Reader] = set()
        self._opening: set[object] = set()
        self._generation = 0
        self._long: dict[str, None] = {}
        self._pool: ThreadPoolExecutor | None = None

    @property
    def figures(self) -> PoolFigures:
        """How many connections there are; nothing bounds them but the reads that run at once."""
        return PoolFigures(None, len(self._all), len(self._free), 0)

    def rows_now(self, sql: str, parameters: Sequence[Value]) -> Rows | None:
        """The rows, read on this thread; None if that takes too long: then ask ``rows``. Raises apsw's errors."""
        if sql in self._long:
            return None
        try:
            reader = self._free.pop() if self._free else self._open(0)
        except (apsw.BusyError, IndexError):  # another thread may take the last one in between
            return None
        try:
            reader.ticks = 0
            return reader.execute(sql, parameters).fetchall()
        except apsw.InterruptError:
            if len(self._long) >= LONG_STATEMENTS:
                self._long.clear()
            self._long[sql] = None
            return None
        except apsw.BusyError:
            return None
        finally:
            self._free.append(reader)

    async def answer(self, statement: RawStatement, limit: int) -> Answer:
        """The answer to a statement that reads, on this thread if that does not take too long. Raises apsw's errors."""
        if statement.sql not in self._long and self._free:
            reader = self._free.pop()
            try:
                return reader.answer(statement, limit)
            except (apsw.InterruptError, apsw.BusyError):
                pass
            finally:
                self._free.append(reader)
        reader = await self._run(self._take)
        try:
            return await self._in_time(reader, lambda: reader.answer(statement, limit))
        finally:
            self._give(reader)

    async def rows(self, sql: str, parameters: Sequence[Value]) -> Rows:
        """The rows, read in a thread; cancelling interrupts the read. Raises apsw's errors, and TimeoutError."""
        reader = await self._run(self._take)
        try:
            rows = await self._in_time(reader, lambda: reader.rows(sql, parameters))
            if reader.was_short:
                self._long.pop(sql, None)
        finally:
            self._give(reader)
        return rows

    async def batches(
        self, sql: str, parameters: Sequence[Value], size: int, columns: list[str] | None = None
    ) -> AsyncGenerator[Rows]:
        """The rows, at most ``size`` at a time, all from one snapshot; ``columns`` is filled with their names.

        Raises apsw's errors.
        """
        reader = await self._run(self._take)
        cursor = reader.connection.cursor()
        try:
            await self._in_time(reader, lambda: cursor.execute(sql, parameters))
            if columns is not None:
                columns += await self._in_time(reader, lambda: columns_of(cursor))
            while rows := await self._in_time(reader, lambda: list(islice(cursor, size))):
                yield rows
        finally:
            if not reader.is_disowned:
                cursor.close(True)
            self._give(reader)

    def rest(self, patience: float) -> None:
        """Wait until no read is under way, at most ``patience`` seconds."""
        until = monotonic() + patience
        while not self._is_at_rest() and monotonic() < until:
            sleep(0.001)

    def inherited(self) -> tuple[list[apsw.Connection], bool]:
        """In a process whose threads are gone: the connections there were, and whether all were at rest."""
        return [reader.connection for reader in self._all], self._is_at_rest()

    def _is_at_rest(self) -> bool:
        return not self._opening and len(self._free) == len(self._all)

    def close(self) -> None:
        """Close every idle connection; those in use are closed when their read ends."""
        self._generation += 1
        free, self._free = self._free, []
        for reader in free:
            self._close(reader)
        if self._pool is not None:
            self._pool.shutdown(wait=False)
            self._pool = None

    def _open(self, patience: int) -> Reader:
        token = object()
        self._opening.add(token)
        try:
            reader = Reader(self._opened(patience), self._steps, self._generation)
            self._all.add(reader)
        finally:
            self._opening.discard(token)
        return reader

    def _close(self, reader: Reader) -> None:
        reader.connection.close(True)
        self._all.discard(reader)

    def _take(self) -> Reader:
        try:
            reader = self._free.pop()
        except IndexError:
            reader = self._open(self._patience)
        reader.unbound(self._patience)
        return reader

    def _give(self, reader: Reader) -> None:
        if reader.is_disowned:
            return
        if reader.generation != self._generation:
            self._close(reader)
            return
        reader.bound()
        self._free.append(reader)

    async def _in_time(self, reader: Reader, work: Callable[[], T]) -> T:
        try:
            return await self._deadlines.within(self._on(reader, work))
        except TimeoutError:
            raise TimeoutError(
                "a read took longer than read_timeout allows; ask for less, or set that higher"
            ) from None

    async def _on(self, reader: Reader, work: Callable[[], T]) -> T:
        working = asyncio.ensure_future(self._run(work))
        try:
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            reader.stop()
            working.add_done_callback(partial(self._abandoned, reader))
            raise

    async def _run(self, work: Callable[[], T]) -> T:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads, "holdall-sqlite-read")
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def _abandoned(self, reader: Reader, ended: asyncio.Future[T]) -> None:
        if not ended.cancelled():
            ended.exception()  # a stopped read is expected to fail
        self._close(reader)
