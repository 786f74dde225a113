"""Single values from text, as in query parameters and parts of paths, and from JSON that a field is compared with."""

from __future__ import annotations

import msgspec

from holdall.errors import FieldError, FieldErrors, ValidationError
from holdall.model.field import Field
from holdall.model.field_input import input_annotation, is_read_by_parts, read_field, text_in_json
from holdall.query import Json, Value

__all__ = ["decode_compared", "decode_text"]


def decode_text(field: Field, text: str) -> Value:
    """Return the value that a text stands for, as in a query parameter; raises ValidationError if it stands for none.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    >>> decode_text(Book.__holdall__.by_name["id"], "12")
    12
    """
    errors = FieldErrors(field.model)
    value: Value = text
    annotation = input_annotation(field, required=True)
    if is_read_by_parts(field):
        value = read_field(field, text_in_json(field, text), field.name, errors, required=True)
        return _checked(field, value, errors)
    try:
        value = msgspec.convert(text, annotation, strict=False)
    except (msgspec.ValidationError, ValueError):
        try:
            value = msgspec.json.decode(text, type=annotation)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            read_field(field, text, field.name, errors, required=True)
    return _checked(field, value, errors)


def _checked(field: Field, value: Value, errors: list[FieldError]) -> Value:
    if not errors:
        value = field.validate(value, errors)
    if errors:
        raise ValidationError(field.model, errors)
    return value


def decode_compared(field: Field, value: Json) -> Value:
    """Return the border value that a value of JSON stands for where a field is compared with it.

    Raises ValidationError where it is of another type. The field's rules are not checked.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     tags: list[str]
    >>> decode_compared(Book.__holdall__.by_name["tags"], ["old"])
    ['old']
    """
    errors = FieldErrors(field.model)
    typed = read_field(field, value, field.name, errors, required=True)
    if not errors:
        typed = field.validate_type(typed, errors)
    if errors:
        raise ValidationError(field.model, errors)
    return field.encode(typed)
