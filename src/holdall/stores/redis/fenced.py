"""Fences in a Redis store: collections that move to another store, held as parts of commits are."""

from __future__ import annotations

from collections.abc import Mapping

from holdall.store import Fence, Reservation
from holdall.stores.redis.holding import Holding
from holdall.stores.redis.identity import IdentifiedRedisStore
from holdall.stores.redis.layout import Layout

__all__ = ["FencedRedisStore"]


class FencedRedisStore(IdentifiedRedisStore):
    """The part of a Redis store that keeps writers from a collection."""

    _holding: Holding
    _layouts: Mapping[str, Layout]

    async def fence(self, reservation: Reservation, fence: Fence) -> None:
        """Set a fence around a collection, in one script. Raises UnknownFormat."""
        await self._holding.fence(reservation, self._layouts[fence.collection], fence.passing)
