"""From an annotation to its field type."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from enum import Enum, Flag
from functools import partial
from typing import Annotated, Any, Literal, Union, get_args

import msgspec

from holdall.errors import DeclarationError, FieldError
from holdall.model.constraints import rules_in
from holdall.model.containers import CONTAINERS, container_type
from holdall.model.conversion import read_all
from holdall.model.depth import bounded
from holdall.model.field_type import Admit, FieldType
from holdall.model.json_value import admit_json, to_json_builtins
from holdall.model.knowledge import bare_alias, is_known
from holdall.model.many import Many
from holdall.model.members import is_value_object
from holdall.model.names import Annotation, origin_of
from holdall.model.own_values import own_type
from holdall.model.pydantic_types import is_pydantic_type, pydantic_type
from holdall.model.pydantic_values import is_pydantic_model, pydantic_model_type
from holdall.model.reference import Ref
from holdall.model.reference_type import inner_reference_type
from holdall.model.scalars import SCALARS, Refused, clean_text
from holdall.model.standard_values import codec_for
from holdall.model.unions import union_type
from holdall.model.value_codec import AnyCodec, Codec
from holdall.model.value_objects import ValueObject
from holdall.query import Kind, Value

__all__ = ["JSON", "type_of"]

JSON = dict[str, Value] | list[Value] | str | int | float | bool | None
"""The type of a field that keeps any JSON value."""

Codecs = Mapping[object, AnyCodec]
"""Codecs that one field takes for its classes, before those that are registered."""


def type_of(annotation: Annotation, where: str, codec: AnyCodec | None = None) -> FieldType:
    """The type an annotation means; raises DeclarationError, naming ``where``, if it means none.

    ``codec`` is what keeps the values of its class in this field.
    """
    codecs: Codecs = {} if codec is None else {codec.type: codec}
    return bounded(_Reading(where, codecs).type_of(annotation))


class _Reading:
    """The reading of one field's annotation: ``pending`` are value objects whose members lead back to themselves."""

    def __init__(self, where: str, codecs: Codecs) -> None:
        self._where = where
        self._codecs = codecs
        self._pending: dict[object, ValueObject] = {}
        self._repeated: list[object] = []  # classes met again
        self._module: str | None = None  # that of the class whose members are read

    def type_of(self, annotation: Annotation) -> FieldType:
        """The type, with its way from JSON."""
        made = self._made(bare_alias(annotation))
        return made if made.read is not None else msgspec.structs.replace(made, read=_reader(made))

    def _made(self, annotation: Annotation) -> FieldType:
        where = self._where
        origin, args = origin_of(annotation), get_args(annotation)
        codec = self._codec_of(annotation)
        if codec is not None:
            return own_type(codec, type_of(codec.kept, f"{where}, kept by {codec!r}"), where)
        if annotation is Any or annotation == JSON:
            return FieldType(Any, Kind.JSON, admit_json, nullable=True, encode=to_json_builtins, is_mutable=True)
        if origin is Annotated:
            return self._annotated(annotation, args)
        if origin in (Union, types.UnionType):
            return self._union(args)
        if origin is Literal:
            return _choices(annotation, args, where)
        if origin is Many:
            raise DeclarationError(f"{where}: inside a value, many references are a list: write list[Ref[...]]")
        if origin is Ref:
            return inner_reference_type(annotation, args[0], self._module, where)
        if annotation in SCALARS:
            scalar = SCALARS[annotation]
            return FieldType(
                annotation, scalar.kind, _admit_scalar(scalar.validate), scalar=annotation, fast=scalar.fast
            )
        if isinstance(annotation, type) and issubclass(annotation, Flag):
            is_int = issubclass(annotation, int)
            codec = Codec(annotation, int, encode=lambda flags: flags.value, decode=annotation, ordered=is_int)
            return own_type(codec, self.type_of(int), where)
        if isinstance(annotation, type) and issubclass(annotation, Enum):
            return _enum(annotation, where)
        if (origin or annotation) in CONTAINERS:
            return _nested(container_type(annotation, self.type_of, where), annotation, where)
        if is_pydantic_model(annotation):
            return pydantic_model_type(annotation, where, self.type_of)
        if is_value_object(annotation):
            return self._value_object(annotation)
        if is_pydantic_type(annotation):
            return pydantic_type(annotation, where)
        raise DeclarationError(
            f"{where}: {annotation!r} is not a field type; use a scalar, an Enum, a Literal, list, tuple, set,"
            " frozenset or dict of these, a struct, dataclass, attrs class, TypedDict, NamedTuple, pydantic model,"
            " JSON, Ref[...] or Many[...], or say how it is kept: field(codec=Codec(...))"
        )

    def _codec_of(self, annotation: object) -> AnyCodec | None:
        try:
            return self._codecs.get(annotation) or codec_for(annotation)
        except TypeError:  # what cannot be hashed is no class
            return None

    def _annotated(self, annotation: Annotation, args: tuple[Annotation, ...]) -> FieldType:
        for extra in args[1:]:
            if isinstance(extra, Codec):
                inner = own_type(extra, type_of(extra.kept, f"{self._where}, kept by {extra!r}"), self._where)
                break
        else:
            if is_pydantic_type(annotation):
                return pydantic_type(annotation, self._where)
            inner = self.type_of(args[0])
        return msgspec.structs.replace(inner, rules=inner.rules + rules_in(args[1:]))

    def _union(self, args: tuple[Annotation, ...]) -> FieldType:
        members = tuple([arg for arg in args if arg is not type(None)])
        is_nullable = len(members) < len(args)
        if any(origin_of(member) is Ref for member in members):
            if len(members) > 1:
                raise DeclarationError(f"{self._where}: a reference is not one of several types: write Ref[...] alone")
            raise DeclarationError(f"{self._where}: None belongs into the brackets: Ref[... | None]")
        if len(members) == 1:
            return msgspec.structs.replace(self.type_of(members[0]), nullable=is_nullable)
        made = union_type(members, [self.type_of(member) for member in members], self._where)
        annotation: Annotation = Union.__getitem__(members)
        return msgspec.structs.replace(_nested(made, annotation, self._where), nullable=is_nullable)

    def _value_object(self, annotation: Annotation) -> FieldType:
        found = self._pending.get(annotation)
        if found is None:
            found = self._pending[annotation] = ValueObject(annotation, is_known(annotation, self._codecs))
            around, self._module = self._module, annotation.__module__
            found.learn(partial(self._member_type, is_native=found.is_native))
            self._module = around
            if found.places and annotation in self._repeated:
                raise DeclarationError(
                    f"{self._where}: {annotation.__name__} has references and values of its own class inside, so that"
                    " their paths have no end; give what refers to others a model of its own"
                )
        else:
            self._repeated.append(annotation)
        return _nested(found.type, annotation, self._where) if found.is_native else found.type

    def _member_type(self, annotation: Annotation, *, is_native: bool) -> FieldType:
        try:
            return self.type_of(annotation)
        except DeclarationError:
            if not is_native:
                raise
            return _opaque(annotation)


def _opaque(annotation: Annotation) -> FieldType:
    """The type of a member that only msgspec understands, and checks with the object around it."""

    def validate(value: object, path: str, errors: list[FieldError]) -> Value:
        return value

    made = FieldType(annotation, Kind.JSON, validate, nullable=True, is_mutable=True)
    return msgspec.structs.replace(made, read=validate)


def _reader(made: FieldType) -> Admit:
    """The way from JSON of a type that msgspec knows."""
    return partial(read_all, made.annotation, explain=partial(_explained, made))


def _explained(made: FieldType, annotation: object, value: object, path: str, errors: list[FieldError]) -> None:
    """Append what is wrong with a value that has no parts."""
    leaf = made if annotation is made.annotation else type_of(annotation, path)
    leaf.validate(value, path, errors)


def _admit_scalar(validate: Callable[[Value], Value]) -> Admit:
    def checked(value: object, path: str, errors: list[FieldError]) -> Value:
        try:
            return validate(value)
        except Refused as refused:
            errors.append(FieldError(path, refused.code, refused.message))
            return value

    return checked


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
    if nested.own is not None:
        return nested
    try:
        msgspec.json.Decoder(annotation)
    except TypeError as error:  # what is written could not be told apart when it is read again
        raise DeclarationError(f"{where}: {error}") from error
    return msgspec.structs.replace(nested, encode=to_json_builtins, decode=partial(msgspec.convert, type=annotation))
