"""From an annotation to its field type."""

from __future__ import annotations

import types
from collections.abc import Callable
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from holdall.errors import DeclarationError, FieldError
from holdall.model.containers import container_type, is_value_object, value_object_type
from holdall.model.field_type import Admit, FieldType
from holdall.model.json_value import admit_json, to_json_builtins
from holdall.model.names import Annotation
from holdall.model.scalars import SCALARS, Refused, clean_text
from holdall.query import Kind, Value

__all__ = ["JSON", "type_of"]

JSON = dict[str, Any] | list[Any] | str | int | float | bool | None
"""The type of a field that keeps any JSON value."""


def type_of(annotation: Any, where: str) -> FieldType:
    """The type an annotation means; raises DeclarationError, naming ``where``, if it means none."""
    origin, args = get_origin(annotation), get_args(annotation)
    if annotation is Any or annotation == JSON:
        return FieldType(Any, Kind.JSON, admit_json, nullable=True, encode=to_json_builtins, is_mutable=True)
    if origin is Annotated:
        inner = type_of(args[0], where)
        rules = tuple(rule for rule in args[1:] if hasattr(rule, "holds"))
        return msgspec.structs.replace(inner, rules=inner.rules + rules)
    if origin in (Union, types.UnionType):
        return _union(args, where)
    if origin is Literal:
        return _choices(annotation, args, where)
    if annotation in SCALARS:
        scalar = SCALARS[annotation]
        return FieldType(annotation, scalar.kind, _admit_scalar(scalar.validate), scalar=annotation, fast=scalar.fast)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _enum(annotation, where)
    if (origin or annotation) in (list, tuple, frozenset, dict):
        return _nested(container_type(annotation, lambda item: type_of(item, where), where), annotation, where)
    if is_value_object(annotation):
        return _nested(value_object_type(annotation), annotation, where)
    raise DeclarationError(
        f"{where}: {annotation!r} is not a field type; use a scalar, an Enum, a Literal, list, tuple, frozenset or dict"
        " of these, a msgspec.Struct or dataclass, JSON, Ref[...] or Many[...]"
    )


def _admit_scalar(validate: Callable[[Any], Any]) -> Admit:
    def checked(value: object, path: str, errors: list[FieldError]) -> Value:
        try:
            return validate(value)
        except Refused as refused:
            errors.append(FieldError(path, refused.code, refused.message))
            return value

    return checked


def _union(args: tuple[Annotation, ...], where: str) -> FieldType:
    members = [arg for arg in args if arg is not type(None)]
    if len(members) == 1:
        inner = type_of(members[0], where)
        return msgspec.structs.replace(inner, nullable=True)
    options = [type_of(member, where) for member in members]
    annotation: Annotation = Union.__getitem__(tuple(members))

    def validate(value: object, path: str, errors: list[FieldError]) -> Value:
        for option in options:
            found: list[FieldError] = []
            validated = option.validate(value, path, found)
            if not found:
                return validated
        errors.append(FieldError(path, "type", "must be one of the types declared"))
        return value

    is_mutable = any(option.is_mutable for option in options)
    nested = FieldType(annotation, Kind.JSON, validate, nullable=len(members) < len(args), is_mutable=is_mutable)
    return _nested(nested, annotation, where)


def _enum(annotation: type[Enum], where: str) -> FieldType:
    values = tuple(member.value for member in annotation)
    name = annotation.__name__
    shown = ", ".join(map(str, values))
    by_value: dict[Any, Enum] = {member.value: member for member in annotation}

    def validate(value: object, path: str, errors: list[FieldError]) -> Value:
        if not isinstance(value, annotation):
            errors.append(FieldError(path, "one_of", f"must be a {name}: {shown}"))
        return value

    kind = _kind_of_choices(values, f"{where}: {name}")
    return FieldType(
        annotation, kind, validate, encode=lambda member: member.value, decode=by_value.__getitem__, choices=values
    )


def _choices(annotation: object, values: tuple[Annotation, ...], where: str) -> FieldType:
    def validate(value: object, path: str, errors: list[FieldError]) -> Value:
        if not any(value == choice and type(value) is type(choice) for choice in values):
            errors.append(FieldError(path, "one_of", "must be one of " + ", ".join(map(str, values))))
        return value

    return FieldType(annotation, _kind_of_choices(values, where), validate, choices=values)


def _kind_of_choices(values: tuple[Annotation, ...], where: str) -> Kind:
    if values and all(isinstance(value, str) for value in values):
        for value in values:
            clean_text(value)
        return Kind.STR
    if values and all(isinstance(value, int) and not isinstance(value, bool) for value in values):
        return Kind.INT
    raise DeclarationError(f"{where}: the values must be all text or all whole numbers")


def _nested(nested: FieldType, annotation: object, where: str) -> FieldType:
    """Give a type of kind JSON its way to the border: what its JSON says, and msgspec's own conversion back."""
    try:
        msgspec.json.Decoder(annotation)
    except TypeError as error:  # what is written could not be told apart when it is read again
        raise DeclarationError(f"{where}: {error}") from error

    def decode(value: object) -> Value:
        return msgspec.convert(value, annotation)

    return msgspec.structs.replace(nested, encode=to_json_builtins, decode=decode)
