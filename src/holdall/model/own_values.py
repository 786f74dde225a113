"""The field type of a class that a codec keeps: checked as what is kept of it, compared by that, shown as that."""

from __future__ import annotations

import msgspec

from holdall.errors import DeclarationError, FieldError
from holdall.model.field_type import FieldType
from holdall.model.nested import keeper, read_part, schema_of_part, shower, taker, types_of
from holdall.model.own_form import JsonSchema, OwnForm, Schemas
from holdall.model.value_codec import AnyCodec
from holdall.query import Json, Kind, Value

__all__ = ["MASK", "own_type"]

MASK = "**********"
"""Shown in place of a secret."""


def own_type(codec: AnyCodec, kept: FieldType, where: str) -> FieldType:
    """The type of fields whose values a codec keeps, as values of the type ``kept``.

    Raises DeclarationError for a codec that keeps a value as None, or references.
    """
    if kept.nullable:
        raise DeclarationError(f"{where}: {codec!r} keeps a value as None: keep it as something, and write | None here")
    if kept.references:
        raise DeclarationError(f"{where}: {codec!r} keeps references, which only fields and value objects can hold")
    values = _OwnValues(codec, msgspec.structs.replace(kept, rules=()))
    form = OwnForm(values.keep, values.take, values.show, values.schema, types_of(kept))
    made = FieldType(
        codec.type,
        kept.kind,
        values.validate,
        encode=values.encode,
        decode=values.decode,
        is_mutable=codec.is_mutable,
        choices=kept.choices,
        rules=kept.rules + codec.rules,
        read=values.read,
        own=form,
        asked=codec.asked,
        is_kept_otherwise=True,
    )
    return codec.completed(made, kept, where)


class _OwnValues:
    """The conversions of one codec: ``kept`` is what the class's values become first, then comes the border."""

    def __init__(self, codec: AnyCodec, kept: FieldType) -> None:
        self._codec = codec
        self._kept = kept
        self._is_final = kept.scalar is not None and kept.kind is not Kind.DATETIME  # nothing is left to adjust
        self._keep, self._take, self._show = keeper(kept), taker(kept), shower(kept)

    def validate(self, value: object, path: str, errors: list[FieldError]) -> Value:
        """The value itself; wrong is what cannot be kept as the codec says."""
        codec = self._codec
        if not codec.accepts(value):
            errors.append(FieldError(path, "type", f"must be a {codec.name}"))
            return value
        try:
            kept = codec.encode(value)
        except ValueError:
            errors.append(FieldError(path, "value", f"must be a {codec.name} that can be kept"))
            return value
        before = len(errors)
        if kept is None:
            errors.append(FieldError(path, "value", f"must be a {codec.name} that can be kept"))
        else:
            self._kept.validate(kept, path, errors)
        if len(errors) == before:
            codec.try_out(value)
        return value

    def encode(self, value: Value) -> Value:
        """The border value."""
        kept = self._codec.encode(value)
        if self._is_final and kept.__class__ is self._kept.scalar:
            return kept
        errors: list[FieldError] = []
        kept = self._kept.validate(kept, "", errors)
        if errors:
            raise ValueError(f"this {self._codec.name} cannot be kept: {errors[0].message}")
        return kept if self._kept.encode is None else self._kept.encode(kept)

    def decode(self, border: Value) -> Value:
        """The value again; raises ValueError where it is none."""
        decode = self._kept.decode
        return self._codec.decode(border if decode is None else decode(border))

    def keep(self, value: Value) -> Json:
        """Return the JSON that a store keeps of it inside a JSON value."""
        return self._keep(self._codec.encode(value))

    def take(self, kept: Value) -> Value:
        """Make the value again."""
        return self._codec.decode(self._take(kept))

    def show(self, value: Value) -> object:
        """Return the form that JSON shows."""
        return self._codec.to_json(value) if self._codec.has_own_json else self._show(self._codec.encode(value))

    def read(self, given: Value, path: str, errors: list[FieldError]) -> Value:
        """The value that JSON gives."""
        codec, before = self._codec, len(errors)
        if codec.is_secret and given == MASK:
            errors.append(FieldError(path, "masked", "must be the value, not what is shown in its place"))
            return given
        try:
            found = codec.from_json(given)
            if found is None:
                kept = read_part(self._kept, given, path, errors)
                return given if len(errors) > before else codec.decode(kept)
            return found
        except ValueError:
            errors.append(FieldError(path, "value", f"must stand for a {codec.name}"))
            return given

    def schema(self, schemas: Schemas) -> JsonSchema:
        """The schema of its JSON."""
        if self._codec.schema is not None:
            return dict(self._codec.schema)
        made = schema_of_part(self._kept, schemas)
        return made | {"format": "password", "writeOnly": True} if self._codec.is_secret else made
