"""From fields to columns: their names, their scalar kinds, and their types in each dialect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2s
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql

from holdall.errors import DeclarationError
from holdall.query import FieldSchema, Kind, LinkTable, Schema, Value
from holdall.stores.sql.dialect import Dialect
from holdall.stores.sql.named_choices import named

__all__ = [
    "DECIMAL_COLLATION",
    "Leaf",
    "column_type",
    "decimal_size",
    "digest",
    "distinct",
    "identifier",
    "leaves",
    "leaves_by_field",
    "link_leaves",
    "parameter_type",
    "table_name",
    "text_widths",
]

DECIMAL_COLLATION = "holdall_decimal"
LONGEST_NAME = 63  # bytes, as PostgreSQL cuts there; MariaDB takes 64 characters
KEY_TEXT = 255  # characters of an indexed text without a declared length, where text of any length has no index
SHORT_TEXT = 255
DECIMAL_DEFAULT = (65, 30)  # MariaDB's widest: 35 digits before the point, 30 after


@dataclass(frozen=True, slots=True)
class Leaf:
    """One column of a field: its name, its scalar field, and where its value lies in the field's value.

    ``steps`` is empty for a scalar; for a reference to a composite key it is the way into the (nested) tuple.
    """

    name: str
    field: FieldSchema
    steps: tuple[int, ...] = ()

    @property
    def kind(self) -> Kind:
        """The column's scalar kind."""
        return self.field.kind

    def pick(self, value: Value) -> Any:
        """The column's part of the field's value."""
        for step in self.steps:
            value = value[step]
        return value


def leaves(field: FieldSchema, prefix: str | None = None) -> tuple[Leaf, ...]:
    """The columns of a stored field, in order: one, or those of the target's whole key for a reference (REF, MANY)."""
    return tuple(_walk(field, prefix if prefix is not None else field.name, (), field.nullable))


def leaves_by_field(schema: Schema) -> dict[str, tuple[Leaf, ...]]:
    """The columns of a collection's own table, by field. Raises DeclarationError where declared names do not fit."""
    own = [field for field in schema.stored if field.kind is not Kind.MANY]
    declared = {field.name: field.columns for field in own if field.columns}
    return distinct(schema.name, {field.name: leaves(field) for field in own}, declared)


def distinct(
    place: str, by_field: dict[str, tuple[Leaf, ...]], declared: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[Leaf, ...]]:
    """The same columns under their declared names, the others under names that differ in more than letter case.

    They stay in the order of the fields. Raises DeclarationError for ``place`` where a declared name is there twice, or
    where a field has more or fewer columns than names.
    """
    taken: set[str] = set()
    for name, labels in declared.items():
        if len(labels) != len(by_field[name]):
            raise DeclarationError(f"{place}.{name} takes {len(by_field[name])} columns, and {len(labels)} are named")
        for label in labels:
            if label.casefold() in taken:
                raise DeclarationError(f"{place}.{name}: another field is stored in column {label!r}, too")
            taken.add(label.casefold())
    renamed: dict[str, tuple[Leaf, ...]] = {}
    for name, found in by_field.items():
        own = []
        for leaf, given in zip(found, declared.get(name) or [None] * len(found), strict=True):
            label = leaf.name if given is None else given
            while given is None and label.casefold() in taken:
                label = identifier(label + "_2")
            taken.add(label.casefold())
            own.append(Leaf(label, leaf.field, leaf.steps))
        renamed[name] = tuple(own)
    return renamed


def _walk(field: FieldSchema, name: str, steps: tuple[int, ...], nullable: bool) -> list[Leaf]:
    if field.kind not in (Kind.REF, Kind.MANY):
        return [Leaf(identifier(name), named(msgspec.structs.replace(field, name=name, nullable=nullable)), steps)]
    if len(field.target_key) == 1:
        return _walk(field.target_key[0], name, steps, nullable)
    found: list[Leaf] = []
    for index, part in enumerate(field.target_key):
        found.extend(_walk(part, f"{name}_{part.name}", (*steps, index), nullable))
    return found


def link_leaves(schema: Schema, many: FieldSchema, link: LinkTable) -> tuple[tuple[Leaf, ...], tuple[Leaf, ...]]:
    """The columns of a stored Many's table: those of the owner's key, and those of the keys referred to."""
    owner = tuple(leaf for name in schema.key for leaf in leaves(schema.by_name[name], f"owner_{name}"))
    declared = {"owner": link.owner, "target": link.target}
    parts = distinct(
        f"{schema.name}.{many.name}",
        {"owner": owner, "target": leaves(many, "target")},
        {name: labels for name, labels in declared.items() if labels},
    )
    return parts["owner"], parts["target"]


def table_name(schema: Schema) -> str:
    """The name of a collection's table: as declared, or its own as every dialect keeps it."""
    return schema.table or identifier(schema.name)


def identifier(name: str) -> str:
    """A name every dialect keeps whole: long ones are cut and made distinct by a digest."""
    if name.casefold().startswith("sqlite_"):
        name = f"_{name}"
    if len(name.encode()) <= LONGEST_NAME:
        return name
    return name.encode()[: LONGEST_NAME - 11].decode(errors="ignore") + "_" + digest(name)


def digest(name: str) -> str:
    """Ten characters that stand for a name."""
    return blake2s(name.encode(), digest_size=5).hexdigest()


def parameter_type(field: FieldSchema, dialect: Dialect) -> sa.types.TypeEngine[Any]:
    """The type of a value compared with a column of this field."""
    match field.kind:
        case Kind.DECIMAL if dialect.family != "sqlite":
            return sa.Numeric()
        case Kind.STR | Kind.DECIMAL:
            return sa.Text()
        case Kind.BYTES:
            return sa.LargeBinary()
    return column_type(field, dialect)


def column_type(field: FieldSchema, dialect: Dialect, indexed_with: int = 0) -> sa.types.TypeEngine[Any]:
    """The column type of a scalar field; ``indexed_with`` counts the text columns of the widest index it is part of."""
    match dialect.family:
        case "sqlite":
            return _sqlite(field)
        case "postgresql":
            return _postgresql(field)
        case "mysql":
            return _mysql(field, dialect, indexed_with)
    return _portable(field, indexed_with)


def _sqlite(field: FieldSchema) -> sa.types.TypeEngine[Any]:
    match field.kind:
        case Kind.INT | Kind.TIMEDELTA:
            return sa.Integer()
        case Kind.BOOL:
            return sa.Boolean()
        case Kind.FLOAT:
            return sa.Double()
        case Kind.BYTES:
            return sa.LargeBinary()
        case Kind.DECIMAL:
            return sa.Text(collation=DECIMAL_COLLATION)
    return sa.Text()


def _postgresql(field: FieldSchema) -> sa.types.TypeEngine[Any]:
    match field.kind:
        case Kind.STR:
            return sa.Text(collation="C")
        case Kind.DECIMAL:
            return sa.Numeric(field.digits, field.places) if field.digits else sa.Numeric()
        case Kind.UUID:
            return postgresql.UUID()
        case Kind.JSON:
            return postgresql.JSON()
        case Kind.BYTES:
            return postgresql.BYTEA()
    return _portable(field, 0)


def _mysql(field: FieldSchema, dialect: Dialect, indexed_with: int) -> sa.types.TypeEngine[Any]:
    collation = dialect.exact_collation
    match field.kind:
        case Kind.STR:
            length = _text_length(field, indexed_with)
            if length:
                return mysql.VARCHAR(length, charset="utf8mb4", collation=collation)
            return mysql.LONGTEXT(charset="utf8mb4", collation=collation)
        case Kind.JSON:
            return mysql.LONGTEXT(charset="utf8mb4", collation=collation)
        case Kind.UUID:
            return mysql.CHAR(36, charset="ascii", collation="ascii_bin")
        case Kind.BYTES:
            return mysql.VARBINARY(field.max_length or KEY_TEXT) if indexed_with else mysql.LONGBLOB()
        case Kind.DECIMAL:
            return mysql.DECIMAL(*decimal_size(field))
        case Kind.DATETIME:
            return mysql.DATETIME(fsp=6)
        case Kind.TIME:
            return mysql.TIME(fsp=6)
    return _portable(field, indexed_with)


def decimal_size(field: FieldSchema) -> tuple[int, int]:
    """Total digits and digits after the point of a DECIMAL column that must be bounded."""
    if field.digits is None:
        return DECIMAL_DEFAULT if field.places is None else (DECIMAL_DEFAULT[0], field.places)
    return field.digits, field.places or 0


def _text_length(field: FieldSchema, indexed_with: int) -> int | None:
    if indexed_with:
        return min(
            field.max_length or KEY_TEXT, 768 // indexed_with
        )  # an index entry holds 3072 bytes, 4 to a character
    return field.max_length if field.max_length and field.max_length <= SHORT_TEXT else None


def _portable(field: FieldSchema, indexed_with: int) -> sa.types.TypeEngine[Any]:
    match field.kind:
        case Kind.BOOL:
            return sa.Boolean()
        case Kind.INT | Kind.TIMEDELTA:
            return sa.BigInteger()
        case Kind.FLOAT:
            return sa.Double()
        case Kind.DECIMAL:
            return sa.Numeric(*decimal_size(field))
        case Kind.BYTES:
            return sa.LargeBinary()
        case Kind.DATETIME:
            return sa.DateTime(timezone=True)
        case Kind.DATE:
            return sa.Date()
        case Kind.TIME:
            return sa.Time()
        case Kind.UUID:
            return sa.Uuid()
    length = _text_length(field, indexed_with)
    return sa.Unicode(length) if length else sa.UnicodeText()


def text_widths(schema: Schema, by_field: dict[str, tuple[Leaf, ...]]) -> dict[str, int]:
    """By the names of columns: how many texts are in one key, unique rule or index with each, itself among them."""
    refs = [(field.name,) for field in schema.stored if field.kind is Kind.REF]
    widths: dict[str, int] = {}
    for names in (schema.key, *schema.unique, *schema.indexes, *refs):
        found = [leaf for name in names for leaf in by_field[name]]
        width = sum(leaf.kind is Kind.STR for leaf in found) or 1
        for leaf in found:
            widths[leaf.name] = max(width, widths.get(leaf.name, 0))
    return widths
