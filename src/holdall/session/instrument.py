"""Instruments: listeners to a session's reads and commits while they go on."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

__all__ = ["Act", "CommitAct", "Instrument", "phase"]


class Act(Protocol):
    """A read while it goes on. Example: :class:`Instrument`."""

    def ended(self, rows: int) -> None:
        """Note how many records or rows it gave."""
        ...


class CommitAct(Protocol):
    """A commit while it goes on. Example: :class:`Instrument`."""

    def planned(self, promise: str, sizes: dict[str, int]) -> None:
        """Note under which guarantee it writes, and how many records to which stores; called again where that is worked
        out anew.
        """
        ...


class Instrument(Protocol):
    """Listens to sessions: each block lasts as long as what it is about, and sees the exception with which that ends.

    ``sees_reads`` if reads are of interest, too.

    >>> from contextlib import nullcontext
    >>> class Quiet:
    ...     sees_reads = False
    ...     def phase(self, name):
    ...         return nullcontext()
    >>> with phase(Quiet(), "prepare"), phase(None, "decide"):
    ...     print("prepared")
    prepared
    """

    sees_reads: bool

    def read(self, verb: str, collection: str) -> AbstractContextManager[Act]:
        """A block around a read of a collection."""
        ...

    def commit(self) -> AbstractContextManager[CommitAct]:
        """A block around a commit, with all its tries."""
        ...

    def phase(self, name: str) -> AbstractContextManager[object]:
        """A block around a phase of a commit over several stores: prepare, decide or roll forward."""
        ...


_nothing: AbstractContextManager[object] = nullcontext()


def phase(instrument: Instrument | None, name: str) -> AbstractContextManager[object]:
    """A block around a phase of a commit, which is told where anybody listens."""
    return _nothing if instrument is None else instrument.phase(name)
