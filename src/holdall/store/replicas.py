"""Reads that may go to a replica: which task may, and of which stores it must see its own writes."""

from __future__ import annotations

from collections.abc import Container, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol, runtime_checkable

__all__ = ["Replicated", "may_read_replica", "reading_replicas"]

_written: ContextVar[Container[str] | None] = ContextVar("holdall_written", default=None)


@runtime_checkable
class Replicated(Protocol):
    """A store with replicas, to which reads go within ``reading_replicas``. In its absence all reads go to the store.

    >>> from holdall.store import open_store
    >>> store = open_store("main", "postgresql://primary/library", replicas=["postgresql://replica/library"])
    >>> store.replica_count
    1
    """

    @property
    def replica_count(self) -> int:
        """How many replicas it has, alive or not."""
        ...


@contextmanager
def reading_replicas(written: Container[str]) -> Iterator[None]:
    """Within the block, reads of this task may go to replicas, but for stores whose names are in ``written``.

    Example: :func:`may_read_replica`.
    """
    token = _written.set(written)
    try:
        yield
    finally:
        _written.reset(token)


def may_read_replica(store: str) -> bool:
    """Whether a read of this store may go to a replica, which may be behind.

    >>> may_read_replica("main")
    False
    >>> with reading_replicas({"other"}):
    ...     may_read_replica("main"), may_read_replica("other")
    (True, False)
    """
    written = _written.get()
    return written is not None and store not in written
