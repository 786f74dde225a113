"""SQLite by apsw: reads on the event loop under a budget, writes in one thread with group commit.

A database in memory has one connection, which reads and writes take in turn.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

import apsw
from anyio.to_thread import run_sync

from holdall.errors import HoldallError, StoreTimeout, StoreUnavailable
from holdall.query import Value
from holdall.store import Answer, Hold, Isolation, Outcome, Reservation, Rows, watch_forks
from holdall.stores.sql.altering import lent_by, sqlite_engine
from holdall.stores.sql.database import Insertion, found_in_catalogue
from holdall.stores.sql.dialect import Dialect
from holdall.stores.sql.functions import register
from holdall.stores.sql.given_connections import Connections
from holdall.stores.sql.inspection import FoundTable
from holdall.stores.sql.raw import RawStatement
from holdall.stores.sql.sqlite_connection import ApswConnection, SqliteOptions, SqlitePlace, connect, sync_log
from holdall.stores.sql.sqlite_forking import SqliteForking
from holdall.stores.sql.sqlite_holding import SqliteHolding
from holdall.stores.sql.sqlite_insertion import SqliteInsertion
from holdall.stores.sql.sqlite_jobs import Channel, rows_of
from holdall.stores.sql.sqlite_raw import SqliteRaw, answer_of
from holdall.stores.sql.sqlite_readers import Reader, SqliteReaders
from holdall.stores.sql.sqlite_refusal import refusal_of
from holdall.stores.sql.sqlite_reservations import (
    CREATE_RESERVATIONS,
    DROP_RESERVATIONS,
    SELECT_RESERVATIONS,
    SqliteReservations,
)
from holdall.stores.sql.sqlite_steps import statement_of
from holdall.stores.sql.sqlite_transaction import SqliteTransaction
from holdall.stores.sql.sqlite_work import SqliteWorks
from holdall.stores.sql.sqlite_writer import SqliteWriter
from holdall.stores.sql.steps import Insert, Work
from holdall.stores.sql.tables import Tables

__all__ = ["SqliteDatabase"]

T = TypeVar("T")

_DRIVER_ERRORS = (apsw.Error, OSError, OverflowError, UnicodeError)  # of the system: no descriptor is left
_FEW = 20  # changes; they take as long as a change of threads


class SqliteDatabase(SqliteForking):
    """One SQLite database, in a file or in memory."""

    text_of = staticmethod(statement_of)

    def __init__(self, store: str, place: SqlitePlace, tables: Tables, options: SqliteOptions) -> None:
        self._store = store
        self._options = options
        self._place = place
        self.inspected_rows = options.inspected_rows
        self._reservations = SqliteReservations(store)
        self.works = SqliteWorks(store, self._place.path, tables, self._reservations)
        self._holding = SqliteHolding(self.works, self._reservations, tables)
        self._in_memory = self._place.path is None
        self.is_durable = not self._in_memory
        self._is_lost = False
        self.raw = SqliteRaw(self)
        self._begin()
        watch_forks(self)

    def _begin(self) -> None:
        options = self._options
        self._writer = SqliteWriter(self.open_writer, options.timeout, options.synchronous)
        self._readers = SqliteReaders(self._open_reader, options)
        self._reader: Reader | None = None

    async def learned(self, dialect: Dialect) -> Dialect:
        """The dialect as it is: SQLite comes with the driver."""
        return dialect

    def rows_now(self, sql: str, parameters: Sequence[Value]) -> Rows | None:
        """The rows of a short statement that reads a file; None where it may take longer."""
        try:
            return None if self._in_memory else self._readers.rows_now(sql, parameters)
        except _DRIVER_ERRORS as error:
            raise self._translated(error) from error

    async def rows(self, sql: str, parameters: Sequence[Value]) -> Rows:
        """The rows of a reading statement."""
        if (rows := self.rows_now(sql, parameters)) is not None:
            return rows
        try:
            return await (self._rows_in_memory if self._in_memory else self._readers.rows)(sql, parameters)
        except _DRIVER_ERRORS as error:
            raise self._translated(error) from error

    async def batches(
        self, sql: str, parameters: Sequence[Value], size: int, columns: list[str] | None = None
    ) -> AsyncGenerator[Rows]:
        """The rows of a reading statement, at most ``size`` at a time, from one snapshot; ``columns`` is filled with
        their names.
        """
        if self._in_memory:
            answer = await self.answer(RawStatement(sql, parameters, is_read=True), sys.maxsize - 1)
            rows = answer.rows
            if columns is not None:
                columns += answer.columns
            for start in range(0, len(rows), size):
                yield rows[start : start + size]
            return
        batches = self._readers.batches(sql, parameters, size, columns)
        try:
            while True:
                try:
                    batch = await anext(batches)
                except StopAsyncIteration:
                    return
                except _DRIVER_ERRORS as error:
                    raise self._translated(error) from error
                yield batch
        finally:
            await batches.aclose()

    async def answer(self, statement: RawStatement, limit: int) -> Answer:
        """The answer to a statement that reads."""
        if self._in_memory:
            return await self.run(lambda connection: answer_of(connection, statement, limit))
        try:
            return await self._readers.answer(statement, limit)
        except _DRIVER_ERRORS as error:
            raise self._translated(error) from error

    async def write(self, work: Work) -> list[Outcome]:
        """Carry out the work's steps, in a commit shared with others that come at the same time."""
        return await self.run(lambda connection: self.works.whole(connection, work))

    def insertion(self, step: Insert) -> Insertion | None:
        """Return the insertion of rows, each in a commit shared with others; None for the driver of the stdlib."""
        if self._place.is_stdlib:
            return None
        return SqliteInsertion(partial(self.run, is_bare=True), self._reservations, step)

    @asynccontextmanager
    async def transaction(self, isolation: Isolation | None = None) -> AsyncIterator[SqliteTransaction]:
        """A transaction of one's own; all other writes wait for its end, so keep it short, and none needs a level."""
        try:
            channel = await self._writer.open()
        except _DRIVER_ERRORS as error:
            raise self._translated(error) from error
        transaction = SqliteTransaction(self._store, self.works.apart(), channel, self.ask)
        try:
            yield transaction
            await transaction.commit()
        finally:
            channel.close()

    async def execute(self, statements: Sequence[str]) -> None:
        """Run statements that define tables, in one transaction."""

        def work(connection: apsw.Connection) -> None:
            for statement in statements:
                connection.execute(statement).fetchall()

        try:
            await self.run(work)
        except BaseException:
            self._reservations.forget()
            raise

    async def hold(self) -> Hold:
        """By rows that every writer looks at."""
        return Hold.RESERVED

    def cost_of(self, hold: Hold) -> int:
        """To hold costs little more than to write."""
        return 0

    @property
    def lock_patience(self) -> float:
        """The patience is None: a caller that waits for another process has waited for ``timeout`` seconds."""
        return 0.0

    async def prepare(self, reservation: Reservation, work: Work) -> list[Outcome]:
        """Check the work and hold what it touches, in a commit shared with others."""
        outcomes = await self.run(lambda connection: self._holding.prepare(connection, reservation, work))
        if isinstance(outcomes, HoldallError):
            raise outcomes
        return outcomes

    async def commit_prepared(self, commit: str, work: Work) -> bool:
        """Write what was prepared and let go of it, in a commit shared with others or one that ``sync`` makes last."""

        def write(connection: apsw.Connection) -> bool:
            return self._holding.commit(connection, commit, work)

        if len(work.changes) <= _FEW and not self._in_memory:
            try:
                is_written = self._writer.run_now(write)
            except _DRIVER_ERRORS as error:
                raise self._translated(error) from error
            if is_written is not None:
                return is_written
        return await self.run(write, is_lazy=True)

    async def sync(self) -> None:
        """Wait for the disk, for whatever was committed without."""
        if self._place.path is not None and self._options.synchronous in ("full", "extra"):
            try:
                await run_sync(sync_log, f"{self._place.path}-wal")
            except OSError as error:
                raise StoreUnavailable(self._store, f"{self.path}-wal cannot be synced: {error.strerror}") from error

    async def roll_back_prepared(self, commit: str) -> None:
        """Let go of it."""
        await self.run(lambda connection: self._reservations.remove(connection, commit))

    async def renew_prepared(self, reservation: Reservation) -> None:
        """Let it expire later."""
        await self.run(lambda connection: self._reservations.renew(connection, reservation))

    async def prepared(self) -> list[Reservation]:
        """All that is held."""
        is_there = await self.rows("SELECT 1 FROM sqlite_schema WHERE name = 'holdall_reservation'", ())
        rows = await self.rows(SELECT_RESERVATIONS, ()) if is_there else []
        return [Reservation.decode(commit, data) for commit, data in rows]

    async def create_own(self) -> None:
        """Create the table of what is held."""
        await self.execute([CREATE_RESERVATIONS])

    async def drop_own(self) -> None:
        """Drop the table of what is held."""
        await self.execute([DROP_RESERVATIONS])

    async def found(self, tables: Tables) -> dict[str, FoundTable]:
        """The tables that are there."""
        return await found_in_catalogue(self, tables)

    @asynccontextmanager
    async def altering(self) -> AsyncIterator[Connections]:
        """Connections of an engine made for it, while this one has none."""
        await self.close()
        async with lent_by(self._store, sqlite_engine(self._store, self.path, self._options.timeout)) as found:
            yield found

    async def close(self) -> None:
        """Give back all connections; but one in memory is the database, and stays."""
        self._readers.close()
        await self._writer.close(keep_connection=self._in_memory)

    async def ask(self, channel: Channel, work: Callable[[ApswConnection], T]) -> T:
        """Run the work in the channel's transaction."""
        try:
            return await self._writer.ask(channel, work)
        except _DRIVER_ERRORS as error:
            raise self._translated(error) from error

    async def run(self, work: Callable[[ApswConnection], T], *, is_lazy: bool = False, is_bare: bool = False) -> T:
        """Run a work of the writer, in a commit shared with others; see ``Job``."""
        try:
            return await self._writer.run(work, is_lazy=is_lazy, is_bare=is_bare)
        except _DRIVER_ERRORS as error:
            raise self._translated(error) from error

    async def _rows_in_memory(self, sql: str, parameters: Sequence[Value]) -> Rows:
        lock = self._writer.lock
        if lock.acquire(blocking=False):
            try:
                connection = self._writer.connection()
                if self._reader is None or self._reader.connection is not connection:
                    self._reader = Reader(connection, self._options.inline_steps, 0)
                self._reader.bound()
                return self._reader.rows(sql, parameters)
            except apsw.InterruptError:
                pass
            finally:
                if self._reader is not None:
                    self._reader.unbound(0)
                lock.release()
        return await rows_of(self._writer.run, sql, parameters)

    def _translated(self, error: Exception) -> HoldallError:
        if isinstance(error, TimeoutError):
            told = str(error) or "its turn did not come in time: some transaction is kept open"
            return StoreTimeout(self._store, told)
        return refusal_of(self._store, self._place.path, error)

    def open_writer(self) -> ApswConnection:
        """Open a connection that can write."""
        self._demand_reachable()
        return connect(self._place, self._options, register, int(self._options.timeout * 1000), writes=True)

    def _open_reader(self, patience: int) -> apsw.Connection:
        self._demand_reachable()
        return connect(self._place, self._options, register, patience, writes=False)
