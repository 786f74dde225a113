"""The store of one SQLite database, which runs within the process."""

from __future__ import annotations

import os

import msgspec
from anyio.to_thread import run_sync

from holdall.errors import StoreUnavailable
from holdall.store import Description, Hold, Look
from holdall.stores.sql.deferring import DeferringSqlStore
from holdall.stores.sql.sqlite import SqliteDatabase
from holdall.stores.sql.sqlite_connection import SqliteOptions, SqlitePlace
from holdall.stores.sql.tables import Tables

__all__ = ["SqliteStore"]


class SqliteStore(DeferringSqlStore):
    """Collections in the tables of one SQLite database."""

    def __init__(self, name: str, tables: Tables, place: SqlitePlace, options: SqliteOptions) -> None:
        super().__init__(name, tables, SqliteDatabase(name, place, tables, options), Hold.RESERVED)
        self._place, self._options = place, options
        self.place = None if place.path is None else f"sqlite:{os.path.realpath(place.path)}"
        self._capabilities = msgspec.structs.replace(self._capabilities, is_embedded=True)

    async def describe(self, look: Look) -> Description:
        """Return every table that is there, as a collection; not even the journal mode of a file is changed.

        Raises StoreUnavailable for a file that is not there.
        """
        path = self._place.path
        if path is None or self._place.is_readonly:
            return await super().describe(look)
        if not await run_sync(os.path.exists, path):
            raise StoreUnavailable(self.name, f"{path}: the file is not there; create() makes it")
        place = msgspec.structs.replace(self._place, is_readonly=True)
        reading = SqliteStore(self.name, Tables(self.tables.dialect), place, self._options)
        try:
            return await reading.describe(look)
        finally:
            await reading.close()
