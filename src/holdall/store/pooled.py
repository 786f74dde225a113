"""Servers behind a store: whether they answer, and how the connections to them are used."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, runtime_checkable

import msgspec

__all__ = ["Pingable", "PoolFigures", "Pooled"]


class PoolFigures(msgspec.Struct, frozen=True):
    """How the connections of a store are used at this moment, by all event loops of this process.

    ``most`` may be open, for each event loop and server, None where nothing bounds them; ``open`` are, of which
    ``idle`` wait to be used. ``waiting`` callers wait for one, None where the driver does not tell.

    >>> PoolFigures(most=10, open=3, idle=1).used
    2
    """

    most: int | None
    open: int
    idle: int
    waiting: int | None = 0

    @property
    def used(self) -> int:
        """How many are lent to callers."""
        return self.open - self.idle

    @classmethod
    def together(cls, most: int | None, figures: Iterable[PoolFigures]) -> PoolFigures:
        """The sum of several pools, each of which may open ``most``."""
        found = list(figures)
        is_told = all(each.waiting is not None for each in found)
        waiting = sum(each.waiting or 0 for each in found) if is_told else None
        return cls(most, sum(each.open for each in found), sum(each.idle for each in found), waiting)


@runtime_checkable
class Pooled(Protocol):
    """A store with connections of which it knows how they are used. In its absence there are no figures.

    >>> from holdall.store import open_store
    >>> async def example() -> None:
    ...     store = open_store("main", "postgresql://localhost/library")
    ...     print(store.pool())
    >>> import asyncio
    >>> asyncio.run(example())
    PoolFigures(most=10, open=0, idle=0, waiting=0)
    """

    def pool(self) -> PoolFigures:
        """The figures of this moment; no I/O is done. May be called from any thread."""
        ...


@runtime_checkable
class Pingable(Protocol):
    """A store that can look whether the place where it keeps records answers. In its absence it is taken to be well.

    >>> from holdall.store import open_store
    >>> import asyncio
    >>> asyncio.run(open_store("main", "sqlite://").ping())
    """

    async def ping(self) -> None:
        """Ask for a sign of life, nothing else. Raises StoreError without one."""
        ...
