"""Aliases made by ``type X = ...`` or TypeAliasType: the annotations that they stand for, wherever they are met."""

from __future__ import annotations

import types
from typing import Annotated, Literal, Union, get_args

from holdall.errors import DeclarationError
from holdall.model.names import Annotation, origin_of

__all__ = ["without_aliases"]


def without_aliases(annotation: Annotation, opened: tuple[object, ...] = ()) -> Annotation:
    """Return the annotation with what aliases stand for in their place, also in brackets; itself if it has none.

    ``opened`` are the aliases around it. Raises DeclarationError for one that leads back to itself.

    >>> from typing_extensions import TypeAliasType
    >>> Names = TypeAliasType("Names", list[str])
    >>> without_aliases(dict[str, Names])
    dict[str, list[str]]
    """
    origin = origin_of(annotation)
    alias = next((each for each in (annotation, origin) if type(each).__name__ == "TypeAliasType"), None)
    if alias is not None:
        if any(alias is each for each in opened):
            raise DeclarationError(
                f"{alias.__name__} is an alias that leads back to itself, so that its values have no form; any JSON is"
                " JSON, from holdall, and a class may have members of its own kind"
            )
        return without_aliases(_meant(alias, get_args(annotation)), (*opened, alias))
    args = get_args(annotation)
    if not args or origin is Literal:
        return annotation
    if origin is Annotated:
        inner = without_aliases(args[0], opened)
        return annotation if inner is args[0] else Annotated.__class_getitem__((inner, *args[1:]))
    parts = tuple([without_aliases(each, opened) for each in args])
    if all(one is other for one, other in zip(parts, args, strict=True)):
        return annotation
    if origin in (Union, types.UnionType):
        return Union.__getitem__(parts)
    return origin[parts if len(parts) > 1 else parts[0]]


def _meant(alias: Annotation, given: tuple[Annotation, ...]) -> Annotation:
    """The annotation that an alias stands for, with what is given for its parameters."""
    value, known = alias.__value__, dict(zip(alias.__type_params__, given, strict=False))
    if value in alias.__type_params__:
        return known.get(value, value)
    wanted = getattr(value, "__parameters__", ()) if known else ()
    return value[tuple([known.get(each, each) for each in wanted])] if wanted else value
