"""Items of a long list, and members of objects, that all fit: seen in one expression, not by a call or two for each."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from datetime import UTC
from typing import TypeAlias, get_origin

import msgspec

from holdall.codegen import function
from holdall.model.field_type import FieldType
from holdall.model.json_value import admit_json, is_plain
from holdall.model.members import Member
from holdall.model.names import Annotation

__all__ = ["all_fitting", "object_fitting"]

_Fits: TypeAlias = Callable[[Collection[object]], bool]


def all_fitting(item: FieldType) -> _Fits | None:
    """The function that is true of items if nothing is left to check of them; None where each must be looked at."""
    if item.rules:
        return None
    if item.validate is admit_json:
        return _all_plain
    if item.fast is None:
        return None
    source = f"all([{'x is None or ' if item.nullable else ''}{item.fast} for x in values])"
    names = {"T": item.scalar, "__UTC": UTC}
    fits: _Fits = function("all_fit", "values", source, names, f"items of {item.annotation}, checked")
    return fits


def object_fitting(
    annotation: Annotation, members: Sequence[tuple[Member, FieldType]]
) -> Callable[[object], bool] | None:
    """The same of one object: true if its members are scalars that fit, or empty lists and dicts. None for a class that
    makes more of them.

    Such an object is as deep as one object, and msgspec makes it again of its JSON.
    """
    if not (isinstance(annotation, type) and issubclass(annotation, msgspec.Struct)) or not members:
        return None
    if hasattr(annotation, "__post_init__"):
        return None
    names: dict[str, object] = {"__UTC": UTC}
    sources = []
    for number, (member, part) in enumerate(members):
        if part.rules or part.own is not None:
            return None
        origin: object = get_origin(part.annotation)
        if part.fast is None and (origin is dict or origin is list):
            names[f"__type{number}"] = origin
            sources.append(f"(value.{member.name}.__class__ is __type{number} and not value.{member.name})")
            continue
        if part.fast is None:
            return None
        names[f"__type{number}"] = part.scalar
        source = re.sub(r"\bT\b", f"__type{number}", part.fast)
        source = re.sub(r"\bx\b", f"value.{member.name}", source)
        sources.append(f"(value.{member.name} is None or {source})" if part.nullable else f"({source})")
    fits: Callable[[object], bool] = function(
        "fits", "value", " and ".join(sources), names, f"members of {annotation.__name__}, checked"
    )
    return fits


def _all_plain(values: Collection[object]) -> bool:
    return all(map(is_plain, values))
