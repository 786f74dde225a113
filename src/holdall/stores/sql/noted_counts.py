"""The number of rows of a table by what the database has noted for its planner: no row is looked at."""

from __future__ import annotations

from holdall.stores.sql.database import Database
from holdall.stores.sql.tables import Tables

__all__ = ["noted_count"]


async def noted_count(database: Database, tables: Tables, collection: str) -> int | None:
    """About how many rows the table of a collection has; None where nothing is noted, as always on SQLite.

    PostgreSQL notes the number when a table is analysed (pg_class.reltuples), MariaDB as pages are read.
    """
    table = tables.layout(collection).table
    match tables.dialect.family:
        case "postgresql":
            wanted = tables.dialect.sqlalchemy.identifier_preparer.format_table(table).replace("'", "''")
            sql = f"SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass('{wanted}')"  # noqa: S608
            rows = await database.rows(sql, ())
        case "mysql":
            where = _text(table.schema) if table.schema else "database()"
            sql = (
                "SELECT table_rows FROM information_schema.tables"  # noqa: S608
                f" WHERE table_schema = {where} AND table_name = {_text(table.name)}"
            )
            rows = await database.rows(sql, None)
        case _:
            return None
    noted = rows[0][0] if rows else None
    return int(noted) if noted is not None and noted >= 0 else None


def _text(value: str) -> str:
    """A text of MariaDB by its bytes, which no character of it can end."""
    return f"CONVERT(0x{value.encode().hex()} USING utf8mb4)"
