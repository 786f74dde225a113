"""Parts of transactions that a store may offer: levels of isolation, reads that lock, savepoints."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol, runtime_checkable

from holdall.query import AnyQuery
from holdall.store.capabilities import Isolation, LockMode
from holdall.store.contract import Rows, StoreTransaction

__all__ = ["Isolating", "Locking", "Nesting"]


@runtime_checkable
class Isolating(Protocol):
    """A store with levels of isolation, ``Capabilities.isolation``. In its absence there is only the store's own.

    >>> from holdall.store import Isolating, Isolation, open_store
    >>> store = open_store("main", "memory:")
    >>> isinstance(store, Isolating), Isolation.SERIALIZABLE in store.capabilities.isolation
    (True, True)
    """

    def transaction_at(self, isolation: Isolation) -> AbstractAsyncContextManager[StoreTransaction]:
        """A transaction of at least this level. Raises Unsupported for one that the store does not have."""
        ...


@runtime_checkable
class Nesting(Protocol):
    """A transaction with savepoints, Feature.SAVEPOINTS. In its absence they are refused.

    >>> from holdall.store import Nesting, open_store
    >>> async def example() -> bool:
    ...     async with open_store("main", "memory:").transaction() as transaction:
    ...         return isinstance(transaction, Nesting)
    >>> import asyncio
    >>> asyncio.run(example())
    True
    """

    def savepoint(self) -> AbstractAsyncContextManager[None]:
        """A part of the transaction: an exception in its block undoes what was written in it, and nothing before."""
        ...


@runtime_checkable
class Locking(Protocol):
    """A transaction whose reads can lock, ``Capabilities.locks``. In its absence locks are refused.

    >>> from holdall.query import FieldSchema, Kind, Query, Schema
    >>> from holdall.store import LockMode, open_store
    >>> store = open_store("main", "memory:")
    >>> store.bind([Schema("book", (FieldSchema("id", Kind.INT),), key=("id",))])
    >>> async def example() -> list[tuple[int]]:
    ...     async with store.transaction() as transaction:
    ...         return await transaction.fetch_locked(Query("book"), LockMode.UPDATE)
    >>> import asyncio
    >>> asyncio.run(example())
    []
    """

    async def fetch_locked(self, query: AnyQuery, lock: LockMode) -> Rows:
        """As ``fetch``, of whole records; those of the collection itself are locked. Raises LockConflict."""
        ...
