"""The members of classes whose instances can be nested in a record: their names, annotations and what must be given."""

from __future__ import annotations

import dataclasses
from typing import ForwardRef, NotRequired, Required, get_args, get_type_hints, is_typeddict

import msgspec

from holdall.errors import DeclarationError
from holdall.model.names import Annotation, origin_of
from holdall.model.reference import Ref
from holdall.query import Value

__all__ = [
    "Member",
    "is_frozen_class",
    "is_named_tuple",
    "is_typed_dict",
    "is_value_object",
    "makes_more",
    "members_of",
    "tag_of",
]


class Member(msgspec.Struct, frozen=True):
    """One member: its name in JSON, as an attribute and in the constructor, its annotation, and if it must be given.

    ``given`` is empty for one that the constructor does not take (``init=False``).
    """

    shown: str
    name: str
    given: str
    annotation: Annotation
    required: bool


def is_named_tuple(annotation: object) -> bool:
    """Whether it is a class made by NamedTuple."""
    return isinstance(annotation, type) and issubclass(annotation, tuple) and hasattr(annotation, "_fields")


def is_typed_dict(annotation: object) -> bool:
    """Whether it is a class made by TypedDict, that of typing_extensions included."""
    return is_typeddict(annotation) or type(annotation).__name__ == "_TypedDictMeta"


def is_value_object(annotation: object) -> bool:
    """Whether instances of the class can be nested in a record."""
    return is_typed_dict(annotation) or (
        isinstance(annotation, type)
        and (
            issubclass(annotation, msgspec.Struct)
            or dataclasses.is_dataclass(annotation)
            or hasattr(annotation, "__attrs_attrs__")
            or is_named_tuple(annotation)
        )
    )


def is_frozen_class(annotation: Annotation) -> bool:
    """Whether the members of an instance cannot be set anew."""
    if is_named_tuple(annotation):
        return True
    if is_typed_dict(annotation):
        return False
    if issubclass(annotation, msgspec.Struct):
        return bool(annotation.__struct_config__.frozen)
    parameters = getattr(annotation, "__dataclass_params__", None)
    if parameters is not None:
        return bool(parameters.frozen)
    return "frozen" in getattr(annotation.__setattr__, "__name__", "")  # attrs has no other mark in all its versions


def tag_of(annotation: Annotation) -> tuple[str, str | int] | None:
    """The member of JSON and the value by which a struct is told from others, or None."""
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        config = annotation.__struct_config__
        if config.tag_field is not None and config.tag is not None:
            return config.tag_field, config.tag
    return None


def members_of(annotation: Annotation) -> list[Member]:
    """Every member that is kept, in order. Raises DeclarationError where an annotation cannot be read."""
    hints = _hints(annotation)
    if is_typed_dict(annotation):
        return [_typed_key(annotation, name, hint) for name, hint in hints.items()]
    if is_named_tuple(annotation):
        defaults = annotation._field_defaults
        return [Member(name, name, name, hints.get(name, object), name not in defaults) for name in annotation._fields]
    if issubclass(annotation, msgspec.Struct):
        names, defaults = annotation.__struct_fields__, annotation.__struct_defaults__
        filled = (*[msgspec.NODEFAULT] * (len(names) - len(defaults)), *defaults)
        parts = zip(annotation.__struct_encode_fields__, names, filled, strict=True)
        return [Member(shown, name, name, hints[name], given is msgspec.NODEFAULT) for shown, name, given in parts]
    if dataclasses.is_dataclass(annotation):
        _demand_no_lost_parameters(annotation, hints)
        return [
            Member(item.name, item.name, item.name if item.init else "", hints[item.name], _is_required(item))
            for item in dataclasses.fields(annotation)
        ]
    return [
        Member(
            item.name,
            item.name,
            (item.alias or item.name) if item.init else "",
            hints.get(item.name, object),
            item.init and _is_required_of_attrs(item),
        )
        for item in annotation.__attrs_attrs__
    ]


def makes_more(annotation: Annotation) -> bool:
    """Whether a class may make another object of the members of one: by a function that it calls, or converters."""
    if hasattr(annotation, "__post_init__") or hasattr(annotation, "__attrs_post_init__"):
        return True
    return any(item.converter is not None for item in getattr(annotation, "__attrs_attrs__", ()))


def _demand_no_lost_parameters(annotation: Annotation, hints: dict[str, Annotation]) -> None:
    """Raise DeclarationError for a parameter that must be given and is not kept."""
    for name, item in annotation.__dataclass_fields__.items():
        if isinstance(hints.get(name), dataclasses.InitVar) and _has_no_default(item):
            raise DeclarationError(
                f"{annotation.__name__}.{name} is an InitVar that must be given, so the object could not be made again"
                " of what is kept; give it a default"
            )


def _hints(annotation: Annotation) -> dict[str, Annotation]:
    """The annotations of members; a name in ``Ref[...]`` may stand for what is declared later."""
    later: dict[str, Annotation] = {}
    while True:
        try:
            hints = get_type_hints(annotation, localns=later or None, include_extras=True)
            break
        except NameError as error:
            if error.name is None or error.name in later:
                raise
            later[error.name] = ForwardRef(error.name)
    for hint in hints.values() if later else ():
        for name in later:
            if _needs_now(hint, name):
                raise DeclarationError(
                    f"{annotation.__name__}: {name!r} in its annotations is not known where it is declared"
                )
    return hints


def _needs_now(hint: Annotation, name: str) -> bool:
    """Whether an annotation has a name outside of a reference."""
    if isinstance(hint, ForwardRef):
        return hint.__forward_arg__ == name
    return origin_of(hint) is not Ref and any(_needs_now(part, name) for part in get_args(hint))


def _typed_key(annotation: Annotation, name: str, hint: Annotation) -> Member:
    required = name in annotation.__required_keys__
    while (origin := origin_of(hint)) is not None and (origin in (Required, NotRequired) or _is_read_only(origin)):
        required = origin is Required if origin in (Required, NotRequired) else required
        hint = get_args(hint)[0]
    return Member(name, name, name, hint, required)


def _is_read_only(origin: object) -> bool:
    return str(origin).endswith(".ReadOnly")


def _is_required(item: dataclasses.Field[Value]) -> bool:
    return item.init and _has_no_default(item)


def _has_no_default(item: dataclasses.Field[Value]) -> bool:
    return item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING


def _is_required_of_attrs(item: Annotation) -> bool:
    return type(item.default).__name__ == "_Nothing"  # attrs' own mark of no default, whose class has no public name
