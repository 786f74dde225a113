"""From a URL to an SQL store: the scheme picks the driver, and only that driver is imported."""

from __future__ import annotations

from typing import Any

from holdall.stores.sql.dialect import SQLITE
from holdall.stores.sql.store import SqlStore
from holdall.stores.sql.tables import Tables

__all__ = ["open_sql"]


def open_sql(name: str, url: str, **options: Any) -> SqlStore:
    """The store at this URL; no connection is made.

    ``sqlite:///relative.db``, ``sqlite:////absolute.db``, ``sqlite://`` (in memory).
    """
    return _open_sqlite(name, url, options)


def _open_sqlite(name: str, url: str, options: dict[str, Any]) -> SqlStore:
    from holdall.stores.sql.sqlite import SqliteDatabase
    from holdall.stores.sql.sqlite_connection import SqliteOptions

    tables = Tables(SQLITE)
    return SqlStore(name, tables, SqliteDatabase(name, url, tables, SqliteOptions(**options)))
