"""MariaDB, MySQL and every other database SQLAlchemy has an async dialect for, through its async engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from importlib.util import find_spec
from typing import Any
from weakref import WeakKeyDictionary

import msgspec
import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncTransaction, create_async_engine

from holdall.errors import DeclarationError, HoldallError
from holdall.store import AnewInChild, Outcome, Rows, keep_for_ever, watch_forks
from holdall.stores.sql.database import LOCK_WAIT, found_in_catalogue
from holdall.stores.sql.dialect import Dialect
from holdall.stores.sql.engine_refusal import refusal
from holdall.stores.sql.engine_steps import StepRefused, run_step
from holdall.stores.sql.errors import deciding
from holdall.stores.sql.inspection import FoundTable, inspect_connection
from holdall.stores.sql.steps import Work
from holdall.stores.sql.tables import Tables

__all__ = ["EngineDatabase", "EngineOptions", "carry_out", "engine_at", "url_of"]

_STRICT = "SET SESSION sql_mode = 'TRADITIONAL,NO_AUTO_VALUE_ON_ZERO'"
_MYSQL_DRIVERS = ("asyncmy", "aiomysql")
_AS_IT_IS = {"no_parameters": True}  # the driver looks for no parameters, and a % is a %
_ERRORS = (exc.SQLAlchemyError, OSError)


class EngineOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the engine is used: at most ``connections`` per event loop; ``timeout`` (seconds) to get one.

    ``lock_timeout`` (seconds) is how long a commit waits in MariaDB or MySQL for what
    others have locked; it should be well below the time that a commit is given.
    """

    connections: int = 10
    timeout: float = 30.0
    lock_timeout: float = 5.0

    def __post_init__(self) -> None:
        if self.connections < 1 or self.timeout <= 0 or self.lock_timeout <= 0:
            raise DeclarationError("connections, timeout and lock_timeout must be above zero")


def url_of(url: str) -> sa.URL:
    """The URL with its driver: asyncmy or aiomysql for MariaDB and MySQL where none is named.

    Raises DeclarationError for what is no URL, and where the driver is not installed.
    """
    try:
        made = sa.make_url(url)
        if made.get_backend_name() in ("mysql", "mariadb"):
            if "+" not in made.drivername:
                driver = next((name for name in _MYSQL_DRIVERS if find_spec(name) is not None), _MYSQL_DRIVERS[0])
                made = made.set(drivername=f"{made.drivername}+{driver}")
            made = made.update_query_dict({"charset": "utf8mb4"})
        made.get_dialect()
    except (exc.ArgumentError, exc.NoSuchModuleError, ImportError) as error:
        raise DeclarationError(f"no SQL database can be reached by this URL: {type(error).__name__}") from error
    return made


class EngineDatabase(AnewInChild):
    """One database behind SQLAlchemy's async engine. Each event loop that uses it gets an engine of its own."""

    is_durable = True

    def __init__(self, store: str, url: sa.URL, tables: Tables, options: EngineOptions) -> None:
        self._store = store
        self._url = url
        self._tables = tables
        self._options = options
        self._engines: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncEngine] = WeakKeyDictionary()
        watch_forks(self)

    async def learned(self, dialect: Dialect) -> Dialect:
        """The dialect of the server, which it tells when it is first connected to."""
        async with self._connected() as connection:
            return replace(Dialect.of(connection.dialect), lower_collation=dialect.lower_collation)

    async def rows(self, sql: str, parameters: Any) -> Rows:
        """The rows of a reading statement."""
        async with self._connected() as connection:
            return await _rows(connection, sql, parameters)

    async def batches(self, sql: str, parameters: Any, size: int) -> AsyncGenerator[Rows]:
        """The rows of a reading statement, at most ``size`` at a time, from one snapshot."""
        async with self._connected() as connection:
            result = await connection.run_sync(_streamed, sql, parameters)
            try:
                while found := await connection.run_sync(lambda _: result.fetchmany(size)):
                    yield list(map(tuple, found))
            finally:
                await connection.run_sync(lambda _: result.close())

    async def write(self, work: Work) -> list[Outcome]:
        """Carry out the work's steps in one transaction."""
        async with self._connected() as connection:
            outcomes = await carry_out(connection, work)
            await self._commit(connection)
            return outcomes

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[EngineTransaction]:
        """A transaction of one's own, READ COMMITTED where the database has it."""
        async with self._connected() as connection:
            transaction = EngineTransaction(self, connection)
            yield transaction
            if transaction.lost is not None:
                raise transaction.lost
            await self._commit(connection)

    async def execute(self, statements: Sequence[str]) -> None:
        """Run statements that define tables; few databases can do so in a transaction."""
        async with self._connected() as connection:
            for statement in statements:
                await connection.exec_driver_sql(statement, execution_options=_AS_IT_IS)
            await connection.commit()

    async def found(self, names: Collection[str]) -> dict[str, FoundTable]:
        """The tables that are there."""
        if self._tables.dialect.family == "mysql":
            return await found_in_catalogue(self, self._tables.dialect, None)
        async with self._connected() as connection:
            return await connection.run_sync(inspect_connection, names)

    async def close(self) -> None:
        """Close this loop's connections."""
        engine = self._engines.pop(asyncio.get_running_loop(), None)
        if engine is not None:
            await engine.dispose()

    def after_fork_in_child(self) -> None:
        """Make engines of its own."""
        for loop, engine in list(self._engines.items()):
            keep_for_ever(loop)
            keep_for_ever(engine)
        self._engines = WeakKeyDictionary()

    async def _commit(self, connection: AsyncConnection) -> None:
        with deciding(), self.translating():
            await connection.commit()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AsyncConnection]:
        """A connection; what is not committed when the block ends is rolled back. Raises our errors."""
        with self.translating():
            async with self._engine().connect() as connection:
                yield connection

    @contextmanager
    def translating(self) -> Iterator[None]:
        """Raises our errors for SQLAlchemy's."""
        try:
            yield
        except StepRefused as refused:
            cause = refused.__cause__
            assert cause is not None
            raise refusal(self._store, self._tables, cause, refused.step, refused.position) from cause
        except _ERRORS as error:
            raise refusal(self._store, self._tables, error) from error

    def _engine(self) -> AsyncEngine:
        loop = asyncio.get_running_loop()
        engine = self._engines.get(loop)
        if engine is None:
            engine = self._engines[loop] = engine_at(self._url, self._options)
        return engine


class EngineTransaction:
    """An open transaction: one statement at a time, in the order asked.

    ``lost`` is the error with which the server ended all of it, as MariaDB does with the victim of a deadlock.
    """

    def __init__(self, database: EngineDatabase, connection: AsyncConnection) -> None:
        self.lost: HoldallError | None = None
        self._database = database
        self._connection = connection
        self._turn = asyncio.Lock()

    async def rows(self, sql: str, parameters: Any) -> Rows:
        """The rows of a reading statement, this transaction's own changes included."""
        async with self._turn:
            if self.lost is not None:
                raise self.lost
            with self._database.translating():
                return await _rows(self._connection, sql, parameters)

    async def write(self, work: Work) -> list[Outcome]:
        """Carry out the work's steps; if one is refused, none of them lasts and the transaction goes on.

        If the server has ended the transaction, this and every further work raises why.
        """
        async with self._turn:
            if self.lost is not None:
                raise self.lost
            is_there = True
            try:
                with self._database.translating():
                    part = await self._connection.begin_nested()
                    try:
                        outcomes = await carry_out(self._connection, work)
                    except Exception:
                        is_there = await _is_undone(part)
                        raise
                    await part.commit()
                    return outcomes
            except HoldallError as error:
                if not is_there:
                    self.lost = error
                raise


async def _is_undone(part: AsyncTransaction) -> bool:
    """Whether the savepoint was still there to go back to."""
    try:
        await part.rollback()
    except exc.SQLAlchemyError:
        return False
    return True


async def _rows(connection: AsyncConnection, sql: str, parameters: Any) -> Rows:
    if parameters is None:
        result = await connection.exec_driver_sql(sql, execution_options=_AS_IT_IS)
    else:
        result = await connection.exec_driver_sql(sql, parameters)
    return list(map(tuple, result))


def _streamed(connection: sa.Connection, sql: str, parameters: Any) -> sa.CursorResult[Any]:
    return connection.execution_options(stream_results=True).exec_driver_sql(sql, parameters)


async def carry_out(connection: AsyncConnection, work: Work) -> list[Outcome]:
    """Carry out the work's steps. Raises StepRefused and SQLAlchemy's errors."""
    steps = work()
    try:
        step = next(steps)
        while True:
            step = steps.send(await run_step(connection, step))
    except StopIteration as end:
        outcomes: list[Outcome] = end.value
        return outcomes


def engine_at(url: sa.URL, options: EngineOptions) -> AsyncEngine:
    """The engine at this URL; no connection is made. What every connection must be told once, it is told."""
    family = "mysql" if url.get_backend_name() in ("mysql", "mariadb") else url.get_backend_name()
    isolation = {"isolation_level": "READ COMMITTED"} if family in ("mysql", "postgresql", "oracle", "mssql") else {}
    engine = create_async_engine(
        url,
        pool_size=options.connections,
        max_overflow=0,
        pool_timeout=options.timeout,
        pool_use_lifo=True,
        pool_pre_ping=False,
        **isolation,
    )
    setup = Dialect.of(engine.dialect).session_setup
    if family == "mysql":
        wait = max(1, int(min(options.lock_timeout, LOCK_WAIT)))
        waits = (f"SET SESSION innodb_lock_wait_timeout = {wait}", f"SET SESSION lock_wait_timeout = {wait}")
        setup = (_STRICT, *waits, *setup)

    def tell(connection: Any, record: Any) -> None:
        cursor = connection.cursor()
        for statement in setup:
            cursor.execute(statement)
        cursor.close()

    event.listen(engine.sync_engine, "connect", tell)
    return engine
