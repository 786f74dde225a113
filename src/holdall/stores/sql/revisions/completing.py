"""Operations made fit for tables with rows: in an order that works, with casts and with values that must be there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from enum import Enum, IntEnum, auto
from typing import Any, TypeAlias

import sqlalchemy as sa
from alembic.operations import ops

from holdall.stores.sql.dialect import Dialect
from holdall.stores.sql.revisions.filling import filled
from holdall.stores.sql.revisions.renaming import key_of
from holdall.stores.sql.tables import Tables

__all__ = ["Need", "completed", "flat", "reversed_operations", "with_late_references"]


class Need(Enum):
    """Whether rows that are there need a value for a column."""

    NO = auto()  # it may be empty
    PERHAPS = auto()  # it may not be empty any more
    SURELY = auto()  # it is new, and must not be empty


FillOf: TypeAlias = Callable[[str, str, Need], str | None]
"""The SQL literal that fills a column of a table; where it must be known, and is not, RevisionError is raised."""


class Phase(IntEnum):
    """When an operation has its turn, so that none stands in the way of another."""

    MAKE_SCHEMA = auto()
    RENAME_TABLE = auto()
    RENAME_COLUMN = auto()
    DROP_REFERENCE = auto()
    DROP_RULE = auto()
    DROP_INDEX = auto()
    MAKE_TABLE = auto()
    ADD_COLUMN = auto()
    FILL = auto()
    CHANGE_COLUMN = auto()
    ADD_RULE = auto()
    ADD_REFERENCE = auto()
    DROP_COLUMN = auto()
    MAKE_INDEX = auto()
    DROP_TABLE = auto()


_PHASES: Mapping[type[Any], Phase] = {
    ops.RenameTableOp: Phase.RENAME_TABLE,
    ops.DropConstraintOp: Phase.DROP_RULE,
    ops.DropIndexOp: Phase.DROP_INDEX,
    ops.CreateTableOp: Phase.MAKE_TABLE,
    ops.AddColumnOp: Phase.ADD_COLUMN,
    ops.AlterColumnOp: Phase.CHANGE_COLUMN,
    ops.CreateUniqueConstraintOp: Phase.ADD_RULE,
    ops.CreateForeignKeyOp: Phase.ADD_REFERENCE,
    ops.DropColumnOp: Phase.DROP_COLUMN,
    ops.CreateIndexOp: Phase.MAKE_INDEX,
    ops.DropTableOp: Phase.DROP_TABLE,
}
_IN_COPIES = {
    Phase.DROP_REFERENCE,
    Phase.DROP_RULE,
    Phase.CHANGE_COLUMN,
    Phase.ADD_RULE,
    Phase.ADD_REFERENCE,
    Phase.DROP_COLUMN,
}
"""Phases for which SQLite needs the table made anew: the table is copied once for all of them."""

Turn: TypeAlias = tuple[Phase, ops.MigrateOperation]


def flat(found: Iterable[ops.MigrateOperation]) -> list[ops.MigrateOperation]:
    """Return the operations without the groups that Alembic puts them in."""
    made: list[ops.MigrateOperation] = []
    for each in found:
        made += flat(each.ops) if isinstance(each, ops.ModifyTableOps) else [each]
        if isinstance(each, ops.AlterColumnOp):
            each.kw.pop("autoincrement", None)  # keys are not changed, and of others it says nothing
    return made


def with_late_references(found: list[ops.MigrateOperation], dialect: Dialect) -> list[ops.MigrateOperation]:
    """Return the operations, with references to tables that are made later taken out of the tables that have them.

    SQLite needs no such order, and adds no references to tables that are there.
    """
    if dialect.family == "sqlite":
        return found
    late: list[ops.MigrateOperation] = []
    to_come = [each for each in found if isinstance(each, ops.CreateTableOp)]
    names = [key_of(each) for each in to_come]
    for place, each in enumerate(to_come):
        for constraint in list(each.columns):
            if isinstance(constraint, sa.ForeignKeyConstraint) and _meant(constraint) in names[place + 1 :]:
                each.columns = [part for part in each.columns if part is not constraint]
                late.append(ops.CreateForeignKeyOp.from_constraint(constraint))
    return [*found, *late]


def reversed_operations(found: Iterable[ops.MigrateOperation]) -> list[ops.MigrateOperation]:
    """Return the operations that take these back."""
    made: list[ops.MigrateOperation] = []
    before: dict[tuple[str, str], str] = {}
    tables: dict[str, str] = {}
    for each in found:
        if isinstance(each, ops.AlterColumnOp) and each.modify_name is not None:
            before[key_of(each), each.modify_name] = each.column_name
        if isinstance(each, ops.RenameTableOp):
            tables[str(each.new_table_name)] = each.table_name
    for each in reversed(list(found)):
        if isinstance(each, ops.RenameTableOp):
            made.append(ops.RenameTableOp(str(each.new_table_name), each.table_name, schema=each.schema))
        elif isinstance(each, ops.AlterColumnOp) and each.modify_name is not None:
            made.append(
                ops.AlterColumnOp(
                    each.table_name,
                    each.modify_name,
                    schema=each.schema,
                    modify_name=each.column_name,
                    existing_type=each.existing_type,
                    existing_nullable=each.existing_nullable,
                )
            )
        elif not isinstance(each, ops.ExecuteSQLOp):
            back = each.reverse()
            if isinstance(back, ops.AlterColumnOp):  # by then the column has its old name
                back.column_name = before.get((key_of(back), back.column_name), back.column_name)
            for name in ("table_name", "source_table"):  # and so has the table
                if getattr(back, name, None) in tables:
                    setattr(back, name, tables[getattr(back, name)])
            made.append(back)
    return made


def completed(found: list[ops.MigrateOperation], tables: Tables, fill: FillOf) -> list[ops.MigrateOperation]:
    """Return the operations in order, complete. Raises what ``fill`` raises."""
    turns = list(_schemas(found, tables))
    gone = {key_of(each) for each in found if isinstance(each, ops.DropTableOp)}
    for each in _released(found, gone, tables.dialect) + found:
        if not (isinstance(each, ops.DropIndexOp) and key_of(each) in gone):  # which goes with its table
            turns += _complete(each, tables, fill)
    turns.sort(key=lambda turn: turn[0])
    return _copying(turns) if tables.dialect.family == "sqlite" else [each for _, each in turns]


def _released(found: list[ops.MigrateOperation], gone: Collection[str], dialect: Dialect) -> list[ops.MigrateOperation]:
    """The operations that drop references between tables which go together, so that these can go in any order."""
    made: list[ops.MigrateOperation] = []
    for each in found if dialect.family != "sqlite" else ():
        if isinstance(each, ops.DropTableOp):
            for constraint in sorted(each.to_table().foreign_key_constraints, key=lambda each: str(each.name)):
                meant = _meant(constraint)
                if meant in gone and meant != key_of(each) and constraint.name is not None:
                    made.append(ops.DropConstraintOp.from_constraint(constraint))
    return made


def _meant(constraint: sa.ForeignKeyConstraint) -> str:
    """The table that a reference leads to, with that of its schema."""
    return constraint.elements[0].target_fullname.rpartition(".")[0]


def _phase(each: ops.MigrateOperation) -> Phase:
    if isinstance(each, ops.AlterColumnOp) and each.modify_name is not None:
        return Phase.RENAME_COLUMN
    if isinstance(each, ops.DropConstraintOp) and each.constraint_type == "foreignkey":
        return Phase.DROP_REFERENCE
    return _PHASES[type(each)]


def _schemas(found: list[ops.MigrateOperation], tables: Tables) -> Iterator[Turn]:
    quote = tables.dialect.sqlalchemy.identifier_preparer.quote_schema
    for name in sorted({each.schema for each in found if isinstance(each, ops.CreateTableOp) and each.schema}):
        yield Phase.MAKE_SCHEMA, ops.ExecuteSQLOp(f"CREATE SCHEMA IF NOT EXISTS {quote(name)}")


def _complete(each: ops.MigrateOperation, tables: Tables, fill: FillOf) -> Iterator[Turn]:
    if isinstance(each, ops.AddColumnOp):
        yield from _added(each, tables, fill)
    elif isinstance(each, ops.AlterColumnOp) and each.modify_name is None:
        yield from _altered(each, tables, fill)
    else:
        yield _phase(each), each


def _added(each: ops.AddColumnOp, tables: Tables, fill: FillOf) -> Iterator[Turn]:
    column, is_required = each.column, _needs_value(each.column)
    text = fill(key_of(each), column.name, Need.SURELY if is_required else Need.NO)
    if text is None:
        yield Phase.ADD_COLUMN, each
        return
    yield Phase.ADD_COLUMN, ops.AddColumnOp(each.table_name, _nullable(column), schema=each.schema)
    yield Phase.FILL, ops.ExecuteSQLOp(filled(_named(each), column.name, text, tables))
    if is_required:
        required = ops.AlterColumnOp(
            each.table_name,
            column.name,
            schema=each.schema,
            existing_type=column.type,
            existing_nullable=True,
            modify_nullable=False,
        )
        yield Phase.CHANGE_COLUMN, required


def _altered(each: ops.AlterColumnOp, tables: Tables, fill: FillOf) -> Iterator[Turn]:
    if each.modify_nullable is False:
        text = fill(key_of(each), each.column_name, Need.PERHAPS)
        if text is not None:
            yield Phase.FILL, ops.ExecuteSQLOp(filled(_named(each), each.column_name, text, tables))
    if each.modify_type is not None and tables.dialect.family == "postgresql":
        yield Phase.CHANGE_COLUMN, ops.ExecuteSQLOp(_cast(each, each.modify_type, tables))
        each.existing_type, each.modify_type = each.modify_type, None
    if each.has_changes():
        yield Phase.CHANGE_COLUMN, each


def _cast(each: ops.AlterColumnOp, kind: sa.types.TypeEngine[Any], tables: Tables) -> str:
    """The statement that gives a column of PostgreSQL another type, and its values with it."""
    dialect = tables.dialect.sqlalchemy
    quote = dialect.identifier_preparer
    place, name, text = quote.format_table(_named(each)), quote.quote(each.column_name), kind.compile(dialect=dialect)
    return f"ALTER TABLE {place} ALTER COLUMN {name} TYPE {text} USING {name}::{text.partition(' COLLATE')[0]}"


def _named(each: ops.AlterTableOp) -> sa.Table:
    return sa.Table(each.table_name, sa.MetaData(), schema=each.schema)


def _needs_value(column: sa.Column[Any]) -> bool:
    is_given = column.server_default is not None or column.computed is not None or column.identity is not None
    return not column.nullable and not is_given


def _nullable(column: sa.Column[Any]) -> sa.Column[Any]:
    return sa.Column(column.name, column.type, nullable=True)


def _copying(turns: list[Turn]) -> list[ops.MigrateOperation]:
    """The operations for SQLite: those that need a table made anew together, after all that prepares them."""
    made: list[ops.MigrateOperation] = []
    copies: dict[str, ops.ModifyTableOps] = {}
    for phase, each in turns:
        if phase in _IN_COPIES:
            name = str(getattr(each, "table_name", None) or getattr(each, "source_table", ""))
            copies.setdefault(name, ops.ModifyTableOps(name, [])).ops.append(each)
    for phase, each in turns:
        if phase > Phase.FILL and copies:
            made += copies.values()
            copies = {}
        if phase not in _IN_COPIES:
            made.append(each)
    return [*made, *copies.values()]
