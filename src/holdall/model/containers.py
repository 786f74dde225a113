"""Lists, tuples, frozensets and dicts of field types, and value objects: structs and dataclasses."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any, get_args, get_origin

import msgspec

from holdall.errors import DeclarationError, FieldError
from holdall.model.field_type import Admit, FieldType
from holdall.model.json_value import admit_json, to_json_builtins
from holdall.model.tracking import Tracked
from holdall.query import Kind, Value

__all__ = ["container_type", "is_value_object", "value_object_type"]


def container_type(annotation: Any, type_of: Callable[[Any], FieldType], where: str) -> FieldType:
    """The type of a list, tuple, frozenset or dict; raises DeclarationError for one without item types."""
    container, args = get_origin(annotation), get_args(annotation)
    if not args or (container is dict and len(args) != 2):
        kind = container or annotation
        example = "dict[str, JSON]" if kind is dict else f"{kind.__name__}[str]"
        raise DeclarationError(f"{where}: say what the {kind.__name__} holds, for instance {example}")
    if container is dict:
        return _dict_type(annotation, type_of(args[0]), type_of(args[1]), where)
    if container is tuple and args[-1] is not Ellipsis:
        return _fixed_tuple_type(annotation, [type_of(arg) for arg in args])
    return _sequence_type(annotation, container, type_of(args[0]))


def _make(annotation: object, validate: Admit, is_mutable: bool) -> FieldType:
    return FieldType(annotation, Kind.JSON, validate, is_mutable=is_mutable)


def _admit_item(item: FieldType, value: object, path: str, errors: list[FieldError]) -> Value:
    if value is None and item.nullable:
        return None
    before = len(errors)
    validated = item.validate(value, path, errors)
    if len(errors) == before:
        errors.extend(FieldError(path, rule.code, rule.describe()) for rule in item.rules if not rule.holds(validated))
    return validated


def _sequence_type(annotation: object, container: type[Any], item: FieldType) -> FieldType:
    def validate(value: object, path: str, errors: list[FieldError]) -> Value:
        if not isinstance(value, container):
            errors.append(FieldError(path, "type", f"must be a {container.__name__}"))
            return value
        return container(_admit_item(item, inner, f"{path}.{index}", errors) for index, inner in enumerate(value))

    return _make(annotation, validate, container is list or item.is_mutable)


def _fixed_tuple_type(annotation: object, items: list[FieldType]) -> FieldType:
    def validate(value: object, path: str, errors: list[FieldError]) -> Value:
        if isinstance(value, list | tuple) and len(value) != len(items):
            errors.append(FieldError(path, "type", f"must have {len(items)} items"))
            return value
        if not isinstance(value, tuple):
            errors.append(FieldError(path, "type", f"must be a tuple of {len(items)} items"))
            return value
        pairs = enumerate(zip(items, value, strict=True))
        return tuple(_admit_item(item, inner, f"{path}.{index}", errors) for index, (item, inner) in pairs)

    return _make(annotation, validate, any(item.is_mutable for item in items))


def _dict_type(annotation: object, key: FieldType, item: FieldType, where: str) -> FieldType:
    if key.kind is not Kind.STR or key.nullable:
        raise DeclarationError(f"{where}: the keys of a dict must be text")

    def validate(value: object, path: str, errors: list[FieldError]) -> Value:
        if not isinstance(value, dict):
            errors.append(FieldError(path, "type", "must be a dict"))
            return value
        return {
            _admit_item(key, name, f"{path}.{name}", errors): _admit_item(item, inner, f"{path}.{name}", errors)
            for name, inner in value.items()
        }

    return _make(annotation, validate, True)


def is_value_object(annotation: object) -> bool:
    """Whether instances of the class can be nested in a record."""
    return isinstance(annotation, type) and (
        issubclass(annotation, msgspec.Struct) or dataclasses.is_dataclass(annotation)
    )


def value_object_type(annotation: type[Any]) -> FieldType:
    """The type of a nested struct or dataclass; its own annotations are its rules."""
    if issubclass(annotation, Tracked):
        raise DeclarationError(f"{annotation.__name__} is a model: refer to it with Ref[{annotation.__name__}]")
    is_frozen = (
        annotation.__struct_config__.frozen
        if issubclass(annotation, msgspec.Struct)
        else annotation.__dataclass_params__.frozen
    )

    def validate(value: object, path: str, errors: list[FieldError]) -> Value:
        if not isinstance(value, annotation):
            errors.append(FieldError(path, "type", f"must be a {annotation.__name__}"))
            return value
        before = len(errors)
        try:
            builtins = to_json_builtins(value)
            admit_json(builtins, path, errors)
            msgspec.convert(builtins, annotation)
        except (msgspec.ValidationError, TypeError, ValueError, RecursionError) as error:
            if len(errors) == before:
                errors.append(FieldError(path + _place_in(str(error)), "value", f"must fit {annotation.__name__}"))
        return value

    return _make(annotation, validate, not is_frozen)


def _place_in(message: str) -> str:
    """The place that msgspec's message ends with, as the rest of a path: ``$.a[0].b`` is ``.a.0.b``."""
    match = re.search(r"`(?:\w+ in )?\$(?P<place>[^`]*)`$", message)
    return re.sub(r"\[(\d+)\]", r".\1", match["place"]).replace("[...]", "") if match else ""
