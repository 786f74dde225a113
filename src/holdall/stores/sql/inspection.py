"""The tables that a database has already: read from its catalogue, by statements the caller carries out."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Sequence
from typing import TypeAlias

import msgspec
import sqlalchemy as sa

from holdall.query import Value
from holdall.stores.sql.catalogues import catalogue
from holdall.stores.sql.dialect import Dialect
from holdall.stores.sql.spellings import EXPRESSION
from holdall.stores.sql.sqlite_definition import (
    checks_in,
    collations_in,
    columns_in,
    conflict_clauses_in,
    is_made_by_us,
)

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
    cast: str = ""  # PostgreSQL's own name of the type without a size, or of that below a domain
    labels: tuple[str, ...] = ()  # of an enumeration, of an array of them, or of a set


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
    """By columns and the place of the table meant: the columns meant there; empty for its key."""
    constraints: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    """By the names of unique rules and references: their columns."""
    checks: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    """By the names of CHECKs: the columns that they look at."""
    name: str = ""
    place: str = ""  # the name with that of its schema, by which references lead here
    kind: str = "table"
    engine: str | None = None  # MariaDB's and MySQL's
    triggers: list[FoundTrigger] = msgspec.field(default_factory=list)
    indexes: set[str] = msgspec.field(default_factory=set)  # the names of all
    conflict_clauses: set[str] = msgspec.field(default_factory=set)  # SQLite's ON CONFLICT of rules, but for ABORT


Inspection: TypeAlias = Generator[str, Sequence[Sequence[Value]], dict[str, FoundTable]]
"""Yields statements without parameters, is sent their rows, and returns the tables by name."""


def inspect_catalogue(dialect: Dialect, namespaces: Iterable[str] = ()) -> Inspection:
    """Reads the catalogue of SQLite, PostgreSQL, MariaDB or MySQL. Raises KeyError for any other.

    Tables of these schemas are told as ``schema.table``, beside those that are found without naming one. A table that
    somebody makes while it is read counts as not there yet: ``create`` makes what is missing only if it is still
    missing.
    """
    found = yield from _inspect(dialect, None)
    for namespace in namespaces:
        there = yield from _inspect(dialect, namespace)
        found |= {f"{namespace}.{name}": table for name, table in there.items()}
    return found


def _inspect(dialect: Dialect, namespace: str | None) -> Inspection:
    tables, columns, unique, references, triggers, checks, indexes = catalogue(dialect.family, namespace)
    is_sqlite = dialect.family == "sqlite"
    found: dict[str, FoundTable] = {}
    collations: dict[str, dict[str, str]] = {}
    loose: set[str] = set()
    for name, kind, note, place in (yield tables):
        found[name] = FoundTable(name=name, place=place, kind=kind, engine=None if is_sqlite else note)
        if is_sqlite and kind == "view":
            loose.add(name)
        if is_sqlite and kind == "table":
            collations[name] = collations_in(note or "")
            found[name].conflict_clauses = conflict_clauses_in(note or "")
            if not is_made_by_us(name, note or ""):
                loose.add(name)
    for name, column, kind, is_required, has_default, made, collation, cast, labels in (yield columns):
        if (table := found.get(name)) is not None:
            if is_sqlite:
                collation = collations.get(name, {}).get(column.casefold())
            is_given = bool(has_default) or made in ("counted", "always", "unowned", "turning")
            named, known = labels_in(str(kind)) if dialect.family == "mysql" else (_type(str(kind)), labels or ())
            if is_sqlite and table.kind == "view" and not named:
                named, cast = EXPRESSION, EXPRESSION
            table.columns[column] = FoundColumn(
                named, not is_required, is_given, collation, made or "", name in loose, cast or "", tuple(known)
            )
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
    for name, rule, clause, looked_at in (yield checks):
        if (table := found.get(name)) is not None:
            own = checks_in(clause) if is_sqlite else {rule: clause}
            for each, text in own.items():
                table.checks[each] = tuple(looked_at or columns_in(text or "", table.columns))
    for name, index in (yield indexes):
        if (table := found.get(name)) is not None:
            table.indexes.add(index)
    return found


def labels_in(words: str) -> tuple[str, tuple[str, ...]]:
    """A type of MariaDB, and the labels of one that lists them: ``enum('a','it''s')``."""
    found = re.fullmatch(r"(enum|set)\((.*)\)", words, re.DOTALL | re.IGNORECASE)
    if found is None:
        return _type(words), ()
    return found[1].lower(), tuple(label.replace("''", "'") for label in re.findall(r"'((?:[^']|'')*)'", found[2]))


def _type(words: str) -> str:
    """A type in lower case, without the spaces that SQLite keeps as they were written: ``numeric(10,2)``."""
    return re.sub(r"\s*([(,])\s*|\s+(?=\))", r"\1", " ".join(words.lower().split()))


def inspect_connection(connection: sa.Connection, tables: Iterable[sa.Table]) -> dict[str, FoundTable]:
    """Asks SQLAlchemy for these tables, where there is no catalogue we know."""
    inspector = sa.inspect(connection)
    found: dict[str, FoundTable] = {}
    for wanted in tables:
        name, schema = wanted.name, wanted.schema
        if not inspector.has_table(name, schema):
            continue
        table = found[wanted.key] = FoundTable(name=name, place=wanted.key)
        for column in inspector.get_columns(name, schema):
            kind = str(column["type"].compile(connection.dialect)).lower()
            is_counted = bool(column.get("autoincrement"))
            has_default = column.get("default") is not None or is_counted
            made = "computed" if column.get("computed") else "counted" if is_counted else ""
            table.columns[column["name"]] = FoundColumn(kind, column["nullable"], has_default, made=made)
        table.key = tuple(inspector.get_pk_constraint(name, schema)["constrained_columns"])
        uniques = [item["column_names"] for item in inspector.get_unique_constraints(name, schema)]
        table.unique = {frozenset(columns) for columns in (*uniques, table.key) if columns}
        for reference in inspector.get_foreign_keys(name, schema):
            columns, meant = reference["constrained_columns"], reference["referred_columns"]
            target = ".".join(filter(None, (reference["referred_schema"], reference["referred_table"])))
            table.references[tuple(columns), target] = tuple(meant)
    return found


def _grouped(rows: Iterable[Sequence[Value]], size: int) -> list[tuple[Value, ...]]:
    """Rows alike in their first ``size`` values as one, with all that follows in a tuple of tuples."""
    groups: dict[tuple[Value, ...], list[Value]] = {}
    for row in rows:
        groups.setdefault(tuple(row[:size]), []).append(tuple(row[size:]))
    return [(*head, tuple(names)) for head, names in groups.items()]
