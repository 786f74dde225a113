"""Memory stores that count as durable: for tests of commits over several stores, and for models of them.

Their records outlive ``close`` and everything but the object: the same object, bound again, is what the next process
finds. Nothing waits for a clock or a thread. A transaction whose coroutine is closed is rolled back, as by a server
that lost its client.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

import msgspec

from holdall.store import Capabilities, CommitClass, Hold, Isolation, StoreTransaction
from holdall.stores.memory import MemoryRecords, MemoryStore, PreparingMemory

__all__ = ["LastingBatch", "LastingMemory", "LastingPlain", "LastingPlainBatch", "lasting_memory"]


def _capabilities(like: Capabilities, commit: CommitClass, hold: Hold) -> Capabilities:
    able = msgspec.structs.replace(like, commit=commit, hold=hold, is_durable=True)
    if commit is CommitClass.TX:
        return able
    return msgspec.structs.replace(able, isolation=frozenset(), locks=frozenset())


class LastingMemory(MemoryStore):
    """Of class TX, and holds parts of commits by reservations. Example: :func:`lasting_memory`."""

    @property
    def capabilities(self) -> Capabilities:
        """Those of a memory store, and durable."""
        return _capabilities(super().capabilities, CommitClass.TX, Hold.RESERVED)


class LastingBatch(PreparingMemory):
    """Of class BATCH, without transactions, and holds parts of commits by reservations: as Redis and YAML are.

    Example: :func:`lasting_memory`.
    """

    @property
    def capabilities(self) -> Capabilities:
        """Those of a memory store but for transactions, and durable."""
        return _capabilities(super().capabilities, CommitClass.BATCH, Hold.RESERVED)


class LastingPlain(MemoryRecords):
    """Of class TX, and holds nothing once a transaction has ended: not Preparable. Example: :func:`lasting_memory`."""

    @property
    def capabilities(self) -> Capabilities:
        """Those of a memory store, and durable."""
        return _capabilities(super().capabilities, CommitClass.TX, Hold.NONE)

    def transaction(self) -> AbstractAsyncContextManager[StoreTransaction]:
        """A transaction; writers wait for its end, readers see the records as they were before it."""
        return self._transaction()

    def transaction_at(self, isolation: Isolation) -> AbstractAsyncContextManager[StoreTransaction]:
        """The same: one writer after the other is as isolated as can be."""
        return self._transaction()


class LastingPlainBatch(MemoryRecords):
    """Of class BATCH, and holds nothing: neither transactional nor Preparable. Example: :func:`lasting_memory`."""

    @property
    def capabilities(self) -> Capabilities:
        """Those of a memory store but for transactions, and durable."""
        return _capabilities(super().capabilities, CommitClass.BATCH, Hold.NONE)


def lasting_memory(
    name: str, commit: CommitClass = CommitClass.TX, hold: Hold = Hold.RESERVED
) -> LastingMemory | LastingBatch | LastingPlain | LastingPlainBatch:
    """Make an empty durable store in memory, of class TX or BATCH; with ``Hold.NONE`` it is not Preparable.

    Raises ValueError for another class, and for another way to hold a part of a commit.

    >>> from holdall.store import Preparable, Transactional
    >>> store = lasting_memory("points", CommitClass.BATCH)
    >>> isinstance(store, Preparable), isinstance(store, Transactional)
    (True, False)
    """
    kinds: dict[
        tuple[CommitClass, Hold],
        type[LastingMemory | LastingBatch | LastingPlain | LastingPlainBatch],
    ] = {
        (CommitClass.TX, Hold.RESERVED): LastingMemory,
        (CommitClass.BATCH, Hold.RESERVED): LastingBatch,
        (CommitClass.TX, Hold.NONE): LastingPlain,
        (CommitClass.BATCH, Hold.NONE): LastingPlainBatch,
    }
    if (commit, hold) not in kinds:
        raise ValueError(f"no memory store is of class {commit} and holds a part as {hold}")
    return kinds[commit, hold](name)
