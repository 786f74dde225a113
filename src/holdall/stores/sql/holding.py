"""An SQL store that holds its part of a commit over several stores; how it holds it is its database's affair."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from holdall.store import Change, Hold, Outcome, Reservation
from holdall.stores.sql.database import Database
from holdall.stores.sql.steps import Work
from holdall.stores.sql.store import SqlStore
from holdall.stores.sql.tables import Tables

__all__ = ["HoldingDatabase", "HoldingSqlStore"]

HIDDEN = "holdall_"  # how the names of collections begin that commits keep for themselves


class HoldingDatabase(Database, Protocol):
    """A database that holds works until their commit is decided; see ``Preparable`` for what each method promises."""

    async def hold(self) -> Hold:
        """How it holds a work."""
        ...

    def cost_of(self, hold: Hold) -> int:
        """Return the cost of a hold, in the unit of ``Capabilities.hold_cost``."""
        ...

    @property
    def lock_patience(self) -> float:
        """For how many seconds a commit bears locks of others, tried again after each wait of the server."""
        ...

    async def prepare(self, reservation: Reservation, work: Work) -> list[Outcome]:
        """Check the work and hold what it touches."""
        ...

    async def commit_prepared(self, commit: str, work: Work) -> bool:
        """Write what was prepared and let go of it."""
        ...

    async def roll_back_prepared(self, commit: str) -> None:
        """Let go of it."""
        ...

    async def renew_prepared(self, reservation: Reservation) -> None:
        """Let it expire later."""
        ...

    async def prepared(self) -> list[Reservation]:
        """All that is held."""
        ...

    async def create_own(self) -> None:
        """Create what it keeps for works that are held, if that takes a table."""
        ...

    async def drop_own(self) -> None:
        """Drop that, and all that is held."""
        ...


class HoldingSqlStore(SqlStore):
    """Collections in the tables of one SQL database that is ``Preparable``."""

    def __init__(self, name: str, tables: Tables, database: HoldingDatabase, hold: Hold) -> None:
        super().__init__(name, tables, database, hold)
        self._holding = database
        self._say(hold)

    async def create(self) -> None:
        """Create the tables that are missing; those that are there stay as they are."""
        await super().create()
        if self._is_shared:
            await self._holding.create_own()

    async def drop(self, *collections: str) -> None:
        """Drop the tables of these collections, or of all that are bound, and all records in them."""
        await super().drop(*collections)
        if self._is_shared and not collections:
            await self._holding.drop_own()

    @property
    def _is_shared(self) -> bool:
        """Whether it was bound to what commits over several stores keep."""
        return any(name.startswith(HIDDEN) for name in self.tables.schemas)

    async def hold(self) -> Hold:
        """How it holds a part."""
        await self._learn()
        hold = await self._holding.hold()
        self._say(hold)
        return hold

    def _say(self, hold: Hold) -> None:
        cost = self._holding.cost_of(hold)
        patience = self._holding.lock_patience
        known = self._capabilities
        if known.hold is hold and known.hold_cost == cost and known.lock_patience == patience:
            return
        self._capabilities = msgspec.structs.replace(
            self._capabilities, hold=hold, hold_cost=cost, lock_patience=patience
        )

    async def prepare(self, reservation: Reservation, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Check everything that ``apply`` checks, and hold what the changes touch."""
        self.demand(changes)
        await self._learn()
        return await self._holding.prepare(reservation, self._work(changes))

    async def commit_prepared(self, commit: str, changes: Sequence[Change]) -> bool:
        """Write what was prepared and let go of it; False where nothing is held under this commit."""
        self.demand(changes)
        await self._learn()
        return await self._holding.commit_prepared(commit, self._work(changes))

    async def roll_back_prepared(self, commit: str) -> None:
        """Let go of what is held under this commit, if anything is."""
        await self._learn()
        await self._holding.roll_back_prepared(commit)

    async def renew_prepared(self, reservation: Reservation) -> None:
        """Let what is held under this commit expire when ``reservation`` says."""
        await self._learn()
        await self._holding.renew_prepared(reservation)

    async def prepared(self) -> list[Reservation]:
        """Everything held in this database."""
        await self._learn()
        return await self._holding.prepared()
