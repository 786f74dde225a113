"""The contract between Holdall and a store: rows, queries and changes cross it, models never do."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeAlias, runtime_checkable

from holdall.query import AnyQuery, Row, Schema
from holdall.store.capabilities import Capabilities
from holdall.store.change import Change, Outcome

__all__ = ["Row", "Rows", "Store", "StoreTransaction", "Transactional"]

Rows: TypeAlias = list[Row]
"""Border values in projection order; without a projection, in the order of ``Schema.stored``."""


@runtime_checkable
class Store(Protocol):
    """Where records live.

    ``bind`` comes first and gives it the collections; it does no I/O and raises Unsupported, by name, for what the
    store cannot keep. Later calls add collections. Connections open on first use.

    >>> from holdall.query import FieldSchema, Kind, Query, Schema
    >>> from holdall.store import Change, Verb, open_store
    >>> store = open_store("main", "memory:")
    >>> store.bind([Schema("book", (FieldSchema("id", Kind.INT), FieldSchema("title", Kind.STR)), key=("id",))])
    >>> async def example():
    ...     await store.apply([Change(Verb.ADD, "book", 1, ("id", "title"), (1, "Emma"))])
    ...     return list(await store.fetch(Query("book")))
    >>> import asyncio
    >>> asyncio.run(example())
    [(1, 'Emma')]
    """

    name: str

    @property
    def capabilities(self) -> Capabilities:
        """The features, limits and commit class of the store; readable without a connection."""
        ...

    def bind(self, schemas: Sequence[Schema]) -> None:
        """Learn these collections."""
        ...

    async def fetch(self, query: AnyQuery) -> Rows:
        """The rows the query means, as ``evaluate`` defines it. Raises Unsupported before sending."""
        ...

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Apply the changes in order, one outcome per change.

        A store of commit class TX or BATCH applies all or raises and applies none. Others raise only if nothing was
        applied; otherwise each outcome says whether its own change was applied.
        """
        ...

    async def close(self) -> None:
        """Give back everything it holds; it may be used again afterwards, opening anew."""
        ...


class StoreTransaction(Protocol):
    """An open transaction of a store; it sees its own changes. Example: :class:`Store`."""

    async def fetch(self, query: AnyQuery) -> Rows:
        """As ``Store.fetch``, inside the transaction."""
        ...

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """As ``Store.apply``, lasting only if the transaction ends well."""
        ...


@runtime_checkable
class Transactional(Protocol):
    """A store with real transactions. In its absence only single ``apply`` calls are atomic.

    Example: :class:`Store`.
    """

    def transaction(self) -> AbstractAsyncContextManager[StoreTransaction]:
        """Leaving the block commits; an exception rolls back."""
        ...
