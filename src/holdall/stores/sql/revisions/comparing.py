"""The difference between the tables that are there and those that the models want, as operations of Alembic."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from alembic.autogenerate import produce_migrations
from alembic.operations.ops import MigrateOperation
from alembic.runtime.migration import MigrationContext
from sqlalchemy.dialects import mysql

from holdall.store import Difference
from holdall.stores.sql.differences import differences
from holdall.stores.sql.revisions.reflecting import as_defined, found_by
from holdall.stores.sql.revisions.snapshot import Snapshot, is_known
from holdall.stores.sql.tables import OF_OTHERS, Tables

__all__ = ["VERSIONS", "Comparison", "compare"]

VERSIONS = "alembic_version"
"""The table in which Alembic keeps what was carried out."""

_OF_COLUMNS = {"type", "extent", "collation", "order"}


class Comparison(msgspec.Struct):
    """The ``operations`` that Alembic found in ``context``, and the differences that Holdall tells."""

    context: MigrationContext
    operations: list[MigrateOperation]
    told: list[Difference]


def compare(connection: sa.Connection, wanted: Tables, snapshot: Snapshot, *, is_empty: bool = False) -> Comparison:
    """Compare the tables that are there with those that are wanted; of those that the snapshot knows, all is compared.

    With ``is_empty`` the database is taken to have no tables. A column's type counts as another only where it does not
    keep the field's values.
    """
    learned = Tables(wanted.dialect)
    learned.bind(list(wanted.schemas.values()))
    found = {} if is_empty else found_by(connection, learned)
    learned.learn(found)
    told = differences(learned, found)
    changed = {(_table(learned, each), each.column) for each in told if each.code in _OF_COLUMNS}
    filters = _Filters(wanted, snapshot, changed, is_empty=is_empty)
    context = MigrationContext.configure(
        connection,
        opts={
            "compare_type": filters.has_other_type,
            "compare_server_default": False,
            "include_object": filters.includes,
            "include_name": filters.looks_at,
            "include_schemas": any(table.schema for table in wanted.metadata.tables.values()),
            "target_metadata": wanted.metadata,
            "version_table": VERSIONS,
        },
    )
    with as_defined(wanted.dialect), warnings.catch_warnings():
        warnings.simplefilter("ignore", sa.exc.SAWarning)  # of circles, which are broken here, and of types of others
        steps = produce_migrations(context, wanted.metadata).upgrade_ops
    return Comparison(context, list(steps.ops) if steps is not None else [], told)


def _table(tables: Tables, told: Difference) -> str:
    """The table that a difference is of: that of its collection, or of one of its links."""
    layout = tables.layout(told.collection)
    named = [layout.table, *(link.table for link in layout.links.values())]
    return next((table.key for table in named if told.startswith(f"{table.key}.{told.column}")), layout.table.key)


class _Filters:
    """Says to Alembic what is to be compared."""

    def __init__(
        self, wanted: Tables, snapshot: Snapshot, changed: Collection[tuple[str, str]], *, is_empty: bool
    ) -> None:
        tables = wanted.metadata.tables.values()
        self._read_only = {table.key for table in tables if OF_OTHERS in table.info}
        self._tables = {table.key for table in tables} - self._read_only | set(snapshot)
        self._schemas = {table.schema for table in tables} | {key.rpartition(".")[0] or None for key in snapshot}
        self._snapshot = snapshot
        self._changed = changed
        self._is_empty = is_empty

    def looks_at(self, name: str | None, kind: str, parents: Mapping[str, Any]) -> bool:
        """Whether something of this name in the database is read at all."""
        if kind == "schema":
            return name in self._schemas
        if kind == "table" and self._is_empty:
            return False
        return kind != "table" or parents.get("schema_qualified_table_name", name) in self._tables

    def includes(self, item: Any, name: str | None, kind: str, is_reflected: bool, counterpart: Any) -> bool:
        """Whether something that is there or wanted is compared: what is there alone only if a revision made it."""
        key = item.key if kind == "table" else item.table.key
        if key in self._read_only:
            return False
        if not is_reflected or counterpart is not None:
            return True
        if kind == "table":
            return key in self._snapshot
        return is_known(self._snapshot, key, "columns" if kind == "column" else "rules", str(name))

    def has_other_type(self, context: Any, found: Any, wanted: sa.Column[Any], is_type: Any, wanted_type: Any) -> bool:
        """Whether a column must have another type."""
        key, name = wanted.table.key, wanted.name
        is_text = isinstance(wanted_type, mysql.VARCHAR | mysql.LONGTEXT)
        if is_text and is_known(self._snapshot, key, "columns", name) and _length(is_type) != _length(wanted_type):
            return True  # an index needs a length, which texts without one have not
        return (key, name) in self._changed


def _length(kind: Any) -> int | None:
    return kind.length if isinstance(kind, sa.VARCHAR) else None
