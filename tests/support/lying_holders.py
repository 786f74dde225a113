"""Stores that lie about what they hold for commits over several stores, each in one way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec

from holdall.errors import HoldallError, Reserved
from holdall.store import (
    RESERVATION_FORMAT,
    Change,
    Footprint,
    Held,
    Outcome,
    Reservation,
    StoreTransaction,
    footprint_of,
)
from holdall.stores.memory import MemoryStore

__all__ = ["HOLDING_LIARS"]


class ShowsWhatIsPrepared(MemoryStore):
    """Preparing writes already."""

    async def prepare(self, reservation: Reservation, changes: Sequence[Change]) -> Sequence[Outcome]:
        outcomes = await super().prepare(reservation, changes)
        self._data.apply(changes, [])
        return outcomes


class CommitsTwice(MemoryStore):
    """What is committed stays held, and is written each time."""

    async def commit_prepared(self, commit: str, changes: Sequence[Change]) -> bool:
        held = dict(self._reserved._held)
        try:
            return await super().commit_prepared(commit, changes)
        finally:
            self._reserved._held = held


class CommitsTheUnknown(MemoryStore):
    """It writes whether anything was held or not."""

    async def commit_prepared(self, commit: str, changes: Sequence[Change]) -> bool:
        if commit not in self._reserved:
            await self.apply(changes)
        return await super().commit_prepared(commit, changes)


class NeverLetsGo(MemoryStore):
    """Rolling back forgets to."""

    async def roll_back_prepared(self, commit: str) -> None:
        return None


class ForgetsWhatIsHeld(MemoryStore):
    """Reservations end with the connection."""

    async def close(self) -> None:
        self._reserved.clear()


class HoldsForItselfOnly(MemoryStore):
    """Commits respect what others hold, and nobody else does."""

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        held, self._reserved._held = self._reserved._held, {}
        try:
            return await super().apply(changes)
        finally:
            self._reserved._held = held


class LetsTransactionsPass(MemoryStore):
    """Transactions do not look at what is held."""

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[StoreTransaction]:
        async with super()._transaction() as transaction:
            transaction._demand_free = lambda changes: None  # type: ignore[attr-defined]
            yield transaction


class PreparesOverOthers(MemoryStore):
    """A commit takes what another holds."""

    async def prepare(self, reservation: Reservation, changes: Sequence[Change]) -> Sequence[Outcome]:
        held = dict(self._reserved._held)
        self._reserved.clear()
        try:
            return await super().prepare(reservation, changes)
        finally:
            self._reserved._held = held | self._reserved._held


class PreparesBlindly(MemoryStore):
    """It holds whatever it is asked to, and looks when it is too late."""

    async def prepare(self, reservation: Reservation, changes: Sequence[Change]) -> Sequence[Outcome]:
        try:
            return await super().prepare(reservation, changes)
        except Reserved:
            raise
        except HoldallError:
            self._reserved._held[reservation.commit] = Held(reservation, footprint_of(changes, self._data.schemas))
            raise


class _CoversLess(MemoryStore):
    """Something that was prepared is not covered."""

    def uncovered(self, footprint: Footprint) -> Footprint:
        raise NotImplementedError

    async def prepare(self, reservation: Reservation, changes: Sequence[Change]) -> Sequence[Outcome]:
        outcomes = await super().prepare(reservation, changes)
        held = self._reserved._held[reservation.commit]
        assert held.footprint is not None
        self._reserved._held[reservation.commit] = Held(held.reservation, self.uncovered(held.footprint))
        return outcomes


class LeavesUniqueValues(_CoversLess):
    """Unique values are not held."""

    def uncovered(self, footprint: Footprint) -> Footprint:
        return msgspec.structs.replace(footprint, unique=frozenset())


class LeavesPartsOfUniqueValues(_CoversLess):
    """A unique value of which a part is changed is not held."""

    def uncovered(self, footprint: Footprint) -> Footprint:
        return msgspec.structs.replace(footprint, unique=frozenset(item for item in footprint.unique if item[1] != "*"))


class LeavesTargets(_CoversLess):
    """What is referred to is not held."""

    def uncovered(self, footprint: Footprint) -> Footprint:
        return msgspec.structs.replace(footprint, referred=frozenset())


class LeavesRemoved(_CoversLess):
    """What is to be removed is not held."""

    def uncovered(self, footprint: Footprint) -> Footprint:
        return msgspec.structs.replace(footprint, removed=frozenset())


class HoldsEverything(MemoryStore):
    """One reservation closes the store for all others."""

    async def prepare(self, reservation: Reservation, changes: Sequence[Change]) -> Sequence[Outcome]:
        outcomes = await super().prepare(reservation, changes)
        self._reserved._held[reservation.commit] = Held(reservation, None)
        return outcomes


class AddsToWhatIsHeld(MemoryStore):
    """Preparing again keeps what was prepared before."""

    async def prepare(self, reservation: Reservation, changes: Sequence[Change]) -> Sequence[Outcome]:
        before = self._reserved._held.get(reservation.commit)
        outcomes = await super().prepare(reservation, changes)
        if before is not None:
            self._reserved._held[f"{reservation.commit} before"] = before
        return outcomes


class GivesHeldKeys(MemoryStore):
    """Keys made for what is prepared are given to the next who asks, too."""

    async def prepare(self, reservation: Reservation, changes: Sequence[Change]) -> Sequence[Outcome]:
        counted = self._data.tables["author"].last_key
        outcomes = await super().prepare(reservation, changes)
        self._data.tables["author"].last_key = counted
        return outcomes


class NeverRenews(MemoryStore):
    """A reservation expires when it first said."""

    async def renew_prepared(self, reservation: Reservation) -> None:
        return None


class RenewsTheUnknown(MemoryStore):
    """Renewing makes a reservation where there is none."""

    async def renew_prepared(self, reservation: Reservation) -> None:
        self._reserved._held.setdefault(reservation.commit, Held(reservation, Footprint()))
        await super().renew_prepared(reservation)


class ReadsWhatItCannot(MemoryStore):
    """A reservation of a later version is taken for one of this."""

    async def prepared(self) -> list[Reservation]:
        return [msgspec.structs.replace(item, format=RESERVATION_FORMAT) for item in await super().prepared()]


class NamesOneOfMany(MemoryStore):
    """A refusal names the first commit in the way."""

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        try:
            return await super().apply(changes)
        except Reserved as error:
            raise Reserved(error.store, error.reservations[:1]) from None


HOLDING_LIARS: dict[type[MemoryStore], str] = {
    ShowsWhatIsPrepared: "test_prepare_is_invisible",
    CommitsTwice: "test_commit_writes_once",
    CommitsTheUnknown: "test_unknown_commits",
    NeverLetsGo: "test_roll_back_prepared",
    ForgetsWhatIsHeld: "test_close_in_between",
    PreparesBlindly: "test_refusals_hold_nothing",
    AddsToWhatIsHeld: "test_prepare_again",
    GivesHeldKeys: "test_generated_keys",
    NeverRenews: "test_reservations_come_back",
    RenewsTheUnknown: "test_unknown_commits",
    ReadsWhatItCannot: "test_unreadable_reservations",
    HoldsForItselfOnly: "test_collisions",
    LetsTransactionsPass: "test_collisions",
    PreparesOverOthers: "test_collisions",
    LeavesUniqueValues: "test_collisions",
    LeavesPartsOfUniqueValues: "test_collisions",
    LeavesTargets: "test_collisions",
    LeavesRemoved: "test_collisions",
    HoldsEverything: "test_others_pass",
    NamesOneOfMany: "test_several_in_the_way",
}
"""Each liar with the test of the suite that must catch it."""
