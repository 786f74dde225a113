"""Faults of a commit protocol, planted in a program to see whether they are caught."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from holdall.store import APPLIED, Change, Outcome, Verb
from holdall.stores.sql import SqlStore

__all__ = ["PLANTS", "plant"]

_JOURNAL = "holdall_journal"


def _unsynced_journal(die: Callable[[], None]) -> None:
    """A row of the journal reaches the disk only with the next commit's, or to be removed: a crash loses the last.

    Renewals of its lease wait with it, which are many where the machine is busy.
    """
    apply = SqlStore.apply
    cached: list[tuple[SqlStore, Sequence[Change]]] = []

    async def late(store: SqlStore, changes: Sequence[Change]) -> Sequence[Outcome]:
        if not all(change.collection == _JOURNAL for change in changes):
            return await apply(store, changes)
        is_removal = changes[0].verb is Verb.REMOVE
        waits = {change.key for _, written in cached for change in written}
        while cached and (is_removal or changes[0].key not in waits):
            await apply(*cached.pop(0))
        if is_removal:
            return await apply(store, changes)
        cached.append((store, list(changes)))
        return [APPLIED] * len(changes)

    SqlStore.apply = late  # type: ignore[assignment, method-assign]


def _early_decision(die: Callable[[], None]) -> None:
    """The decision is written before the changes that it is about, not with them."""
    transaction = SqlStore.transaction
    apply = SqlStore.apply
    chance = random.Random(1)

    async def early_apply(store: SqlStore, changes: Sequence[Change]) -> Sequence[Outcome]:
        rows = [change for change in changes if change.collection == _JOURNAL]
        others = [change for change in changes if change.collection != _JOURNAL]
        if not rows or not others:
            return await apply(store, changes)
        await apply(store, rows)
        if chance.random() < 0.3:
            die()
        return [*await apply(store, others), *[APPLIED] * len(rows)]

    class Early:
        def __init__(self, store: SqlStore, block: Any) -> None:
            self._store = store
            self._block = block

        def __getattr__(self, name: str) -> Any:
            return getattr(self._block, name)

        async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
            if not all(change.collection == _JOURNAL for change in changes):
                outcomes: Sequence[Outcome] = await self._block.apply(changes)
                return outcomes
            outcomes = await self._store.apply(changes)
            if chance.random() < 0.3:
                die()
            return outcomes

    @asynccontextmanager
    async def early(store: SqlStore) -> AsyncIterator[Any]:
        async with transaction(store) as block:
            yield Early(store, block)

    SqlStore.transaction = early  # type: ignore[assignment, method-assign]
    SqlStore.apply = early_apply  # type: ignore[assignment, method-assign]


PLANTS: dict[str, Callable[[Callable[[], None]], None]] = {
    "unsynced journal": _unsynced_journal,
    "early decision": _early_decision,
}


def plant(name: str, die: Callable[[], None]) -> None:
    """From now on this process has the fault; ``die`` ends it where it shows best."""
    PLANTS[name](die)
