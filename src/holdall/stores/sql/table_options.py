"""Parts of tables in which databases differ: their engine, the counter of keys, and its index."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import DDLCompiler

from holdall.stores.sql.columns import identifier
from holdall.stores.sql.dialect import Dialect

__all__ = ["index_counted", "table_options"]


def table_options(dialect: Dialect, generated: str | None) -> dict[str, Any]:
    """The options of SQLAlchemy for a table of which this column is counted."""
    if dialect.family == "mysql":
        options = {"engine": "InnoDB", "default_charset": "utf8mb4", "collate": dialect.exact_collation}
        prefix = "mariadb" if dialect.sqlalchemy.name == "mariadb" else "mysql"
        return {f"{prefix}_{key}": value for key, value in options.items()}
    return {"sqlite_autoincrement": True} if generated and dialect.family == "sqlite" else {}


class _InlineIndex(sa.schema.ColumnCollectionConstraint):
    """An index in the statement that makes its table: MariaDB and MySQL never count a column without one."""

    __visit_name__ = "inline_index"


@compiles(_InlineIndex)
def _key(constraint: _InlineIndex, compiler: DDLCompiler, **_: object) -> str:
    quoted = compiler.preparer
    columns = ", ".join(quoted.quote_identifier(column.name) for column in constraint.columns)
    return f"KEY {quoted.quote_identifier(str(constraint.name))} ({columns})"


def index_counted(table: sa.Table, first: str, counted: str | None, family: str) -> None:
    """Give the table an index for the column that is counted, where that is not the ``first`` of its key."""
    if family == "mysql" and counted not in (None, first):
        table.append_constraint(_InlineIndex(counted, name=identifier(f"ix_{table.name}_{counted}")))
