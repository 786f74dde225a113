"""What a database holds already: read from its catalogue, by statements the caller carries out."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from typing import Any, TypeAlias

import msgspec
import sqlalchemy as sa

from holdall.stores.sql.dialect import Dialect

__all__ = ["FoundColumn", "FoundTable", "Inspection", "inspect_catalogue", "inspect_connection"]


class FoundColumn(msgspec.Struct):
    """A column as the database describes it; ``type`` in its own words, lower case."""

    type: str
    nullable: bool
    has_default: bool = False
    collation: str | None = None


class FoundTable(msgspec.Struct):
    """A table as the database describes it."""

    columns: dict[str, FoundColumn] = msgspec.field(default_factory=dict)
    key: tuple[str, ...] = ()
    unique: set[frozenset[str]] = msgspec.field(default_factory=set)  # the key among them
    references: set[tuple[tuple[str, ...], str]] = msgspec.field(default_factory=set)  # columns, and the table meant


Inspection: TypeAlias = Generator[str, Sequence[Sequence[Any]], dict[str, FoundTable]]
"""Yields statements without parameters, is sent their rows, and returns the tables by name."""

_SQLITE = (
    """SELECT m.name, c.name, c.type, c."notnull", c.dflt_value IS NOT NULL OR (c.pk = 1 AND c.type = 'INTEGER'), NULL
       FROM sqlite_schema AS m, pragma_table_xinfo(m.name) AS c WHERE m.type IN ('table', 'view')""",
    """SELECT m.name, l.name, l.origin = 'pk', i.name
       FROM sqlite_schema AS m, pragma_index_list(m.name) AS l, pragma_index_info(l.name) AS i
       WHERE m.type = 'table' AND l."unique" AND NOT l.partial
       UNION ALL SELECT m.name, '', 1, c.name FROM sqlite_schema AS m, pragma_table_xinfo(m.name) AS c
       WHERE m.type = 'table' AND c.pk > 0""",
    """SELECT m.name, f.id, f."from", f."table" FROM sqlite_schema AS m, pragma_foreign_key_list(m.name) AS f
       WHERE m.type = 'table' ORDER BY m.name, f.id, f.seq""",
)

_POSTGRESQL = (
    """SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull,
              a.atthasdef OR a.attidentity <> '', o.collname::text
       FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
            LEFT JOIN pg_collation AS o ON o.oid = a.attcollation
       WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
             AND pg_table_is_visible(c.oid)
             AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)""",
    """SELECT c.relname::text, i.indexrelid::text, i.indisprimary, a.attname::text
       FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid
            JOIN unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place) ON k.place <= i.indnkeyatts
            JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.number
       WHERE i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL AND pg_table_is_visible(c.oid)
             AND c.relnamespace <> 'pg_catalog'::regnamespace ORDER BY i.indexrelid, k.place""",
    """SELECT c.relname::text, r.conname::text, a.attname::text, t.relname::text
       FROM pg_constraint AS r JOIN pg_class AS c ON c.oid = r.conrelid JOIN pg_class AS t ON t.oid = r.confrelid
            JOIN unnest(r.conkey) WITH ORDINALITY AS k(number, place) ON true
            JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.number
       WHERE r.contype = 'f' AND pg_table_is_visible(c.oid) ORDER BY c.relname, r.conname, k.place""",
)

_MYSQL = (
    """SELECT table_name, column_name, column_type, is_nullable = 'NO',
              column_default IS NOT NULL OR extra LIKE '%auto_increment%', collation_name
       FROM information_schema.columns WHERE table_schema = database()""",
    """SELECT table_name, index_name, index_name = 'PRIMARY', column_name FROM information_schema.statistics
       WHERE table_schema = database() AND non_unique = 0 AND sub_part IS NULL
       ORDER BY table_name, index_name, seq_in_index""",
    """SELECT table_name, constraint_name, column_name, referenced_table_name FROM information_schema.key_column_usage
       WHERE table_schema = database() AND referenced_table_name IS NOT NULL
       ORDER BY table_name, constraint_name, ordinal_position""",
)

_CATALOGUES = {"sqlite": _SQLITE, "postgresql": _POSTGRESQL, "mysql": _MYSQL}


def inspect_catalogue(dialect: Dialect) -> Inspection:
    """Reads the catalogue of SQLite, PostgreSQL, MariaDB or MySQL. Raises KeyError for any other.

    A table that somebody makes while it is read counts as not there yet: ``create`` makes what is missing only if it is
    still missing.
    """
    columns, unique, references = _CATALOGUES[dialect.family]
    found: dict[str, FoundTable] = {}
    for name, column, kind, is_required, has_default, collation in (yield columns):
        described = FoundColumn(str(kind).lower(), not is_required, bool(has_default), collation)
        found.setdefault(name, FoundTable()).columns[column] = described
    for name, _, is_key, names in _grouped((yield unique), 3):
        if (table := found.get(name)) is not None:
            table.unique.add(frozenset(names))
            if is_key:
                table.key = names
    for name, _, target, names in _grouped([(*row[:2], row[3], row[2]) for row in (yield references)], 3):
        if (table := found.get(name)) is not None:
            table.references.add((names, str(target)))
    return found


def inspect_connection(connection: sa.Connection, names: Iterable[str]) -> dict[str, FoundTable]:
    """Asks SQLAlchemy for these tables, where there is no catalogue we know."""
    inspector = sa.inspect(connection)
    present = set(inspector.get_table_names())
    found: dict[str, FoundTable] = {}
    for name in names:
        if name not in present:
            continue
        table = found[name] = FoundTable()
        for column in inspector.get_columns(name):
            kind = str(column["type"].compile(connection.dialect)).lower()
            has_default = column.get("default") is not None or bool(column.get("autoincrement"))
            table.columns[column["name"]] = FoundColumn(kind, column["nullable"], has_default)
        table.key = tuple(inspector.get_pk_constraint(name)["constrained_columns"])
        uniques = [item["column_names"] for item in inspector.get_unique_constraints(name)]
        table.unique = {frozenset(columns) for columns in (*uniques, table.key) if columns}
        for reference in inspector.get_foreign_keys(name):
            table.references.add((tuple(reference["constrained_columns"]), reference["referred_table"]))
    return found


def _grouped(rows: Iterable[Sequence[Any]], size: int) -> list[tuple[Any, ...]]:
    """Rows alike in their first ``size`` values as one, with all their last values in a tuple."""
    groups: dict[tuple[Any, ...], list[Any]] = {}
    for row in rows:
        groups.setdefault(tuple(row[:size]), []).append(row[size])
    return [(*head, tuple(names)) for head, names in groups.items()]
