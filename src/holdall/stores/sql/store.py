"""The SQL store: compiles what it is asked, and leaves the carrying out to its database's driver."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from time import perf_counter

from holdall.errors import HoldallError
from holdall.query import AnyQuery, Schema
from holdall.store import (
    Capabilities,
    Change,
    Description,
    Difference,
    Hold,
    Isolation,
    Look,
    Observer,
    Outcome,
    PoolFigures,
    Rows,
    Seam,
    StorePlan,
    demand_isolation,
    demand_query,
    demand_schema,
)
from holdall.stores.sql.bulk_store import BulkStore
from holdall.stores.sql.capabilities import capabilities_of
from holdall.stores.sql.compile import Compiler, Statement
from holdall.stores.sql.database import Database, Inserting, now_of
from holdall.stores.sql.described_tables import described_tables
from holdall.stores.sql.differences import differences
from holdall.stores.sql.fetching import UNREADABLE, as_text, decoded, groups
from holdall.stores.sql.inspection import FoundTable
from holdall.stores.sql.noted_counts import noted_count
from holdall.stores.sql.plans import plan_of
from holdall.stores.sql.provision import create_statements, drop_statements
from holdall.stores.sql.raw import RawCompiler
from holdall.stores.sql.raw_store import RawSqlStore
from holdall.stores.sql.ready_additions import ReadyAdditions
from holdall.stores.sql.ready_queries import ReadyQueries
from holdall.stores.sql.replicas import Replicas
from holdall.stores.sql.steps import Work
from holdall.stores.sql.stored_values import values_told
from holdall.stores.sql.tables import Tables
from holdall.stores.sql.transaction import SqlTransaction
from holdall.stores.sql.watching import Ask, carried_out, shown_block, watched, watched_now
from holdall.stores.sql.whole_rows import WholeRows
from holdall.stores.sql.works import Works

__all__ = ["SqlStore"]

_IN_THE_WAY = ("missing-table", "missing-column", "kind", "type")


class SqlStore(RawSqlStore, ReadyQueries, ReadyAdditions, BulkStore, WholeRows):
    """Collections in the tables of one SQL database. Example: :func:`open_sql`."""

    def __init__(self, name: str, tables: Tables, database: Database, hold: Hold = Hold.NONE) -> None:
        self.name = name
        self.tables = tables
        self._database = database
        self._capabilities = capabilities_of(tables.dialect.family, hold, is_durable=database.is_durable)
        self._compiler = Compiler(tables, partial(demand_query, name, self._capabilities), limits=self._capabilities)
        self._is_dialect_known = self._is_ready = False
        self._passed_over: list[str] = []
        self._seam = Seam(name, "sql", tables.dialect.family)
        self._works = Works(name, tables, self._compiler, self._seam, database.text_of)
        self._replicas: Replicas | None = None
        self._ask: Ask = database.rows
        self._rows: Ask = database.rows  # the same, shown where somebody listens
        self._now = now_of(database)  # the same, of short statements
        self._inserting = database if isinstance(database, Inserting) else None
        self._raw = RawCompiler()

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

    @property
    def family(self) -> str:
        """The family of its statements."""
        return self._seam.family

    @property
    def system(self) -> str:
        """The kind of database: ``sqlite``, ``postgresql``, ``mysql`` or SQLAlchemy's name for it."""
        return self.tables.dialect.family

    def observe(self, observer: Observer | None) -> None:
        """Show this observer each statement from now on."""
        self._seam.observer = observer
        self._rows = self._ask if observer is None else watched(self._ask, self._seam)
        now = now_of(self._database if self._replicas is None else None)
        self._now = now if observer is None else watched_now(now, self._seam)

    def follow(self, databases: Sequence[Database]) -> None:
        """Read from these replicas, where the reader may."""
        nothing = () if self.tables.dialect.family == "postgresql" else None
        self._replicas = Replicas(self.name, self._database, databases, nothing)
        self._ask = self._rows = self._replicas.rows
        self._now = now_of(None)

    @property
    def replica_count(self) -> int:
        """How many replicas it has, alive or not."""
        return 0 if self._replicas is None else self._replicas.count

    async def fetch(self, query: AnyQuery) -> Rows:
        """The rows the query means. Raises Unsupported, LimitExceeded and QueryError before anything is sent."""
        if not self._is_ready:
            await self._learn()
        if query.grouping is not None:
            return await groups(self.name, self._compiler, query, self._rows)
        statement = self._compiler.query(query)
        try:
            rows = self._now(statement.sql, statement.parameters)
            if rows is None:
                rows = await self._rows(statement.sql, statement.parameters)
        except UNREADABLE as error:  # as ``read``, with one call less on the way of every request
            statement = as_text(self._compiler, query, error)
            rows = await self._rows(statement.sql, statement.parameters)
        return decoded(self.name, self._compiler, query, statement, rows)

    async def explain(self, query: AnyQuery, *, analyze: bool = False) -> StorePlan:
        """The statement of a query and the database's own plan for it; with ``analyze`` it is carried out."""
        if not self._is_ready:
            await self._learn()
        if query.grouping is None:
            statement: Statement | None = self._compiler.query(query)
        else:
            _, statement, _ = self._compiler.groups(query)
        if statement is None:
            return StorePlan("", "the records are read, and grouped here")
        sql, parameters = statement.sql, statement.parameters
        return StorePlan(sql, await plan_of(self.tables.dialect, self._rows, sql, parameters, analyze=analyze))

    async def ping(self) -> None:
        """Ask the database for a sign of life."""
        await self._rows("SELECT 1", () if self.tables.dialect.family in ("sqlite", "postgresql") else None)

    def pool(self) -> PoolFigures:
        """How its connections are used."""
        return self._database.pool()

    async def count(self, query: AnyQuery) -> int:
        """How many rows the query's condition means."""
        if not self._is_ready:
            await self._learn()
        statement = self._compiler.count(query)
        rows = self._now(statement.sql, statement.parameters)
        if rows is None:
            rows = await self._rows(statement.sql, statement.parameters)
        return int(rows[0][0])

    # these do what ``fetch``, ``count`` and ``apply`` do here: a store with others is asked by those
    ready, ready_addition = ReadyQueries.ready, ReadyAdditions.ready_addition

    async def noted_count(self, collection: str) -> int | None:
        """About how many rows a collection has, by what the database has noted."""
        return await noted_count(self._database, self.tables, collection)

    async def stream(self, query: AnyQuery, batch: int) -> AsyncGenerator[Rows]:
        """The rows of ``fetch``, at most ``batch`` at a time, all from one snapshot."""
        await self._learn()
        statement = self._compiler.query(query)
        database = self._database if self._replicas is None else self._replicas.database()
        batches = database.batches(statement.sql, statement.parameters, batch)
        begun, number = perf_counter(), 0
        try:
            async for rows in batches:
                number += len(rows)
                yield decoded(self.name, self._compiler, query, statement, rows)
        finally:
            self._seam.show(statement.sql, perf_counter() - begun, number, statement.parameters)
            await batches.aclose()

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Apply all changes in one transaction, or raise and apply none."""
        self.demand(changes)
        if not self._is_ready:
            await self._learn()
        if self._seam.observer is not None:
            return await carried_out(self._database.write, self._work(changes)) if changes else []
        return await self._database.write(self._work(changes)) if changes else []

    def transaction(self) -> AbstractAsyncContextManager[SqlTransaction]:
        """A transaction that commits when its block ends well."""
        return self._transaction(None)

    def transaction_at(self, isolation: Isolation) -> AbstractAsyncContextManager[SqlTransaction]:
        """A transaction of at least this level. Raises Unsupported for one that the database does not have."""
        demand_isolation(self.name, self._capabilities, isolation)
        return self._transaction(isolation)

    @asynccontextmanager
    async def _transaction(self, isolation: Isolation | None) -> AsyncIterator[SqlTransaction]:
        await self._learn()
        with shown_block(self._seam):
            async with self._database.transaction(isolation) as transaction:
                patience = self._capabilities.lock_patience
                yield SqlTransaction(
                    self.name, transaction, self._compiler, self._works, self._seam, self._raw, patience
                )

    async def create(self) -> None:
        """Create the tables that are missing. Of several programs, one at a time does so, and the others look again."""
        found = await self._found()
        try:
            await self._database.execute(create_statements(self.tables, found))
        except HoldallError:
            again = await self._found()
            if again.keys() == found.keys():
                raise
            await self._database.execute(create_statements(self.tables, again))
        self._is_ready = False

    async def inspect(self) -> list[str]:
        """Every difference between the tables and the bound collections, a sentence each; empty if they fit.

        Each sentence is a ``Difference``, which has a name. Values are looked at where nothing stands in their way.
        """
        found = await self._found()
        self._passed_over = []
        told = differences(self.tables, found)
        self._is_ready = self._is_ready or not told  # what the first use would look for is found
        if not any(each.code in _IN_THE_WAY for each in told):
            told += await self._values_told(found)
        return list(told)

    @property
    def passed_over(self) -> list[str]:
        """The tables with more rows than the last ``inspect`` looked at, a sentence each."""
        return list(self._passed_over)

    async def _values_told(self, found: dict[str, FoundTable]) -> list[Difference]:
        """Return the stored values that do not fit their fields, a sentence for each column."""
        looked_at = self._database.inspected_rows
        told, self._passed_over = await values_told(self.tables, found, looked_at, self._database.rows)
        return told

    async def describe(self, look: Look) -> Description:
        """Every table that is there, as a collection."""
        await self._learn_dialect()
        tables = Tables(self.tables.dialect, look.namespace)
        found = described_tables(await self._database.found(tables), tables.dialect, look.namespace)
        return Description(tuple([each for each in found if look.is_wanted(each.schema.stored_name)]))

    async def drop(self, *collections: str) -> None:
        """Drop the tables of these collections, or of all that are bound, and all records in them."""
        found = await self._found()
        await self._database.execute(drop_statements(self.tables, found.keys(), collections))

    async def _found(self) -> dict[str, FoundTable]:
        """The tables that are there; from now on values are kept as their columns keep them."""
        await self._learn_dialect()
        found = await self._database.found(self.tables)
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
        if self._replicas is not None:
            await self._replicas.close()

    def _work(self, changes: Sequence[Change]) -> Work:
        return self._works.of(changes)

    def demand(self, changes: Sequence[Change]) -> None:
        """Raise Unsupported for a change to a collection that is not bound."""
        self._works.demand(changes)
