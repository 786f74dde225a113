"""Text from a path or a query parameter to the border value of a field, by the field's kind alone."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from math import isfinite
from typing import Any
from uuid import UUID

import msgspec

from holdall.query import MAX_DEPTH, MAX_INT, FieldSchema, Json, Key, Kind, Value

__all__ = ["BORDER_TYPES", "Unreadable", "flag_of", "items_of", "unescaped", "value_of"]

BORDER_TYPES: dict[Kind, Any] = {
    Kind.BOOL: bool,
    Kind.INT: int,
    Kind.FLOAT: float,
    Kind.DECIMAL: Decimal,
    Kind.BYTES: bytes,
    Kind.DATETIME: datetime,
    Kind.DATE: date,
    Kind.TIME: time,
    Kind.TIMEDELTA: timedelta,
    Kind.UUID: UUID,
    Kind.STR: str,
}
"""The classes of border values that are scalars."""

_FROM_DIGITS = (Kind.INT, Kind.FLOAT)  # the kinds that JSON does not have as text
_FLAGS = {"true": True, "1": True, "false": False, "0": False}
_NAMES: dict[Kind, str] = {
    Kind.BOOL: "true or false",
    Kind.INT: "a whole number",
    Kind.FLOAT: "a number",
    Kind.DECIMAL: "a decimal number",
    Kind.BYTES: "bytes in base64",
    Kind.DATETIME: "a date and time with its time zone, as in 2024-05-06T07:08:09Z",
    Kind.DATE: "a date, as in 2024-05-06",
    Kind.TIME: "a time without a time zone, as in 07:08:09",
    Kind.TIMEDELTA: "a duration, as in PT1H30M",
    Kind.UUID: "a UUID",
    Kind.JSON: "JSON",
    Kind.REF: "the parts of a key with commas between them",
}
_MAX_DIGITS = 1_000  # of a decimal, zeros before and after the point included


class Unreadable(Exception):
    """A text stands for no value of the field; the message is the end of a sentence and does not repeat the text."""


def value_of(field: FieldSchema, text: str) -> Value:
    """The border value the text stands for; raises Unreadable. The field's type is checked, its rules are not."""
    kind = field.kind
    if kind is Kind.STR:
        value: Value = _clean(text)
    elif kind is Kind.REF:
        return _key_of(field, text)
    elif kind is Kind.JSON:
        return _json(text)
    elif kind is Kind.BOOL:
        value = flag_of(text)
    else:
        value = _converted(kind, text)
    if field.choices is not None and value not in field.choices:
        raise Unreadable("must be one of " + ", ".join(map(str, field.choices)))
    return value


def flag_of(text: str) -> bool:
    """True or false, in whatever case; raises Unreadable for anything else but 1 and 0."""
    value = _FLAGS.get(text.lower())
    if value is None:
        raise Unreadable(f"must be {_NAMES[Kind.BOOL]}")
    return value


def unescaped(sign: str) -> str:
    """The text that a backslash and the sign after it stand for; before a sign without a meaning it is itself.

    >>> unescaped(","), unescaped("t"), unescaped("")
    (',', '\\\\t', '\\\\')
    """
    return sign if sign and sign in ",()\\" else f"\\{sign}"


def items_of(text: str) -> list[str]:
    """The items of a comma list; a backslash takes away the meaning of a comma, a parenthesis and a backslash.

    >>> items_of(r"a,b\\,c"), items_of(r"C:\\temp")
    (['a', 'b,c'], ['C:\\\\temp'])
    """
    if "\\" not in text:
        return text.split(",")
    items, current = [], ""
    characters = iter(text)
    for character in characters:
        if character == "\\":
            current += unescaped(next(characters, ""))
        elif character == ",":
            items.append(current)
            current = ""
        else:
            current += character
    return [*items, current]


def _clean(text: str) -> str:
    if "\0" in text:
        raise Unreadable("must not contain the NUL character")
    if not text.isprintable():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise Unreadable("must not contain lone surrogates") from None
    return text


def _key_of(field: FieldSchema, text: str) -> Key:
    parts = field.target_key
    if len(parts) == 1:
        return value_of(parts[0], text)
    items = items_of(text)
    if len(items) != len(parts):
        raise Unreadable(f"must be the {len(parts)} parts of a key with commas between them")
    return tuple(value_of(part, item) for part, item in zip(parts, items, strict=True))


_PATTERNS = {
    Kind.INT: re.compile("-?[0-9]+"),
    Kind.DECIMAL: re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?"),
}


def _converted(kind: Kind, text: str) -> Value:
    if kind is Kind.DATETIME:
        text = text.replace(" ", "+") if text[-6:-5] == " " else text  # a plus that was not escaped
    pattern = _PATTERNS.get(kind)
    if pattern is not None and pattern.fullmatch(text) is None:
        raise Unreadable(f"must be {_NAMES[kind]}")
    try:
        value = msgspec.convert(text, BORDER_TYPES[kind], strict=kind not in _FROM_DIGITS)
    except (msgspec.ValidationError, ValueError):
        raise Unreadable(f"must be {_NAMES[kind]}") from None
    match value:
        case int() if not -MAX_INT <= value <= MAX_INT:
            raise Unreadable("must be from -(2**63 - 1) to 2**63 - 1")
        case float() if not isfinite(value):
            raise Unreadable("must be finite")
        case Decimal():
            _bound(value)
        case datetime():
            return _in_utc(value)
        case time() if value.tzinfo is not None:
            raise Unreadable(f"must be {_NAMES[kind]}")
    return value


def _bound(value: Decimal) -> None:
    _, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)  # the pattern takes no infinity and no NaN
    if len(digits) + abs(exponent) > _MAX_DIGITS:
        raise Unreadable(f"must not have more than {_MAX_DIGITS} digits")


def _in_utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise Unreadable(f"must be {_NAMES[Kind.DATETIME]}")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise Unreadable("must lie between the years 1 and 9999 in UTC") from None


def _json(text: str) -> Json:
    try:
        value: Json = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise Unreadable("must be JSON") from None
    pending = [(value, 0)]
    while pending:
        item, depth = pending.pop()
        if depth >= MAX_DEPTH and isinstance(item, dict | list):
            raise Unreadable(f"must not be nested more than {MAX_DEPTH} deep")
        if isinstance(item, str):
            _clean(item)
        elif isinstance(item, int) and not -MAX_INT <= item <= MAX_INT:
            raise Unreadable("must not hold numbers beyond 64 bits")
        elif isinstance(item, dict):
            pending.extend((part, depth + 1) for pair in item.items() for part in pair)
        elif isinstance(item, list):
            pending.extend((part, depth + 1) for part in item)
    return value
