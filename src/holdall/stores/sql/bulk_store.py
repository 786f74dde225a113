"""The part of an SQL store that makes bulk changes, each a transaction by itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from holdall.store import BulkChange
from holdall.stores.sql.database import Database
from holdall.stores.sql.watching import carried_out
from holdall.stores.sql.works import Works

__all__ = ["BulkStore"]


class BulkStore:
    """The part of an SQL store that makes bulk changes."""

    _database: Database
    _works: Works
    _learn: Callable[[], Awaitable[None]]

    async def change_all(self, change: BulkChange) -> int:
        """Change every record that a query means, in one transaction. Raises LimitExceeded or as ``apply``."""
        await self._learn()
        outcomes = await carried_out(self._database.write, self._works.of_all(change))
        return int(outcomes[0].answer)
