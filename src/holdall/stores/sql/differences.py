"""Differences between found tables and models, a sentence each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import sqlalchemy as sa

from holdall.query import FieldSchema, Kind
from holdall.stores.sql.columns import DECIMAL_COLLATION
from holdall.stores.sql.dialect import Dialect
from holdall.stores.sql.fitting_types import is_code_point_order, is_fitting
from holdall.stores.sql.inspection import FoundColumn, FoundTable
from holdall.stores.sql.keeping import EXACT_DIGITS, Spelling, declared, fits, kept, spelling_of
from holdall.stores.sql.layout import Layout, Link
from holdall.stores.sql.tables import Tables
from holdall.stores.sql.trigger_effects import effect_of

__all__ = ["differences", "fields_of_link", "fields_of_table"]


def differences(tables: Tables, found: Mapping[str, FoundTable]) -> list[str]:
    """Every difference that matters between the bound collections and what was found; empty if they fit."""
    sentences: list[str] = []
    for collection in tables.schemas:
        layout = tables.layout(collection)
        sentences.extend(_table(layout.table, fields_of_table(layout), found, tables.dialect, collection))
        for link in layout.links.values():
            sentences.extend(_table(link.table, fields_of_link(link), found, tables.dialect, collection))
    return sentences


def fields_of_table(layout: Layout) -> dict[str, FieldSchema]:
    """The scalar fields of a collection's table, by column."""
    return {leaf.name: declared(leaf.field) for leaves in layout.leaves.values() for leaf in leaves}


def fields_of_link(link: Link) -> dict[str, FieldSchema]:
    """The scalar fields of a link table, by column."""
    fields = {leaf.name: declared(leaf.field) for leaf in (*link.owner, *link.target)}
    if link.position:
        fields[link.position] = FieldSchema(link.position, Kind.INT)
    return fields


def _table(
    table: sa.Table, fields: dict[str, FieldSchema], found: Mapping[str, FoundTable], dialect: Dialect, collection: str
) -> Iterator[str]:
    there = found.get(table.name)
    if there is None:
        yield f"table {table.name} for {collection} is missing"
        return
    if there.kind != "table":
        yield _OTHER_KINDS[there.kind].format(table.name)
        return
    if there.engine is not None and there.engine.lower() != "innodb":
        yield f"{table.name} is kept by {there.engine}, which takes nothing back: ALTER TABLE … ENGINE = InnoDB"
    for name, field in fields.items():
        column = there.columns.get(name)
        if column is None:
            yield f"{table.name} has no column {name}"
        else:
            yield from _column(f"{table.name}.{name}", column, field, table.c[name], dialect)
    for name, column in there.columns.items():
        if name not in fields and not column.nullable and not column.has_default and column.made != "computed":
            yield f"{table.name}.{name} is unknown to the model, and must have a value nobody would give it"
    for clause in sorted(there.conflict_clauses):
        harm = _CONFLICT_CLAUSES.get(clause, _CONFLICT_CLAUSES["ROLLBACK"])
        yield f"{table.name} has a rule with ON CONFLICT {clause}, which {harm}: make the table without this clause"
    for trigger in there.triggers:
        effect = effect_of(trigger, table.name, fields, found)
        if effect is not None:
            yield f"{table.name}: trigger {trigger.name} {effect}"
    yield from _constraints(table, there)
    if dialect.family == "sqlite":
        yield from _lost_references(table, there, found)


_OTHER_KINDS = {
    "view": "{} is a view, whose key and rules cannot be seen; a table is needed",
    "foreign table": "{} is a foreign table, whose key and rules cannot be seen; a table is needed",
    "parent": "{} has tables that inherit from it, so that its key and rules do not hold in all of them",
}


_CONFLICT_CLAUSES = {
    "REPLACE": "removes the records in the way where a value is taken, or puts a default in the place of a null",
    "IGNORE": "drops what is written where it should be refused",
    "FAIL": "leaves a half of a refused statement written",
    "ROLLBACK": "takes back the changes of others with what it refuses",
}


def _column(
    place: str, found: FoundColumn, field: FieldSchema, column: sa.Column[object], dialect: Dialect
) -> Iterator[str]:
    if not is_fitting(found.type, field.kind, dialect):
        wanted = str(column.type.compile(dialect.sqlalchemy)).lower()
        yield f"{place} is {found.type or 'of no type'}, {field.kind} needs {wanted.partition(' collate')[0]}"
    else:
        yield from _extent(place, found, field, dialect)
        yield from _order(place, found, field, column, dialect)
    if found.nullable and not field.nullable and not column.primary_key:
        yield f"{place} allows missing values, the model does not"
    if not found.nullable and field.nullable:
        yield f"{place} does not allow missing values, the model does"
    yield from _made(place, found, column)


def _extent(place: str, found: FoundColumn, field: FieldSchema, dialect: Dialect) -> Iterator[str]:
    numbers = [int(number) for number in re.findall(r"\d+", found.type.partition("(")[2])]
    if field.kind is Kind.STR and numbers and field.max_length and numbers[0] < field.max_length:
        yield f"{place} holds {numbers[0]} characters, the model allows {field.max_length}"
    if field.kind is not Kind.DECIMAL:
        return
    if spelling_of(kept(field, found, dialect)) is Spelling.NUMBER:
        if field.digits is None or field.digits > EXACT_DIGITS:
            allowed = field.digits or "any number"
            yield f"{place} holds {EXACT_DIGITS} digits exactly, the model allows {allowed}; text holds more"
    elif len(numbers) == 2 and dialect.family != "sqlite":
        (digits, places) = numbers
        if field.digits is None and (dialect.family == "postgresql" or numbers != [65, field.places or 30]):
            yield f"{place} holds {digits} digits, {places} after the point; the model allows any number"
        elif field.digits is not None and not fits(field, digits, places):
            yield (
                f"{place} holds {digits} digits, {places} after the point; "
                f"the model allows {field.digits}, {field.places or 0}"
            )


def _order(
    place: str, found: FoundColumn, field: FieldSchema, column: sa.Column[object], dialect: Dialect
) -> Iterator[str]:
    if _is_compared_as_text(field, dialect) and not is_code_point_order(found.collation, dialect):
        exact = dialect.exact_collation or "BINARY"
        yield f"{place} is compared by {found.collation}, not code point by code point as by {exact}"
    if dialect.family != "sqlite":
        return
    spelling = spelling_of(kept(field, found, dialect))
    if field.kind is Kind.DECIMAL and spelling is None and (found.collation or "").lower() != DECIMAL_COLLATION:
        yield f"{place} is text that sorts as text; decimals need text collate {DECIMAL_COLLATION}, or numeric(15, 2)"
    if column.primary_key and spelling in (Spelling.MOMENT, Spelling.CLOCK, Spelling.NUMBER):
        yield f"{place} is {found.type}, which keeps one value in many spellings; a key needs text"


def _is_compared_as_text(field: FieldSchema, dialect: Dialect) -> bool:
    if dialect.family == "sqlite":
        return field.kind in (Kind.STR, Kind.UUID, Kind.DATE, Kind.DATETIME, Kind.TIME)
    return field.kind is Kind.STR


def _made(place: str, found: FoundColumn, column: sa.Column[object]) -> Iterator[str]:
    is_counted = column.autoincrement is True
    if found.made == "computed":
        yield f"{place} is computed by the database; the model would write it"
    elif found.made == "renewed":
        yield f"{place} is set anew by each update of its row; the model would keep it"
    elif found.made == "always" and not is_counted:
        yield f"{place} is counted by the database always; the model would write it"
    elif found.made == "unowned" and is_counted:
        yield f"{place} is counted by a sequence that it does not own: ALTER SEQUENCE … OWNED BY {place}"
    elif found.made == "turning" and is_counted:
        yield f"{place} is counted down or in circles, and given keys are met: ALTER SEQUENCE … INCREMENT 1 NO CYCLE"
    elif found.made == "sequenced" and is_counted:
        yield f"{place} is counted by a sequence, which given keys do not move: make it AUTO_INCREMENT"
    elif found.made not in ("counted", "always") and is_counted:
        yield f"{place} is not counted by the database; the model lets it make the keys"


def _constraints(table: sa.Table, there: FoundTable) -> Iterator[str]:
    key = {column.name for column in table.primary_key.columns}
    if key <= set(there.columns) and set(there.key) != key:
        yield f"the key of table {table.name} is not the column {_listed(sorted(key))}"
    for constraint in table.constraints:
        if not isinstance(constraint, sa.UniqueConstraint | sa.ForeignKeyConstraint):
            continue
        names = [column.name for column in constraint.columns]
        if not set(names) <= set(there.columns):
            continue  # the missing column is told of already
        if isinstance(constraint, sa.UniqueConstraint):
            if frozenset(names) not in there.unique:
                yield f"{table.name} does not keep {_listed(names)} unique"
            continue
        target = constraint.referred_table
        meant = there.references.get((tuple(names), target.name))
        if meant is None:
            yield f"{table.name} has no foreign key from {_listed(names)} to {target.name}"
        elif meant and meant != tuple(element.column.name for element in constraint.elements):
            there_named = _listed(list(meant))
            yield f"{table.name}: the foreign key from {_listed(names)} leads to {there_named} of {target.name}"


def _lost_references(table: sa.Table, there: FoundTable, found: Mapping[str, FoundTable]) -> Iterator[str]:
    """Foreign keys to what is not there, for which SQLite refuses every row with a value."""
    tables = {name.casefold(): each for name, each in found.items()}
    for (columns, target), meant in there.references.items():
        other = tables.get(target.casefold())
        if other is None and target not in table.metadata.tables:
            yield f"{table.name} has a foreign key from {_listed(list(columns))} to {target}, a table that is not there"
        elif other is not None:
            lost = {name.casefold() for name in meant} - {name.casefold() for name in other.columns}
            if lost:
                named, there_named = _listed(list(columns)), _listed(sorted(lost))
                yield f"{table.name}: the foreign key from {named} leads to {there_named}, which {target} has not"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"({', '.join(names)})"
