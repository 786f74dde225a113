"""The SQL store: compiles what it is asked, and leaves the carrying out to its database's driver."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from holdall.errors import HoldallError
from holdall.query import AnyQuery, Kind, Op, Schema
from holdall.store import (
    Capabilities,
    Change,
    CommitClass,
    Feature,
    Hold,
    Limits,
    Outcome,
    Rows,
    demand_changes,
    demand_query,
    demand_schema,
)
from holdall.stores.sql.catalogues import CATALOGUES
from holdall.stores.sql.compile import Compiler
from holdall.stores.sql.database import Database, DatabaseTransaction
from holdall.stores.sql.differences import differences
from holdall.stores.sql.fetching import UNREADABLE, as_text, decoded, read
from holdall.stores.sql.inspection import FoundTable
from holdall.stores.sql.provision import create_statements, drop_statements
from holdall.stores.sql.steps import Work
from holdall.stores.sql.stored_values import inspect_values
from holdall.stores.sql.tables import Tables
from holdall.stores.sql.writes import Writes

__all__ = ["SqlStore", "SqlTransaction"]


class SqlStore:
    """Collections in the tables of one SQL database. Example: :func:`open_sql`."""

    def __init__(self, name: str, tables: Tables, database: Database, hold: Hold = Hold.NONE) -> None:
        self.name = name
        self.tables = tables
        self._database = database
        self._capabilities = Capabilities(
            commit=CommitClass.TX,
            features=frozenset(Feature) - {Feature.STREAMS},
            operators=frozenset(Op),
            kinds=frozenset(Kind),
            limits=Limits(),
            is_durable=database.is_durable,
            hold=hold,
        )
        self._compiler = Compiler(tables, partial(demand_query, name, self._capabilities))
        self._writes = Writes(name, tables, self._compiler.query)
        self._is_dialect_known = self._is_ready = False

    @property
    def capabilities(self) -> Capabilities:
        """The features, limits and commit class; readable without a connection."""
        return self._capabilities

    def bind(self, schemas: Sequence[Schema]) -> None:
        """Learn these collections. Raises Unsupported or DeclarationError for what tables cannot keep."""
        for schema in schemas:
            demand_schema(self.name, self._capabilities, schema)
        self.tables.bind(schemas)
        self._is_ready = False

    async def fetch(self, query: AnyQuery) -> Rows:
        """The rows the query means. Raises Unsupported, LimitExceeded and QueryError before anything is sent."""
        if not self._is_ready:
            await self._learn()
        statement = self._compiler.query(query)
        try:
            rows = await self._database.rows(statement.sql, statement.parameters)
        except UNREADABLE as error:  # as ``read``, with one call less on the way of every request
            statement = as_text(self._compiler, query, error)
            rows = await self._database.rows(statement.sql, statement.parameters)
        return decoded(self.name, self._compiler, query, statement, rows)

    async def count(self, query: AnyQuery) -> int:
        """How many rows the query's condition means."""
        if not self._is_ready:
            await self._learn()
        statement = self._compiler.count(query)
        rows = await self._database.rows(statement.sql, statement.parameters)
        return int(rows[0][0])

    async def stream(self, query: AnyQuery, batch: int) -> AsyncGenerator[Rows]:
        """The rows of ``fetch``, at most ``batch`` at a time, all from one snapshot."""
        await self._learn()
        statement = self._compiler.query(query)
        batches = self._database.batches(statement.sql, statement.parameters, batch)
        try:
            async for rows in batches:
                yield decoded(self.name, self._compiler, query, statement, rows)
        finally:
            await batches.aclose()

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Apply all changes in one transaction, or raise and apply none."""
        self.demand(changes)
        if not self._is_ready:
            await self._learn()
        return await self._database.write(self._work(changes)) if changes else []

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[SqlTransaction]:
        """A transaction that commits when its block ends well."""
        await self._learn()
        async with self._database.transaction() as transaction:
            yield SqlTransaction(self.name, transaction, self._compiler, self._work, self.demand)

    async def create(self) -> None:
        """Create the tables that are missing; those that are there stay as they are.

        Several programs may do so at once: they take turns, and who had to wait looks again.
        """
        found = await self._found()
        try:
            await self._database.execute(create_statements(self.tables, found.keys()))
        except HoldallError:
            again = await self._found()
            if again.keys() == found.keys():
                raise
            await self._database.execute(create_statements(self.tables, again.keys()))
        self._is_ready = False

    async def inspect(self) -> list[str]:
        """Every difference between the tables and the bound collections, a sentence each; empty if they fit."""
        found = await self._found()
        told = differences(self.tables, found)
        return told or await self._values_told(found)

    async def _values_told(self, found: dict[str, FoundTable]) -> list[str]:
        """Return the stored values that do not fit their fields, a sentence for each column."""
        if self.tables.dialect.family not in CATALOGUES:
            return []
        takes_percent = self.tables.dialect.sqlalchemy.paramstyle in ("format", "pyformat")
        none: Any = None if takes_percent else ()  # what such drivers take for no parameters, so that % stays itself
        inspection = inspect_values(self.tables, found)
        try:
            statement = next(inspection)
            while True:
                statement = inspection.send(await self._database.rows(statement, none))
        except StopIteration as end:
            told: list[str] = end.value
            return told

    async def drop(self) -> None:
        """Drop the tables of the bound collections, and all records in them."""
        found = await self._found()
        await self._database.execute(drop_statements(self.tables, found.keys()))

    async def _found(self) -> dict[str, FoundTable]:
        """The tables that are there; from now on values are kept as their columns keep them."""
        await self._learn_dialect()
        found = await self._database.found(list(self.tables.metadata.tables))
        self.tables.learn(found)
        return found

    async def _learn(self) -> None:
        """Let the server say once what it knows and which tables it has; what was compiled for less is forgotten."""
        if not self._is_ready:
            await self._found()
            self._is_ready = True

    async def _learn_dialect(self) -> None:
        if self._is_dialect_known:
            return
        dialect = await self._database.learned(self.tables.dialect)
        if dialect != self.tables.dialect or dialect.family == "mysql":
            self.tables.dialect = dialect
            self.tables.bind([])
            self._compiler.adapt(dialect)
        self._is_dialect_known = True

    async def close(self) -> None:
        """Give back all connections; the next use opens anew."""
        await self._database.close()

    def _work(self, changes: Sequence[Change]) -> Work:
        return Work(self._writes.steps, changes, self.tables.schemas)

    def demand(self, changes: Sequence[Change]) -> None:
        """Raise Unsupported for a change to a collection that is not bound."""
        demand_changes(self.name, self.tables.schemas, changes)


class SqlTransaction:
    """An open transaction of a SqlStore."""

    def __init__(
        self,
        name: str,
        transaction: DatabaseTransaction,
        compiler: Compiler,
        work: Callable[[Sequence[Change]], Work],
        demand: Callable[[Sequence[Change]], None],
    ) -> None:
        self._name = name
        self._transaction = transaction
        self._compiler = compiler
        self._work = work
        self._demand = demand

    async def fetch(self, query: AnyQuery) -> Rows:
        """As ``SqlStore.fetch``, this transaction's own changes included."""
        statement = self._compiler.query(query)
        return await read(self._name, self._compiler, query, statement, self._transaction.rows)

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """As ``SqlStore.apply``, lasting only if the transaction ends well; after an error the transaction goes on."""
        self._demand(changes)
        return await self._transaction.write(self._work(changes)) if changes else []
