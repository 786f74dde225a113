"""Tables as they are, read by SQLAlchemy with what it leaves out of SQLite's: collations, and keys never used again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from holdall.stores.sql.dialect import Dialect
from holdall.stores.sql.inspection import FoundTable, inspect_catalogue, inspect_connection
from holdall.stores.sql.sqlite_definition import collations_in
from holdall.stores.sql.tables import Tables

__all__ = ["as_defined", "found_by"]

_AS_IT_IS = {"no_parameters": True}
_TEXT_OF = sa.text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :name")


def found_by(connection: sa.Connection, tables: Tables) -> dict[str, FoundTable]:
    """Return the tables that are there, as the database describes them."""
    if tables.dialect.family not in ("sqlite", "postgresql", "mysql"):
        return inspect_connection(connection, tables.metadata.tables.values())
    inspection = inspect_catalogue(tables.dialect, tables.namespaces)
    statement = next(inspection)
    while True:
        rows = connection.exec_driver_sql(statement, execution_options=_AS_IT_IS).fetchall()
        try:
            statement = inspection.send([tuple(row) for row in rows])
        except StopIteration as end:
            found: dict[str, FoundTable] = end.value
            return found


@contextmanager
def as_defined(dialect: Dialect) -> Iterator[None]:
    """Within the block, SQLite's tables are read with their collations, and with AUTOINCREMENT.

    Without that, a table which is made anew, to change it, would have none.
    """
    if dialect.family != "sqlite":
        yield
        return

    def add(inspector: sa.Inspector, table: sa.Table, column: Any) -> None:
        bind = inspector.bind
        text = bind.execute(_TEXT_OF, {"name": table.name}).scalar() if isinstance(bind, sa.Connection) else None
        if "AUTOINCREMENT" in (text or "").upper():
            table.dialect_options["sqlite"]["autoincrement"] = True
        collation = collations_in(text or "").get(column["name"].casefold())
        if collation is not None and isinstance(column["type"], sa.String):
            column["type"] = type(column["type"])(length=column["type"].length, collation=collation)

    event.listen(sa.Table, "column_reflect", add)
    try:
        yield
    finally:
        event.remove(sa.Table, "column_reflect", add)
