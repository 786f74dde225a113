"""Border values to BSON and back, exactly and in a form that sorts as the value does.

| kind | stored as |
|---|---|
| bool, float, str, bytes | the BSON type |
| int | int32 or int64 |
| decimal | Decimal128; more than 34 digits are refused |
| datetime | text, ``2024-05-06T07:08:09.000000Z``: a BSON date has no microseconds; with ``native_dates`` a date |
| date, time | text, ``2024-05-06``, ``07:08:09.000000`` |
| timedelta | int64 microseconds |
| uuid | binary, subtype 4; with ``uuids`` subtype 3, its bytes as an old driver orders them |
| str that is an ObjectId | ObjectId |
| json | documents and arrays, see ``json_value`` |
| ref | the target's key; a document of its parts if there are several |
| many | an array of keys |
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, Inexact
from math import isfinite
from types import NoneType
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from bson.binary import Binary
from bson.decimal128 import Decimal128, create_decimal128_context
from bson.errors import InvalidId
from bson.int64 import Int64
from bson.objectid import ObjectId

from holdall.query import FieldSchema, Key, Kind, Value
from holdall.stores.mongo.collection import MongoCollection
from holdall.stores.mongo.errors import Misfit
from holdall.stores.mongo.json_value import (
    extended_to_document,
    extended_to_value,
    json_to_document,
    json_to_value,
)
from holdall.stores.mongo.legacy_uuids import legacy_uuids
from holdall.stores.mongo.raw_documents import Undecodable

__all__ = ["Codec", "codec_of", "key_document", "neighbours"]

Convert = Callable[[Any], Any]
T = TypeVar("T")

_MICROSECOND = timedelta(microseconds=1)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}")
_MOMENT = re.compile(f"{_DATE.pattern}T{_TIME.pattern}Z")
_LARGEST = 2**63 - 1
_USUAL = MongoCollection()
_written = msgspec.to_builtins


class Codec(msgspec.Struct, frozen=True):
    """How values of one field are kept; ``encode`` and ``decode`` are never given None."""

    plain: frozenset[type]  # what comes back as it is
    types: frozenset[type] = frozenset()  # what ``decode`` takes
    encode: Convert | None = None
    decode: Convert | None = None
    is_ordered: bool = True  # whether the server sorts these values as ``evaluate`` does
    is_sound: Callable[[Sequence[Any]], bool] | None = None  # whether values of plain types are all such as are written

    def encoded(self, value: object) -> Value:
        """The BSON form of a value, None of None. Raises Misfit for a value that has no exact one."""
        return value if value is None or self.encode is None else self.encode(value)

    def decoded(self, stored: object) -> Value:
        """The value of its BSON form. Raises Misfit for what this field never holds."""
        kind = type(stored)
        if stored is None:
            return stored
        if kind in self.plain:
            if self.is_sound is not None and not self.is_sound([stored]):
                raise Misfit("is stored as a number that no field holds")
            return stored
        if kind in self.types and self.decode is not None:
            return self.decode(stored)
        if kind is Undecodable:
            raise Misfit("is stored as something that the driver cannot decode")
        raise Misfit(f"is stored as a {kind.__name__}")


def codec_of(field: FieldSchema, options: MongoCollection = _USUAL) -> Codec:
    """How this field's values are kept."""
    if field.kind is Kind.REF:
        return _reference(field, options)
    if field.kind is Kind.MANY:
        return _many(_reference(field, options))
    if field.is_object_id:
        return _OBJECT_ID
    if field.kind is Kind.DATETIME and options.native_dates:
        return _NATIVE_DATETIME
    if field.kind is Kind.JSON and options.extended_json:
        return _EXTENDED_JSON
    if field.kind is Kind.UUID and options.uuids != "standard":
        return Codec(frozenset({_NULL}), frozenset({Binary}), *legacy_uuids(options.uuids))
    return _SCALARS[field.kind]


def neighbours(field: FieldSchema, value: Value, *, native_dates: bool = False) -> tuple[Any, Any]:
    """The nearest BSON values below and above a value that has no exact form, to compare with in its place."""
    if isinstance(value, datetime) and native_dates:
        below = value.replace(microsecond=value.microsecond // 1000 * 1000)
        return below, datetime.max.replace(tzinfo=UTC) if below > _LAST else below + timedelta(milliseconds=1)
    number = Decimal(value // _MICROSECOND) if isinstance(value, timedelta) else Decimal(value)
    return tuple(Decimal128(_rounded(number, way)) for way in (ROUND_FLOOR, ROUND_CEILING))  # type: ignore[return-value]


_LAST = datetime.max.replace(tzinfo=UTC, microsecond=999_000) - timedelta(milliseconds=1)


def _rounded(number: Decimal, way: str) -> Decimal:
    with_limits = create_decimal128_context()
    context = Context(
        prec=with_limits.prec, rounding=way, Emin=with_limits.Emin, Emax=with_limits.Emax, clamp=1, traps=[]
    )
    return context.create_decimal(number)


def _float(value: Value) -> float:
    return float(value)


def _are_finite(values: Sequence[Value]) -> bool:
    """Whether no float is NaN or an infinity; as a rule their sum tells it."""
    return isfinite(sum(filter(None, values))) or all(value is None or isfinite(value) for value in values)


def _are_within(values: Sequence[Value]) -> bool:
    return -_LARGEST - 1 not in values


def _from_float(stored: Value) -> float:
    if not isfinite(stored):
        raise Misfit("is stored as something that is no finite number")
    return float(stored)


def _whole(stored: Value) -> int:
    if isinstance(stored, float) and not stored.is_integer():
        raise Misfit("is stored as something that is no whole number")
    if abs(stored) > _LARGEST:
        raise Misfit("is stored as a number that no field holds")
    return int(stored)


def _decimal(value: Value) -> Decimal128:
    try:
        return Decimal128(Decimal(value))
    except Inexact:
        raise Misfit("a decimal here has at most 34 digits") from None


def _from_decimal(stored: Value) -> Decimal:
    value: Decimal = stored.to_decimal() if isinstance(stored, Decimal128) else Decimal(int(stored))
    if not value.is_finite():
        raise Misfit("is stored as something that is no finite number")
    return value


def _datetime(value: datetime) -> str:
    text: str = _written(value)  # seven times as fast as isoformat, but with microseconds only where there are any
    return text if len(text) == 27 else f"{text[:19]}.000000Z"


def _from_datetime(stored: str) -> datetime:
    return _read(datetime.fromisoformat, stored, _MOMENT)


def _native_datetime(value: datetime) -> datetime:
    if value.microsecond % 1000:
        raise Misfit("a BSON date has no microseconds; leave native_dates out, or round to milliseconds")
    return value


def _time(value: time) -> str:
    text: str = _written(value)
    return text if len(text) == 15 else f"{text}.000000"


def _from_date(stored: str) -> date:
    return _read(date.fromisoformat, stored, _DATE)


def _from_time(stored: str) -> time:
    return _read(time.fromisoformat, stored, _TIME)


def _read(parse: Callable[[str], T], stored: str, form: re.Pattern[str]) -> T:
    """The value of a text as it is written here; one in another form would neither be found nor sorted by its value."""
    try:
        if form.fullmatch(stored):
            return parse(stored)
    except ValueError:
        pass
    raise Misfit("is stored as text in another form than Holdall writes") from None


def _timedelta(value: timedelta) -> int:
    number = value // _MICROSECOND
    if abs(number) > _LARGEST:
        raise Misfit("a duration here is at most 292,000 years")
    return number


def _from_timedelta(stored: Value) -> timedelta:
    return timedelta(microseconds=int(stored))


def _object_id(value: str) -> ObjectId:
    try:
        return ObjectId(value)
    except (InvalidId, TypeError):
        raise Misfit("is no ObjectId") from None


_NULL: type = NoneType
_NUMBERS = frozenset({int, Int64})
_TEXT = frozenset({str})

_NATIVE_DATETIME = Codec(frozenset({_NULL, datetime}), encode=_native_datetime)

_OBJECT_ID = Codec(frozenset({_NULL}), frozenset({ObjectId}), _object_id, str)

_EXTENDED_JSON = Codec(
    frozenset({_NULL, str, bool}),
    frozenset({dict, list, int, float, Int64, ObjectId, datetime, Decimal128, bytes, Binary, UUID}),
    extended_to_document,
    extended_to_value,
)

_SCALARS: dict[Kind, Codec] = {
    Kind.BOOL: Codec(frozenset({_NULL, bool})),
    Kind.INT: Codec(frozenset({_NULL, int}), frozenset({int, Int64, float}), None, _whole, is_sound=_are_within),
    Kind.FLOAT: Codec(
        frozenset({_NULL, float}), frozenset({int, Int64, float}), _float, _from_float, is_sound=_are_finite
    ),
    Kind.DECIMAL: Codec(frozenset({_NULL}), frozenset({Decimal128, int, Int64}), _decimal, _from_decimal),
    Kind.STR: Codec(frozenset({_NULL, str})),
    Kind.BYTES: Codec(frozenset({_NULL, bytes}), is_ordered=False),
    Kind.DATETIME: Codec(frozenset({_NULL}), _TEXT, _datetime, _from_datetime),
    Kind.DATE: Codec(frozenset({_NULL}), _TEXT, date.isoformat, _from_date),
    Kind.TIME: Codec(frozenset({_NULL}), _TEXT, _time, _from_time),
    Kind.TIMEDELTA: Codec(frozenset({_NULL}), _NUMBERS, _timedelta, _from_timedelta),
    Kind.UUID: Codec(frozenset({_NULL, UUID})),
    Kind.JSON: Codec(
        frozenset({_NULL, str, bool}),
        frozenset({dict, list, int, float, Int64}),
        json_to_document,
        json_to_value,
    ),
}


def _reference(field: FieldSchema, options: MongoCollection) -> Codec:
    parts = [codec_of(part, options) for part in field.target_key]
    if len(parts) == 1:
        return parts[0]
    return key_document(tuple([part.column for part in field.target_key]), parts)


def key_document(names: tuple[str, ...], parts: list[Codec]) -> Codec:
    """How a key of several fields is kept: a document of its parts, always in this order."""

    def encode(key: tuple[Key, ...]) -> dict[str, Value]:
        return {name: part.encoded(value) for name, part, value in zip(names, parts, key, strict=True)}

    def decode(stored: dict[str, Value]) -> tuple[Value, ...]:
        if tuple(stored) != names:
            raise Misfit(f"is stored as a document whose parts are not {', '.join(names)}, in this order")
        return tuple([part.decoded(value) for part, value in zip(parts, stored.values(), strict=True)])

    return Codec(frozenset({_NULL}), frozenset({dict}), encode, decode, all(part.is_ordered for part in parts))


def _many(key: Codec) -> Codec:
    def encode(keys: tuple[Key, ...]) -> list[Value]:
        return list(keys) if key.encode is None else list(map(key.encode, keys))

    def decode(stored: list[Value]) -> tuple[Value, ...]:
        return tuple(map(key.decoded, stored))

    return Codec(frozenset({_NULL}), frozenset({list}), encode, decode, is_ordered=False)
