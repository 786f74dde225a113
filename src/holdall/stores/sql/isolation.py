"""The levels of isolation and the locks that each family of databases has, and reads that lock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from time import monotonic

import sqlalchemy as sa

from holdall.errors import LockConflict
from holdall.store import Isolation, LockMode, Rows

__all__ = ["LEVELS", "LOCKS", "locking", "patiently"]

LEVELS: Mapping[str, frozenset[Isolation]] = {
    "sqlite": frozenset(Isolation),  # one writer after the other
    "postgresql": frozenset(Isolation),
    "mysql": frozenset({Isolation.READ_COMMITTED, Isolation.REPEATABLE_READ, Isolation.SERIALIZABLE}),
}
"""By family of databases, the levels that they give or pass."""

LOCKS: Mapping[str, frozenset[LockMode]] = {
    "sqlite": frozenset(LockMode),  # who is in a transaction has locked everything
    "postgresql": frozenset(LockMode),
    "mysql": frozenset(LockMode),
}
"""By family of databases, what their reads can lock."""

_PAUSE = 0.01  # seconds


def locking(
    select: sa.Select[tuple[object, ...]], table: sa.FromClause, lock: LockMode
) -> sa.Select[tuple[object, ...]]:
    """The statement, locking the rows of this table that it gives."""
    return select.with_for_update(
        of=table,
        read=lock is LockMode.SHARE,
        skip_locked=lock is LockMode.SKIP,
        nowait=lock is LockMode.NOWAIT,
    )


async def patiently(
    read: Callable[[], Awaitable[Rows]],
    savepoint: Callable[[], AbstractAsyncContextManager[None]],
    patience: float,
) -> Rows:
    """The rows of a read that locks, tried again for ``patience`` seconds after each wait of the server for a lock.

    Each try has a savepoint, so that the transaction goes on after one that is refused.
    """
    until = monotonic() + patience
    while True:
        try:
            async with savepoint():
                return await read()
        except LockConflict:
            if monotonic() >= until:
                raise
        await asyncio.sleep(_PAUSE)
