"""The transactions a commit over several stores holds open until it is decided."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

from holdall.errors import HoldallError, StateError
from holdall.store import Store, StoreTransaction, Transactional

__all__ = ["Prepared"]


class _Undecided(Exception):
    pass


class Prepared:
    """Transactions by store. They are opened in one order everywhere, so that two commits never wait for each other."""

    def __init__(self, stores: Sequence[Store], home: Store | None) -> None:
        self._stores = sorted(
            [store for store in stores if isinstance(store, Transactional)], key=lambda store: store.name
        )
        self._home = home
        self._open: dict[int, tuple[AbstractAsyncContextManager[StoreTransaction], StoreTransaction]] = {}

    async def open(self) -> None:
        """Begin all transactions. Where one fails, ``roll_back`` ends the others."""
        for store in self._stores:
            assert isinstance(store, Transactional)
            manager = store.transaction()
            self._open[id(store)] = manager, await manager.__aenter__()

    def of(self, store: Store) -> StoreTransaction:
        """The open transaction of a store. Raises StateError where it has none."""
        if id(store) not in self._open:
            raise StateError(f"the store {store.name!r} has no open transaction in this commit")
        return self._open[id(store)][1]

    def is_open(self, store: Store) -> bool:
        """Whether the store's transaction is neither committed nor rolled back."""
        return id(store) in self._open

    async def commit(self, store: Store) -> None:
        """Commit one store's transaction; whatever the answer, it is over."""
        manager, _ = self._open.pop(id(store))
        await manager.__aexit__(None, None, None)

    async def roll_back(self) -> None:
        """Undo all that are still open; one whose connection is gone is undone by its database."""
        for key in list(self._open):
            manager, _ = self._open.pop(key)
            reason = _Undecided()
            try:
                await manager.__aexit__(_Undecided, reason, None)
            except (_Undecided, HoldallError):
                continue
