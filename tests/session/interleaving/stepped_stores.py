"""Durable memory stores that several actors share: each thing they are asked for is one step of the scheduler's."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from types import TracebackType
from typing import Any

from holdall.query import Query
from holdall.store import Change, CommitClass, Hold, Outcome, Reservation, Rows, StoreTransaction
from holdall.stores.memory import MemoryRecords
from holdall.stores.memory.transaction import MemoryTransaction
from holdall.testing.lasting_memory import LastingBatch, LastingMemory, LastingPlain, LastingPlainBatch
from tests.session.interleaving.stepping import Op, Steps
from tests.session.interleaving.virtual_loop import ACTOR, Actor

__all__ = ["HoldingStore", "OpenTransaction", "SteppedStore", "stepped_store"]


class OpenTransaction(AbstractAsyncContextManager[StoreTransaction]):
    """A transaction over a connection: when its client dies, or the connection does, the database rolls it back."""

    def __init__(self, store: SteppedStore) -> None:
        self.store = store
        self.actor: Actor = ACTOR.get()
        self.changes: list[Change] = []
        self.is_over = False
        self._inner: MemoryTransaction | None = None

    async def __aenter__(self) -> StoreTransaction:
        await self.store.steps.ask(self.store, Op.BEGIN, self._begin, transaction=self)
        return self

    async def fetch(self, query: Query[Any]) -> Rows:
        """The rows, this transaction's own changes included."""
        found: Rows = await self.store.steps.ask(
            self.store, Op.FETCH, partial(self._open.fetch, query), subject=query.collection, transaction=self
        )
        return found

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Apply all changes or none of these."""
        outcomes: Sequence[Outcome] = await self.store.steps.ask(
            self.store, Op.WRITE, partial(self._write, changes), changes=list(changes), transaction=self
        )
        return outcomes

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.is_over:
            return
        steps = self.store.steps
        if kind is None:
            await steps.ask(self.store, Op.COMMIT, self._commit, changes=self.changes, transaction=self)
        else:
            await steps.ask(self.store, Op.ROLL_BACK, self._roll_back, transaction=self)

    def lose(self) -> None:
        """The connection is gone, so the database rolls back."""
        if not self.is_over and self._inner is not None:
            self._inner.roll_back()
            self._end()
        self.is_over = True

    @property
    def _open(self) -> MemoryTransaction:
        assert self._inner is not None
        return self._inner

    async def _begin(self) -> None:
        self._inner = self.store.begin(self)

    async def _write(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        outcomes = await self._open.apply(changes)
        self.changes += changes
        return outcomes

    async def _commit(self) -> None:
        try:
            self._open.check()
            self._open.end()
        except BaseException:
            self._open.roll_back()
            raise
        finally:
            self._end()

    async def _roll_back(self) -> None:
        self.lose()

    def _end(self) -> None:
        self.is_over = True
        self.store.end(self)


class SteppedStore(MemoryRecords):
    """What all of them have in common. ``steps`` is set anew for every schedule."""

    steps: Steps
    open_transaction: OpenTransaction | None = None
    away_until: float = 0.0  # in seconds of the loop

    def begin(self, transaction: OpenTransaction) -> MemoryTransaction:
        """Open it; there is one at a time."""
        assert self.open_transaction is None
        self.open_transaction = transaction
        self._open = MemoryTransaction(self._data, self._reserved.demand_free)
        return self._open

    def end(self, transaction: OpenTransaction) -> None:
        """It is over."""
        assert self.open_transaction is transaction
        self.open_transaction, self._open = None, None

    def restart(self, steps: Steps) -> None:
        """Forget everything, for the next schedule."""
        self.steps = steps
        self.open_transaction, self._open, self._lock, self.away_until = None, None, None, 0.0
        self._data.clear()
        self._reserved.clear()

    def row(self, collection: str, key: Any) -> Any:
        """A record as it lasts now."""
        return self._committed().tables[collection].rows.get(key)

    def put(self, collection: str, key: Any, row: tuple[object, ...]) -> None:
        """A record that is there from the beginning."""
        self._data.tables[collection].add(key, row, 0)

    def rows(self, collection: str) -> list[Any]:
        """All records of a collection as they last now."""
        tables = self._committed().tables
        return list(tables[collection].rows.values()) if collection in tables else []

    def held(self) -> list[Reservation]:
        """Everything reserved now."""
        return self._reserved.reservations()

    async def fetch(self, query: Query[Any]) -> Rows:
        """As a step."""
        found: Rows = await self.steps.ask(self, Op.FETCH, partial(super().fetch, query), subject=query.collection)
        return found

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """As a step."""
        outcomes: Sequence[Outcome] = await self.steps.ask(
            self, Op.APPLY, partial(super().apply, changes), changes=list(changes)
        )
        return outcomes


class HoldingStore(SteppedStore):
    """Adds reservations to the steps; stands before the store it is mixed into."""

    async def prepare(self, reservation: Reservation, changes: Sequence[Change]) -> Sequence[Outcome]:
        inner = super().prepare  # type: ignore[misc]
        outcomes: Sequence[Outcome] = await self.steps.ask(
            self, Op.PREPARE, partial(inner, reservation, changes), changes=list(changes), subject=reservation.commit
        )
        return outcomes

    async def commit_prepared(self, commit: str, changes: Sequence[Change]) -> bool:
        inner = super().commit_prepared  # type: ignore[misc]
        is_written: bool = await self.steps.ask(
            self, Op.COMMIT_PREPARED, partial(inner, commit, changes), changes=list(changes), subject=commit
        )
        return is_written

    async def roll_back_prepared(self, commit: str) -> None:
        inner = super().roll_back_prepared  # type: ignore[misc]
        await self.steps.ask(self, Op.ROLL_BACK_PREPARED, partial(inner, commit), subject=commit)

    async def renew_prepared(self, reservation: Reservation) -> None:
        inner = super().renew_prepared  # type: ignore[misc]
        await self.steps.ask(self, Op.RENEW_PREPARED, partial(inner, reservation), subject=reservation.commit)

    async def prepared(self) -> list[Reservation]:
        found: list[Reservation] = await self.steps.ask(self, Op.PREPARED, super().prepared)  # type: ignore[misc]
        return found


class _Transactional(SteppedStore):
    def transaction(self) -> AbstractAsyncContextManager[StoreTransaction]:
        return OpenTransaction(self)


class _Lasting(_Transactional, HoldingStore, LastingMemory):
    pass


class _Batch(HoldingStore, LastingBatch):
    pass


class _Plain(_Transactional, LastingPlain):
    pass


class _PlainBatch(SteppedStore, LastingPlainBatch):
    pass


def stepped_store(name: str, commit: CommitClass, hold: Hold) -> SteppedStore:
    """A durable store of this class that holds parts so."""
    kinds: dict[tuple[CommitClass, Hold], type[SteppedStore]] = {
        (CommitClass.TX, Hold.RESERVED): _Lasting,
        (CommitClass.BATCH, Hold.RESERVED): _Batch,
        (CommitClass.TX, Hold.NONE): _Plain,
        (CommitClass.BATCH, Hold.NONE): _PlainBatch,
    }
    return kinds[commit, hold](name)
