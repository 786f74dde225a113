"""Enumerations that a column keeps by texts of its own, as SQLAlchemy keeps the names of members: values and texts.

A leaf of such a field is of text; the field itself has the kind of its values, by which it is compared and sorted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import sqlalchemy as sa

from holdall.query import FieldSchema, Kind, Value
from holdall.stores.sql.dialect import Element
from holdall.stores.sql.keeping import KeptField, declared

__all__ = ["composed", "is_named", "named", "stored_as", "value_case", "value_of"]

_Convert: TypeAlias = Callable[[Value], Value]


def is_named(field: FieldSchema) -> bool:
    """Whether the leaf of a field holds texts that stand for its values."""
    return bool(field.stored_choices)


def named(field: FieldSchema) -> FieldSchema:
    """The field as a leaf has it: of the texts that stand for its values."""
    if not field.stored_choices or (field.kind is Kind.STR and field.choices == field.stored_choices):
        return field
    same = {name: getattr(field, name) for name in field.__struct_fields__}
    own = {"kind": Kind.STR, "choices": field.stored_choices, "declared": declared(field)}
    return KeptField(**{**same, **own})


def stored_as(field: FieldSchema) -> FieldSchema:
    """The field that a column would be made for: as its model has it, or of the texts that stand for its values."""
    plain = declared(field)
    if not plain.stored_choices:
        return plain
    return FieldSchema(plain.name, Kind.STR, plain.nullable, choices=plain.stored_choices)


def composed(field: FieldSchema, convert: _Convert | None) -> _Convert | None:
    """The encoder of a leaf, of values instead of the texts that stand for them."""
    if not is_named(field):
        return convert
    text_of = dict(zip(declared(field).choices or (), field.stored_choices, strict=True)).__getitem__
    return text_of if convert is None else lambda value: convert(text_of(value))


def value_of(field: FieldSchema) -> _Convert:
    """The function from the text in a leaf to the value that it stands for."""
    return dict(zip(field.stored_choices, declared(field).choices or (), strict=True)).__getitem__


def value_case(text: Element, field: FieldSchema) -> Element:
    """The SQL expression for the value that a text stands for."""
    plain = declared(field)
    kind: sa.types.TypeEngine[Value] = sa.Text() if plain.kind is Kind.STR else sa.BigInteger()
    pairs = zip(field.stored_choices, plain.choices or (), strict=True)
    written = [(text == _literal(label), _literal(value)) for label, value in pairs]
    return sa.type_coerce(sa.case(*written), kind)


def _literal(value: str | int) -> Element:
    return sa.literal(value, literal_execute=True)
