"""A database behind an engine of SQLAlchemy that the program made: its pool, events and settings are used as they are.

SQLite by the library that the engine uses, PostgreSQL, MariaDB and MySQL by the engine's driver, sync or async.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import exc

from holdall.errors import StoreUnavailable
from holdall.query import Value
from holdall.store import AnewInChild, Isolation, Outcome, PoolFigures, Rows, watch_forks
from holdall.stores.sql.database import INSPECTED_ROWS, found_in_catalogue
from holdall.stores.sql.dialect import Dialect
from holdall.stores.sql.engine_liveness import is_lost
from holdall.stores.sql.engine_steps import StepRefused, run_steps, statement_of
from holdall.stores.sql.errors import deciding
from holdall.stores.sql.given_connections import Connections, Loan, connections_of
from holdall.stores.sql.given_raw import GivenRaw
from holdall.stores.sql.given_refusal import Refusals
from holdall.stores.sql.given_setup import prepared, writing
from holdall.stores.sql.given_transaction import GivenTransaction, held, rows_by
from holdall.stores.sql.inspection import FoundTable, inspect_connection
from holdall.stores.sql.steps import Step, Work
from holdall.stores.sql.tables import Tables

__all__ = ["GivenEngine"]

T = TypeVar("T")

_AS_IT_IS = {"no_parameters": True}  # the driver looks for no parameters, and a % is a %
_ERRORS = (exc.SQLAlchemyError, OSError)
_LEVELS = {"sqlite": "SERIALIZABLE"}
_NAMES = {("postgresql", Isolation.SNAPSHOT): "REPEATABLE READ"}


class GivenEngine(AnewInChild):
    """One database behind an engine that somebody else owns, and closes."""

    def __init__(self, store: str, engine: Any, tables: Tables) -> None:
        self._store = store
        self._tables = tables
        self._connections = connections_of(store, engine)
        self._engine: sa.Engine = getattr(engine, "sync_engine", engine)
        url = self._engine.url
        self.inspected_rows: int | None = INSPECTED_ROWS
        self.is_durable = not (tables.dialect.family == "sqlite" and url.database in (None, "", ":memory:"))
        where = f"{url.host or 'its socket'}{f':{url.port}' if url.port else ''}"
        if tables.dialect.family == "sqlite":
            where = url.database or ""
        self._refusals = Refusals(store, tables, where)
        self.raw = GivenRaw(self)
        watch_forks(self)

    def text_of(self, step: Step) -> str:
        """The statement that carries out a step."""
        return statement_of(self._tables.dialect.sqlalchemy, step)

    def pool(self) -> PoolFigures:
        """The connections of the engine's own pool."""
        pool = self._engine.pool
        if not isinstance(pool, sa.QueuePool):
            return PoolFigures(None, 0, 0, None)
        return PoolFigures(pool.size(), pool.checkedin() + pool.checkedout(), pool.checkedin(), None)

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[Loan]:
        """A connection for several acts. Raises SQLAlchemy's errors."""
        async with self._connections.lent() as loan, held(loan, prepared):
            yield loan

    async def learned(self, dialect: Dialect) -> Dialect:
        """The dialect of the server, which it tells when it is first connected to."""

        def ask(connection: sa.Connection) -> Dialect:
            known = Dialect.of(connection.dialect)
            if known.lower_probe is None:
                return replace(known, lower_collation=dialect.lower_collation)
            return known.lowering([tuple(row) for row in connection.exec_driver_sql(known.lower_probe)])

        return await self.run(ask)

    async def rows(self, sql: str, parameters: Value) -> Rows:
        """The rows of a reading statement, which is asked once more where its connection was lost."""
        return await self._again_if_lost(lambda connection: rows_by(connection, sql, parameters))

    async def batches(self, sql: str, parameters: Value, size: int) -> AsyncGenerator[Rows]:
        """The rows of a reading statement, at most ``size`` at a time, from one snapshot."""
        with self.translating():
            async with self.lent() as loan:
                result = await loan.run(lambda connection: _streamed(connection, sql, parameters))
                try:
                    while found := await loan.run(lambda _: result.fetchmany(size)):
                        yield list(map(tuple, found))
                finally:
                    await loan.run(lambda _: result.close())

    async def write(self, work: Work) -> list[Outcome]:
        """Carry out the work's steps in one transaction, once more where the connection was lost before its end."""

        def carry(connection: sa.Connection) -> list[Outcome]:
            self.settle_level(connection)
            with writing(connection):
                done: list[Step] = []
                outcomes = self.carried_out(connection, work, done)
                self.commit(connection, done)
            return outcomes

        return await self._again_if_lost(carry)

    @asynccontextmanager
    async def transaction(self, isolation: Isolation | None = None) -> AsyncIterator[GivenTransaction]:
        """A transaction of one's own, at the engine's level unless it is to be of another."""
        failure: BaseException | None = None
        with self.translating(), suppress(_Left):
            async with self.lent() as loan:
                await loan.run(lambda connection: self.settle_level(connection, isolation))
                async with held(loan, writing):
                    transaction = GivenTransaction(self._store, self, loan)
                    try:
                        yield transaction
                    except BaseException as error:
                        failure = error
                        raise _Left from None
                    transaction.demand_there()
                    await loan.run(lambda connection: self.commit(connection, transaction.done))
        if failure is not None:  # of the block itself, and no error of the driver whatever its class
            raise failure

    async def define(self, act: Callable[[sa.Connection], None]) -> None:
        """Let MetaData make or drop tables."""

        def defined(connection: sa.Connection) -> None:
            act(connection)
            connection.commit()

        await self.run(defined)

    async def execute(self, statements: Sequence[str]) -> None:
        """Run statements that define tables, in one transaction where the database can."""

        def define(connection: sa.Connection) -> None:
            for statement in statements:
                connection.exec_driver_sql(statement, execution_options=_AS_IT_IS)
            connection.commit()

        await self.run(define)

    async def found(self, tables: Tables) -> dict[str, FoundTable]:
        """The tables that are there."""
        if tables.dialect.family in ("sqlite", "postgresql", "mysql"):
            takes_percent = tables.dialect.sqlalchemy.paramstyle in ("format", "pyformat")
            return await found_in_catalogue(self, tables, None if takes_percent else ())
        return await self.run(lambda connection: inspect_connection(connection, tables.metadata.tables.values()))

    @asynccontextmanager
    async def altering(self) -> AsyncIterator[Connections]:
        """The engine's own connections, which its owner disposes of."""
        yield self._connections

    async def close(self) -> None:
        """Do nothing: the engine belongs to the program, which disposes of it."""

    def after_fork_in_child(self) -> None:
        """Leave the connections to the parent."""
        self._connections.forget()

    async def run(self, act: Callable[[sa.Connection], T]) -> T:
        def acted(connection: sa.Connection) -> T:
            with prepared(connection):
                return act(connection)

        with self.translating():
            return await self._connections.run(acted)

    async def _again_if_lost(self, act: Callable[[sa.Connection], T]) -> T:
        try:
            return await self.run(act)
        except StoreUnavailable as error:
            if error.is_outcome_unknown or error.__cause__ is None or not is_lost(error.__cause__):
                raise
        return await self.run(act)

    def settle_level(self, connection: sa.Connection, isolation: Isolation | None = None) -> None:
        """Have transactions of this level, and where the engine commits each statement by itself."""
        family = self._tables.dialect.family
        if isolation is not None and family != "sqlite":  # where one writer comes after the other
            connection.rollback()  # what the engine's own events have begun has a level already
            connection.execution_options(isolation_level=_NAMES.get((family, isolation), isolation.value.upper()))
        elif str(connection.get_isolation_level()).upper() == "AUTOCOMMIT":
            connection.execution_options(isolation_level=_LEVELS.get(connection.dialect.name, "READ COMMITTED"))

    def carried_out(self, connection: sa.Connection, work: Work, done: list[Step]) -> list[Outcome]:
        """Carry out the work's steps, put into ``done`` as they are begun. Raises our errors."""
        try:
            return run_steps(connection, work, done)
        except StepRefused as refused:
            cause = refused.__cause__
            assert cause is not None
            raise self._refusals.of(cause, connection, done, refused.position) from cause

    def commit(self, connection: sa.Connection, done: Sequence[Step] = ()) -> None:
        """Make these steps, or whatever was done, last. Raises our errors."""
        with deciding():
            try:
                connection.commit()
            except _ERRORS as error:
                refused = self._refusals.of(error, connection, done)
                with suppress(Exception):  # SQLite goes on with what it refused, and SQLAlchemy takes it for ended
                    connection.connection.rollback()
                raise refused from error

    @contextmanager
    def translating(self) -> Iterator[None]:
        """Raises our errors for SQLAlchemy's."""
        try:
            yield
        except _ERRORS as error:
            raise self._refusals.of(error) from error


class _Left(Exception):
    """The block of a transaction was left by an exception."""


def _streamed(connection: sa.Connection, sql: str, parameters: Value) -> sa.CursorResult[Any]:
    return connection.execution_options(stream_results=True).exec_driver_sql(sql, parameters)
