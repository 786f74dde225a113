"""Renames in a list of operations: what is dropped and made anew under another name is renamed instead."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import sqlalchemy as sa
from alembic.operations import ops

from holdall.errors import RevisionError

__all__ = ["key_of", "renamed"]


def renamed(
    store: str, found: list[ops.MigrateOperation], renames: Mapping[str, str], dialect: sa.Dialect
) -> list[ops.MigrateOperation]:
    """Return the operations with these renames in the place of what they replace.

    Raises RevisionError for a rename of what is not dropped, or to a name of what is not made.
    """
    for old, new in renames.items():
        table, dot, column = old.rpartition(".")
        found = _column(store, found, (table, column, new), dialect) if dot else _table(store, found, old, new)
    return found


def _column(
    store: str, found: list[ops.MigrateOperation], names: tuple[str, str, str], dialect: sa.Dialect
) -> list[ops.MigrateOperation]:
    table, old, new = names
    new = new.rpartition(".")[2]
    dropped = [each for each in found if isinstance(each, ops.DropColumnOp) and _is(each, table, each.column_name, old)]
    added = [each for each in found if isinstance(each, ops.AddColumnOp) and _is(each, table, each.column.name, new)]
    if not (dropped and added):
        wanted = f"{table}.{old}" if not dropped else f"{table}.{new}"
        what = "dropped: only a column that a revision made, and no model has, is renamed" if not dropped else "added"
        raise RevisionError(store, f"{table}.{old} cannot become {new}: {wanted} is not to be {what}")
    before, after = dropped[0].to_column(), added[0].column
    rename = ops.AlterColumnOp(
        added[0].table_name,
        old,
        schema=added[0].schema,
        modify_name=new,
        existing_type=before.type,
        existing_nullable=before.nullable,
    )
    made: list[ops.MigrateOperation] = [rename]
    is_other = _words(before.type, dialect) != _words(after.type, dialect)
    if is_other or before.nullable != after.nullable:
        made.append(
            ops.AlterColumnOp(
                added[0].table_name,
                new,
                schema=added[0].schema,
                existing_type=before.type,
                existing_nullable=before.nullable,
                modify_type=after.type if is_other else None,
                modify_nullable=after.nullable if before.nullable != after.nullable else None,
            )
        )
    return [*made, *(each for each in found if each is not dropped[0] and each is not added[0])]


def _words(kind: sa.types.TypeEngine[object], dialect: sa.Dialect) -> str:
    """A type in SQL; MariaDB tells no character set that is the table's own."""
    text = kind.compile(dialect=dialect)
    return re.sub(r" (CHARACTER SET|COLLATE) \w+", "", text) if dialect.name in ("mysql", "mariadb") else text


def _is(each: ops.AlterTableOp, table: str, name: str, wanted: str) -> bool:
    return key_of(each) == table and name == wanted


def key_of(each: ops.AlterTableOp | ops.CreateTableOp | ops.DropTableOp | ops.DropIndexOp) -> str:
    """The table of an operation, with that of its schema."""
    return ".".join(filter(None, (each.schema, each.table_name)))


def _table(store: str, found: list[ops.MigrateOperation], old: str, new: str) -> list[ops.MigrateOperation]:
    dropped = [each for each in found if isinstance(each, ops.DropTableOp) and key_of(each) == old]
    created = [each for each in found if isinstance(each, ops.CreateTableOp) and key_of(each) == new]
    if not (dropped and created):
        raise RevisionError(
            store, f"table {old} cannot become {new}: only a table that a revision made, and no model has, is renamed"
        )
    before, after = dropped[0].to_table(), created[0].to_table()
    if {column.name for column in before.columns} != {column.name for column in after.columns}:
        raise RevisionError(
            store, f"table {old} and {new} have other columns: rename the table in a revision of its own, then go on"
        )
    made: list[ops.MigrateOperation] = [ops.RenameTableOp(before.name, after.name, schema=created[0].schema)]
    made += _rules(before, after)
    rest = [each for each in found if each is not dropped[0] and each is not created[0]]
    for each in rest:
        if isinstance(each, ops.DropIndexOp) and each.table_name == before.name:
            each.table_name = after.name
    return [*made, *rest]


def _rules(before: sa.Table, after: sa.Table) -> Iterator[ops.MigrateOperation]:
    """The rules of a renamed table under their new names; that of its key keeps its name."""
    for constraint in sorted(before.constraints, key=lambda each: str(each.name)):
        if isinstance(constraint, sa.UniqueConstraint | sa.ForeignKeyConstraint) and constraint.name is not None:
            dropping = ops.DropConstraintOp.from_constraint(constraint)
            dropping.table_name = after.name
            yield dropping
    for constraint in sorted(after.constraints, key=lambda each: str(each.name)):
        if isinstance(constraint, sa.UniqueConstraint | sa.ForeignKeyConstraint):
            yield ops.AddConstraintOp.from_constraint(constraint)
