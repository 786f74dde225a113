"""What keeps found tables from fitting the models, a sentence each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import sqlalchemy as sa

from holdall.query import FieldSchema, Kind
from holdall.stores.sql.dialect import Dialect
from holdall.stores.sql.inspection import FoundColumn, FoundTable
from holdall.stores.sql.layout import Layout, Link
from holdall.stores.sql.tables import Tables

__all__ = ["differences"]

_TEXT = r"text|(tiny|medium|long)text|(var)?char(acter)?( varying)?(\(\d+\))?|clob|n?varchar.*|unicode.*"
_INTEGER = r"(tiny|small|medium|big)?int(eger)?(\(\d+\))?( unsigned)?|int[248]"
_FITTING: dict[str, dict[Kind, str]] = {
    "sqlite": {
        Kind.BOOL: r"bool(ean)?|" + _INTEGER,
        Kind.INT: _INTEGER,
        Kind.TIMEDELTA: _INTEGER,
        Kind.FLOAT: r"real|double( precision)?|float",
        Kind.BYTES: r"blob|",
        Kind.DATETIME: _TEXT + "|datetime|timestamp",
        Kind.DATE: _TEXT + "|date",
        Kind.TIME: _TEXT + "|time",
    },
    "postgresql": {
        Kind.BOOL: "boolean",
        Kind.INT: "smallint|integer|bigint",
        Kind.TIMEDELTA: "bigint",
        Kind.FLOAT: "double precision",
        Kind.DECIMAL: r"numeric(\(\d+,\d+\))?",
        Kind.BYTES: "bytea",
        Kind.DATETIME: r"timestamp(\(6\))? with time zone",
        Kind.DATE: "date",
        Kind.TIME: r"time(\(6\))? without time zone",
        Kind.UUID: "uuid",
        Kind.JSON: "jsonb?",
    },
    "mysql": {
        Kind.BOOL: r"tinyint\(\d\)|bool",
        Kind.INT: _INTEGER,
        Kind.TIMEDELTA: r"bigint(\(\d+\))?",
        Kind.FLOAT: "double",
        Kind.DECIMAL: r"decimal\(\d+,\d+\)",
        Kind.BYTES: r"(tiny|medium|long)?blob|(var)?binary\(\d+\)",
        Kind.DATETIME: r"(datetime|timestamp)\(6\)",
        Kind.DATE: "date",
        Kind.TIME: r"time\(6\)",
        Kind.UUID: r"(var)?char\((3[6-9]|[4-9]\d|\d{3,})\)",
        Kind.JSON: "longtext|json",
    },
}
_COLLATIONS = {
    "postgresql": {"C", "POSIX", "ucs_basic", "pg_c_utf8"},
    "mysql": {"utf8mb4_nopad_bin", "utf8mb4_0900_bin"},
}


def differences(tables: Tables, found: Mapping[str, FoundTable]) -> list[str]:
    """Every difference that matters between the bound collections and what was found; empty if they fit."""
    sentences: list[str] = []
    for collection in tables.schemas:
        layout = tables.layout(collection)
        sentences.extend(_table(layout.table, _fields(layout), found, tables.dialect, collection))
        for link in layout.links.values():
            sentences.extend(_table(link.table, _link_fields(link), found, tables.dialect, collection))
    return sentences


def _fields(layout: Layout) -> dict[str, FieldSchema]:
    return {leaf.name: leaf.field for leaves in layout.leaves.values() for leaf in leaves}


def _link_fields(link: Link) -> dict[str, FieldSchema]:
    fields = {leaf.name: leaf.field for leaf in (*link.owner, *link.target)}
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
    for name, field in fields.items():
        column = there.columns.get(name)
        if column is None:
            yield f"{table.name} has no column {name}"
        else:
            yield from _column(f"{table.name}.{name}", column, field, table.c[name], dialect)
    for name, column in there.columns.items():
        if name not in fields and not column.nullable and not column.has_default:
            yield f"{table.name}.{name} is unknown to the model, and must have a value nobody would give it"
    yield from _constraints(table, there)


def _column(
    place: str, found: FoundColumn, field: FieldSchema, column: sa.Column[object], dialect: Dialect
) -> Iterator[str]:
    wanted = str(column.type.compile(dialect.sqlalchemy)).lower()
    fitting = _FITTING.get(dialect.family, {}).get(field.kind, _TEXT if dialect.family in _FITTING else ".*")
    if not re.fullmatch(fitting, found.type):
        yield f"{place} is {found.type}, {field.kind} needs {wanted.partition(' collate')[0]}"
    else:
        yield from _extent(place, found, field)
    if found.nullable and not field.nullable and not column.primary_key:
        yield f"{place} allows missing values, the model does not"
    if not found.nullable and field.nullable:
        yield f"{place} does not allow missing values, the model does"
    fine = _COLLATIONS.get(dialect.family)
    if fine and field.kind is Kind.STR and found.collation not in fine:
        yield f"{place} is compared by {found.collation}, not code point by code point as by {dialect.exact_collation}"


def _extent(place: str, found: FoundColumn, field: FieldSchema) -> Iterator[str]:
    numbers = [int(number) for number in re.findall(r"\d+", found.type.partition("(")[2])]
    if field.kind is Kind.STR and numbers and field.max_length and numbers[0] < field.max_length:
        yield f"{place} holds {numbers[0]} characters, the model allows {field.max_length}"
    if field.kind is Kind.DECIMAL and len(numbers) == 2 and field.digits is not None:
        (digits, places), most = numbers, field.places or 0
        if digits - places < field.digits - most or places < most:
            yield f"{place} holds {digits} digits, {places} after the point; the model allows {field.digits}, {most}"


def _constraints(table: sa.Table, there: FoundTable) -> Iterator[str]:
    key = {column.name for column in table.primary_key.columns}
    if key <= set(there.columns) and set(there.key) != key:
        yield f"the key of {table.name} is not {_listed(sorted(key))}"
    for constraint in table.constraints:
        if not isinstance(constraint, sa.UniqueConstraint | sa.ForeignKeyConstraint):
            continue
        names = [column.name for column in constraint.columns]
        if not set(names) <= set(there.columns):
            continue  # the missing column is told of already
        if isinstance(constraint, sa.UniqueConstraint):
            if frozenset(names) not in there.unique:
                yield f"{table.name} does not keep {_listed(names)} unique"
        elif (tuple(names), constraint.referred_table.name) not in there.references:
            yield f"{table.name} has no foreign key from {_listed(names)} to {constraint.referred_table.name}"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"({', '.join(names)})"
