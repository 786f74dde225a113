"""The store of one SQLite database, which need not wait for the disk twice in a commit over several stores."""

from __future__ import annotations

import msgspec

from holdall.store import Hold
from holdall.stores.sql.holding import HoldingSqlStore
from holdall.stores.sql.sqlite import SqliteDatabase
from holdall.stores.sql.tables import Tables

__all__ = ["SqliteStore"]


class SqliteStore(HoldingSqlStore):
    """Collections in the tables of one SQLite database.

    A part that is held is on the disk, and so is the decision; that the part is written may be lost with the machine,
    as long as the decision can be read again. So ``commit_prepared`` does not wait for the disk, and ``sync`` does,
    once for many commits.
    """

    def __init__(self, name: str, tables: Tables, database: SqliteDatabase) -> None:
        super().__init__(name, tables, database, Hold.RESERVED)
        self._capabilities = msgspec.structs.replace(self._capabilities, is_embedded=True)
        self._database_file = database

    async def sync(self) -> None:
        """Let everything that was committed survive a power failure."""
        await self._database_file.sync()
