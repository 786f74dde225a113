"""PostgreSQL by asyncpg: statements prepared once on each connection of an own free-list."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import asyncpg

from holdall.errors import Conflict, HoldallError, StoreTimeout, StoreUnavailable
from holdall.store import Hold, Outcome, Reservation, Rows
from holdall.stores.sql.database import found_in_catalogue
from holdall.stores.sql.dialect import POSTGRESQL, Dialect
from holdall.stores.sql.errors import Meaning, deciding, error_of
from holdall.stores.sql.inspection import FoundTable
from holdall.stores.sql.postgres_connecting import PostgresConnector, PostgresOptions
from holdall.stores.sql.postgres_guards import guarded_tables
from holdall.stores.sql.postgres_pool import PostgresConnection, PostgresPool
from holdall.stores.sql.postgres_prepared import Act, PostgresPrepared
from holdall.stores.sql.postgres_refusal import refusal
from holdall.stores.sql.postgres_steps import ROWS, run_step
from holdall.stores.sql.postgres_transaction import DRIVER_ERRORS, OUTDATED, PostgresTransaction, as_tuple, carry_out
from holdall.stores.sql.steps import Insert, Step, Work
from holdall.stores.sql.tables import Tables

__all__ = ["PostgresDatabase"]

_COURTESY_SECONDS = 5.0  # for taking leave of a connection


class PostgresDatabase:
    """One PostgreSQL database. Each event loop that uses it gets connections of its own."""

    is_durable = True

    def __init__(self, store: str, url: str, tables: Tables, options: PostgresOptions) -> None:
        self._store = store
        self._connector = PostgresConnector(url, options)
        self._tables = tables
        self._options = options
        self._pools: WeakKeyDictionary[asyncio.AbstractEventLoop, PostgresPool] = WeakKeyDictionary()
        self._prepared = PostgresPrepared(store, self.rows, self._run, self._transacted)

    async def learned(self, dialect: Dialect) -> Dialect:
        """The dialect, lowering text under the best collation the server has."""
        probe = dialect.lower_probe
        return dialect if probe is None else dialect.lowering(await self.rows(probe, ()))

    async def rows(self, sql: str, parameters: Sequence[Any]) -> Rows:
        """The rows of a reading statement."""
        pool = self._pool()
        try:
            connection = pool.take_now() or await pool.take(self._options.connect_timeout)
            try:
                try:
                    records = await connection.fetch(sql, parameters)
                except OUTDATED:
                    connection.forget()
                    records = await connection.fetch(sql, parameters)
            except BaseException:
                pool.give_dirty(connection)
                raise
            pool.give(connection)
            return list(map(as_tuple, records))
        except DRIVER_ERRORS as error:
            raise self.translated(error, []) from error

    async def batches(self, sql: str, parameters: Sequence[Any], size: int) -> AsyncGenerator[Rows]:
        """The rows of a reading statement, at most ``size`` at a time, from one snapshot."""
        async with self._connected() as connection:
            try:
                async with connection.raw.transaction(readonly=True):
                    cursor = await (await connection.prepared(sql)).cursor(*parameters)
                    while records := await cursor.fetch(size):
                        yield list(map(as_tuple, records))
            except DRIVER_ERRORS as error:
                raise self.translated(error, []) from error

    async def write(self, work: Work) -> list[Outcome]:
        """Carry out the work's steps in one transaction; a single statement is one by itself."""
        try:
            return await self._write(work, None)
        except OUTDATED:
            return await self._write(work, None)

    async def _transacted(self, work: Work, ending: str) -> list[Outcome]:
        try:
            return await self._write(work, ending)
        except OUTDATED:
            return await self._write(work, ending)

    async def _write(self, work: Work, ending: str | None) -> list[Outcome]:
        done: list[Step] = []
        async with self._connected() as connection:
            try:
                steps = work()
                step = next(steps)
                if ending is None and _is_atomic(step) and not await _is_guarded(connection, step):
                    done.append(step)
                    with deciding(), self.translating(done):
                        reply = await run_step(connection, step)
                    try:
                        return _last(steps, reply)
                    except Conflict:
                        await self._doubt(connection, step)
                        raise
                await connection.raw.execute("BEGIN")
                outcomes = await carry_out(connection, steps, step, done)
                with deciding(), self.translating(done):
                    await connection.raw.execute(ending or "COMMIT")
                return outcomes
            except OUTDATED:
                connection.forget()
                raise
            except DRIVER_ERRORS as error:
                raise self.translated(error, done) from error

    async def _doubt(self, connection: PostgresConnection, step: Step) -> None:
        """Raise StoreUnavailable where a statement that missed something may yet have written something, and lasts."""
        with deciding(), self.translating([step]):
            connection.guarded = await guarded_tables(connection.raw)
        if step.table.name in connection.guarded:
            told = f"table {step.table.name} was given a trigger or rule meanwhile, which may have written other rows"
            raise StoreUnavailable(self._store, told, is_outcome_unknown=True)

    async def hold(self) -> Hold:
        """As prepared transactions, where the server is set to keep any."""
        return await self._prepared.hold()

    async def prepare(self, reservation: Reservation, work: Work) -> list[Outcome]:
        """Carry out the work and leave it prepared."""
        return await self._prepared.prepare(reservation, work)

    async def commit_prepared(self, commit: str, work: Work) -> bool:
        """Commit what is prepared; the server has kept the work."""
        return await self._prepared.commit(commit)

    async def roll_back_prepared(self, commit: str) -> None:
        """Roll back what is prepared."""
        await self._prepared.roll_back(commit)

    async def renew_prepared(self, reservation: Reservation) -> None:
        """Do nothing: the server keeps only the name, which cannot be changed."""

    async def prepared(self) -> list[Reservation]:
        """All that is prepared in this database."""
        return await self._prepared.listed()

    async def create_own(self) -> None:
        """Do nothing: the server keeps what is prepared without a table."""

    async def drop_own(self) -> None:
        """Do nothing, as there is nothing to drop."""

    async def _run(self, act: Act) -> None:
        async with self._connected() as connection:
            with deciding(), self.translating([]):
                await act(connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresTransaction]:
        """A transaction of one's own, READ COMMITTED."""
        async with self._connected() as connection:
            transaction = PostgresTransaction(self.translated, connection)
            await transaction.execute("BEGIN")
            yield transaction
            with deciding():
                await transaction.execute("COMMIT")

    async def execute(self, statements: Sequence[str]) -> None:
        """Run statements that define tables, in one transaction."""
        async with self.transaction() as transaction:
            for statement in statements:
                await transaction.execute(statement)
        pool = self._pool()
        pool.forget()

    async def found(self, names: Collection[str]) -> dict[str, FoundTable]:
        """The tables that are there."""
        return await found_in_catalogue(self, POSTGRESQL)

    async def close(self) -> None:
        """Close this loop's connections; those of loops that have ended are let go of."""
        pool = self._pools.pop(asyncio.get_running_loop(), None)
        if pool is not None:
            await pool.close()

    @contextmanager
    def translating(self, steps: list[Step]) -> Iterator[None]:
        """Raises our errors for the driver's; what only needs to be prepared anew passes."""
        try:
            yield
        except OUTDATED:
            raise
        except DRIVER_ERRORS as error:
            raise self.translated(error, steps) from error

    def translated(self, error: BaseException, steps: list[Step]) -> HoldallError:
        """Our error for the driver's."""
        name = type(error).__name__
        if isinstance(error, asyncpg.PostgresError) and error.sqlstate:
            return refusal(self._store, self._tables, error, steps)
        if isinstance(error, TimeoutError):
            return StoreTimeout(self._store, Meaning.TIMEOUT.value.format(name))
        if isinstance(error, asyncpg.DataError | OverflowError | UnicodeError):
            return error_of(Meaning.VALUE, self._store, name, steps[-1].collection if steps else None)
        return StoreUnavailable(self._store, Meaning.UNAVAILABLE.value.format(name))

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[PostgresConnection]:
        """A connection for more than one statement; whatever is left open on it is rolled back."""
        pool = self._pool()
        try:
            connection = pool.take_now() or await pool.take(self._options.connect_timeout)
        except DRIVER_ERRORS as error:
            raise self.translated(error, []) from error
        try:
            yield connection
        except Exception as error:
            await self._mend(pool, connection, error)
            raise
        except BaseException:
            pool.give_dirty(connection)
            raise
        pool.give(connection)

    async def _mend(self, pool: PostgresPool, connection: PostgresConnection, error: Exception) -> None:
        if connection.raw.is_closed() or isinstance(error, StoreTimeout | StoreUnavailable):
            pool.give_dirty(connection)
            return
        try:
            if connection.raw.is_in_transaction():
                await connection.raw.execute("ROLLBACK")
        except BaseException:
            pool.give_dirty(connection)
            raise error from error.__cause__
        pool.give(connection)

    def _pool(self) -> PostgresPool:
        loop = asyncio.get_running_loop()
        pool = self._pools.get(loop)
        if pool is None:
            for other, abandoned in list(self._pools.items()):
                if other.is_closed():
                    del self._pools[other]
                    abandoned.abandon()
            pool = self._pools[loop] = PostgresPool(
                self._connector.connect, self._options.connections, min(self._options.timeout, _COURTESY_SECONDS)
            )
        return pool


def _is_atomic(step: Step) -> bool:
    """Whether the step is the whole work, and one statement that is known to apply wholly or not at all."""
    if isinstance(step, Insert):
        return step.is_only and step.given is None and len(step.rows) <= ROWS
    return step.is_only and len(step.rows) == 1


async def _is_guarded(connection: PostgresConnection, step: Step) -> bool:
    if connection.guarded is None:
        connection.guarded = await guarded_tables(connection.raw)
    return step.table.name in connection.guarded


def _last(steps: Any, reply: Any) -> list[Outcome]:
    try:
        steps.send(reply)
    except StopIteration as end:
        outcomes: list[Outcome] = end.value
        return outcomes
    raise AssertionError("a work of one step had another")
