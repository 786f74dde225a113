"""The store of one SQLite database, which runs within the process."""

from __future__ import annotations

import os

import msgspec
from anyio.to_thread import run_sync

from holdall.errors import StoreUnavailable
from holdall.store import Description, Hold, Look
from holdall.stores.sql.deferring import DeferringSqlStore
from holdall.stores.sql.sqlite import SqliteDatabase
from holdall.stores.sql.tables import Tables

__all__ = ["SqliteStore"]


class SqliteStore(DeferringSqlStore):
    """Collections in the tables of one SQLite database."""

    def __init__(self, name: str, tables: Tables, database: SqliteDatabase) -> None:
        super().__init__(name, tables, database, Hold.RESERVED)
        self._path = database.path
        self.place = None if database.path is None else f"sqlite:{os.path.realpath(database.path)}"
        self._capabilities = msgspec.structs.replace(self._capabilities, is_embedded=True)

    async def describe(self, look: Look) -> Description:
        """Return every table that is there, as a collection. Raises StoreUnavailable for a file that is not there."""
        if self._path is not None and not await run_sync(os.path.exists, self._path):
            raise StoreUnavailable(self.name, f"{self._path}: the file is not there; create() makes it")
        return await super().describe(look)
