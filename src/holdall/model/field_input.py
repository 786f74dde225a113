"""How one field's value is read from JSON: by msgspec where that knows its type, part by part where it does not."""

from __future__ import annotations

import types
from functools import lru_cache
from typing import Any

import msgspec

from holdall.errors import FieldError
from holdall.model.conversion import read_all
from holdall.model.field import Field
from holdall.model.names import Annotation
from holdall.model.types import type_of
from holdall.query import Json, Kind, Value

__all__ = ["input_annotation", "is_read_by_parts", "read_field", "text_in_json"]


def input_annotation(field: Field, required: bool = False) -> Annotation:
    """Return the annotation by which msgspec reads a field's JSON; with ``required``, None is left out."""
    if is_read_by_parts(field):
        return Any
    if field.target is not None:
        keys = [input_annotation(part, required=True) for part in field.target().__holdall__.key]
        key = keys[0] if len(keys) == 1 else types.GenericAlias(tuple, tuple(keys))
        annotation = key if field.form is None else types.GenericAlias(tuple, (key, ...))
        may_be_none = field.nullable
    else:
        assert field.type is not None
        if field.options.coerce or not field.options.type_check:
            return Any  # validate converts or keeps it
        annotation = field.type.annotation
        may_be_none = field.type.nullable
    return annotation | None if may_be_none and not required else annotation


def is_read_by_parts(field: Field) -> bool:
    """Whether msgspec does not know the field's type, or that of a key it refers by."""
    if field.target is not None:
        return any(is_read_by_parts(part) for part in field.target().__holdall__.key)
    assert field.type is not None
    return field.type.own is not None and field.options.type_check and not field.options.coerce


@lru_cache(maxsize=5_000)
def _read_whole(field: Field, required: bool) -> Annotation | None:
    """The annotation by which msgspec reads a field's JSON, found once; None where the field is read by parts."""
    return None if is_read_by_parts(field) else input_annotation(field, required)


def read_field(field: Field, value: Value, path: str, errors: list[FieldError], *, required: bool = False) -> Value:
    """The value that JSON gives for a field; what is wrong with it is appended to ``errors``, its rules apart."""
    annotation = _read_whole(field, required)
    if annotation is not None:
        return read_all(annotation, value, path, errors, explain=_explained)
    if value is None:
        if required or not field.nullable:
            errors.append(FieldError(path, "required", "must not be null"))
        return None
    if field.target is None:
        assert field.type is not None
        assert field.type.read is not None
        return field.type.read(value, path, errors)
    key = field.target().__holdall__.key
    if field.form is None:
        return _read_key(key, value, path, errors)
    if not isinstance(value, list | tuple):
        errors.append(FieldError(path, "type", "must be a list of keys"))
        return value
    return tuple([_read_key(key, item, f"{path}.{index}", errors) for index, item in enumerate(value)])


def _read_key(parts: tuple[Field, ...], value: Value, path: str, errors: list[FieldError]) -> Value:
    if len(parts) == 1:
        return read_field(parts[0], value, path, errors, required=True)
    if not isinstance(value, list | tuple) or len(value) != len(parts):
        errors.append(FieldError(path, "type", f"must be a list of the {len(parts)} parts of a key"))
        return value
    pairs = enumerate(zip(parts, value, strict=True))
    return tuple([read_field(part, item, f"{path}.{number}", errors, required=True) for number, (part, item) in pairs])


def text_in_json(field: Field, text: str) -> Json:
    """The JSON that a text, as in a path, stands for: itself where text is kept, else what it says."""
    if field.kind in (Kind.INT, Kind.FLOAT, Kind.BOOL, Kind.JSON, Kind.REF):
        try:
            said: Json = msgspec.json.decode(text)
            return said
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return text
    return text


def _explained(annotation: object, value: object, path: str, errors: list[FieldError]) -> None:
    type_of(annotation, path).validate(value, path, errors)
