"""The store of one SQLite database, which runs within the process."""

from __future__ import annotations

import os

import msgspec

from holdall.store import Hold
from holdall.stores.sql.deferring import DeferringSqlStore
from holdall.stores.sql.sqlite import SqliteDatabase
from holdall.stores.sql.tables import Tables

__all__ = ["SqliteStore"]


class SqliteStore(DeferringSqlStore):
    """Collections in the tables of one SQLite database."""

    def __init__(self, name: str, tables: Tables, database: SqliteDatabase) -> None:
        super().__init__(name, tables, database, Hold.RESERVED)
        self.place = None if database.path is None else f"sqlite:{os.path.realpath(database.path)}"
        self._capabilities = msgspec.structs.replace(self._capabilities, is_embedded=True)
