"""The protocol of a driver: rows for statements, works carried out in transactions."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from holdall.query import Value
from holdall.store import Outcome, Rows
from holdall.stores.sql.dialect import Dialect
from holdall.stores.sql.inspection import FoundTable, inspect_catalogue
from holdall.stores.sql.steps import Work

__all__ = ["LOCK_WAIT", "Database", "DatabaseTransaction", "found_in_catalogue"]

LOCK_WAIT = 1.5
"""Seconds for which a server is asked to wait for a lock; then it is seen whether a dead process holds it.

More than PostgreSQL's ``deadlock_timeout``, so that of two who wait for each other one alone is refused.
"""


class DatabaseTransaction(Protocol):
    """An open transaction; it sees its own changes."""

    async def rows(self, sql: str, parameters: Value) -> Rows:
        """The driver's rows of a reading statement."""
        ...

    async def write(self, work: Work) -> list[Outcome]:
        """Carry out the work's steps; if one is refused, none of them lasts and the transaction stays usable."""
        ...


class Database(Protocol):
    """A database as one driver reaches it. Every method raises the errors of ``holdall.errors`` only.

    ``is_durable`` if what is committed outlives the process.
    """

    is_durable: bool

    async def learned(self, dialect: Dialect) -> Dialect:
        """The dialect, once the server has been asked what it knows; asked once, before anything else."""
        ...

    async def rows(self, sql: str, parameters: Value) -> Rows:
        """The driver's rows of a reading statement."""
        ...

    def batches(self, sql: str, parameters: Value, size: int) -> AsyncGenerator[Rows]:
        """The same, at most ``size`` rows at a time."""
        ...

    async def write(self, work: Work) -> list[Outcome]:
        """Carry out the work's steps in one transaction."""
        ...

    def transaction(self) -> AbstractAsyncContextManager[DatabaseTransaction]:
        """A transaction that commits when its block ends well."""
        ...

    async def execute(self, statements: Sequence[str]) -> None:
        """Run statements that define tables, in one transaction where the database can."""
        ...

    async def found(self, names: Collection[str]) -> dict[str, FoundTable]:
        """The tables that are there, these among them, as the database describes them."""
        ...

    async def close(self) -> None:
        """Give back all connections."""
        ...


async def found_in_catalogue(
    database: Database, dialect: Dialect, parameters: Sequence[Value] | None = ()
) -> dict[str, FoundTable]:
    """Return all tables of a database whose catalogue can be read; ``parameters`` is the driver's form of no
    parameters.
    """
    inspection = inspect_catalogue(dialect)
    statement = next(inspection)
    while True:
        try:
            statement = inspection.send(await database.rows(statement, parameters))
        except StopIteration as end:
            found: dict[str, FoundTable] = end.value
            return found
