"""The fences of one move: set around its collection in a store, taken away, and what was held before waited for."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import cast

import msgspec

from holdall.errors import StateError
from holdall.session import Bindings, Recovery
from holdall.store import Fence, Fencing, Preparable, Reservation, Store

__all__ = ["Fences"]

_NEVER = dt.datetime.max.replace(tzinfo=dt.UTC)
_PATIENCE = 60.0  # seconds
_PAUSE = 0.02


class Fences(msgspec.Struct, frozen=True):
    """The fences around one collection, each held under the id of its move."""

    bindings: Bindings
    recovery: Recovery
    collection: str

    async def put(self, store: Store, move: str, target: Store, passing: str) -> None:
        """Set a fence, in place of the one that the move has there. Nothing is set in a store that has no fences."""
        if isinstance(store, Fencing):
            place = f"the move of {self.collection} to store {target.name!r}"
            held = Reservation(move, self.bindings.journal.application, "", place, "", _NEVER)
            await store.fence(held, Fence(self.collection, passing))

    async def lift(self, store: Store, move: str) -> None:
        """Take the fence of a move away, if there is one."""
        if isinstance(store, Fencing):
            await cast(Preparable, store).roll_back_prepared(move)

    async def is_set(self, store: Store, move: str) -> bool:
        """Whether a move has a fence in a store."""
        return any(each.commit == move for each in await cast(Preparable, store).prepared())

    async def wait_for_holds(self, store: Store) -> None:
        """Wait until commits over several stores have ended that held something before. Raises StateError."""
        loop = asyncio.get_running_loop()
        end, waiting = loop.time() + _PATIENCE, await self._held(store)
        while waiting:
            if loop.time() > end:
                told = ", ".join(sorted(waiting))
                raise StateError(f"store {store.name!r} holds parts of commits that do not end: {told}; settle them")
            await self.recovery.run()
            await asyncio.sleep(_PAUSE)
            waiting &= await self._held(store)

    async def _held(self, store: Store) -> set[str]:
        return {each.commit for each in await cast(Preparable, store).prepared() if not each.is_fence}
