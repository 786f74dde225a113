"""The parts of containers and value objects: checked, kept and shown by their types, known to msgspec or not."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import msgspec

from holdall.errors import FieldError
from holdall.model.field_type import Admit, FieldType
from holdall.model.json_value import to_json_builtins
from holdall.model.own_form import JsonSchema, Schemas
from holdall.query import Json, Kind, Value

__all__ = [
    "ANY_TYPES",
    "AdmitPart",
    "admit_part",
    "keeper",
    "read_part",
    "schema_of_part",
    "shower",
    "taker",
    "types_of",
]

AdmitPart = Callable[[FieldType, Value, str, list[FieldError]], Value]
"""Checks, or reads from JSON, a part by its type; what is wrong is appended to the errors."""

_PLAIN = (str, int, bool, float)
_TYPES: dict[Kind, frozenset[str]] = {
    Kind.BOOL: frozenset({"boolean"}),
    Kind.INT: frozenset({"number"}),
    Kind.FLOAT: frozenset({"number"}),
}
_RULED = (Kind.INT, Kind.FLOAT, Kind.STR)  # the kinds whose rules JSON Schema has words for
_STRING = frozenset({"string"})
ANY_TYPES = frozenset({"boolean", "number", "string", "array", "object"})


def admit_part(part: FieldType, value: object, path: str, errors: list[FieldError]) -> Value:
    """The part as it belongs into its container; what is wrong with it is appended to ``errors``, its rules too."""
    return None if value is None and part.nullable else _ruled(part, part.validate, value, path, errors)


def read_part(part: FieldType, value: object, path: str, errors: list[FieldError]) -> Value:
    """The part that a value of JSON stands for; what is wrong with it is appended to ``errors``."""
    if value is None:
        if not part.nullable:
            errors.append(FieldError(path, "required", "must not be null"))
        return None
    assert part.read is not None
    return _ruled(part, part.read, value, path, errors)


def _ruled(part: FieldType, admit: Admit, value: object, path: str, errors: list[FieldError]) -> Value:
    before = len(errors)
    validated = admit(value, path, errors)
    if part.rules and len(errors) == before:
        ruled = part.encode(validated) if part.is_kept_otherwise and part.encode is not None else validated
        errors.extend(FieldError(path, rule.code, rule.describe()) for rule in part.rules if not rule.holds(ruled))
    return validated


def keeper(part: FieldType) -> Callable[[Value], Json]:
    """The function from a value to what a store keeps of it inside a JSON value."""
    if part.own is not None:
        return _or_none(part.own.keep)
    return _same if part.scalar in _PLAIN else to_json_builtins


def taker(part: FieldType) -> Callable[[Value], Value]:
    """The function that makes the value again of that."""
    if part.own is not None:
        return _or_none(part.own.take)
    annotation = part.annotation | None if part.nullable else part.annotation
    return partial(msgspec.convert, type=annotation)


def shower(part: FieldType) -> Callable[[Value], object]:
    """The function from a value to what msgspec encodes for clients."""
    return _same if part.own is None else _or_none(part.own.show)


def schema_of_part(part: FieldType, schemas: Schemas) -> JsonSchema:
    """The JSON schema of a part, with that of its rules."""
    schema = part.own.schema(schemas) if part.own is not None else schemas.of_annotation(part.annotation)
    for rule in part.rules if part.kind in _RULED else ():
        schema = schema | rule.json_schema()
    return {"anyOf": [schema, {"type": "null"}]} if part.nullable else schema


def types_of(part: FieldType) -> frozenset[str]:
    """The JSON types that values of a type are kept as, null apart."""
    if part.own is not None:
        return part.own.types
    if part.kind is not Kind.JSON:
        return _TYPES.get(part.kind, _STRING)
    return _types_of_schema(msgspec.json.schema(part.annotation))


def _types_of_schema(schema: JsonSchema) -> frozenset[str]:
    if "$ref" in schema:
        return _types_of_schema(schema["$defs"][schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        options = [option | {"$defs": schema.get("$defs", {})} for option in schema["anyOf"]]
        return frozenset().union(*map(_types_of_schema, options))
    found = schema.get("type")
    if found is None:
        return ANY_TYPES
    return frozenset({"number" if found == "integer" else str(found)}) - {"null"}


def _same(value: Value) -> Value:
    return value


def _or_none(function: Callable[[Value], Value]) -> Callable[[Value], Value]:
    return lambda value: None if value is None else function(value)
