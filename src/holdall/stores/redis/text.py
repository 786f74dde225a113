"""Values as text: exact, so that equal values have one text, and sortable, so that texts compare as their values do.

Keys and unique values use exact texts. Index entries use sortable ones, which may be cut short or rounded: what an
index finds is looked at again, so it may find too much, never too little.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from holdall.query import FieldSchema, Key, Kind, Value
from holdall.stores.redis.errors import Misfit

__all__ = [
    "EXACT_ORDER",
    "escaped",
    "exact",
    "exact_of",
    "key_of_text",
    "key_text",
    "sortable",
    "sortable_of",
    "unescaped",
]

TextOf = Callable[[Any], str]

_LONGEST = 200
"""Characters of a text, or bytes of bytes, that stand in an index; enough to tell most apart."""

_INT_OFFSET = 2**63
_TIMEDELTA_OFFSET = 2**79
_MICROSECOND = timedelta(microseconds=1)


def _bool(value: bool) -> str:
    return "1" if value else "0"


def _int_sortable(value: int) -> str:
    return f"{value + _INT_OFFSET:016x}"


def _float_sortable(value: Value) -> str:
    try:
        number = float(value)
    except OverflowError:
        number = float("inf") if value > 0 else float("-inf")
    (bits,) = struct.unpack(">Q", struct.pack(">d", number + 0.0))  # -0.0 becomes 0.0
    return f"{bits ^ (0xFFFF_FFFF_FFFF_FFFF if bits >> 63 else 1 << 63):016x}"


def _float_exact(value: Value) -> str:
    return repr(float(value) + 0.0)


def _decimal_exact(value: Value) -> str:
    number = Decimal(value)
    if not number:
        return "0"
    sign, digits, exponent = number.as_tuple()
    text = "".join(map(str, digits))
    kept = text.rstrip("0")
    return f"{'-' if sign else ''}{kept.lstrip('0')}E{int(exponent) + len(text) - len(kept)}"


def _datetime(value: datetime) -> str:
    instant = value.astimezone(UTC)
    return f"{instant.year:04d}{instant:-%m-%dT%H:%M:%S.%f}"


def _date(value: date) -> str:
    return value.isoformat()


def _time(value: time) -> str:
    return value.isoformat(timespec="microseconds")


def _timedelta(value: timedelta) -> str:
    return f"{value // _MICROSECOND + _TIMEDELTA_OFFSET:020x}"


def _text_sortable(value: str) -> str:
    return value[:_LONGEST]


def _bytes_sortable(value: bytes) -> str:
    return value[:_LONGEST].hex()


_EXACT: dict[Kind, TextOf] = {
    Kind.BOOL: lambda value: "true" if value else "false",
    Kind.INT: str,
    Kind.FLOAT: _float_exact,
    Kind.DECIMAL: _decimal_exact,
    Kind.STR: str,
    Kind.BYTES: bytes.hex,
    Kind.DATETIME: _datetime,
    Kind.DATE: _date,
    Kind.TIME: _time,
    Kind.TIMEDELTA: lambda value: str(value // _MICROSECOND),
    Kind.UUID: str,
}

_SORTABLE: dict[Kind, TextOf] = {
    Kind.BOOL: _bool,
    Kind.INT: _int_sortable,
    Kind.FLOAT: _float_sortable,
    Kind.DECIMAL: _float_sortable,
    Kind.STR: _text_sortable,
    Kind.BYTES: _bytes_sortable,
    Kind.DATETIME: _datetime,
    Kind.DATE: _date,
    Kind.TIME: _time,
    Kind.TIMEDELTA: _timedelta,
    Kind.UUID: str,
}

# By kind, the text that both tells values apart and compares as they do; a decimal has none.
EXACT_ORDER: dict[Kind, TextOf] = {**_SORTABLE, Kind.STR: str, Kind.BYTES: bytes.hex}
del EXACT_ORDER[Kind.DECIMAL]


def escaped(text: str) -> str:
    """The text without colons, which part the pieces of a key."""
    return text.replace("%", "%25").replace(":", "%3A")


def unescaped(text: str) -> str:
    """Return the text that was escaped."""
    return text.replace("%3A", ":").replace("%25", "%")


def exact_of(field: FieldSchema) -> TextOf:
    """The function to this field's exact texts; a reference's is the text of the key it holds."""
    if field.kind is Kind.REF:
        return lambda key: key_text(field.target_key, key)
    return _EXACT[field.kind]


def exact(field: FieldSchema, value: object) -> str:
    """A value's exact text."""
    return exact_of(field)(value)


def sortable_of(field: FieldSchema) -> TextOf:
    """The function to this field's sortable texts; those of a reference are good for equality alone."""
    if field.kind is Kind.REF:
        return lambda key: key_text(field.target_key, key)
    return _SORTABLE[field.kind]


def sortable(field: FieldSchema, value: object) -> str:
    """A value's sortable text."""
    return sortable_of(field)(value)


def key_text(fields: tuple[FieldSchema, ...], key: Key) -> str:
    """A record's key as it stands in the names of its keys: its parts, escaped, with colons between."""
    parts = key if len(fields) > 1 else (key,)
    return ":".join(
        exact(field, part) if field.kind in (Kind.REF, Kind.INT, Kind.UUID) else escaped(exact(field, part))
        for field, part in zip(fields, parts, strict=True)
    )


def key_of_text(fields: tuple[FieldSchema, ...], pieces: list[str]) -> tuple[Key, list[str]]:
    """The key that begins these pieces of a text, and the pieces after it. Raises Misfit."""
    parts = []
    for field in fields:
        if field.kind is Kind.REF:
            part, pieces = key_of_text(field.target_key, pieces)
        elif pieces:
            part, pieces = _value(field, unescaped(pieces[0])), pieces[1:]
        else:
            raise Misfit("its name has too few parts for a key")
        parts.append(part)
    return (parts[0] if len(parts) == 1 else tuple(parts)), pieces


def _value(field: FieldSchema, text: str) -> Value:
    try:
        return _READERS[field.kind](text)
    except (ValueError, ArithmeticError, OverflowError) as error:
        raise Misfit(f"its name holds no {field.kind} where {field.name} is expected") from error


def _read_bool(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"


_READERS: dict[Kind, Callable[[str], Any]] = {
    Kind.BOOL: _read_bool,
    Kind.INT: int,
    Kind.FLOAT: float,
    Kind.DECIMAL: Decimal,
    Kind.STR: str,
    Kind.BYTES: bytes.fromhex,
    Kind.DATETIME: lambda text: datetime.fromisoformat(text).replace(tzinfo=UTC),
    Kind.DATE: date.fromisoformat,
    Kind.TIME: time.fromisoformat,
    Kind.TIMEDELTA: lambda text: int(text) * _MICROSECOND,
    Kind.UUID: UUID,
}
