"""Records and values that commits under way hold in a memory store."""

from __future__ import annotations

from collections.abc import Sequence

from holdall.store import Change, Fence, Footprint, Held, Outcome, Reservation, demand_unreserved, footprint_of
from holdall.stores.memory.data import Data
from holdall.stores.memory.transaction import MemoryTransaction

__all__ = ["Reservations"]


class Reservations:
    """The reservations of one store, by commit; used while nobody else writes."""

    def __init__(self, data: Data) -> None:
        self._data = data
        self._held: dict[str, Held] = {}

    def __contains__(self, commit: str) -> bool:
        return commit in self._held

    def demand_free(self, changes: Sequence[Change]) -> None:
        """Raise Reserved where these changes collide with what a commit holds."""
        demand_unreserved(self._data.store, changes, self._data.schemas, self._held.values())

    def prepare(self, reservation: Reservation, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Hold what these changes touch, once it is seen that they can be applied; keys made for them stay taken."""
        self.let_go(reservation.commit)
        trial = MemoryTransaction(self._data, self.demand_free)
        try:
            outcomes = trial.apply_now(changes)
            trial.check()
        finally:
            trial.roll_back()
        self._held[reservation.commit] = Held(reservation, footprint_of(changes, self._data.schemas, outcomes))
        return outcomes

    def fence(self, reservation: Reservation, fence: Fence) -> None:
        """Set a fence around a collection."""
        self._held[reservation.commit] = Held(reservation, Footprint(fence=fence))

    def renew(self, reservation: Reservation) -> None:
        """Let this reservation stand for the one that its commit holds, if it holds any."""
        held = self._held.get(reservation.commit)
        if held is not None:
            self._held[reservation.commit] = Held(reservation, held.footprint)

    def let_go(self, commit: str) -> None:
        """Forget what this commit holds."""
        self._held.pop(commit, None)

    def clear(self) -> None:
        """Forget everything."""
        self._held = {}

    def reservations(self) -> list[Reservation]:
        """Everything held."""
        return [held.reservation for held in self._held.values()]
