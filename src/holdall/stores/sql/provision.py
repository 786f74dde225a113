"""Tables brought into being: the statements that create what is missing, and those that drop it again."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import sqlalchemy as sa
from sqlalchemy.schema import (
    AddConstraint,
    CreateColumn,
    CreateIndex,
    CreateSchema,
    CreateTable,
    DropTable,
    ExecutableDDLElement,
    sort_tables_and_constraints,
)
from sqlalchemy.sql.elements import quoted_name

from holdall.stores.sql.dialect import Dialect
from holdall.stores.sql.formula_search import SEARCH
from holdall.stores.sql.inspection import FoundTable
from holdall.stores.sql.layout import LINK
from holdall.stores.sql.tables import OF_OTHERS, Tables

__all__ = ["create_statements", "drop_statements"]


def create_statements(tables: Tables, found: Mapping[str, FoundTable]) -> list[str]:
    """Return the statements that create the tables that are not among those ``found``, each after those it refers to,
    and what full-text search needs that these lack.
    """
    dialect, statements = tables.dialect, list[str]()
    existing = {*found, *(table.key for table in tables.metadata.tables.values() if OF_OTHERS in table.info)}
    wanted = {table.schema for table in tables.metadata.tables.values() if table.schema and table.key not in existing}
    statements.extend(_schema(name, dialect) for name in sorted(wanted))
    inline = dialect.family == "sqlite"  # it may refer to tables to come and cannot add constraints later
    for table, references in _sorted(tables):
        if table is None:
            late = [] if inline else [constraint for constraint in references if constraint.table.key not in existing]
            statements.extend(_text(AddConstraint(constraint), dialect) for constraint in late)
        elif table.key not in existing:
            own = list(table.foreign_key_constraints) if inline else references
            statements.append(
                _text(CreateTable(table, include_foreign_key_constraints=own, if_not_exists=True), dialect)
            )
            indexes = sorted(table.indexes, key=lambda index: str(index.name))
            statements.extend(_text(CreateIndex(index, if_not_exists=True), dialect) for index in indexes)
        elif table.key in found:
            statements.extend(_search_statements(table, found[table.key], dialect))
    return statements if inline else [*statements, *_led_again(tables, existing, found)]


def _led_again(tables: Tables, existing: Collection[str], found: Mapping[str, FoundTable]) -> Iterator[str]:
    """The statements that let link tables refer to a table that is made anew, as they did before it was dropped."""
    for table in tables.metadata.tables.values():
        if LINK not in table.info or table.key not in found:
            continue
        for constraint in sorted(table.foreign_key_constraints, key=lambda each: str(each.name)):
            is_new = constraint.referred_table.key not in existing
            if is_new and str(constraint.name) not in found[table.key].constraints:
                yield _text(AddConstraint(constraint), tables.dialect)


def _search_statements(table: sa.Table, there: FoundTable, dialect: Dialect) -> Iterator[str]:
    """The statements that add the column of words, and its index, to a table that lacks them."""
    name, columns = table.info.get(SEARCH, ("", ()))
    if not name or there.kind != "table" or not set(columns) <= set(there.columns):
        return
    if name not in there.columns:
        place = dialect.sqlalchemy.identifier_preparer.format_table(table)
        column = str(CreateColumn(table.c[name]).compile(dialect=dialect.sqlalchemy)).strip()
        yield f"ALTER TABLE {place} ADD COLUMN IF NOT EXISTS {column}"
    for index in table.indexes:
        if name in index.columns and index.name not in there.indexes:
            yield _text(CreateIndex(index, if_not_exists=True), dialect)


def tables_of(tables: Tables, collections: Collection[str]) -> list[sa.Table]:
    """The tables of these collections, or of all, those that refer before those that are referred to."""
    order = [table for table, _ in reversed(_sorted(tables)) if table is not None]
    if not collections:
        return order
    layouts = [tables.layout(name) for name in collections]
    own = {layout.table.key for layout in layouts} | {
        link.table.key for layout in layouts for link in layout.links.values()
    }
    return [table for table in order if table.key in own]


def drop_statements(tables: Tables, existing: Collection[str], collections: Collection[str] = ()) -> list[str]:
    """Return the statements that drop the tables that are among the ``existing`` ones, with their records; those of
    some collections, or all.
    """
    dialect, family = tables.dialect, tables.dialect.family
    found = tables_of(tables, collections)
    doomed = [table for table in found if table.key in existing and OF_OTHERS not in table.info]
    drops = [_text(DropTable(table, if_exists=True), dialect) for table in doomed]
    match family:
        case "sqlite":  # emptied first, all together, so that no reference is left to complain of
            quoted = [dialect.sqlalchemy.identifier_preparer.format_table(table) for table in doomed]
            return [*(f"DELETE FROM {name}" for name in quoted), *drops]  # noqa: S608
        case "postgresql":
            return [f"{drop} CASCADE" for drop in drops]
        case "mysql":
            return ["SET FOREIGN_KEY_CHECKS = 0", *drops, "SET FOREIGN_KEY_CHECKS = 1"]
    return drops


def _schema(name: str, dialect: Dialect) -> str:
    """The statement that makes a schema unless it is there, which PostgreSQL lets nobody try who may not make one."""
    create = _text(CreateSchema(quoted_name(name, quote=True), if_not_exists=dialect.family != "postgresql"), dialect)
    if dialect.family != "postgresql":
        return create
    literal = "'" + name.replace("'", "''") + "'"
    missing = f"NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = {literal})"
    body = f"BEGIN IF {missing} THEN {create}; END IF; END"
    return "DO '" + body.replace("'", "''") + "'"


def _sorted(tables: Tables) -> list[tuple[sa.Table | None, list[sa.ForeignKeyConstraint]]]:
    """Each table after those it refers to, with its references; last, under None, those that close a circle."""
    return sort_tables_and_constraints(tables.metadata.tables.values())  # type: ignore[no-untyped-call, no-any-return]


def _text(element: ExecutableDDLElement, dialect: Dialect) -> str:
    text = str(element.compile(dialect=dialect.sqlalchemy)).strip()
    # sent without parameters, so what was doubled for a driver with %s is single again
    return text.replace("%%", "%") if dialect.sqlalchemy.paramstyle in ("format", "pyformat") else text
