"""From JSON-like builtins to typed values, with every mistake and its path; msgspec alone would tell the first."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, TypeVar, Union, get_args

import msgspec

from holdall.errors import FieldError
from holdall.model.annotations import unwrap
from holdall.model.members import is_value_object, members_of, tag_of
from holdall.model.names import Annotation, origin_of
from holdall.query import Value

__all__ = ["convert_all", "has_named_parts", "read_all", "refuse_unknown"]

T = TypeVar("T")

_Parts = Iterable[tuple[Any, Any, str]]
_NEAR = 256  # parts of a long list that are converted together

Explain = Callable[[Any, Any, str, list[FieldError]], None]
"""Appends what is wrong with a value that has no parts, by its annotation."""


def _remembered(function: Callable[[Annotation], T]) -> Callable[[Annotation], T]:
    """The function with its last results, but for annotations with something that cannot be looked up."""
    cached = lru_cache(1_000)(function)

    def find(annotation: Annotation) -> T:
        try:
            return cached(annotation)
        except TypeError:
            return function(annotation)

    return find


def read_all(annotation: object, value: object, path: str, errors: list[FieldError], *, explain: Explain) -> Value:
    """As ``convert_all``, and names that are no fields of value objects are refused."""
    refuse_unknown(annotation, value, path, errors)
    return convert_all(annotation, value, path, errors, explain)


def convert_all(annotation: object, value: object, path: str, errors: list[FieldError], explain: Explain) -> Value:
    """The value as its annotation wants it; where that fails, all that is wrong is appended to ``errors``."""
    try:
        return msgspec.convert(value, annotation)
    except (msgspec.ValidationError, ValueError, RecursionError):
        _explain(annotation, value, path, errors, explain)
    return value


@_remembered
def has_named_parts(annotation: object) -> bool:
    """Whether values of an annotation are, or hold, value objects."""
    bare = _bare(annotation)
    return is_value_object(bare) or any(has_named_parts(inner) for inner in get_args(bare) if inner is not Ellipsis)


def refuse_unknown(annotation: object, value: object, path: str, errors: list[FieldError]) -> None:
    """Append an error for each name in a value that is no field of the value object it is given for."""
    if not has_named_parts(annotation):
        return
    bare = _bare(annotation)
    if origin_of(bare) in (Union, types.UnionType):
        return  # which of them is meant, is decided by what is given
    if is_value_object(bare):
        if isinstance(value, dict):
            known, nested = _names_of(bare)
            if not known.issuperset(value):
                unknown = [name for name in value if name not in known]
                errors.extend(FieldError(f"{path}.{name}", "unknown", "is not a field") for name in unknown)
            for name, inner in nested:
                if name in value:
                    refuse_unknown(inner, value[name], f"{path}.{name}", errors)
        return
    for inner, part, place in _parts(bare, _with_unknown(bare, value), path):
        if has_named_parts(inner):
            refuse_unknown(inner, part, place, errors)


@_remembered
def _names_of(annotation: Annotation) -> tuple[frozenset[str], tuple[tuple[str, object], ...]]:
    """The names that JSON may have for a value object, and those of parts that have names of their own."""
    members, tag = members_of(annotation), tag_of(annotation)
    known = frozenset({member.shown for member in members} | {tag[0] if tag is not None else ""})
    return known, tuple((each.shown, each.annotation) for each in members if has_named_parts(each.annotation))


def _with_unknown(annotation: object, value: object) -> object:
    """The value; nothing in place of a long list of plain objects of which each has no other names than it may have."""
    args = get_args(annotation)
    if not _is_alike(annotation) or not isinstance(value, list) or not is_value_object(bare := _bare(args[0])):
        return value
    known, nested = _names_of(bare)
    return value if nested or not all(item.__class__ is dict and known.issuperset(item) for item in value) else []


def _explain(annotation: object, value: object, path: str, errors: list[FieldError], explain: Explain) -> None:
    before = len(errors)
    if value is None:
        errors.append(FieldError(path, "required", "must not be null"))
        return
    bare = _bare(annotation)
    for inner, part, place in _suspects(bare, value, path):
        if part is msgspec.UNSET:
            errors.append(FieldError(place, "required", "is required"))
        else:
            convert_all(inner, part, place, errors, explain)
    if len(errors) == before and not (is_value_object(bare) and isinstance(value, dict)):
        explain(bare, value, path, errors)
    if len(errors) == before:
        errors.append(FieldError(path, "value", "is not valid"))


def _suspects(annotation: object, value: object, path: str) -> _Parts:
    """The parts that may be wrong; of the many parts of a long list, those that stand near one that is."""
    args = get_args(annotation)
    if not _is_alike(annotation) or not isinstance(value, list | tuple) or len(value) <= _NEAR:
        yield from _parts(annotation, value, path)
        return
    for start in range(0, len(value), _NEAR):
        near = value[start : start + _NEAR]
        try:
            msgspec.convert(near, list[args[0]])  # type: ignore[valid-type]  # known at run time only
        except (msgspec.ValidationError, ValueError, RecursionError):
            yield from ((args[0], part, f"{path}.{index}") for index, part in enumerate(near, start))


def _is_alike(annotation: object) -> bool:
    """Whether it is a list, or the like, of which all parts are of one annotation."""
    return origin_of(annotation) in (list, tuple) and get_args(annotation)[1:] in ((), (Ellipsis,))


@_remembered
def _bare(annotation: object) -> Annotation:
    """The annotation without Annotated and None."""
    inner, _ = unwrap(annotation)
    if origin_of(inner) in (Union, types.UnionType):
        members = tuple(arg for arg in get_args(inner) if arg is not type(None))
        return _bare(members[0]) if len(members) == 1 else Union[members]  # noqa: UP007 - built from a tuple
    return inner


def _parts(annotation: object, value: object, path: str) -> _Parts:
    """The parts of a container or value object: annotation, value and path of each; UNSET for one that is not there."""
    origin, args = origin_of(annotation), get_args(annotation)
    if origin is dict and isinstance(value, dict):
        return [(args[1], inner, f"{path}.{name}") for name, inner in value.items()]
    if origin in (list, tuple) and isinstance(value, list | tuple):
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
    found = []
    for member in members_of(annotation):
        if member.shown in value:
            found.append((member.annotation, value[member.shown], f"{path}.{member.shown}"))
        elif member.required:
            found.append((member.annotation, msgspec.UNSET, f"{path}.{member.shown}"))
    return found
