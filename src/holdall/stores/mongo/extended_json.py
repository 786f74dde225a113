"""Values that BSON has and JSON has not, as MongoDB's Extended JSON (version 2) writes them, and back.

https://github.com/mongodb/specifications/blob/master/source/extended-json/extended-json.md
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from bson.binary import UUID_SUBTYPE, Binary
from bson.decimal128 import Decimal128
from bson.errors import BSONError
from bson.objectid import ObjectId

from holdall.query import Json, Value
from holdall.stores.mongo.errors import Misfit

__all__ = ["from_extended", "to_extended"]


def to_extended(stored: object) -> dict[str, Json] | None:
    """The object that stands in JSON for this value; None for one that has none."""
    write = _WRITERS.get(type(stored))
    return None if write is None else write(stored)


def from_extended(value: dict[str, Json]) -> Value:
    """The BSON value that an object of one member stands for; None where it stands for itself. Raises Misfit."""
    ((name, inner),) = value.items()
    read = _READERS.get(name)
    if read is None:
        return None
    try:
        return read(inner)
    except (BSONError, TypeError, ValueError, ArithmeticError, KeyError):
        raise Misfit(f"holds a {name} that is no value of Extended JSON") from None


def _date(stored: datetime) -> dict[str, Json]:
    return {"$date": f"{stored:%Y-%m-%dT%H:%M:%S}.{stored.microsecond // 1000:03d}Z".rjust(24, "0")}


def _binary(stored: bytes) -> dict[str, Json]:
    subtype = stored.subtype if isinstance(stored, Binary) else 0
    return {"$binary": {"base64": b64encode(stored).decode(), "subType": f"{subtype:02x}"}}


def _uuid(stored: UUID) -> dict[str, Json]:
    return _binary(Binary(stored.bytes, UUID_SUBTYPE))


_WRITERS: dict[type, Callable[[Value], dict[str, Json]]] = {
    ObjectId: lambda stored: {"$oid": str(stored)},
    datetime: _date,
    Decimal128: lambda stored: {"$numberDecimal": str(stored)},
    bytes: _binary,
    Binary: _binary,
    UUID: _uuid,
}


def _read_date(inner: Value) -> datetime:
    moment = datetime.fromisoformat(inner)
    if moment.tzinfo is None or moment.microsecond % 1000:
        raise ValueError(inner)
    return moment.astimezone(UTC)


def _read_binary(inner: Value) -> Value:
    subtype, content = int(inner["subType"], 16), b64decode(inner["base64"], validate=True)
    if subtype == UUID_SUBTYPE:
        return UUID(bytes=content)
    return content if subtype == 0 else Binary(content, subtype)


_READERS: dict[str, Callable[[Value], Value]] = {
    "$oid": ObjectId,
    "$date": _read_date,
    "$numberDecimal": lambda inner: Decimal128(str(inner)),
    "$binary": _read_binary,
}
