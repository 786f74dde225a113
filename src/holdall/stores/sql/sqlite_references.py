"""Which reference is broken: SQLite says only that one is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import apsw
import sqlalchemy as sa

from holdall.stores.sql.dialect import SQLITE
from holdall.stores.sql.layout import Rule
from holdall.stores.sql.steps import Delete, Insert, Step, Update
from holdall.stores.sql.tables import Tables

__all__ = ["broken_reference", "has_broken_references"]

_quoted = SQLITE.sqlalchemy.identifier_preparer


def has_broken_references(connection: apsw.Connection) -> bool | None:
    """Whether the open transaction, or its part since the last savepoint, would be refused at its commit.

    None where the driver does not tell, as the standard library's.
    """
    if not isinstance(connection, apsw.Connection):
        return None
    return connection.status(apsw.SQLITE_DBSTATUS_DEFERRED_FKS)[0] != 0


def broken_reference(connection: Any, tables: Tables, steps: Sequence[Step]) -> tuple[Rule, int] | None:
    """The first reference these steps broke and the position of the change that did; None if it was not one of ours."""
    for step in steps:
        checks = _removals(tables, step) if isinstance(step, Delete) else _references(step)
        for constraint, places, probe, is_broken_if_found in checks:
            for index, row in enumerate(step.rows):
                values = [row[place] for place in places]
                if None in values:
                    continue
                if bool(connection.execute(probe, values).fetchall()) is is_broken_if_found:
                    rule = tables.rule(str(constraint.name))
                    if rule is not None:
                        return rule, step.positions[index]
    return None


_Check = tuple[sa.ForeignKeyConstraint, list[int], str, bool]


def _references(step: Insert | Update) -> Iterator[_Check]:
    """Rows written must find what they refer to."""
    for constraint in step.table.foreign_key_constraints:
        if all(key in step.columns for key in constraint.column_keys):
            targets = [element.column for element in constraint.elements]
            places = [step.columns.index(key) for key in constraint.column_keys]
            yield constraint, places, _probe(constraint.referred_table, targets), False


def _removals(tables: Tables, step: Delete) -> Iterator[_Check]:
    """Rows removed must be referred to by none."""
    for table in tables.metadata.tables.values():
        for constraint in table.foreign_key_constraints:
            targets = [element.column.name for element in constraint.elements]
            if constraint.referred_table is step.table and all(target in step.match for target in targets):
                places = [step.match.index(target) for target in targets]
                yield constraint, places, _probe(table, list(constraint.columns)), True


def _probe(table: sa.Table, columns: Sequence[sa.Column[object]]) -> str:
    found = " AND ".join(f"{_quoted.quote_identifier(column.name)} = ?" for column in columns)
    return f"SELECT 1 FROM {_quoted.format_table(table)} WHERE {found} LIMIT 1"  # noqa: S608
