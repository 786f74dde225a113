"""Holding a part of a commit over several stores in memory, until that is decided elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from holdall.store import Change, Fence, Hold, Outcome, Reservation
from holdall.stores.memory.records import MemoryRecords
from holdall.stores.memory.transaction import MemoryTransaction

__all__ = ["PreparingMemory"]


class PreparingMemory(MemoryRecords):
    """Records in memory that commits over several stores can reserve; reservations last as long as the records.

    Example: :func:`open_memory`.
    """

    async def hold(self) -> Hold:
        """By reservations."""
        return Hold.RESERVED

    async def fence(self, reservation: Reservation, fence: Fence) -> None:
        """Set a fence around a collection, once nobody else writes."""
        async with self._writing():
            self._reserved.fence(reservation, fence)

    async def prepare(self, reservation: Reservation, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Apply the changes, take them back, and hold what they touch. Raises what ``apply`` raises."""
        async with self._writing():
            return self._reserved.prepare(reservation, changes)

    async def commit_prepared(self, commit: str, changes: Sequence[Change]) -> bool:
        """Write what was prepared and let go of it; False where nothing is held under this commit."""
        async with self._writing():
            if commit not in self._reserved:
                return False
            MemoryTransaction(self._data).apply_all(changes)
            self._reserved.let_go(commit)
            return True

    async def roll_back_prepared(self, commit: str) -> None:
        """Let go of what is held under this commit, if anything is."""
        async with self._writing():
            self._reserved.let_go(commit)

    async def renew_prepared(self, reservation: Reservation) -> None:
        """Let what is held under this commit expire when this reservation says."""
        async with self._writing():
            self._reserved.renew(reservation)

    async def prepared(self) -> list[Reservation]:
        """Everything held in this store."""
        return self._reserved.reservations()
