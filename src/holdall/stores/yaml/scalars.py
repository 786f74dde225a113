"""Scalars and JSON as YAML values and back: a reading and, where it is not itself, a writing for each kind."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from holdall.query import MAX_DEPTH, MAX_INT, Kind, Value
from holdall.stores.yaml.duration import duration_of, text_of
from holdall.stores.yaml.errors import Misfit
from holdall.stores.yaml.plain import Number

__all__ = ["READERS", "WRITERS", "described"]

_DECIMAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,9})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?")
_DATETIME = re.compile(rf"({_DATE.pattern})[Tt ]({_TIME.pattern}) ?([Zz]|[-+][0-9]{{2}}:[0-9]{{2}})?")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def described(written: object) -> str:
    """Name the kind of a value, for a message that does not repeat it."""
    if written is None:
        return "nothing"
    names = ((bool, "true or false"), (int, "a whole number"), (float, "a number"), (str, "text"), (list, "a list"))
    return next((name for kind, name in names if isinstance(written, kind)), "a mapping")


def _wrong(expected: str, written: object) -> Misfit:
    return Misfit(f"{expected} is expected, not {described(written)}")


def _bool(written: object) -> bool:
    if not isinstance(written, bool):
        raise _wrong("true or false", written)
    return written


def _int(written: object) -> int:
    if isinstance(written, bool) or not isinstance(written, int):
        raise _wrong("a whole number", written)
    if not -MAX_INT <= written <= MAX_INT:
        raise Misfit("the whole number is larger than 64 bits hold")
    return written


def _float(written: object) -> float:
    if isinstance(written, bool) or not isinstance(written, int | float):
        raise _wrong("a number", written)
    try:
        number = float(written)
    except OverflowError:
        number = float("inf")
    if number - number != 0:
        raise Misfit("infinities and not-a-number are not read")
    return number


def _decimal(written: object) -> Decimal:
    if isinstance(written, bool) or not isinstance(written, int | float | str):
        raise Misfit(f'a decimal such as "12.50" is expected, not {described(written)}')
    text = written.text if isinstance(written, Number) else str(written)
    if not _DECIMAL.fullmatch(text):
        raise Misfit('a decimal such as "12.50" is expected')
    return Decimal(text)


def _str(written: object) -> str:
    if not isinstance(written, str):
        hint = "" if isinstance(written, list | dict) else "; write it in quotes"
        raise Misfit(f"text is expected, not {described(written)}{hint}")
    if "\0" in written:
        raise Misfit("a NUL character is not read")
    if not written.isascii() and any("\ud800" <= character <= "\udfff" for character in written):
        raise Misfit("half of a surrogate pair is not text")
    return written


def _matched(pattern: re.Pattern[str], expected: str, written: object) -> re.Match[str]:
    match = pattern.fullmatch(written) if isinstance(written, str) else None
    if match is None:
        raise Misfit(f"{expected} is expected")
    return match


def _checked(expected: str, make: Callable[[], Any]) -> Value:
    try:
        return make()
    except (ValueError, OverflowError) as error:
        raise Misfit(f"{expected} is expected: {error}") from None


def _date(written: object) -> date:
    expected = "a date such as 2020-01-31"
    match = _matched(_DATE, expected, written)
    return _checked(expected, lambda: date.fromisoformat(match[0]))  # type: ignore[no-any-return]


def _time(written: object) -> time:
    expected = "a time such as 12:30:00"
    match = _matched(_TIME, expected, written)
    return _checked(expected, lambda: _padded_time(match[0]))  # type: ignore[no-any-return]


def _padded_time(text: str) -> time:
    whole, point, fraction = text.partition(".")
    return time.fromisoformat(f"{whole}.{fraction:0<6}" if point else whole)


def _datetime(written: object) -> datetime:
    expected = "a date and time such as 2020-01-31T12:30:00Z"
    match = _matched(_DATETIME, expected, written)
    zone = match[3]
    if zone is None:
        raise Misfit("a time zone is needed: end it with Z for UTC, or with an offset such as +01:00")

    def make() -> datetime:
        naive = datetime.combine(date.fromisoformat(match[1]), _padded_time(match[2]))
        if zone in "Zz":
            return naive.replace(tzinfo=UTC)
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6])) * (-1 if zone[0] == "-" else 1)
        return (naive - offset).replace(tzinfo=UTC)

    return _checked(expected, make)  # type: ignore[no-any-return]


def _timedelta(written: object) -> timedelta:
    if not isinstance(written, str):
        raise _wrong("a duration such as P1DT2H30M", written)
    return duration_of(written)


def _uuid(written: object) -> UUID:
    return UUID(_matched(_UUID, "a UUID such as 01890a5d-ac96-774b-bcce-b302099a8057", written)[0])


def _bytes(written: object) -> bytes:
    if not isinstance(written, str):
        raise _wrong("text in base64", written)
    return _checked("text in base64", lambda: b64decode("".join(written.split()), validate=True))  # type: ignore[no-any-return]


def _json(written: object, depth: int = 1) -> Value:
    if isinstance(written, dict | list) and depth > MAX_DEPTH:
        raise Misfit(f"it is nested deeper than {MAX_DEPTH} levels")
    if isinstance(written, dict):
        return {_json_name(name): _json_inside(f".{name}", item, depth) for name, item in written.items()}
    if isinstance(written, list):
        return [_json_inside(f"[{position}]", item, depth) for position, item in enumerate(written)]
    if written is None or isinstance(written, bool):
        return written
    if isinstance(written, float):
        return _float(written)
    return _int(written) if isinstance(written, int) else _str(written)


def _json_name(name: object) -> str:
    if not isinstance(name, str):
        raise Misfit("the names in a mapping are text; write them in quotes")
    return _str(name)


def _json_inside(step: str, item: object, depth: int) -> Value:
    try:
        return _json(item, depth + 1)
    except Misfit as misfit:
        raise misfit.under(step.removeprefix(".")) from None


WRITERS: dict[Kind, Callable[[Any], Any]] = {
    Kind.FLOAT: float,
    Kind.DECIMAL: str,
    Kind.BYTES: lambda value: b64encode(value).decode(),
    Kind.DATETIME: lambda value: value.isoformat().replace("+00:00", "Z"),
    Kind.DATE: lambda value: value.isoformat(),
    Kind.TIME: lambda value: value.isoformat(),
    Kind.TIMEDELTA: text_of,
    Kind.UUID: str,
}

READERS: dict[Kind, Callable[[Any], Any]] = {
    Kind.BOOL: _bool,
    Kind.INT: _int,
    Kind.FLOAT: _float,
    Kind.DECIMAL: _decimal,
    Kind.STR: _str,
    Kind.BYTES: _bytes,
    Kind.DATETIME: _datetime,
    Kind.DATE: _date,
    Kind.TIME: _time,
    Kind.TIMEDELTA: _timedelta,
    Kind.UUID: _uuid,
    Kind.JSON: _json,
}
