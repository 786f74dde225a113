"""Values from JSON and from text: bodies, key parts and query parameters become the values that fields take.

A right body is decoded in one step; a wrong one is taken apart to name everything that is wrong, each with its path.
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from holdall.errors import FieldError, ValidationError
from holdall.model.conversion import convert_all, has_named_parts, refuse_unknown
from holdall.model.field import Field
from holdall.model.names import Annotation
from holdall.model.tracking import Record
from holdall.query import Key, Kind, Value

__all__ = ["JsonInput", "decode_text"]

_with_any_number = msgspec.json.Decoder(float_hook=str)  # decimals may be larger than floats


class JsonInput:
    """Reads the JSON of one model's records.

    References are given by key, in a list where the key has several parts. Fields that the store makes (generated
    keys, the version) and fields with ``init=False`` are refused, and so are unknown names.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     title: str
    >>> Book.__holdall__.json_input.create(b'{"id": 1, "title": "Emma"}').title
    'Emma'
    """

    def __init__(
        self,
        model: type[Any],
        fields: Sequence[Field],
        key: Sequence[Field],
        key_from: Callable[[tuple[Any, ...], Mapping[str, Any]], Any],
    ) -> None:
        self._model = model
        self._fields = {field.name: field for field in fields}
        self._key = key
        self._key_from = key_from
        self._accepted = {field.name: field for field in fields if field.is_stored and _is_accepted(field)}
        self.names = tuple(self._accepted)

    def create(self, body: bytes) -> Record:
        """A new record from a JSON object; raises ValidationError with everything that is wrong."""
        given = self._decoded(body)
        if given is not None:
            return self._model(**given)
        return self.create_from(self._object(body))

    def values(self, body: bytes) -> dict[str, Value]:
        """The values a JSON object gives for fields of an existing record; raises ValidationError."""
        given = self._decoded(body)
        if given is None:
            return self.values_from(self._object(body))
        errors: list[FieldError] = []
        validated = self._validated(given, errors)
        if errors:
            raise ValidationError(self._model.__name__, errors)
        return validated

    def create_from(self, data: Mapping[str, Value]) -> Record:
        """A new record from builtins such as JSON decodes to; raises ValidationError with everything that is wrong."""
        errors: list[FieldError] = []
        values = self._converted(data, errors)
        if not errors:
            return self._model(**values)
        self._validated(values, errors)
        missing = [field for field in self._accepted.values() if field.name not in data and not field.has_default]
        errors.extend(FieldError(field.name, "required", "is required") for field in missing)
        raise ValidationError(self._model.__name__, errors)

    def values_from(self, data: Mapping[str, Value]) -> dict[str, Value]:
        """The values builtins give for fields of an existing record; raises ValidationError."""
        errors: list[FieldError] = []
        values = self._validated(self._converted(data, errors), errors)
        if errors:
            raise ValidationError(self._model.__name__, errors)
        return values

    def key(self, parts: Sequence[str]) -> Key:
        """The key in text form, as in a URL: one text for each part; raises ValidationError."""
        fields = self._key
        if len(parts) != len(fields):
            raise ValidationError(self._model.__name__, [FieldError("key", "type", f"must have {len(fields)} parts")])
        values = tuple(decode_text(field, part) for field, part in zip(fields, parts, strict=True))
        return self._key_from((values if len(values) > 1 else values[0],), {})

    @cached_property
    def _with_parts(self) -> dict[str, Value]:
        """The annotations of fields whose values may have named parts: unknown names in them are refused, too."""
        annotations = {name: input_annotation(field) for name, field in self._accepted.items()}
        return {name: annotation for name, annotation in annotations.items() if has_named_parts(annotation)}

    @cached_property
    def _decimals(self) -> tuple[str, ...]:
        """The fields whose numbers may come as text, which Python would read more freely than anybody else."""
        accepted = self._accepted.items()
        return tuple(name for name, field in accepted if field.kind is Kind.DECIMAL and not field.options.coerce)

    @cached_property
    def _decoder(self) -> msgspec.json.Decoder[Any]:
        """Decodes a right body in one step. Made late: models referred to may be declared later."""
        fields = [(name, input_annotation(field) | UnsetType, UNSET) for name, field in self._accepted.items()]
        shape: Any = msgspec.defstruct("Given", fields, forbid_unknown_fields=True, kw_only=True)
        return msgspec.json.Decoder(shape)

    def _decoded(self, body: bytes) -> dict[str, Value] | None:
        """The values of a right body; None where there is more to say of it."""
        try:
            given = self._decoder.decode(body)
            plain = _with_any_number.decode(body) if self._with_parts or self._decimals else {}
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return None
        unknown: list[FieldError] = []
        for name in self._with_parts.keys() & plain.keys():
            refuse_unknown(self._with_parts[name], plain[name], name, unknown)
        if unknown or not all(map(_is_plain_decimal, map(plain.get, self._decimals))):
            return None
        values = zip(self.names, msgspec.structs.astuple(given), strict=True)
        return {name: value for name, value in values if value is not UNSET}

    def _object(self, body: bytes) -> dict[str, Value]:
        try:
            data = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            message = "is nested too deep" if isinstance(error, RecursionError) else "is not JSON"
            raise ValidationError(self._model.__name__, [FieldError("", "json", message)]) from error
        if not isinstance(data, dict):
            raise ValidationError(self._model.__name__, [FieldError("", "type", "must be a JSON object")])
        return data

    def _converted(self, data: Mapping[str, Value], errors: list[FieldError]) -> dict[str, Value]:
        values: dict[str, Value] = {}
        for name, value in data.items():
            field = self._accepted.get(name)
            if field is None:
                errors.append(_refusal(self._fields.get(name), name))
                continue
            before = len(errors)
            if name in self._with_parts:
                refuse_unknown(self._with_parts[name], value, name, errors)
            if name in self._decimals and not _is_plain_decimal(value):
                errors.append(FieldError(name, "type", "must be a decimal number, as 12.50"))
                continue
            converted = convert_all(input_annotation(field), value, name, errors)
            if len(errors) == before:
                values[name] = converted
        return values

    def _validated(self, values: Mapping[str, Value], errors: list[FieldError]) -> dict[str, Value]:
        return {name: self._accepted[name].validate(value, errors) for name, value in values.items()}


def decode_text(field: Field, text: str) -> Value:
    """Return the value that a text stands for, as in a query parameter; raises ValidationError if it stands for none.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    >>> decode_text(Book.__holdall__.by_name["id"], "12")
    12
    """
    errors: list[FieldError] = []
    value: Value = text
    annotation = input_annotation(field, required=True)
    try:
        value = msgspec.convert(text, annotation, strict=False)
    except (msgspec.ValidationError, ValueError):
        try:
            value = msgspec.json.decode(text, type=annotation)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            convert_all(annotation, text, field.name, errors)
    if not errors:
        value = field.validate(value, errors)
    if errors:
        raise ValidationError(field.model, errors)
    return value


def input_annotation(field: Field, required: bool = False) -> Annotation:
    """Return the annotation by which msgspec reads a field's JSON; with ``required``, None is left out."""
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


_DECIMAL = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")


def _is_plain_decimal(value: object) -> bool:
    """Whether a value is no text, or one that a decimal number is written as."""
    return value.__class__ is not str or _DECIMAL.fullmatch(value) is not None


def _is_accepted(field: Field) -> bool:
    return field.options.init and not field.may_be_unset


def _refusal(field: Field | None, name: str) -> FieldError:
    if field is None:
        return FieldError(name, "unknown", "is not a field")
    if field.may_be_unset:
        return FieldError(name, "generated", "is made by the store")
    return FieldError(name, "init", "cannot be given")
