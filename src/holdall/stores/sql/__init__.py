"""The SQL store: SQLite by apsw, PostgreSQL by asyncpg, MariaDB, MySQL and any other by SQLAlchemy's async engine."""

from holdall.stores.sql.opening import open_engine, open_sql
from holdall.stores.sql.store import SqlStore
from holdall.stores.sql.tables import Tables

__all__ = ["SqlStore", "Tables", "open_engine", "open_sql"]
