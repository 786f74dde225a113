"""Single values in the text form: written so that reading gives the same value of the same type."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any
from uuid import UUID

from holdall.errors import QueryError
from holdall.query.border import Value

__all__ = ["read_number", "read_text", "read_typed", "write_scalar"]

_LONGEST_NUMBER = 400
_TIMEDELTA = re.compile(r"(-?[0-9]{1,9})d ([0-9]{1,5})s ([0-9]{1,6})us")


def write_scalar(value: object) -> str:
    """The value as text. Raises QueryError for what has no text: NaN, infinities, other types."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return _write_text(value)
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float | Decimal):
        if not isfinite(value):
            raise QueryError("NaN and the infinities have no text in a query")
        return f'decimal"{value}"' if isinstance(value, Decimal) else repr(value)
    for kind, name, write in _WRITERS:
        if isinstance(value, kind):
            return f'{name}"{write(value)}"'
    raise QueryError(f"a value of type {type(value).__name__} has no text in a query")


def read_text(word: str) -> str:
    """The text in quotes. Raises ValueError for a wrong escape."""
    read = json.loads(word, strict=False)
    if not isinstance(read, str) or any("\ud800" <= character <= "\udfff" for character in read):
        raise ValueError("half of a surrogate pair")
    return read


def read_number(word: str) -> int | float:
    """An integer, or a float where there is a point or an exponent. Raises ValueError for one too long or too large."""
    if len(word) > _LONGEST_NUMBER:
        raise ValueError("too long a number")
    if word.lstrip("-").isdigit():
        return int(word)
    number = float(word)
    if not isfinite(number):
        raise ValueError("too large a number")
    return number


def read_typed(word: str) -> Value:
    """The value of ``name"…"``. Raises ValueError for an unknown name or a text that is none of its values."""
    name, _, rest = word.partition('"')
    read = _READERS.get(name)
    if read is None:
        raise ValueError("no kind of value")
    return read(rest[:-1])


def _write_text(value: str) -> str:
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise QueryError("text with half of a surrogate pair has no text in a query")
    return json.dumps(value, ensure_ascii=False)


def _write_timedelta(value: timedelta) -> str:
    return f"{value.days}d {value.seconds}s {value.microseconds}us"


def _read_timedelta(text: str) -> timedelta:
    match = _TIMEDELTA.fullmatch(text)
    if match is None:
        raise ValueError("no timedelta")
    days, seconds, microseconds = map(int, match.groups())
    return timedelta(days, seconds, microseconds)


def _read_decimal(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise ValueError("no decimal") from error
    if not value.is_finite():
        raise ValueError("not finite")
    return value


_WRITERS: tuple[tuple[type, str, Callable[[Any], str]], ...] = (
    (datetime, "datetime", datetime.isoformat),  # before date, of which it is a kind
    (date, "date", date.isoformat),
    (time, "time", time.isoformat),
    (timedelta, "timedelta", _write_timedelta),
    (UUID, "uuid", str),
    (bytes, "bytes", bytes.hex),
)

_READERS: dict[str, Callable[[str], Any]] = {
    "decimal": _read_decimal,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "timedelta": _read_timedelta,
    "uuid": UUID,
    "bytes": bytes.fromhex,
}
