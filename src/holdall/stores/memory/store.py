"""The memory store: every feature, real transactions, nothing kept after the process ends."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from holdall.errors import DeclarationError
from holdall.store import Isolation, StoreTransaction, demand_options
from holdall.stores.memory.preparing import PreparingMemory

__all__ = ["MemoryStore", "open_memory"]


def open_memory(name: str, url: str = "memory:", **options: object) -> MemoryStore:
    """Open the store behind ``memory:``. Raises DeclarationError for any option, and for a path.

    >>> open_memory("main", "memory:").name
    'main'
    """
    demand_options((), name, options)
    if url.partition(":")[2].strip("/"):
        raise DeclarationError(f"store {name!r}: a store in memory has no name or path: write memory:")
    return MemoryStore(name)


class MemoryStore(PreparingMemory):
    """Records in memory with every feature, transactions among them. Example: :func:`open_memory`."""

    def transaction(self) -> AbstractAsyncContextManager[StoreTransaction]:
        """A transaction; writers wait for its end, readers see the records as they were before it."""
        return self._transaction()

    def transaction_at(self, isolation: Isolation) -> AbstractAsyncContextManager[StoreTransaction]:
        """The same: one writer after the other is as isolated as can be."""
        return self._transaction()
