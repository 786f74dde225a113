"""Operations of an earlier version of the program, as changes to the collections of this one."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from uuid import UUID

import msgspec

from holdall.errors import StateError
from holdall.query import FieldSchema, Generated, Kind, Value
from holdall.session.binding import Binding
from holdall.session.journal.log_record import Operation
from holdall.store import Change, Verb

__all__ = ["adapted"]

_TYPES: dict[Kind, type | tuple[type, ...]] = {
    Kind.BOOL: bool,
    Kind.INT: int,
    Kind.FLOAT: (float, int),
    Kind.DECIMAL: Decimal,
    Kind.STR: str,
    Kind.BYTES: bytes,
    Kind.DATETIME: dt.datetime,
    Kind.DATE: dt.date,
    Kind.TIME: dt.time,
    Kind.TIMEDELTA: dt.timedelta,
    Kind.UUID: UUID,
    Kind.MANY: tuple,
}


def adapted(operation: Operation, binding: Binding) -> Change:
    """The change that carries an operation out now.

    Fields that were dropped since are left out, new ones of an added record get their default. Raises StateError where
    a value is not of the kind the field has now, or a new field has no default.
    """
    change, schema = operation.change, binding.schema
    if operation.verb is Verb.REMOVE:
        return change
    given = {name: value for name, value in zip(change.fields, change.values, strict=True) if name in schema.positions}
    if operation.verb is Verb.ADD:
        for field in schema.stored:
            if field.name not in given and field.name not in schema.key:
                given[field.name] = _default(binding, field)
    for name, value in given.items():
        _require_kind(binding.collection, schema.by_name[name], value)
    if tuple(given) == change.fields:
        return change
    return msgspec.structs.replace(change, fields=tuple(given), values=tuple(given.values()))


def _default(binding: Binding, schema: FieldSchema) -> Value:
    if binding.schema.version == schema.name:
        return 1
    field = binding.declaration.by_name[schema.name]
    value = field.encode(field.default()) if field.has_default else None
    if value is None and not schema.nullable:
        raise StateError(
            f"the commit is of an earlier program: {binding.collection}.{schema.name} is new since and has no default"
        )
    return value


def _require_kind(collection: str, field: FieldSchema, value: object) -> None:
    if value is None and (field.nullable or field.generated is not Generated.NO):
        return
    wanted = _TYPES.get(field.kind)
    is_right = wanted is None or isinstance(value, wanted)
    if isinstance(value, bool) and field.kind is not Kind.BOOL and wanted is not None:
        is_right = False
    if isinstance(value, dt.datetime) and field.kind is Kind.DATE:
        is_right = False
    if not is_right:
        raise StateError(
            f"the commit is of an earlier program: it wrote {type(value).__name__} to {collection}.{field.name}, which"
            f" is of kind {field.kind} now"
        )
