"""Preparable stores: each holds its part of a commit over several stores until that is decided elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from holdall.store.change import Change, Outcome
from holdall.store.reservation import Hold, Reservation

__all__ = ["Deferring", "Preparable"]


@runtime_checkable
class Preparable(Protocol):
    """A store that holds its part of a commit over several stores until the commit is decided elsewhere, even if its
    owner or the store's process dies.

    In its absence the part is only looked at before the decision, or held by an open transaction that ends with the
    process; what is refused after the decision is then undone in the other stores.

    All writers of the store, ``apply`` and transactions included, raise Reserved, in the step that would have written
    and before anything is written, for changes that collide with another commit's part.

    >>> from datetime import UTC, datetime, timedelta
    >>> from holdall.query import FieldSchema, Kind, Query, Schema
    >>> from holdall.store import Change, Reservation, Verb
    >>> from holdall.stores.memory import PreparingMemory
    >>> store = PreparingMemory("main")
    >>> store.bind([Schema("book", (FieldSchema("id", Kind.INT), FieldSchema("title", Kind.STR)), key=("id",))])
    >>> lease = datetime.now(UTC) + timedelta(seconds=15)
    >>> commit = Reservation("c-1", "library", "home", "the home store", "this process", lease)
    >>> changes = [Change(Verb.ADD, "book", 1, ("id", "title"), (1, "Emma"))]
    >>> async def example():
    ...     await store.prepare(commit, changes)
    ...     before = list(await store.fetch(Query("book")))
    ...     is_written = await store.commit_prepared("c-1", changes)
    ...     return before, is_written, list(await store.fetch(Query("book")))
    >>> import asyncio
    >>> asyncio.run(example())
    ([], True, [(1, 'Emma')])
    """

    async def hold(self) -> Hold:
        """How it holds a part. The first call may connect to find out; the answer is remembered."""
        ...

    async def prepare(self, reservation: Reservation, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Vote: check everything that ``apply`` checks, and hold what the changes touch, in one atomic step.

        Nothing of it is to be seen by readers. Preparing again under the same commit takes the place of what it held.
        One outcome per change, with the keys the store makes: nobody else gets these. Raises what ``apply`` raises,
        and then holds nothing.
        """
        ...

    async def commit_prepared(self, commit: str, changes: Sequence[Change]) -> bool:
        """Write what was prepared and let go of it, in one atomic step that survives the end of the process.

        The write survives a power failure as well, unless the store is ``Deferring``.

        ``changes`` are those that were prepared, with every key in its place. False where nothing is held under this
        commit: then it was written, or let go of, before. Raises Conflict where somebody who does not respect
        reservations has changed a record; then it is still held.
        """
        ...

    async def roll_back_prepared(self, commit: str) -> None:
        """Let go of what is held under this commit, if anything is."""
        ...

    async def renew_prepared(self, reservation: Reservation) -> None:
        """Let what is held under this commit expire when ``reservation`` says, if anything is held and the store knows
        when it expires.
        """
        ...

    async def prepared(self) -> list[Reservation]:
        """Everything held in this store, without reading through its records."""
        ...


@runtime_checkable
class Deferring(Protocol):
    """A store whose ``commit_prepared`` does not wait for the disk. In its absence what it wrote lasts at once.

    Example: :class:`Store`.
    """

    async def sync(self) -> None:
        """Let everything that was committed survive a power failure; called before a commit is forgotten."""
        ...
