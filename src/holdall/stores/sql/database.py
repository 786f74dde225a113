"""The protocol of a driver: rows for statements, works carried out in transactions."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeAlias, runtime_checkable

from holdall.errors import DeclarationError
from holdall.query import Value
from holdall.store import Answer, Isolation, Outcome, PoolFigures, Row, Rows
from holdall.stores.sql.dialect import Dialect
from holdall.stores.sql.given_connections import Connections
from holdall.stores.sql.inspection import FoundTable, inspect_catalogue
from holdall.stores.sql.raw import RawStatement
from holdall.stores.sql.steps import Insert, Step, Work
from holdall.stores.sql.tables import Tables

__all__ = [
    "INSPECTED_ROWS",
    "LOCK_WAIT",
    "Database",
    "DatabaseTransaction",
    "Immediate",
    "Inserting",
    "Insertion",
    "RawAccess",
    "demand_rows",
    "found_in_catalogue",
    "now_of",
]

INSPECTED_ROWS = 10_000
"""Rows of each table whose values inspection looks at where nothing else is said."""

LOCK_WAIT = 1.5
"""Seconds for which a server is asked to wait for a lock; then it is seen whether a dead process holds it.

More than PostgreSQL's ``deadlock_timeout``, so that of two who wait for each other one alone is refused.
"""


class DatabaseTransaction(Protocol):
    """An open transaction; it sees its own changes."""

    async def rows(self, sql: str, parameters: Value) -> Rows:
        """The driver's rows of a reading statement."""
        ...

    async def answer(self, statement: RawStatement, limit: int) -> Answer:
        """The answer to a statement as its user wrote it, with one row more than ``limit`` at the most."""
        ...

    async def write(self, work: Work) -> list[Outcome]:
        """Carry out the work's steps; if one is refused, none of them lasts and the transaction stays usable."""
        ...

    def savepoint(self) -> AbstractAsyncContextManager[None]:
        """A part of the transaction: an exception in its block undoes what was written in it."""
        ...


@runtime_checkable
class Immediate(Protocol):
    """The further part of a database that answers short reads without waiting."""

    def rows_now(self, sql: str, parameters: Value) -> Rows | None:
        """The driver's rows of a reading statement; None where they cannot be had at once: then ask ``rows``."""
        ...


Insertion: TypeAlias = Callable[[Row], Awaitable[Outcome | None]]
"""Inserts a row of encoded values. None where nothing was written: ``write`` says why, or does it in another way."""


@runtime_checkable
class Inserting(Protocol):
    """The further part of a database that adds a record by one statement, with nothing planned for it."""

    def insertion(self, step: Insert) -> Insertion | None:
        """The insertion of rows made ready, of which the step says the columns and which key the database makes; None
        where it adds none so.
        """
        ...


def now_of(database: object) -> Callable[[str, Value], Rows | None]:
    """The function of a database that answers at once; for others, and without one, it answers with None."""
    return database.rows_now if isinstance(database, Immediate) else _not_now


def _not_now(sql: str, parameters: Value) -> Rows | None:
    return None


class RawAccess(Protocol):
    """The way past the contract into a database. Raises our errors."""

    async def answer(self, statement: RawStatement, limit: int) -> Answer:
        """The answer to a statement, with one row more than ``limit`` at the most; one that writes is committed."""
        ...

    def batches(self, statement: RawStatement, size: int) -> AsyncGenerator[Answer]:
        """The rows of a statement that reads, at most ``size`` at a time."""
        ...

    def native(self) -> AbstractAsyncContextManager[object]:
        """A connection of the driver, lent for a block."""
        ...


class Database(Protocol):
    """A database as one driver reaches it. Every method raises the errors of ``holdall.errors`` only.

    ``is_durable`` if what is committed outlives the process. ``inspected_rows`` is of how many rows of each table
    inspection reads the values, None for all.
    """

    is_durable: bool
    inspected_rows: int | None

    @property
    def raw(self) -> RawAccess:
        """The way past the contract."""
        ...

    async def learned(self, dialect: Dialect) -> Dialect:
        """The dialect, once the server has been asked what it knows; asked once, before anything else."""
        ...

    async def rows(self, sql: str, parameters: Value) -> Rows:
        """The driver's rows of a reading statement."""
        ...

    def text_of(self, step: Step) -> str:
        """The statement that carries out a step, without its values."""
        ...

    def pool(self) -> PoolFigures:
        """How its connections are used."""
        ...

    def batches(self, sql: str, parameters: Value, size: int) -> AsyncGenerator[Rows]:
        """The same, at most ``size`` rows at a time."""
        ...

    async def write(self, work: Work) -> list[Outcome]:
        """Carry out the work's steps in one transaction."""
        ...

    def transaction(self, isolation: Isolation | None = None) -> AbstractAsyncContextManager[DatabaseTransaction]:
        """A transaction that commits when its block ends well; READ COMMITTED where the database has levels and none is
        asked for.
        """
        ...

    async def execute(self, statements: Sequence[str]) -> None:
        """Run statements that define tables, in one transaction where the database can."""
        ...

    async def found(self, tables: Tables) -> dict[str, FoundTable]:
        """The tables that are there, these among them, as the database describes them."""
        ...

    def altering(self) -> AbstractAsyncContextManager[Connections]:
        """Connections of SQLAlchemy, lent for a block in which nobody else of this process uses the database."""
        ...

    async def close(self) -> None:
        """Give back all connections."""
        ...


def demand_rows(number: int | None) -> None:
    """Raise DeclarationError for a number of rows of which none would be looked at."""
    if number is not None and number < 1:
        raise DeclarationError("inspected_rows must be above zero, or None for all rows")


async def found_in_catalogue(
    database: Database, tables: Tables, parameters: Sequence[Value] | None = ()
) -> dict[str, FoundTable]:
    """Return all tables of a database whose catalogue can be read; ``parameters`` is the driver's form of no
    parameters.
    """
    inspection = inspect_catalogue(tables.dialect, tables.namespaces)
    statement = next(inspection)
    while True:
        try:
            statement = inspection.send(await database.rows(statement, parameters))
        except StopIteration as end:
            found: dict[str, FoundTable] = end.value
            return found
