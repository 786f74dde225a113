"""Tables brought into being: the statements that create what is missing, and those that drop it again."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.schema import (
    AddConstraint,
    CreateIndex,
    CreateTable,
    DropTable,
    ExecutableDDLElement,
    sort_tables_and_constraints,
)

from holdall.stores.sql.dialect import Dialect
from holdall.stores.sql.tables import Tables

__all__ = ["create_statements", "drop_statements"]


def create_statements(tables: Tables, existing: Collection[str]) -> list[str]:
    """Return the statements that create the tables that are not among the ``existing`` ones, each after those it refers
    to.
    """
    dialect, statements = tables.dialect, list[str]()
    inline = dialect.family == "sqlite"  # it may refer to tables to come and cannot add constraints later
    for table, references in _sorted(tables):
        if table is None:
            late = [] if inline else [constraint for constraint in references if constraint.table.name not in existing]
            statements.extend(_text(AddConstraint(constraint), dialect) for constraint in late)
        elif table.name not in existing:
            own = list(table.foreign_key_constraints) if inline else references
            statements.append(
                _text(CreateTable(table, include_foreign_key_constraints=own, if_not_exists=True), dialect)
            )
            indexes = sorted(table.indexes, key=lambda index: str(index.name))
            statements.extend(_text(CreateIndex(index, if_not_exists=True), dialect) for index in indexes)
    return statements


def drop_statements(tables: Tables, existing: Collection[str]) -> list[str]:
    """Return the statements that drop the tables that are among the ``existing`` ones, with their records."""
    dialect, family = tables.dialect, tables.dialect.family
    order = [table for table, _ in _sorted(tables)]
    doomed = [table for table in reversed(order) if table is not None and table.name in existing]
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


def _sorted(tables: Tables) -> list[tuple[sa.Table | None, list[sa.ForeignKeyConstraint]]]:
    """Each table after those it refers to, with its references; last, under None, those that close a circle."""
    return sort_tables_and_constraints(tables.metadata.tables.values())  # type: ignore[no-untyped-call, no-any-return]


def _text(element: ExecutableDDLElement, dialect: Dialect) -> str:
    text = str(element.compile(dialect=dialect.sqlalchemy)).strip()
    # sent without parameters, so what was doubled for a driver with %s is single again
    return text.replace("%%", "%") if dialect.sqlalchemy.paramstyle in ("format", "pyformat") else text
