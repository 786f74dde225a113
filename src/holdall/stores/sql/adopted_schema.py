"""A schema as the tables that were found keep it: fields take the spelling and the bounds of their columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from holdall.query import FieldSchema, Kind, Schema
from holdall.stores.sql.columns import leaves_by_field, table_name
from holdall.stores.sql.dialect import Dialect
from holdall.stores.sql.inspection import FoundColumn, FoundTable
from holdall.stores.sql.keeping import kept

__all__ = ["adopted_schema"]

_Columns = Iterator[FoundColumn | None]


def adopted_schema(
    schema: Schema, schemas: Mapping[str, Schema], found: Mapping[str, FoundTable], dialect: Dialect
) -> Schema:
    """The schema with its fields as their columns keep them; the same schema where they keep them as they are.

    In SQLite a reference is spelt as the key it refers to, because the two are compared with each other.
    """
    changed: dict[str, FieldSchema] = {}
    own = _columns_of(schema, found)
    for field in schema.stored:
        columns = own.get(field.name, ())
        target = schemas.get(field.target or "")
        if target is not None and (dialect.family == "sqlite" or field.kind is Kind.MANY):
            there = _columns_of(target, found)
            columns = tuple(column for name in target.key for column in there.get(name, ()))
        if columns and all(columns):
            done = _kept(field, iter(columns), dialect)
            if done is not field:
                changed[field.name] = done
    if not changed:
        return schema
    return msgspec.structs.replace(schema, fields=tuple(changed.get(field.name, field) for field in schema.fields))


def _columns_of(schema: Schema, found: Mapping[str, FoundTable]) -> dict[str, tuple[FoundColumn | None, ...]]:
    table = found.get(".".join(filter(None, (schema.namespace, table_name(schema)))))
    if table is None:
        return {}
    by_field = leaves_by_field(schema)
    return {name: tuple(table.columns.get(leaf.name) for leaf in by_field[name]) for name in by_field}


def _kept(field: FieldSchema, columns: _Columns, dialect: Dialect) -> FieldSchema:
    if field.kind not in (Kind.REF, Kind.MANY):
        column = next(columns, None)
        return field if column is None else kept(field, column, dialect)
    parts = tuple(_kept(part, columns, dialect) for part in field.target_key)
    is_same = all(one is other for one, other in zip(parts, field.target_key, strict=True))
    return field if is_same else msgspec.structs.replace(field, target_key=parts)
