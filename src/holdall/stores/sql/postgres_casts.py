"""Parameters of PostgreSQL as values of their columns: sent as a type that the driver knows, and cast."""

from __future__ import annotations

import sqlalchemy as sa

from holdall.stores.sql.dialect import POSTGRESQL
from holdall.stores.sql.spelling_sql import CastType

__all__ = ["as_sent", "one_sent", "sent_type"]


def sent_type(table: sa.Table, column: str) -> str:
    """The type as which values for the column are sent."""
    kind = table.c[column].type
    text = str((kind.carrier if isinstance(kind, CastType) else kind).compile(POSTGRESQL.sqlalchemy))
    return text.partition(" COLLATE")[0]


def as_sent(table: sa.Table, column: str, value: str) -> str:
    """A value that was sent for the column, as one of the column's own type."""
    kind = table.c[column].type
    return f"CAST({value} AS {kind.name})" if isinstance(kind, CastType) else value


def one_sent(table: sa.Table, column: str, number: int) -> str:
    """A single parameter for the column."""
    is_cast = isinstance(table.c[column].type, CastType)
    return as_sent(table, column, f"${number}::{sent_type(table, column)}") if is_cast else f"${number}"
