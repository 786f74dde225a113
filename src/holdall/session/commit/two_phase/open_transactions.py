"""The transactions that a commit over several stores holds open until it is decided."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from holdall.errors import HoldallError, StateError
from holdall.store import Store, StoreTransaction, Transactional

__all__ = ["OpenTransactions"]


class _Undecided(Exception):
    pass


class OpenTransactions:
    """Transactions by store, each opened when its store is first written."""

    def __init__(self) -> None:
        self._open: dict[int, tuple[AbstractAsyncContextManager[StoreTransaction], StoreTransaction]] = {}

    async def of(self, store: Store) -> StoreTransaction:
        """The open transaction of a store, begun now if there is none yet.

        Raises StateError for a store that has no transactions.
        """
        if id(store) not in self._open:
            if not isinstance(store, Transactional):
                raise StateError(f"the store {store.name!r} has no transactions")
            manager = store.transaction()
            self._open[id(store)] = manager, await manager.__aenter__()
        return self._open[id(store)][1]

    def is_open(self, store: Store) -> bool:
        """Whether the store has an open transaction in this commit."""
        return id(store) in self._open

    async def commit(self, store: Store) -> None:
        """Commit one store's transaction; whatever the answer, it is over."""
        manager, _ = self._open.pop(id(store))
        await manager.__aexit__(None, None, None)

    async def roll_back(self) -> None:
        """Roll back all that are still open; one whose connection is gone is rolled back by its database."""
        for key in list(self._open):
            manager, _ = self._open.pop(key)
            reason = _Undecided()
            try:
                await manager.__aexit__(_Undecided, reason, None)
            except (_Undecided, HoldallError):
                continue
