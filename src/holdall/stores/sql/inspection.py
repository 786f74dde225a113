"""The tables that a database has already: read from its catalogue, by statements the caller carries out."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Sequence
from typing import Any, TypeAlias

import msgspec
import sqlalchemy as sa

from holdall.query import Value
from holdall.stores.sql.catalogues import CATALOGUES
from holdall.stores.sql.dialect import Dialect
from holdall.stores.sql.sqlite_definition import collations_in, conflict_clauses_in, is_made_by_us

__all__ = ["FoundColumn", "FoundTable", "FoundTrigger", "Inspection", "inspect_catalogue", "inspect_connection"]


class FoundColumn(msgspec.Struct):
    """A column as the database describes it; ``type`` in its own words, lower case.

    ``made`` says how the database makes its values: ``computed`` from other columns, ``counted``, counted ``always`` so
    that none can be given, counted by a sequence that is ``unowned`` or ``turning`` (down, or back to its start), by
    one that no column can own (``sequenced``), ``renewed`` by each update; empty if it does not.
    """

    type: str
    nullable: bool
    has_default: bool = False
    collation: str | None = None
    made: str = ""
    is_loose: bool = False  # of SQLite, in a table that somebody else made: it holds values of any type


class FoundTrigger(msgspec.Struct):
    """Code that runs when rows are written; ``text`` is its source, None where that is not known."""

    name: str
    text: str | None
    is_before: bool = False  # so that it can change or drop the row itself
    called: str = ""  # the sources of functions that it calls, where the database tells


class FoundTable(msgspec.Struct):
    """A table as the database describes it; ``kind`` is ``table``, ``view``, ``foreign table`` or ``parent``."""

    columns: dict[str, FoundColumn] = msgspec.field(default_factory=dict)
    key: tuple[str, ...] = ()
    unique: set[frozenset[str]] = msgspec.field(default_factory=set)  # the key among them
    references: dict[tuple[tuple[str, ...], str], tuple[str, ...]] = msgspec.field(default_factory=dict)
    """By columns and the table meant: the columns meant there; empty for its key."""
    constraints: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    """By the names of unique rules and references: their columns."""
    kind: str = "table"
    engine: str | None = None  # MariaDB's and MySQL's
    triggers: list[FoundTrigger] = msgspec.field(default_factory=list)
    conflict_clauses: set[str] = msgspec.field(default_factory=set)  # SQLite's ON CONFLICT of rules, but for ABORT


Inspection: TypeAlias = Generator[str, Sequence[Sequence[Any]], dict[str, FoundTable]]
"""Yields statements without parameters, is sent their rows, and returns the tables by name."""


def inspect_catalogue(dialect: Dialect) -> Inspection:
    """Reads the catalogue of SQLite, PostgreSQL, MariaDB or MySQL. Raises KeyError for any other.

    A table that somebody makes while it is read counts as not there yet: ``create`` makes what is missing only if it is
    still missing.
    """
    tables, columns, unique, references, triggers = CATALOGUES[dialect.family]
    is_sqlite = dialect.family == "sqlite"
    found: dict[str, FoundTable] = {}
    collations: dict[str, dict[str, str]] = {}
    loose: set[str] = set()
    for name, kind, note in (yield tables):
        found[name] = FoundTable(kind=kind, engine=None if is_sqlite else note)
        if is_sqlite and kind == "table":
            collations[name] = collations_in(note or "")
            found[name].conflict_clauses = conflict_clauses_in(note or "")
            if not is_made_by_us(name, note or ""):
                loose.add(name)
    for name, column, kind, is_required, has_default, made, collation in (yield columns):
        if (table := found.get(name)) is not None:
            if is_sqlite:
                collation = collations.get(name, {}).get(column.casefold())
            is_given = bool(has_default) or made in ("counted", "always", "unowned", "turning")
            described = FoundColumn(_type(str(kind)), not is_required, is_given, collation, made or "", name in loose)
            table.columns[column] = described
    for name, rule, is_key, parts in _grouped((yield unique), 3):
        if (table := found.get(name)) is not None and not any(is_other for _, is_other in parts):
            names = tuple(column for column, _ in parts)
            table.constraints[rule] = names
            table.unique.add(frozenset(names))
            if is_key:
                table.key = names
    for name, rule, target, pairs in _grouped([(*row[:2], row[3], row[2], row[4]) for row in (yield references)], 3):
        if (table := found.get(name)) is not None:
            table.constraints[str(rule)] = tuple(column for column, _ in pairs)
            meant = tuple(str(other) for _, other in pairs if other is not None)
            table.references[tuple(column for column, _ in pairs), str(target)] = meant
    for name, trigger, text, is_before, called in (yield triggers):
        if (table := found.get(name)) is not None:
            table.triggers.append(FoundTrigger(trigger, text, bool(is_before), called or ""))
    return found


def _type(words: str) -> str:
    """A type in lower case, without the spaces that SQLite keeps as they were written: ``numeric(10,2)``."""
    return re.sub(r"\s*([(,])\s*|\s+(?=\))", r"\1", " ".join(words.lower().split()))


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
            is_counted = bool(column.get("autoincrement"))
            has_default = column.get("default") is not None or is_counted
            made = "computed" if column.get("computed") else "counted" if is_counted else ""
            table.columns[column["name"]] = FoundColumn(kind, column["nullable"], has_default, made=made)
        table.key = tuple(inspector.get_pk_constraint(name)["constrained_columns"])
        uniques = [item["column_names"] for item in inspector.get_unique_constraints(name)]
        table.unique = {frozenset(columns) for columns in (*uniques, table.key) if columns}
        for reference in inspector.get_foreign_keys(name):
            columns, meant = reference["constrained_columns"], reference["referred_columns"]
            table.references[tuple(columns), reference["referred_table"]] = tuple(meant)
    return found


def _grouped(rows: Iterable[Sequence[Value]], size: int) -> list[tuple[Value, ...]]:
    """Rows alike in their first ``size`` values as one, with all that follows in a tuple of tuples."""
    groups: dict[tuple[Value, ...], list[Any]] = {}
    for row in rows:
        groups.setdefault(tuple(row[:size]), []).append(tuple(row[size:]))
    return [(*head, tuple(names)) for head, names in groups.items()]
