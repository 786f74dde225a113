"""Differences between found tables and models, a sentence each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import sqlalchemy as sa

from holdall.query import FieldSchema, Generated, Kind
from holdall.store import Difference
from holdall.stores.sql.columns import DECIMAL_COLLATION
from holdall.stores.sql.constraint_differences import Told, constraints, lost_references
from holdall.stores.sql.dialect import Dialect
from holdall.stores.sql.fitting_types import is_code_point_order, is_fitting, is_ordered_otherwise
from holdall.stores.sql.formula_search import SEARCH
from holdall.stores.sql.inspection import FoundColumn, FoundTable
from holdall.stores.sql.keeping import EXACT_DIGITS, fits, kept, spelling_of
from holdall.stores.sql.layout import Layout, Link
from holdall.stores.sql.named_choices import stored_as
from holdall.stores.sql.spellings import TEXTS, Spelling, spelling_in
from holdall.stores.sql.tables import OF_OTHERS, Tables
from holdall.stores.sql.trigger_effects import assigned_by, effect_of

__all__ = ["differences", "fields_of_link", "fields_of_table"]


def differences(tables: Tables, found: Mapping[str, FoundTable]) -> list[Difference]:
    """Every difference that matters between the bound collections and what was found; empty if they fit."""
    told: list[Difference] = []
    for collection in tables.schemas:
        layout = tables.layout(collection)
        each = list(_table(layout.table, fields_of_table(layout), found, tables.dialect, collection))
        for link in layout.links.values():
            each.extend(_table(link.table, fields_of_link(link), found, tables.dialect, collection))
        told += [Difference(sentence, code, collection, column) for code, sentence, column in each]
    return told


def fields_of_table(layout: Layout) -> dict[str, FieldSchema]:
    """The scalar fields of a collection's table, by column."""
    return {leaf.name: stored_as(leaf.field) for leaves in layout.leaves.values() for leaf in leaves}


def fields_of_link(link: Link) -> dict[str, FieldSchema]:
    """The scalar fields of a link table, by column."""
    fields = {leaf.name: stored_as(leaf.field) for leaf in (*link.owner, *link.target)}
    if link.position:
        fields[link.position] = FieldSchema(link.position, Kind.INT)
    return fields


def _table(
    table: sa.Table, fields: dict[str, FieldSchema], found: Mapping[str, FoundTable], dialect: Dialect, collection: str
) -> Iterator[Told]:
    there = found.get(table.key)
    if there is None:
        yield Told("missing-table", f"table {table.key} for {collection} is missing")
        return
    if OF_OTHERS in table.info:
        yield from _read_only(table, fields, there, dialect)
        return
    if there.kind in _OTHER_KINDS:
        yield Told("kind", _OTHER_KINDS[there.kind].format(table.key))
        return
    if there.engine is not None and there.engine.lower() != "innodb":
        yield Told(
            "engine", f"{table.key} is kept by {there.engine}, which takes nothing back: ALTER TABLE … ENGINE = InnoDB"
        )
    yield from _columns(table, fields, there, dialect)
    yield from _rules(table, fields, there, found)
    name, _ = table.info.get(SEARCH, ("", ()))
    if name and not any(name in index.columns and index.name in there.indexes for index in table.indexes):
        yield Told("search", f"{table.key} has no column {name} with an index: each search reads the whole table", name)
    yield from constraints(table, there, found)
    if dialect.family == "sqlite":
        yield from lost_references(table, there, found)


def _columns(table: sa.Table, fields: dict[str, FieldSchema], there: FoundTable, dialect: Dialect) -> Iterator[Told]:
    """Differences of the columns of a table: those of the model, and others that must have a value."""
    for name, field in fields.items():
        column = there.columns.get(name)
        if column is None:
            yield Told("missing-column", f"{table.key} has no column {name}", name)
        else:
            yield from _column(f"{table.key}.{name}", column, field, table.c[name], dialect)
            if field.generated is Generated.DEFAULT and not (column.has_default or column.nullable or there.triggers):
                yield Told("default", f"{table.key}.{name} has no default, and the model leaves its value to one", name)
    given = assigned_by(there.triggers, there.columns)
    for name, column in there.columns.items():
        is_given = column.nullable or column.has_default or column.made == "computed" or name in given
        if name not in fields and not is_given:
            yield Told(
                "unknown-column",
                f"{table.key}.{name} is unknown to the model, and must have a value nobody would give it",
                name,
            )


def _rules(
    table: sa.Table, fields: dict[str, FieldSchema], there: FoundTable, found: Mapping[str, FoundTable]
) -> Iterator[Told]:
    """Clauses and triggers of a table that change, drop or add to a write."""
    for clause in sorted(there.conflict_clauses):
        harm = _CONFLICT_CLAUSES.get(clause, _CONFLICT_CLAUSES["ROLLBACK"])
        yield Told(
            "conflict-clause",
            f"{table.key} has a rule with ON CONFLICT {clause}, which {harm}: make the table without this clause",
        )
    own = [name for name, field in fields.items() if field.generated is not Generated.COMPUTED]
    for trigger in there.triggers:
        effect = effect_of(trigger, table.name, own, found)
        if effect is not None:
            yield Told("trigger", f"{table.key}: trigger {trigger.name} {effect}")


def _read_only(table: sa.Table, fields: dict[str, FieldSchema], there: FoundTable, dialect: Dialect) -> Iterator[Told]:
    """Differences of a table, or of a view, that is only read."""
    for name, field in fields.items():
        column = there.columns.get(name)
        if column is None:
            yield Told("missing-column", f"{table.key} has no column {name}", name)
        elif not is_fitting(column.type, field.kind, dialect):
            yield _misfit(f"{table.key}.{name}", column, field, table.c[name], dialect)
        else:
            yield from _order(f"{table.key}.{name}", column, field, table.c[name], dialect)


_OTHER_KINDS = {
    "view": "{} is a view, whose key and rules cannot be seen; a table is needed, or read_only=True",
    "foreign table": "{} is a foreign table, whose key and rules cannot be seen; a table is needed, or read_only=True",
    "parent": "{} has tables that inherit from it, so that its key and rules do not hold in all; say read_only=True",
}


_CONFLICT_CLAUSES = {
    "REPLACE": "removes the records in the way where a value is taken, or puts a default in the place of a null",
    "IGNORE": "drops what is written where it should be refused",
    "FAIL": "leaves a half of a refused statement written",
    "ROLLBACK": "takes back the changes of others with what it refuses",
}


def _column(
    place: str, found: FoundColumn, field: FieldSchema, column: sa.Column[object], dialect: Dialect
) -> Iterator[Told]:
    if not is_fitting(found.type, field.kind, dialect):
        yield _misfit(place, found, field, column, dialect)
    else:
        yield from _extent(place, found, field, column, dialect)
        yield from _order(place, found, field, column, dialect)
    if found.nullable and not field.nullable and not column.primary_key:
        yield Told("null", f"{place} allows missing values, the model does not", column.name)
    if not found.nullable and field.nullable and field.kind is not Kind.JSON:  # any JSON may be null, by its type
        yield Told("null", f"{place} does not allow missing values, the model does", column.name)
    if field.generated is not Generated.COMPUTED:
        yield from _made(place, found, column)


def _misfit(place: str, found: FoundColumn, field: FieldSchema, column: sa.Column[object], dialect: Dialect) -> Told:
    wanted = str(column.type.compile(dialect.sqlalchemy)).lower().partition(" collate")[0]
    return Told("type", f"{place} is {found.type or 'of no type'}, {field.kind} needs {wanted}", column.name)


def _extent(
    place: str, found: FoundColumn, field: FieldSchema, column: sa.Column[object], dialect: Dialect
) -> Iterator[Told]:
    numbers = [int(number) for number in re.findall(r"\d+", found.type.partition("(")[2])]
    if field.kind is Kind.STR and numbers and field.max_length and numbers[0] < field.max_length:
        yield Told("extent", f"{place} holds {numbers[0]} characters, the model allows {field.max_length}", column.name)
    if field.kind is not Kind.DECIMAL:
        return
    if spelling_of(kept(field, found, dialect)) is Spelling.NUMBER:
        if field.digits is None or field.digits > EXACT_DIGITS:
            allowed = field.digits or "any number"
            yield Told(
                "extent",
                f"{place} holds {EXACT_DIGITS} digits exactly, the model allows {allowed}; text holds more",
                column.name,
            )
    elif len(numbers) == 2 and dialect.family != "sqlite":
        (digits, places) = numbers
        if field.digits is None and (dialect.family == "postgresql" or numbers != [65, field.places or 30]):
            yield Told(
                "extent",
                f"{place} holds {digits} digits, {places} after the point; the model allows any number",
                column.name,
            )
        elif field.digits is not None and not fits(field, digits, places):
            yield Told(
                "extent",
                f"{place} holds {digits} digits, {places} after the point; "
                f"the model allows {field.digits}, {field.places or 0}",
                column.name,
            )


def _order(
    place: str, found: FoundColumn, field: FieldSchema, column: sa.Column[object], dialect: Dialect
) -> Iterator[Told]:
    is_exact = is_code_point_order(found.collation, dialect) or is_ordered_otherwise(found.collation, dialect)
    is_exact = is_exact or spelling_in(dialect.family, found.type, field.kind) in _WITHOUT_COLLATION
    if _is_compared_as_text(field, dialect) and not is_exact:
        exact = dialect.exact_collation or "BINARY"
        yield Told(
            "collation",
            f"{place} is compared by {found.collation}, not code point by code point as by {exact}",
            column.name,
        )
    spelling = spelling_of(kept(field, found, dialect))
    if spelling is Spelling.CASELESS and any(column.name in each.columns for each in _keys_of(column)):
        yield Told(
            "collation", f"{place} is {found.type}, so that what is unique must differ in more than case", column.name
        )
    if dialect.family != "sqlite":
        return
    if field.kind is Kind.DECIMAL and spelling is None and (found.collation or "").lower() != DECIMAL_COLLATION:
        yield Told(
            "order",
            f"{place} is text that sorts as text; decimals need text collate {DECIMAL_COLLATION}, or numeric(15, 2)",
            column.name,
        )
    if column.primary_key and spelling in (Spelling.MOMENT, Spelling.CLOCK, Spelling.NUMBER):
        yield Told(
            "order", f"{place} is {found.type}, which keeps one value in many spellings; a key needs text", column.name
        )


def _keys_of(column: sa.Column[object]) -> Iterator[sa.PrimaryKeyConstraint | sa.UniqueConstraint]:
    """The key and the unique rules of the column's table."""
    for each in column.table.constraints:
        if isinstance(each, sa.PrimaryKeyConstraint | sa.UniqueConstraint):
            yield each


_WITHOUT_COLLATION = TEXTS - {Spelling.PADDED}


def _is_compared_as_text(field: FieldSchema, dialect: Dialect) -> bool:
    if dialect.family == "sqlite":
        return field.kind in (Kind.STR, Kind.UUID, Kind.DATE, Kind.DATETIME, Kind.TIME)
    return field.kind is Kind.STR


def _made(place: str, found: FoundColumn, column: sa.Column[object]) -> Iterator[Told]:
    is_counted = column.autoincrement is True
    if found.made == "computed":
        yield Told("computed", f"{place} is computed by the database; the model would write it", column.name)
    elif found.made == "renewed":
        yield Told("computed", f"{place} is set anew by each update of its row; the model would keep it", column.name)
    elif found.made == "always" and not is_counted:
        yield Told("computed", f"{place} is counted by the database always; the model would write it", column.name)
    elif found.made == "unowned" and is_counted:
        yield Told(
            "counter",
            f"{place} is counted by a sequence that it does not own: ALTER SEQUENCE … OWNED BY {place}",
            column.name,
        )
    elif found.made == "turning" and is_counted:
        yield Told(
            "counter",
            f"{place} is counted down or in circles, and given keys are met: ALTER SEQUENCE … INCREMENT 1 NO CYCLE",
            column.name,
        )
    elif found.made == "sequenced" and is_counted:
        yield Told(
            "counter",
            f"{place} is counted by a sequence, which given keys do not move: make it AUTO_INCREMENT",
            column.name,
        )
    elif found.made not in ("counted", "always") and is_counted:
        yield Told("counter", f"{place} is not counted by the database; the model lets it make the keys", column.name)
