"""Values for rows that have none yet, when a column must not be empty any more."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from holdall.errors import RevisionError
from holdall.query import FieldSchema, Kind, Value
from holdall.stores.sql.codec import encoder
from holdall.stores.sql.tables import Tables

__all__ = ["Fills", "filled", "neutral"]

_NEUTRAL: Mapping[Kind, Value] = {
    Kind.INT: 0,
    Kind.BOOL: False,
    Kind.FLOAT: 0.0,
    Kind.STR: "",
    Kind.BYTES: b"",
    Kind.DECIMAL: Decimal(0),
    Kind.UUID: UUID(int=0),
    Kind.DATE: dt.date(1970, 1, 1),
    Kind.DATETIME: dt.datetime(1970, 1, 1, tzinfo=dt.UTC),
    Kind.TIME: dt.time(0),
    Kind.TIMEDELTA: dt.timedelta(0),
    Kind.JSON: None,
}
"""A value of each kind that says nothing, for columns that come back without their values."""


class Fills:
    """The values that columns are filled with, as the wishes of a revision give them by collection and field."""

    def __init__(self, store: str, tables: Tables, wished: Mapping[tuple[str, str], Value]) -> None:
        self._store = store
        self._tables = tables
        self._by_column: dict[tuple[str, str], str] = {}
        for (collection, name), value in wished.items():
            self._take(collection, name, value)
        for name in tables.schemas:
            layout = tables.layout(name)
            if layout.version is not None:
                field = layout.schema.by_name[str(layout.schema.version)]
                self._by_column.setdefault((layout.table.key, layout.version), literal(field, 1, tables))

    def _take(self, collection: str, name: str, value: Value) -> None:
        if not self._tables.knows(collection):
            raise RevisionError(self._store, f"there is no collection {collection!r} whose {name} could be filled")
        layout = self._tables.layout(collection)
        if name not in layout.leaves:
            raise RevisionError(self._store, f"{collection} has no column for {name!r}, which was to be filled")
        for leaf in layout.leaves[name]:
            self._by_column[layout.table.key, leaf.name] = literal(leaf.field, leaf.pick(value), self._tables)

    def of(self, table: str, column: str) -> str | None:
        """The SQL literal for a column; None where no value is known."""
        return self._by_column.get((table, column))


def neutral(kind: str, tables: Tables) -> str:
    """The SQL literal that says nothing, for a column of this kind."""
    wanted = Kind(kind)
    return literal(FieldSchema("", wanted), _NEUTRAL[wanted], tables)


def literal(field: FieldSchema, value: Value, tables: Tables) -> str:
    """A value as the column of this field keeps it, written as SQL."""
    encode = encoder(field, tables.dialect)
    kept: Any = value if encode is None or value is None else encode(value)
    if field.kind is Kind.JSON and value is None:
        kept = "null"
    dialect = tables.dialect.sqlalchemy
    if isinstance(kept, bool) and dialect.name != "postgresql":
        kept = int(kept)
    if dialect.name == "postgresql" and isinstance(kept, bytes):
        return f"'\\x{kept.hex()}'"
    if isinstance(kept, bytes):
        return f"X'{kept.hex()}'"
    text = str(sa.literal(kept).compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    text = text.replace("%%", "%") if dialect.paramstyle in ("format", "pyformat") else text
    return text.replace(":", "\\:")  # which would begin a parameter in the text that op.execute() takes


def filled(table: sa.Table, column: str, value: str, tables: Tables) -> str:
    """The statement that fills a column where it is empty."""
    quote = tables.dialect.sqlalchemy.identifier_preparer
    place, name = quote.format_table(table), quote.quote(column)
    return f"UPDATE {place} SET {name} = {value} WHERE {name} IS NULL"  # noqa: S608 - made of names and a literal
