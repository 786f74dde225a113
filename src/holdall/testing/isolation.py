"""Tests that leave nothing behind: each in a transaction that is rolled back, or on stores that are emptied."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol, runtime_checkable

import msgspec

from holdall.app import Holdall
from holdall.errors import DeclarationError, ReferenceViolation
from holdall.query import AnyQuery, Schema, Value
from holdall.store import (
    Answer,
    Capabilities,
    Change,
    Hold,
    Outcome,
    Provisioned,
    Rows,
    SpeaksSql,
    Store,
    StoreTransaction,
    Transactional,
)
from holdall.stores.memory import MemoryStore

__all__ = ["isolated"]


@asynccontextmanager
async def isolated(app: Holdall, *, clean: Sequence[str] = ()) -> AsyncIterator[Holdall]:
    """Within the block nothing that is written stays: a test starts from what was there before, and leaves just that.

    Each store of SQL works in one transaction, which is rolled back in the end; commits inside are savepoints, so that
    one that is refused undoes itself alone. A store in memory gives way to a new one. Stores without such transactions
    are named in ``clean``: their records, all of them, are removed before the block and after it. Raises
    DeclarationError for a store that is neither.

    Tables must be there (``await app.create()``). Writers wait for each other, as all are in one transaction, and other
    programs see nothing of it.

    >>> from holdall import Holdall, Model, field
    >>> class Country(Model):
    ...     code: str = field(pk=True)
    >>> async def example() -> list[int]:
    ...     app = Holdall("atlas")
    ...     app.add_store("main", "sqlite://")
    ...     app.add(Country, store="main")
    ...     await app.create()
    ...     counted = []
    ...     async with isolated(app):
    ...         async with app.session() as session:
    ...             session.add(Country(code="FR"))
    ...         async with app.session() as session:
    ...             counted.append(await session.count(Country.where()))
    ...     async with app.session() as session:
    ...         counted.append(await session.count(Country.where()))
    ...     await app.close()
    ...     return counted
    >>> import asyncio
    >>> asyncio.run(example())
    [1, 0]
    """
    app.bindings.configure()
    async with AsyncExitStack() as stack:
        inside: dict[str, Store] = {}
        for name, store in app.stores.items():
            if name in clean:
                await stack.enter_async_context(_emptied(store))
            elif isinstance(store, MemoryStore):
                inside[name] = MemoryStore(name)
            elif isinstance(store, Transactional) and isinstance(store, SpeaksSql):
                inside[name] = _InTransaction(store, await stack.enter_async_context(_undone(store)))
            else:
                raise DeclarationError(
                    f"store {name!r} has no transaction that could be rolled back: name it in clean=[{name!r}], and "
                    "its records are removed before and after, or put another in its place with app.replaced(...)"
                )
        await stack.enter_async_context(app.replaced(inside))
        yield app


@asynccontextmanager
async def _emptied(store: Store) -> AsyncIterator[None]:
    """Around a test: a store whose collections are empty."""
    if not isinstance(store, Provisioned):
        raise DeclarationError(
            f"store {store.name!r} cannot be emptied; put another in its place with app.replaced(...)"
        )
    await store.drop()
    await store.create()
    try:
        yield
    finally:
        await store.drop()
        await store.create()


class _Undo(Exception):
    """Ends a transaction without an error."""


@runtime_checkable
class _SqlTransaction(StoreTransaction, SpeaksSql, Protocol):
    """An open transaction that takes statements."""

    async def count(self, query: AnyQuery) -> int: ...


@asynccontextmanager
async def _undone(store: Transactional) -> AsyncIterator[_SqlTransaction]:
    try:
        async with store.transaction() as transaction:
            assert isinstance(transaction, _SqlTransaction)
            yield transaction
            raise _Undo
    except _Undo:
        pass


class _InTransaction:
    """A store of SQL while all its work is done in one transaction."""

    def __init__(self, store: Store, transaction: _SqlTransaction) -> None:
        self.name = store.name
        self._own = store
        self._transaction = transaction
        self._turn = asyncio.Lock()
        self._depth = 0

    @property
    def capabilities(self) -> Capabilities:
        """Those of the store; but nothing is held for later, and nothing lasts."""
        return msgspec.structs.replace(self._own.capabilities, hold=Hold.NONE, is_durable=False)

    def bind(self, schemas: Sequence[Schema]) -> None:
        """The store has learned them before."""

    async def fetch(self, query: AnyQuery) -> Rows:
        return await self._transaction.fetch(query)

    async def count(self, query: AnyQuery) -> int:
        return await self._transaction.count(query)

    async def stream(self, query: AnyQuery, batch: int) -> AsyncIterator[Rows]:
        rows = await self._transaction.fetch(query)
        for start in range(0, len(rows), batch):
            yield rows[start : start + batch]

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        async with self._turn, self._savepoint():
            return await self._transaction.apply(changes)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[StoreTransaction]:
        async with self._turn, self._savepoint():
            yield self._transaction

    async def sql(self, statement: object, parameters: Mapping[str, Value], *, limit: int) -> Answer:
        return await self._transaction.sql(statement, parameters, limit=limit)

    def sql_stream(self, statement: object, parameters: Mapping[str, Value], *, batch: int) -> AsyncGenerator[Answer]:
        return self._transaction.sql_stream(statement, parameters, batch=batch)

    async def close(self) -> None:
        """The transaction ends with the test."""

    @asynccontextmanager
    async def _savepoint(self) -> AsyncIterator[None]:
        """A commit as part of the transaction: what a COMMIT would look at is looked at in the end."""
        # as SQLAlchemy's own statements: texts may not begin or end a part of a transaction
        from sqlalchemy.sql.elements import ReleaseSavepointClause, RollbackToSavepointClause, SavepointClause

        self._depth += 1
        name = f"holdall_test_{self._depth}"
        await self._run(SavepointClause(name))  # type: ignore[no-untyped-call]
        try:
            yield
            await self._demand_references()
        except BaseException:
            await self._run(RollbackToSavepointClause(name))  # type: ignore[no-untyped-call]
            raise
        finally:
            self._depth -= 1
            await self._run(ReleaseSavepointClause(name))  # type: ignore[no-untyped-call]

    async def _demand_references(self) -> None:
        """Raise ReferenceViolation for a reference that leads nowhere, which some databases see at COMMIT only."""
        family = getattr(self._own, "system", "")
        if family == "postgresql":
            await self._run("SET CONSTRAINTS ALL IMMEDIATE")
            await self._run("SET CONSTRAINTS ALL DEFERRED")
        elif family == "sqlite":
            broken = await self._run("PRAGMA foreign_key_check")
            if broken.rows:
                raise ReferenceViolation(self.name, str(broken.rows[0][0]), ())

    async def _run(self, statement: object) -> Answer:
        return await self._transaction.sql(statement, {}, limit=1_000_000)
