"""The MongoDB store: collections of documents, in a database that has transactions or in one that has not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from functools import partial

import pymongo

from holdall.errors import Unsupported
from holdall.query import AnyQuery, Key, Kind, Op, Schema, check
from holdall.store import (
    OF_TABLES,
    OF_TRANSACTIONS,
    Capabilities,
    Change,
    CommitClass,
    Description,
    Feature,
    Isolation,
    Limits,
    Look,
    Outcome,
    Rows,
    StoreTransaction,
    demand_isolation,
    demand_query,
    demand_schema,
    demand_whole_fields,
)
from holdall.stores.mongo.batches import is_counted
from holdall.stores.mongo.connection import Connection
from holdall.stores.mongo.describing import describe
from holdall.stores.mongo.errors import translating
from holdall.stores.mongo.expectations import look_at_expected
from holdall.stores.mongo.inspection import differences
from holdall.stores.mongo.layout import Layouts
from holdall.stores.mongo.open_transaction import MongoTransaction
from holdall.stores.mongo.preparation import Preparation
from holdall.stores.mongo.provision import create, drop
from holdall.stores.mongo.reading import Bounds, Reader
from holdall.stores.mongo.seen import SeenMongoStore
from holdall.stores.mongo.sessions import ServerSessions
from holdall.stores.mongo.singles import Singles
from holdall.stores.mongo.source import Source
from holdall.stores.mongo.transaction import Transactions
from holdall.stores.mongo.writing import Mismatch, Steps

__all__ = ["MongoStore", "StandaloneMongoStore"]

_LACKING = {Feature.FOREIGN_KEYS, Feature.STREAMS, Feature.SUBQUERIES, Feature.GENERATED_PARTS}
_OF_REPLICAS = frozenset({Feature.BULK_CHANGES, Feature.CHECKS})
_FEATURES = frozenset(Feature) - OF_TABLES - OF_TRANSACTIONS - _OF_REPLICAS - _LACKING


class StandaloneMongoStore(SeenMongoStore):
    """Collections in one MongoDB database of a server without transactions: every change stands by itself.

    Example: :func:`open_mongo`.
    """

    commit_class = CommitClass.IDEMP
    levels: frozenset[Isolation] = frozenset()

    def __init__(self, name: str, connection: Connection, layouts: Layouts, bounds: Bounds, at_once: int) -> None:
        self.name = name
        self._connection = connection
        self._layouts = layouts
        self._bounds = bounds
        self._preparation = Preparation(name, connection, layouts)
        self._capabilities = Capabilities(
            commit=self.commit_class,
            features=_FEATURES | _OF_REPLICAS if self.commit_class is CommitClass.TX else _FEATURES,
            isolation=self.levels,
            operators=frozenset(Op),
            kinds=frozenset(Kind),
            differences=frozenset({"collation", "index", "null", "unique", "values"}),
            limits=Limits(concurrent_changes=at_once, changes_per_call=1_000, moment_step=layouts.moment_step),
        )

    @property
    def capabilities(self) -> Capabilities:
        """Everything but foreign keys, which MongoDB does not keep."""
        return self._capabilities

    def bind(self, schemas: Sequence[Schema]) -> None:
        """Learn these collections. Raises Unsupported for names that MongoDB reserves or reads as something else."""
        for schema in schemas:
            demand_schema(self.name, self._capabilities, schema)
            demand_whole_fields(self.name, schema)
            self._layouts.bind(schema)
        self._layouts.demand_options()
        self._preparation.look_again()

    async def fetch(self, query: AnyQuery) -> Rows:
        """The rows the query means. Raises Unsupported, LimitExceeded and QueryError before anything is sent."""
        self._demand(query)
        with self._in_time():
            return await (await self._reader()).fetch(query)

    async def count(self, query: AnyQuery) -> int:
        """How many rows the query's condition means."""
        self._demand(query)
        with self._in_time():
            return await (await self._reader()).count(query)

    async def noted_count(self, collection: str) -> int | None:
        """About how many documents a collection has, by its metadata."""
        with self._in_time():
            return await (await self._reader()).noted_count(collection)

    async def stream(self, query: AnyQuery, batch: int) -> AsyncIterator[Rows]:
        """The rows of ``fetch``, at most ``batch`` at a time, as the server comes by them."""
        self._demand(query)
        batches = (await self._reader()).batches(query, batch)
        try:
            async for rows in batches:
                yield rows
        finally:
            await batches.aclose()

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Apply the changes in order, each by itself; one that needs a refused one's key is refused as well."""
        with self._writing():
            batches, outcomes = await self._preparation.prepared(changes)
            database = await self._connection.database()
            with translating(self.name):
                await look_at_expected(self.name, database, None, batches)
            errors = await Singles(self.name, database).apply(batches)
        return [
            outcome if error is None else Outcome(error=error) for outcome, error in zip(outcomes, errors, strict=True)
        ]

    async def reserve(self, collection: str, count: int) -> Sequence[Key]:
        """Reserve ``count`` generated keys that no other caller gets; keys that are not used leave gaps."""
        layout = self._layouts.of(collection)
        if not is_counted(layout):
            raise Unsupported(self.name, f"keys made for {collection}", "its key is not generated by the store")
        return await self._preparation.counters.reserve(layout, count)

    async def create(self) -> None:
        """Create the collections and indexes that are missing; what is there stays as it is."""
        database = await self._connection.database()
        with translating(self.name), self._writing():
            await create(self.name, database, self._layouts.own())

    async def inspect(self) -> list[str]:
        """Return the differences between store and models, a sentence each; of the documents a sample is looked at."""
        database = await self._connection.database()
        with translating(self.name), self._in_time():
            return await differences(self.name, database, self._layouts.all())

    async def obstacles(self) -> list[str]:
        """Return the findings of ``inspect`` that concern more than single documents."""
        database = await self._connection.database()
        with translating(self.name), self._in_time():
            return await differences(self.name, database, self._layouts.all(), are_records_told=False)

    async def describe(self, look: Look) -> Description:
        """Every collection of the database, by a sample of its documents."""
        database = await self._connection.database()
        with translating(self.name), self._in_time():
            return await describe(self.name, database, look)

    async def drop(self, *collections: str) -> None:
        """Drop these collections, or all that are bound, with their records and their counters."""
        database = await self._connection.database()
        own = [layout for layout in self._layouts.own() if not collections or layout.schema.name in collections]
        gone = own if collections else self._layouts.all()
        with translating(self.name), self._writing():
            await drop(database, own)
        await self._preparation.counters.forget([layout.collection for layout in gone])
        self._preparation.look_again()

    async def close(self) -> None:
        """Close this event loop's connections; the next use opens anew."""
        self._preparation.look_again()
        await self._connection.close()

    def _demand(self, query: AnyQuery) -> None:
        check(query, self._layouts.schemas)
        demand_query(self.name, self._capabilities, query)

    def _in_time(self) -> AbstractContextManager[None]:
        """Around all that one call sends: together it takes no longer than the timeout."""
        return pymongo.timeout(self._connection.timeout)

    def _writing(self) -> AbstractContextManager[None]:
        """The same, around what others' transactions may hold up."""
        return self._in_time()

    async def _reader(self) -> Reader:
        source = Source(self.name, await self._connection.database(), self._connection.timeout)
        return Reader(source, self._layouts, self._bounds)


class MongoStore(StandaloneMongoStore):
    """Collections in one MongoDB database of a replica set or sharded cluster: every ``apply`` is all or nothing.

    Example: :func:`open_mongo`.
    """

    commit_class = CommitClass.TX
    levels = frozenset({Isolation.READ_COMMITTED, Isolation.REPEATABLE_READ, Isolation.SNAPSHOT})

    def __init__(self, name: str, connection: Connection, layouts: Layouts, bounds: Bounds, at_once: int) -> None:
        super().__init__(name, connection, layouts, bounds, at_once)
        self._sessions = ServerSessions(name, connection)
        self._transactions = Transactions(name, connection.timeout, self._sessions)

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Apply all changes or raise and apply none; a transaction that other work got in the way of is tried again."""
        with self._writing():
            batches, outcomes = await self._preparation.prepared(changes)
            if any(batch.expected is not None for batch in batches):
                with translating(self.name):
                    await look_at_expected(self.name, await self._connection.database(), None, batches)
            if batches:
                await self._carry_out(Steps(self.name, batches), batches[0].layout.schema.name)
            return outcomes

    async def _carry_out(self, steps: Steps, collection: str) -> None:
        database = await self._connection.database()
        if steps.is_single:
            with translating(self.name, collection=collection, is_writing=True):
                await self._transactions.single(partial(steps.carry_out, database, None, is_careful=False))
            return
        try:
            await self._transactions.run(database, partial(steps.carry_out, database, is_careful=False))
        except Mismatch:
            await self._transactions.run(database, partial(steps.carry_out, database, is_careful=True))

    def transaction(self) -> AbstractAsyncContextManager[StoreTransaction]:
        """A transaction that commits when its block ends well. After a refused change it can only be undone."""
        return self._transaction()

    def transaction_at(self, isolation: Isolation) -> AbstractAsyncContextManager[StoreTransaction]:
        """The same, which is a snapshot. Raises Unsupported for more than that."""
        demand_isolation(self.name, self._capabilities, isolation)
        return self._transaction()

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[StoreTransaction]:
        database = await self._connection.database()
        async with self._transactions.open(database) as session:
            source = Source(self.name, database, self._connection.timeout, session)
            reader = Reader(source, self._layouts, self._bounds)
            transaction = MongoTransaction(
                source, reader, self._preparation, self._demand, self._sessions, self._layouts
            )
            try:
                yield transaction
                transaction.require_open()
            finally:
                transaction.is_over = True

    async def close(self) -> None:
        """Close this event loop's connections; the next use opens anew."""
        await self._sessions.forget()
        await super().close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._in_time(), self._sessions.watching():
            yield
