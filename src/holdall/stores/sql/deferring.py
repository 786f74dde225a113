"""An SQL store that need not wait for the disk twice in a commit over several stores."""

from __future__ import annotations

from typing import Protocol

from holdall.store import Fence, Hold, Reservation
from holdall.stores.sql.holding import HoldingDatabase, HoldingSqlStore
from holdall.stores.sql.steps import FenceWork
from holdall.stores.sql.tables import Tables

__all__ = ["DeferringDatabase", "DeferringSqlStore"]


class DeferringDatabase(HoldingDatabase, Protocol):
    """A database whose ``commit_prepared`` survives the end of the process at once, and a crash after ``sync``."""

    async def sync(self) -> None:
        """Let everything that was committed survive a crash of the database and of its machine."""
        ...


class DeferringSqlStore(HoldingSqlStore):
    """Collections in the tables of one SQL database.

    A part that is held is on the disk, and so is the decision; that the part is written may be lost with the machine,
    as long as the decision can be read again. So ``commit_prepared`` does not wait for the disk, and ``sync`` does,
    once for many commits.
    """

    def __init__(self, name: str, tables: Tables, database: DeferringDatabase, hold: Hold) -> None:
        super().__init__(name, tables, database, hold)
        self._deferring = database

    async def fence(self, reservation: Reservation, fence: Fence) -> None:
        """Set a fence around a collection, as a row that every writer looks at."""
        await self._learn()
        await self._deferring.prepare(reservation, FenceWork(fence))

    async def sync(self) -> None:
        """Let everything that was committed survive a crash of the database and of its machine."""
        await self._deferring.sync()
