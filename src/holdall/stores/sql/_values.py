"""Single values as databases without a type for them keep them: text that sorts like the value, or a number."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal
from math import isfinite
from uuid import UUID

import msgspec

from holdall.query import Json
from holdall.store import json_from_text

__all__ = [
    "WIDE",
    "clock_of",
    "date_from_text",
    "date_to_text",
    "datetime_from_any",
    "datetime_from_naive",
    "datetime_from_text",
    "datetime_to_moment",
    "datetime_to_naive",
    "datetime_to_text",
    "datetime_with_zone",
    "decimal_from_number",
    "decimal_from_text",
    "decimal_within",
    "decimal_without_padding",
    "json_from_text",
    "json_from_text_or_number",
    "json_from_written_out",
    "json_to_text",
    "json_to_written_out",
    "moment_of",
    "time_from_text",
    "time_from_timedelta",
    "time_to_text",
    "timedelta_from_number",
    "timedelta_to_number",
    "uuid_from_text",
    "uuid_to_hex",
]

_DAY = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)
_MIDNIGHT = datetime(2000, 1, 1, tzinfo=UTC)
_LARGEST = 2**63 - 1
WIDE = Context(prec=200)
_convert = msgspec.convert
_POWER = re.compile(r"\de\d")  # of a number, or within a text
_TEXT_OR_POWER = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?e\d+')
_encode_json = msgspec.json.Encoder().encode

date_from_text = date.fromisoformat
date_to_text = date.isoformat
datetime_from_text = datetime.fromisoformat


def uuid_from_text(text: str) -> UUID:
    """From the usual 36 characters, or 32 digits; raises ValueError for anything else."""
    if text.__class__ is not str:
        raise ValueError("it is no text")
    return _convert(text, UUID)  # four times as fast as UUID(text)


def uuid_to_hex(value: UUID) -> str:
    """As 32 digits."""
    return value.hex


def json_from_text_or_number(value: object) -> Json:
    """JSON of a column that keeps a number by itself as a number."""
    return json_from_text(value) if isinstance(value, str) else _finite(value)


def _finite(value: object) -> Json:
    if value.__class__ not in (int, float) or not isfinite(value):
        raise ValueError("neither JSON text nor a number")
    return value


def json_to_text(value: object) -> str:
    return _encode_json(value).decode()


def json_to_written_out(value: object) -> str:
    """JSON text whose large floats are written out, 10000000000000000.0 for 1e16: as PostgreSQL's jsonb, which writes
    out every number, then keeps them apart from integers.
    """
    text = json_to_text(value)
    return text if _POWER.search(text) is None else _TEXT_OR_POWER.sub(_written_out, text)


def _written_out(found: re.Match[str]) -> str:
    token = found.group()
    return token if token[0] == '"' else f"{Decimal(token):f}.0"


def json_from_written_out(text: str) -> Json:
    """JSON of a column that writes out every number: an integer beyond 64 bits is a float, or it is refused."""
    try:
        return json_from_text(text)
    except ValueError:
        value = json.loads(text, parse_int=_integer_or_float)
        return json_from_text(json_to_text(value))  # which looks at all that was not looked at yet


def _integer_or_float(digits: str) -> int | float:
    if len(digits) < 19 or -_LARGEST <= int(digits) <= _LARGEST:
        return int(digits)
    number = float(digits)
    if Decimal(repr(number)) != Decimal(digits):
        raise ValueError("an integer of more than 64 bits is not taken")
    return number


def datetime_to_text(value: datetime) -> str:
    """``2024-05-06 07:08:09.000000+00:00``: of one width, so that text order is time order."""
    return value.isoformat(" ", "microseconds")


def datetime_to_moment(value: datetime) -> str:
    """``2024-05-06 07:08:09.000000``, in UTC without saying so."""
    return value.replace(tzinfo=None).isoformat(" ", "microseconds")


def moment_of(text: str | None) -> str | None:
    """One text for all spellings of one moment, as ``datetime_to_moment`` writes it; None where it cannot be read."""
    try:
        return None if text is None else datetime_to_moment(datetime_from_any(datetime_from_text(text)))
    except (TypeError, ValueError, OverflowError):
        return None


def clock_of(text: str | None) -> str | None:
    """One text for all spellings of one time of day, as ``time_to_text`` writes it; None where it cannot be read."""
    try:
        return None if text is None else time_to_text(time_from_text(text))
    except (TypeError, ValueError):
        return None


def datetime_to_naive(value: datetime) -> datetime:
    """UTC without saying so."""
    return value.replace(tzinfo=None)


def datetime_from_naive(value: datetime) -> datetime:
    """UTC, said."""
    return value.replace(tzinfo=UTC)


def datetime_with_zone(value: datetime) -> datetime:
    """UTC, said, where the driver says so for all but the first and the last moment."""
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def datetime_from_any(value: datetime) -> datetime:
    """UTC, whatever the driver gave."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def time_from_text(text: str) -> time:
    """From ISO text; raises ValueError for one with an offset."""
    found = time.fromisoformat(text)
    if found.tzinfo is not None:
        raise ValueError("a time of day has no offset")
    return found


def decimal_from_text(text: str | float) -> Decimal:
    """From text, or from a number as it is printed; raises ValueError for what is no number."""
    try:
        found = Decimal(text) if isinstance(text, str) else Decimal(repr(text))
    except ArithmeticError as error:
        raise ValueError("it is no decimal number") from error
    if not found.is_finite():
        raise ValueError("it is no finite number")
    return found


def decimal_from_number(number: object) -> Decimal:
    """From what a column of numbers holds; raises ValueError for text, which SQLite leaves there if it is no number."""
    found = Decimal(repr(number)) if number.__class__ is float or number.__class__ is int else None
    if found is None or not found.is_finite():
        raise ValueError("it is no finite number")
    return found


def time_to_text(value: time) -> str:
    """``07:08:09.000000``."""
    return value.isoformat("microseconds")


def time_from_timedelta(value: timedelta | time) -> time:
    """The time that much after midnight; raises ValueError for more than a day, which the database can hold."""
    if isinstance(value, timedelta) and not timedelta(0) <= value < _DAY:
        raise ValueError("it is no time of day")
    return value if isinstance(value, time) else (_MIDNIGHT + value).time()


def timedelta_to_number(value: timedelta) -> int:
    """Whole microseconds; raises ValueError beyond 64 bits (about 292,000 years)."""
    number = value // _MICROSECOND
    if not -_LARGEST <= number <= _LARGEST:
        raise ValueError("a duration of more than 292,000 years cannot be kept")
    return number


def timedelta_from_number(value: int) -> timedelta:
    """From microseconds."""
    return timedelta(0, 0, value)


def decimal_within(digits: int, places: int) -> Callable[[Decimal | int], Decimal]:
    """A function that passes decimals a NUMERIC(digits, places) keeps exactly and raises ValueError for others."""

    def fit(value: Decimal | int) -> Decimal:
        value = Decimal(value)
        exponent = value.as_tuple().exponent
        if not isinstance(exponent, int):
            raise ValueError("a decimal that is not a number cannot be kept")
        if exponent < -places:
            exponent = int(value.normalize(WIDE).as_tuple().exponent)
        if exponent < -places or (value and value.adjusted() >= digits - places):
            raise ValueError(
                f"more than {digits - places} digits before or {places} after the decimal point cannot be kept"
            )
        return value

    return fit


def decimal_without_padding(value: Decimal) -> Decimal:
    """The decimal without the zeros a fixed scale put at its end."""
    short = value.normalize(WIDE)
    return short if int(short.as_tuple().exponent) <= 0 else short.quantize(Decimal(1), context=WIDE)
