"""Dealing with another commit in the way of this one: settle it if its owner is dead, or wait until it is over.

Invariant: a commit never waits while it holds anything, so commits never wait for each other in a circle.
"""

from __future__ import annotations

import asyncio
from typing import cast

from holdall.errors import HoldallError, LockConflict, Reserved
from holdall.session.commit.two_phase.coordinator import Coordinator
from holdall.session.commit.two_phase.settle import Settled, settle_reservation
from holdall.session.journal.owner import this_owner
from holdall.store import Preparable, Reservation, Store, spread

__all__ = ["Patience"]

_FIRST_PAUSE, _LONGEST_PAUSE = 0.001, 0.05  # seconds


class Patience:
    """How long, in seconds, one commit bears others in its way, all its tries together."""

    def __init__(self, coordinator: Coordinator, timeout: float) -> None:
        self._coordinator = coordinator
        self._end = asyncio.get_running_loop().time() + timeout
        self._pause = _FIRST_PAUSE
        self._ended: set[str] = set()
        self._locked_until: float | None = None

    @property
    def left(self) -> float:
        """How many seconds are left; never negative."""
        return max(0.0, self._end - asyncio.get_running_loop().time())

    async def make_way(self, obstacle: Reserved | LockConflict) -> bool:
        """Let what is in the way come to its end. Returns False where trying again is of no use."""
        if isinstance(obstacle, LockConflict):
            return self.left > self._pause and await self._bear_lock(obstacle.store)
        if self.left <= self._pause or obstacle.is_fence:
            return False
        for reservation in cast(tuple[Reservation, ...], obstacle.reservations):
            if not await self._is_making_way(obstacle.store, reservation):
                return False
        return True

    async def _is_making_way(self, store: str, reservation: Reservation) -> bool:
        if not self._coordinator.is_abandoned(reservation):
            await self._wait()
            return True
        if reservation.owner == this_owner() and reservation.commit not in self._ended:
            self._ended.add(reservation.commit)  # most likely it has let go since the store was asked
            return True
        settled = await self._settle_if_still_there(store, reservation)
        if settled in (Settled.BUSY, Settled.PENDING):
            await self._wait()
            return True
        return settled in (Settled.FINISHED, Settled.UNDONE)

    async def _settle_if_still_there(self, name: str, reservation: Reservation) -> Settled:
        """Settle a commit, unless its lease was renewed or its part written since the store was asked."""
        store = self._coordinator.store_named(name)
        if isinstance(store, Preparable) and reservation.is_readable:
            current = [item for item in await store.prepared() if item.commit == reservation.commit]
            if not current or not self._coordinator.is_abandoned(current[0]):
                return Settled.BUSY
        return await self._settle(name, reservation)

    async def _wait(self) -> None:
        await asyncio.sleep(spread(self._pause))
        self._pause = min(self._pause * 1.5, _LONGEST_PAUSE)

    async def _bear_lock(self, name: str) -> bool:
        """Settle what dead owners have prepared in a store whose locks were in the way; else wait, if that is borne.

        Locks of a store that prepares nothing are those of its transactions, which end soon.
        """
        store, time = self._coordinator.store_named(name), asyncio.get_running_loop().time
        if store is not None and self._locked_until is None:
            self._locked_until = time() + store.capabilities.lock_patience
        if isinstance(store, Preparable):
            if await self._settle_dead(store):
                return True
            if self._locked_until is None or time() >= self._locked_until:
                return False
        await self._wait()
        return True

    async def _settle_dead(self, store: Store) -> bool:
        """Settle what dead owners hold in a store; whether there was any."""
        assert isinstance(store, Preparable)
        found = False
        for reservation in await store.prepared():
            if self._coordinator.is_abandoned(reservation):
                settled = await self._settle(store.name, reservation)
                found = found or settled in (Settled.FINISHED, Settled.UNDONE)
        return found

    async def _settle(self, name: str, reservation: Reservation) -> Settled:
        store = self._coordinator.store_named(name)
        if store is None:
            return Settled.FOREIGN
        try:
            return await settle_reservation(self._coordinator, store, reservation)
        except HoldallError:  # its home is away: the commit in the way cannot be settled now
            return Settled.FOREIGN
