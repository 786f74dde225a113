"""The bound on levels of JSON in one value, which is that of all stores: seen where parts that each keep it lie within
others.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_type_hints

import msgspec

from holdall.errors import FieldError
from holdall.model.field_type import Admit, FieldType
from holdall.model.json_value import TOO_DEEP, UNENCODABLE
from holdall.model.knowledge import bare_alias
from holdall.model.members import is_value_object
from holdall.model.names import Annotation, origin_of
from holdall.model.reference import Ref
from holdall.model.scalars import SCALARS
from holdall.query import Kind, Value, is_too_deep

__all__ = ["bounded"]

_OUTER = (list, tuple, frozenset, set, dict, Union, UnionType)


def bounded(made: FieldType) -> FieldType:
    """The type with the bound on all levels together, where its annotation leaves them open."""
    annotation = bare_alias(made.annotation)
    if made.kind is not Kind.JSON or origin_of(annotation) not in _OUTER or not _may_be_deep(annotation, ()):
        return made
    read = None if made.read is None else _checked(made.read, made.encode)
    return msgspec.structs.replace(made, validate=_checked(made.validate, made.encode), read=read)


def _checked(admit: Admit, encode: Callable[[Value], Value] | None) -> Admit:
    def checked(value: object, path: str, errors: list[FieldError]) -> Value:
        before = len(errors)
        found = admit(value, path, errors)
        if len(errors) == before:
            try:
                is_deep = is_too_deep(found if encode is None else encode(found))
            except UNENCODABLE:  # what it cannot be made of is told elsewhere
                return found
            if is_deep:
                errors.append(FieldError(path, "depth", TOO_DEEP))
        return found

    return checked


def _may_be_deep(annotation: Annotation, within: tuple[object, ...]) -> bool:
    """Whether a value may have more levels than the annotation has: parts of any JSON, or objects within their like."""
    annotation = bare_alias(annotation)
    origin, args = origin_of(annotation), get_args(annotation)
    if annotation is Any or annotation in within:
        return True
    if annotation in (NoneType, Ellipsis) or annotation in SCALARS or origin in (Literal, Ref):
        return False
    if origin is Annotated:
        return _may_be_deep(args[0], within)
    if origin in _OUTER:
        return any(_may_be_deep(each, within) for each in args)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return False
    if not is_value_object(annotation):
        return True
    try:
        hints = get_type_hints(annotation, include_extras=True)
    except Exception:  # what cannot be looked up may be anything
        return True
    return any(_may_be_deep(each, (*within, annotation)) for each in hints.values())
