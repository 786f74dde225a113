"""From JSON-like builtins to typed values, with every mistake and its path; msgspec alone would tell the first."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Iterable
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec

from holdall.errors import FieldError
from holdall.model.annotations import unwrap
from holdall.model.containers import is_value_object
from holdall.model.names import Annotation
from holdall.model.types import type_of
from holdall.query import Value

__all__ = ["convert_all", "has_named_parts", "refuse_unknown"]

_Parts = Iterable[tuple[Any, Any, str]]


def convert_all(annotation: object, value: object, path: str, errors: list[FieldError]) -> Value:
    """The value as its annotation wants it; where that fails, all that is wrong is appended to ``errors``."""
    try:
        return msgspec.convert(value, annotation)
    except (msgspec.ValidationError, ValueError, RecursionError):
        _explain(annotation, value, path, errors)
    return value


def has_named_parts(annotation: object) -> bool:
    """Whether values of an annotation are, or hold, structs or dataclasses."""
    bare = _bare(annotation)
    return is_value_object(bare) or any(has_named_parts(inner) for inner in get_args(bare) if inner is not Ellipsis)


def refuse_unknown(annotation: object, value: object, path: str, errors: list[FieldError]) -> None:
    """Append an error for each name in a value that is no field of the struct or dataclass it is given for."""
    bare = _bare(annotation)
    if get_origin(bare) in (Union, types.UnionType):
        return  # which of them is meant, is decided by what is given
    if is_value_object(bare) and isinstance(value, dict):
        known = {shown for shown, _, _ in _fields_of(bare)}
        known.add(_tag_of(bare) or "")
        errors.extend(FieldError(f"{path}.{name}", "unknown", "is not a field") for name in value if name not in known)
    for inner, part, place in _parts(bare, value, path):
        if part is not msgspec.UNSET:
            refuse_unknown(inner, part, place, errors)


def _explain(annotation: object, value: object, path: str, errors: list[FieldError]) -> None:
    before = len(errors)
    if value is None:
        errors.append(FieldError(path, "required", "must not be null"))
        return
    bare = _bare(annotation)
    for inner, part, place in _parts(bare, value, path):
        if part is msgspec.UNSET:
            errors.append(FieldError(place, "required", "is required"))
        else:
            convert_all(inner, part, place, errors)
    if len(errors) == before and not (is_value_object(bare) and isinstance(value, dict)):
        type_of(bare, path).validate(value, path, errors)
    if len(errors) == before:
        errors.append(FieldError(path, "value", "is not valid"))


def _bare(annotation: object) -> Any:
    """The annotation without Annotated and None."""
    inner, _ = unwrap(annotation)
    if get_origin(inner) in (Union, types.UnionType):
        members = tuple(arg for arg in get_args(inner) if arg is not type(None))
        return _bare(members[0]) if len(members) == 1 else Union[members]  # noqa: UP007 - built from a tuple
    return inner


def _parts(annotation: object, value: object, path: str) -> _Parts:
    """The parts of a container or value object: annotation, value and path of each; UNSET for one that is not there."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is dict and isinstance(value, dict):
        return [(args[1], inner, f"{path}.{name}") for name, inner in value.items()]
    if origin in (list, tuple, frozenset) and isinstance(value, list | tuple):
        if origin is tuple and args[-1] is not Ellipsis:
            inners = args if len(args) == len(value) else ()
        else:
            inners = (args[0],) * len(value)
        return [
            (inner, part, f"{path}.{index}") for index, (inner, part) in enumerate(zip(inners, value, strict=False))
        ]
    if is_value_object(annotation) and isinstance(value, dict):
        return _value_object_parts(annotation, value, path)
    return []


def _value_object_parts(annotation: object, value: dict[str, Value], path: str) -> _Parts:
    hints = get_type_hints(annotation, include_extras=True)
    found = []
    for shown, name, required in _fields_of(annotation):
        if shown in value:
            found.append((hints[name], value[shown], f"{path}.{shown}"))
        elif required:
            found.append((hints[name], msgspec.UNSET, f"{path}.{shown}"))
    return found


def _fields_of(annotation: Annotation) -> list[tuple[str, str, bool]]:
    """Each field of a struct or dataclass: its name in JSON, its own name, whether it must be given."""
    if issubclass(annotation, msgspec.Struct):
        return [(item.encode_name, item.name, item.required) for item in msgspec.structs.fields(annotation)]
    return [(item.name, item.name, _is_required(item)) for item in dataclasses.fields(annotation)]


def _tag_of(annotation: Annotation) -> str | None:
    """The name of the JSON member that holds a struct's type tag, or None."""
    return annotation.__struct_config__.tag_field if issubclass(annotation, msgspec.Struct) else None


def _is_required(item: dataclasses.Field[Value]) -> bool:
    return item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING
