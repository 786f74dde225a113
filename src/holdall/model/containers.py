"""Lists, tuples, sets, frozensets and dicts of field types."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import get_args

import msgspec

from holdall.errors import DeclarationError, FieldError
from holdall.model.field_type import Admit, FieldType
from holdall.model.fitting_items import all_fitting
from holdall.model.names import Annotation, origin_of
from holdall.model.nested import AdmitPart, admit_part, keeper, read_part, schema_of_part, shower, taker
from holdall.model.own_form import JsonSchema, OwnForm, Schemas
from holdall.query import Json, Kind, Value

__all__ = ["CONTAINERS", "container_type"]

CONTAINERS = (list, tuple, frozenset, set, dict)
"""The classes of containers."""

Inside = Callable[[str], tuple[str | int, FieldType]]

_SETS = (set, frozenset)
_ARRAY = frozenset({"array"})
_OBJECT = frozenset({"object"})


def container_type(annotation: Annotation, type_of: Callable[[Annotation], FieldType], where: str) -> FieldType:
    """The type of a list, tuple, set, frozenset or dict; raises DeclarationError for one without item types."""
    container, args = origin_of(annotation), get_args(annotation)
    if not args or (container is dict and len(args) != 2):
        kind = container or annotation
        example = "dict[str, JSON]" if kind is dict else f"{kind.__name__}[str]"
        raise DeclarationError(f"{where}: say what the {kind.__name__} holds, for instance {example}")
    if container is dict:
        kinds = [_without_references(type_of(arg), "dict", where) for arg in args]
        return _dict_type(annotation, kinds[0], kinds[1], where)
    if container is tuple and args[-1] is not Ellipsis:
        return _fixed_tuple_type(annotation, [_without_references(type_of(arg), "tuple", where) for arg in args])
    item = type_of(args[0])
    if container in _SETS and any(place.steps for place in item.references):
        raise DeclarationError(f"{where}: references inside values of a {container.__name__} have no place; use list")
    if container in _SETS and item.is_mutable:
        raise DeclarationError(f"{where}: what can be changed in place cannot be in a {container.__name__}; use list")
    return _sequence_type(annotation, container, item)


def _without_references(part: FieldType, container: str, where: str) -> FieldType:
    """The type of a part; raises DeclarationError for one with references, which would have no path of names."""
    if part.references:
        raise DeclarationError(f"{where}: references inside a {container} have no path; use a list, or a class")
    return part


def _make(annotation: object, validate: Admit, is_mutable: bool, inside: Inside | None = None) -> FieldType:
    return FieldType(annotation, Kind.JSON, validate, is_mutable=is_mutable, inside=inside)


def _items(items: Callable[[int], FieldType]) -> Inside:
    """Paths into an array: its items by their numbers from 0."""
    return lambda name: (int(name), items(int(name))) if name.isdecimal() else _nothing(name)


def _nothing(name: str) -> tuple[int, FieldType]:
    raise LookupError(name)


def _own(made: FieldType, read: Admit, own: OwnForm) -> FieldType:
    return msgspec.structs.replace(made, read=read, own=own, encode=own.keep, decode=own.take)


def _sequence_type(annotation: object, container: type[Value], item: FieldType) -> FieldType:
    all_fit = all_fitting(item)

    def all_admitted(admit: AdmitPart, values: Iterable[Value], path: str, errors: list[FieldError]) -> Value:
        before = len(errors)
        found = [admit(item, inner, f"{path}.{index}", errors) for index, inner in enumerate(values)]
        return container(found) if container not in _SETS or len(errors) == before else found

    def validate(value: object, path: str, errors: list[FieldError]) -> Value:
        if not isinstance(value, container):
            errors.append(FieldError(path, "type", f"must be a {container.__name__}"))
            return value
        if all_fit is not None and all_fit(value):
            return container(value)
        return all_admitted(admit_part, value, path, errors)

    def read(given: Value, path: str, errors: list[FieldError]) -> Value:
        if not isinstance(given, list):
            errors.append(FieldError(path, "type", f"must be a {container.__name__}, as an array"))
            return given
        return all_admitted(read_part, given, path, errors)

    inside = None if container in _SETS else _items(lambda number: item)
    made = _make(annotation, validate, container in (list, set) or item.is_mutable, inside)
    if item.own is None and container not in _SETS:
        return made
    keep_item, take_item, show_item = keeper(item), taker(item), shower(item)

    def keep(value: Value) -> Json:
        kept = [keep_item(inner) for inner in value]
        return sorted(kept, key=msgspec.json.encode) if container in _SETS else kept  # sets are equal in any order

    def take(kept: Value) -> Value:
        return container(map(take_item, _array(kept)))

    def show(value: Value) -> object:
        return [show_item(inner) for inner in (sorted(value, key=sort_key) if container in _SETS else value)]

    def sort_key(inner: Value) -> bytes:
        return msgspec.json.encode(keep_item(inner))

    def schema(schemas: Schemas) -> JsonSchema:
        unique = {"uniqueItems": True} if container in _SETS else {}
        return {"type": "array", "items": schema_of_part(item, schemas)} | unique

    places = tuple([place.within(None) for place in item.references])
    several = getattr(item.attribute, "several", None) if container is list else None  # the descriptor of lists of them
    return msgspec.structs.replace(
        _own(made, read, OwnForm(keep, take, show, schema, _ARRAY)), references=places, attribute=several
    )


def _fixed_tuple_type(annotation: object, items: list[FieldType]) -> FieldType:
    def all_admitted(admit: AdmitPart, values: Value, path: str, errors: list[FieldError]) -> Value:
        if len(values) != len(items):
            errors.append(FieldError(path, "type", f"must have {len(items)} items"))
            return values
        pairs = enumerate(zip(items, values, strict=True))
        return tuple([admit(item, inner, f"{path}.{index}", errors) for index, (item, inner) in pairs])

    def validate(value: Value, path: str, errors: list[FieldError]) -> Value:
        if isinstance(value, list) and len(value) != len(items):
            errors.append(FieldError(path, "type", f"must have {len(items)} items"))
            return value
        if not isinstance(value, tuple):
            errors.append(FieldError(path, "type", f"must be a tuple of {len(items)} items"))
            return value
        return all_admitted(admit_part, value, path, errors)

    def read(given: Value, path: str, errors: list[FieldError]) -> Value:
        if not isinstance(given, list):
            errors.append(FieldError(path, "type", f"must be a tuple of {len(items)} items, as an array"))
            return given
        return all_admitted(read_part, given, path, errors)

    made = _make(annotation, validate, any(item.is_mutable for item in items), _items(items.__getitem__))
    if all(item.own is None for item in items):
        return made
    ways = [(keeper(item), taker(item), shower(item)) for item in items]

    def keep(value: Value) -> Json:
        return [keep_item(inner) for (keep_item, _, _), inner in zip(ways, value, strict=True)]

    def take(kept: Value) -> Value:
        return tuple([take_item(inner) for (_, take_item, _), inner in zip(ways, _array(kept), strict=True)])

    def show(value: Value) -> object:
        return [show_item(inner) for (_, _, show_item), inner in zip(ways, value, strict=True)]

    def schema(schemas: Schemas) -> JsonSchema:
        parts = [schema_of_part(item, schemas) for item in items]
        return {"type": "array", "prefixItems": parts, "minItems": len(items), "maxItems": len(items), "items": False}

    return _own(made, read, OwnForm(keep, take, show, schema, _ARRAY))


def _dict_type(annotation: object, key: FieldType, item: FieldType, where: str) -> FieldType:
    if key.kind is not Kind.STR or key.nullable:
        raise DeclarationError(f"{where}: the keys of a dict must be text")
    if key.is_mutable:
        raise DeclarationError(f"{where}: what can be changed in place cannot be a key of a dict")
    names_fit, all_fit = all_fitting(key), all_fitting(item)

    def all_admitted(admit: AdmitPart, values: dict[Value, Value], path: str, errors: list[FieldError]) -> Value:
        before, found = len(errors), list[tuple[Value, Value]]()
        for name, inner in values.items():
            place = f"{path}.{name}"
            found.append((admit(key, name, place, errors), admit(item, inner, place, errors)))
        return dict(found) if len(errors) == before else values

    def validate(value: object, path: str, errors: list[FieldError]) -> Value:
        if not isinstance(value, dict):
            errors.append(FieldError(path, "type", "must be a dict"))
            return value
        if names_fit is not None and all_fit is not None and names_fit(value) and all_fit(value.values()):
            return dict(value)
        return all_admitted(admit_part, value, path, errors)

    def read(given: Value, path: str, errors: list[FieldError]) -> Value:
        if not isinstance(given, dict):
            errors.append(FieldError(path, "type", "must be a dict, as an object"))
            return given
        return all_admitted(read_part, given, path, errors)

    made = _make(annotation, validate, True, lambda name: (name, item))
    if key.own is None and item.own is None:
        return made
    keep_key, take_key, show_key = keeper(key), taker(key), shower(key)
    keep_item, take_item, show_item = keeper(item), taker(item), shower(item)

    def keep(value: Value) -> Json:
        return {str(keep_key(name)): keep_item(inner) for name, inner in value.items()}

    def take(kept: Value) -> Value:
        if not isinstance(kept, dict):
            raise ValueError("a dict is kept as an object")
        return {take_key(name): take_item(inner) for name, inner in kept.items()}

    def show(value: Value) -> object:
        return {show_key(name): show_item(inner) for name, inner in value.items()}

    def schema(schemas: Schemas) -> JsonSchema:
        return {"type": "object", "additionalProperties": schema_of_part(item, schemas)}

    return _own(made, read, OwnForm(keep, take, show, schema, _OBJECT))


def _array(kept: Value) -> list[Value]:
    if not isinstance(kept, list):
        raise ValueError("a sequence is kept as an array")
    return kept
