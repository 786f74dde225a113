"""New records that add themselves to the session in whose block they are made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol
from weakref import ref

from holdall.model import Record, construction_hooks
from holdall.session.dao.activity import SessionState
from holdall.store import Blocks

__all__ = ["adding_new_records"]


class Adding(Protocol):
    """A session as those that are made in its block see it."""

    @property
    def state(self) -> SessionState:
        """The activity of the session for the caller."""
        ...

    def add(self, record: Record) -> object:
        """Add a record."""


_sessions: Blocks[ref[Adding]] = Blocks("holdall_auto_add")


@contextmanager
def adding_new_records(session: Adding, wanted: bool) -> Iterator[None]:
    """Within the block, records that are constructed are added to the session, except by DAOs and query functions.

    Where it is not ``wanted``, they are added to no session, an outer one neither.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    >>> app = Holdall("library")
    >>> app.add_store("main", "memory:")
    >>> app.add(Book, store="main")
    >>> async def example() -> int:
    ...     async with app.session(auto_add=True) as session:
    ...         Book(id=1)
    ...     async with app.session() as session:
    ...         return await session.count(Book.where())
    >>> import asyncio
    >>> asyncio.run(example())
    1
    """
    if not wanted and _sessions.current is None:
        yield
        return

    def add_constructed(record: Record) -> None:
        current = _sessions.current
        if current is not None and current() is session and session.state is SessionState.STANDBY:
            session.add(record)

    if wanted:
        construction_hooks.append(add_constructed)
    try:
        with _sessions.entered(ref(session)):
            yield
    finally:
        if wanted:
            construction_hooks.remove(add_constructed)
