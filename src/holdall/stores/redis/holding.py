"""Holds of commits over several stores in a store: renewed, let go of and listed, without looking at records."""

from __future__ import annotations

from collections.abc import Callable

from holdall.store import Reservation
from holdall.stores.redis.asked import RenewAsked
from holdall.stores.redis.errors import unknown_format
from holdall.stores.redis.layout import Layout
from holdall.stores.redis.scripts import FENCE, PREPARED, RENEW, ROLL_BACK
from holdall.stores.redis.server import Server
from holdall.stores.redis.writes import reservations

__all__ = ["Holding"]


class Holding:
    """The reservations in the bound collections, slot by slot."""

    def __init__(self, store: str, server: Server, slots: Callable[[], list[list[Layout]]]) -> None:
        self._store = store
        self._server = server
        self._slots = slots

    async def roll_back(self, commit: str) -> None:
        """Let go of what is held under this commit. Raises UnknownFormat for what another version of Holdall wrote."""
        for slot in self._slots():
            keys = [key for layout in slot for key in (layout.reserved, layout.commits, layout.held)]
            reply = await self._server.run(ROLL_BACK, keys, [commit])
            if reply[0] == b"format":
                raise unknown_format(self._store, reply)

    async def fence(self, reservation: Reservation, layout: Layout, passing: str) -> None:
        """Set a fence around a collection, in place of what is held under its commit. Raises UnknownFormat."""
        keys = [layout.reserved, layout.commits, layout.held]
        reply = await self._server.run(FENCE, keys, [reservation.commit, reservation.encode(), f"f:{passing}"])
        if reply[0] == b"format":
            raise unknown_format(self._store, reply)

    async def renew(self, reservation: Reservation) -> None:
        """Keep this reservation in place of its commit's last one, wherever that holds something."""
        for slot in self._slots():
            keys = [layout.commits for layout in slot]
            await self._server.run(RENEW, keys, RenewAsked(reservation.commit, reservation.encode()))

    async def prepared(self) -> list[Reservation]:
        """Each reservation once."""
        found: dict[str, Reservation] = {}
        for slot in self._slots():
            told = await self._server.run(PREPARED, [layout.commits for layout in slot], [])
            found.update({item.commit: item for item in reservations(told)})
        return list(found.values())
