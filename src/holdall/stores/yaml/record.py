"""A record's mapping in a file as a row, and a row as a mapping: every name known, every field there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from holdall.query import FieldSchema, Kind, Schema, Value, did_you_mean
from holdall.stores.yaml.codec import decode, encode
from holdall.stores.yaml.errors import Misfit

__all__ = ["Row", "field_value", "key_of_parts", "key_parts", "row_of", "written"]

Row = tuple[Any, ...]


def row_of(schema: Schema, values: object, key_values: Mapping[str, Value] | None = None) -> Row:
    """The row that a mapping read from a file stands for; ``key_values`` is what the file's name says of the key.

    A nullable field may be left out, and so may a key field that the file's name tells. Raises Misfit.
    """
    if not isinstance(values, dict):
        found = "it is empty" if values is None else "it is something else"
        raise Misfit(f"a mapping of the fields of {schema.name} is expected; {found}")
    if not values.keys() <= schema.columns:
        raise _unknown(schema, next(name for name in values if name not in schema.columns))
    row = tuple([field_value(field, values, key_values) for field in schema.stored])
    if key_values is not None:
        for name, value in key_values.items():
            if row[schema.positions[name]] != value:
                raise Misfit("it differs from what the file's name says; make them agree", name)
    return row


def field_value(field: FieldSchema, values: Mapping[str, Value], key_values: Mapping[str, Value] | None) -> Value:
    """One field of the row. Raises Misfit."""
    if field.column in values:
        return decode(field, values[field.column])
    if key_values is not None and field.name in key_values:
        return key_values[field.name]
    if not field.nullable:
        raise Misfit("it is missing; write it into the file", field.name)
    return None


def _unknown(schema: Schema, name: object) -> Misfit:
    names = [field.column for field in schema.stored]
    near = did_you_mean(name, names, len(names))
    return Misfit(f"{schema.name} has no such field{near}", str(name)[:100])


def written(schema: Schema, row: Row) -> dict[str, Value]:
    """The row as the mapping of YAML values that goes into a file. Raises Misfit."""
    return {field.column: encode(field, value) for field, value in zip(schema.stored, row, strict=True)}


def key_parts(schema: Schema, row: Row) -> list[str]:
    """The values of the key's fields, each as text, for the file's name."""
    return [_text(encode(schema.by_name[name], row[schema.positions[name]])) for name in schema.key]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "/".join(_text(item).replace("~", "~0").replace("/", "~1") for item in value)
    return str(value)


def key_of_parts(schema: Schema, parts: Sequence[str]) -> dict[str, Value]:
    """Read the key from a file's name. Raises Misfit where it cannot be this collection's key."""
    if len(parts) != len(schema.key):
        raise Misfit(f"its name has {len(parts)} parts, the key of {schema.name} has {len(schema.key)}")
    values = {}
    for name, part in zip(schema.key, parts, strict=True):
        field = schema.by_name[name]
        value = decode(field, _untext(field, part))
        if _text(encode(field, value)) != part:
            raise Misfit(f"its name is not how this key is written; rename it after {_text(encode(field, value))!r}")
        values[name] = value
    return values


def _untext(field: FieldSchema, text: str) -> Value:
    if field.kind is Kind.REF:
        if len(field.target_key) == 1:
            return _untext(field.target_key[0], text)
        pieces = [piece.replace("~1", "/").replace("~0", "~") for piece in text.split("/")]
        if len(pieces) != len(field.target_key):
            raise Misfit(f"its name does not hold a key of {field.target}", field.name)
        return [_untext(part, piece) for part, piece in zip(field.target_key, pieces, strict=True)]
    if field.kind is Kind.BOOL:
        return {"true": True, "false": False}.get(text, text)
    if field.kind is Kind.INT:
        return int(text) if text.removeprefix("-").isdecimal() and len(text) < 30 else text
    if field.kind is Kind.FLOAT:
        try:
            return float(text)
        except ValueError:
            return text
    return text
