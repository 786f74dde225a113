"""The values that a field takes of many JSON objects, read together: one step where all of them are right."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from types import GenericAlias

import msgspec

from holdall.errors import FieldError
from holdall.model.conversion import has_named_parts
from holdall.model.field import Field
from holdall.model.field_input import input_annotation, is_read_by_parts, read_field
from holdall.query import Json, Kind, Value

__all__ = ["is_plain_decimal", "read_column", "takes_plain_decimals"]

_DECIMAL = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")


def is_plain_decimal(value: object) -> bool:
    """Whether a value is no text, or one that a decimal number is written as.

    >>> is_plain_decimal("12.50"), is_plain_decimal("Infinity"), is_plain_decimal(1)
    (True, False, True)
    """
    return value.__class__ is not str or _DECIMAL.fullmatch(value) is not None


def takes_plain_decimals(field: Field) -> bool:
    """Whether numbers of the field may come as text, which Python would read more freely than anybody else."""
    return field.kind is Kind.DECIMAL and not field.options.coerce


def read_column(field: Field, values: Sequence[Json]) -> tuple[Sequence[Value], list[int]]:
    """The typed values, and the places of those that are none of the field's; rules are not looked at.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    >>> read_column(Book.__holdall__.by_name["id"], [1, "a"])
    ([1, 'a'], [1])
    """
    bad: list[int] = []
    if takes_plain_decimals(field):
        bad = [place for place, value in enumerate(values) if not is_plain_decimal(value)]
    annotation = None if bad else _together(field)
    if annotation is not None:
        try:
            return msgspec.convert(values, annotation), bad
        except (msgspec.ValidationError, ValueError, RecursionError):
            pass
    typed: list[Value] = []
    errors: list[FieldError] = []
    for place, value in enumerate(values):
        if place in bad:
            typed.append(value)
            continue
        typed.append(read_field(field, value, field.name, errors))
        if errors:
            errors.clear()
            bad.append(place)
    return typed, bad


@lru_cache(maxsize=5_000)
def _together(field: Field) -> Value:
    """The annotation by which msgspec reads many values of a field; None where each is looked at by itself."""
    if is_read_by_parts(field):
        return None
    annotation = input_annotation(field)
    return None if has_named_parts(annotation) else GenericAlias(list, (annotation,))
