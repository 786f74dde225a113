"""Scalar types: for each, what is right, what is adjusted on the way in, and the kind it has at the border.

``fast`` is Python source that is true of a value ``x`` only if nothing is left to check or adjust, where ``T`` is the
class and ``__UTC`` the time zone; ``validate`` is the whole truth for every other value: it gives the adjusted value or
raises Refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from holdall.query import MAX_INT, Kind

__all__ = ["MIN_INT", "SCALARS", "Refused", "Scalar", "clean_text"]

MIN_INT = -MAX_INT

MAX_EXPONENT = 1_000
"""The largest power of ten in a decimal: a short text such as 1E+999999999 must not become a gigabyte of digits."""

MAX_DIGITS = 2_000
"""The most characters of a decimal as text."""


class Refused(Exception):
    """A value is not what its type asks for: an error code and the end of a sentence."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(message)


class Scalar(msgspec.Struct, frozen=True):
    """One scalar type."""

    kind: Kind
    fast: str
    validate: Callable[[Any], Any]


def clean_text(value: str) -> str:
    """The text itself, if every store can keep it; no NUL and no lone surrogate can be kept everywhere.

    Raises Refused for other text.
    """
    if not value.isprintable():
        if "\0" in value:
            raise Refused("text", "must not contain the NUL character")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Refused("text", "must not contain lone surrogates") from None
    return value


def _wrong(expected: str) -> Refused:
    return Refused("type", f"must be {expected}")


def _bool(value: object) -> bool:
    if value is True or value is False:
        return bool(value)
    raise _wrong("true or false")


def _int(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong("a whole number")
    if not MIN_INT <= value <= MAX_INT:
        raise Refused("range", "must be from -(2**63 - 1) to 2**63 - 1")
    return int(value)


def _float(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _wrong("a number")
    try:
        number = float(value)
    except OverflowError:
        raise Refused("range", "must fit in a double") from None
    if not math.isfinite(number):
        raise Refused("range", "must be finite")
    return number


def _decimal(value: object) -> Decimal:
    if value.__class__ is int:
        value = Decimal(value)
    if not isinstance(value, Decimal):
        raise _wrong("a Decimal, as Decimal('1.5'): a float is not exact" if isinstance(value, float) else "a Decimal")
    if not value.is_finite():
        raise Refused("range", "must be finite")
    if abs(value.adjusted()) > MAX_EXPONENT:
        raise Refused("range", f"must lie within a factor of 10 to the power of {MAX_EXPONENT} of one")
    if len(str(value)) > MAX_DIGITS:
        raise Refused("digits", f"must not have more than {MAX_DIGITS} digits")
    return value


def _str(value: object) -> str:
    if not isinstance(value, str):
        raise _wrong("text")
    return clean_text(str(value))


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise _wrong("bytes")
    return value


def _datetime(value: object) -> datetime:
    if not isinstance(value, datetime):
        raise _wrong("a date and time")
    if value.tzinfo is None or value.utcoffset() is None:
        raise Refused("timezone", "must have a time zone")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise Refused("range", "must lie between the years 1 and 9999 in UTC") from None


def _date(value: object) -> date:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise _wrong("a date without a time")
    return value


def _time(value: object) -> time:
    if not isinstance(value, time):
        raise _wrong("a time")
    if value.tzinfo is not None:
        raise Refused("timezone", "must not have a time zone")
    return value


def _timedelta(value: object) -> timedelta:
    if not isinstance(value, timedelta):
        raise _wrong("a duration")
    return value


def _uuid(value: object) -> UUID:
    if not isinstance(value, UUID):
        raise _wrong("a UUID")
    return value


SCALARS: dict[Any, Scalar] = {
    bool: Scalar(Kind.BOOL, "x.__class__ is T", _bool),
    int: Scalar(Kind.INT, f"x.__class__ is T and {MIN_INT} <= x <= {MAX_INT}", _int),
    float: Scalar(Kind.FLOAT, "x.__class__ is T and x - x == 0.0", _float),
    Decimal: Scalar(
        Kind.DECIMAL,
        f"x.__class__ is T and x.is_finite() and -{MAX_EXPONENT} <= x.adjusted() <= {MAX_EXPONENT}"
        f" and len(str(x)) <= {MAX_DIGITS}",
        _decimal,
    ),
    str: Scalar(Kind.STR, "x.__class__ is T and x.isprintable()", _str),
    bytes: Scalar(Kind.BYTES, "x.__class__ is T", _bytes),
    datetime: Scalar(Kind.DATETIME, "x.__class__ is T and x.tzinfo is __UTC", _datetime),
    date: Scalar(Kind.DATE, "x.__class__ is T", _date),
    time: Scalar(Kind.TIME, "x.__class__ is T and x.tzinfo is None", _time),
    timedelta: Scalar(Kind.TIMEDELTA, "x.__class__ is T", _timedelta),
    UUID: Scalar(Kind.UUID, "x.__class__ is T", _uuid),
}
"""Every scalar type by its Python class."""
