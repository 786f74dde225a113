"""Values from JSON and from text: bodies, key parts and query parameters become the values that fields take.

A right body is decoded in one step; a wrong one is taken apart to name everything that is wrong, each with its path.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from copy import copy
from functools import cached_property
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from holdall.errors import FieldError, FieldErrors, HoldallError, ValidationError
from holdall.model.conversion import has_named_parts, refuse_unknown
from holdall.model.field import Field
from holdall.model.field_input import input_annotation, is_read_by_parts, read_field
from holdall.model.json_columns import is_plain_decimal, takes_plain_decimals
from holdall.model.many_input import ManyInput
from holdall.model.text_input import decode_text
from holdall.model.tracking import Record
from holdall.query import Json, Key, Value

__all__ = ["JsonInput"]

_NOTHING: Mapping[str, Value] = MappingProxyType({})

Read = Callable[[Field, Value, str, list[FieldError]], Value]

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
        *,
        takes_stored: bool = False,
    ) -> None:
        self._model = model
        self._fields = {field.name: field for field in fields}
        self._key = key
        self._key_from = key_from
        self._accepted = {
            field.name: field for field in fields if field.is_stored and (takes_stored or _is_accepted(field))
        }
        self._not_constructed = frozenset(name for name, field in self._accepted.items() if not field.options.init)
        self.names = tuple(self._accepted)

    def without(self, hidden: Collection[str], read_only: Collection[str]) -> JsonInput:
        """The same where these fields are unknown, and those cannot be given."""
        other = copy(self)
        other._fields = {name: field for name, field in self._fields.items() if name not in hidden}
        other._accepted = {name: field for name, field in self._accepted.items() if name not in {*hidden, *read_only}}
        other.names = tuple(other._accepted)
        for made in ("_with_parts", "_by_parts", "_decimals", "_is_plain", "_decoder", "_many"):
            other.__dict__.pop(made, None)
        return other

    def create(self, body: bytes, presets: Mapping[str, Value] = _NOTHING) -> Record:
        """A new record from a JSON object, with presets for what it lacks; raises ValidationError with all errors."""
        given = self._decoded(body)
        if given is not None:
            return self._made({**presets, **given})
        return self._created(self._object(body), read_field, presets)

    def values(self, body: bytes) -> dict[str, Value]:
        """The values a JSON object gives for fields of an existing record; raises ValidationError."""
        given = self._decoded(body)
        if given is None:
            return self.values_from(self._object(body))
        errors = FieldErrors(self._model.__name__)
        validated = self._validated(given, errors)
        if errors:
            raise ValidationError(self._model.__name__, errors)
        return validated

    def create_from(self, data: Mapping[str, Value]) -> Record:
        """A new record from builtins such as JSON decodes to; raises ValidationError with everything that is wrong."""
        return self._created(data, read_field)

    def create_all(self, items: Sequence[Mapping[str, Json]]) -> list[Record | HoldallError]:
        """For each item what ``create_from`` makes of it, in order, or the error that it raises."""
        return self._many.create_all(items)

    def create_rows(self, names: tuple[str, ...], rows: Sequence[tuple[Json, ...]]) -> list[Record | HoldallError]:
        """The same of many items that give values to the same fields."""
        return self._many.create_rows(names, rows)

    def create_from_values(self, data: Mapping[str, object]) -> Record:
        """The same, of values as Python has them or as JSON does."""
        return self._created(data, _read_either)

    def _created(self, data: Mapping[str, Value], read: Read, presets: Mapping[str, Value] = _NOTHING) -> Record:
        errors = FieldErrors(self._model.__name__)
        values = self._converted(data, errors, read)
        if not errors:
            return self._made({**presets, **values})
        self._validated(values, errors)
        there = {*data, *presets}
        missing = [field for field in self._accepted.values() if field.name not in there and not field.has_default]
        errors.extend(FieldError(field.name, "required", "is required") for field in missing)
        raise ValidationError(self._model.__name__, errors)

    def _made(self, values: dict[str, Value]) -> Record:
        """The record of these values, also of those that its constructor does not take."""
        if not self._not_constructed:
            return self._model(**values)
        errors = FieldErrors(self._model.__name__)
        later = {name: values.pop(name) for name in self._not_constructed if name in values}
        checked = self._validated(later, errors)
        if errors:
            raise ValidationError(self._model.__name__, errors)
        record = self._model(**values)
        for name, value in checked.items():
            self._fields[name].put(record, value)
        return record

    def values_from(self, data: Mapping[str, Value]) -> dict[str, Value]:
        """The values builtins give for fields of an existing record; raises ValidationError."""
        return self._changes(data, read_field)

    def values_from_values(self, data: Mapping[str, object]) -> dict[str, Value]:
        """The same, of values as Python has them or as JSON does."""
        return self._changes(data, _read_either)

    def _changes(self, data: Mapping[str, Value], read: Read) -> dict[str, Value]:
        errors = FieldErrors(self._model.__name__)
        values = self._validated(self._converted(data, errors, read), errors)
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
    def _by_parts(self) -> tuple[str, ...]:
        """The fields that msgspec does not read by itself."""
        return tuple(name for name, field in self._accepted.items() if is_read_by_parts(field))

    @cached_property
    def _decimals(self) -> tuple[str, ...]:
        """The fields whose numbers may come as text, which Python would read more freely than anybody else."""
        return tuple(name for name, field in self._accepted.items() if takes_plain_decimals(field))

    @cached_property
    def _many(self) -> ManyInput:
        """The way from many objects to records."""
        return ManyInput(self._model, self._accepted, self.create_from, self._made)

    @cached_property
    def _decoder(self) -> msgspec.json.Decoder[Any]:
        """Decodes a right body in one step. Made late: models referred to may be declared later."""
        fields = [(name, input_annotation(field) | UnsetType, UNSET) for name, field in self._accepted.items()]
        shape: Any = msgspec.defstruct("Given", fields, forbid_unknown_fields=True, kw_only=True)
        return msgspec.json.Decoder(shape)

    @cached_property
    def _is_plain(self) -> bool:
        """Whether what msgspec decodes are the values, and nothing more is to be looked at."""
        return not (self._with_parts or self._decimals or self._by_parts)

    def _decoded(self, body: bytes) -> dict[str, Value] | None:
        """The values of a right body; None where there is more to say of it."""
        try:
            given = self._decoder.decode(body)
            plain = _with_any_number.decode(body) if self._with_parts or self._decimals else {}
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return None
        values = msgspec.structs.asdict(given)
        if UNSET in values.values():
            values = {name: value for name, value in values.items() if value is not UNSET}
        return values if self._is_plain or self._take_parts(values, plain) else None

    def _take_parts(self, values: dict[str, Value], plain: Mapping[str, Value]) -> bool:
        """Read what msgspec does not read by itself; return whether all that is given is right."""
        unknown = FieldErrors(self._model.__name__)
        for name in self._with_parts.keys() & plain.keys():
            refuse_unknown(self._with_parts[name], plain[name], name, unknown)
        if unknown or not all(map(is_plain_decimal, map(plain.get, self._decimals))):
            return False
        for name in self._by_parts:
            if name in values:
                values[name] = read_field(self._accepted[name], values[name], name, unknown)
        return not unknown

    def _object(self, body: bytes) -> dict[str, Value]:
        try:
            data = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            message = "is nested too deep" if isinstance(error, RecursionError) else "is not JSON"
            raise ValidationError(self._model.__name__, [FieldError("", "json", message)]) from error
        if not isinstance(data, dict):
            raise ValidationError(self._model.__name__, [FieldError("", "type", "must be a JSON object")])
        return data

    def _converted(
        self, data: Mapping[str, Value], errors: list[FieldError], read: Read = read_field
    ) -> dict[str, Value]:
        values: dict[str, Value] = {}
        for name, value in data.items():
            field = self._accepted.get(name)
            if field is None:
                errors.append(_refusal(self._fields.get(name), str(name)))
                continue
            before = len(errors)
            if name in self._decimals and not is_plain_decimal(value):
                errors.append(FieldError(name, "type", "must be a decimal number, as 12.50"))
                continue
            converted = read(field, value, name, errors)
            if len(errors) == before:
                values[name] = converted
        return values

    def _validated(self, values: Mapping[str, Value], errors: list[FieldError]) -> dict[str, Value]:
        return {name: self._accepted[name].validate(value, errors) for name, value in values.items()}


def _read_either(field: Field, value: Value, path: str, errors: list[FieldError]) -> Value:
    """The value itself where it is one of the field's, else the one that it is the JSON of."""
    as_python: list[FieldError] = []
    field.validate_type(value, as_python)
    if not as_python:
        return value
    as_json: list[FieldError] = []
    found = read_field(field, value, path, as_json)
    if as_json:
        is_plain = value is None or isinstance(value, bool | int | float | str | list | dict)
        errors.extend(as_json if is_plain else as_python)
    return found


def _is_accepted(field: Field) -> bool:
    return field.options.init and (not field.may_be_unset or field.options.server_default)


def _refusal(field: Field | None, name: str) -> FieldError:
    if field is None:
        return FieldError(name, "unknown", "is not a field")
    is_made = field.may_be_unset and not field.options.server_default
    return FieldError(name, *(("generated", "is made by the store") if is_made else ("init", "cannot be given")))
