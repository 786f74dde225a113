"""Fences in a folder: collections that move to another store, held as parts of commits are."""

from __future__ import annotations

from anyio.to_thread import run_sync

from holdall.store import Fence, Reservation
from holdall.stores.yaml.identity import IdentifiedYamlStore
from holdall.stores.yaml.preparing import Preparing

__all__ = ["FencedYamlStore"]


class FencedYamlStore(IdentifiedYamlStore):
    """The part of a YAML store that keeps writers from a collection."""

    _preparing: Preparing

    async def fence(self, reservation: Reservation, fence: Fence) -> None:
        """Set a fence around a collection, under the lock."""
        await run_sync(self._fence, reservation, fence)

    def _fence(self, reservation: Reservation, fence: Fence) -> None:
        with self._access.writing():
            self._preparing.fence(reservation, fence)
