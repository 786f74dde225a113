"""What the journal keeps of one commit: every operation, enough to repeat it and enough to undo it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from holdall.store import Change, Verb

__all__ = ["CallState", "Entry", "Operation", "Part", "decode_entry", "encode_entry", "inverse"]


class CallState(StrEnum):
    """How far an operation came, as far as the journal knows."""

    PLANNED = "planned"  # it may have been sent
    APPLIED = "applied"
    REFUSED = "refused"  # it had no effect
    UNDONE = "undone"
    ORPHANED = "orphaned"  # it has or may have had an effect, and nothing undoes it


class Operation(msgspec.Struct, array_like=True):
    """One change. ``old`` are the values its fields had; of a removed record, the values of all stored ``fields``."""

    verb: Verb
    collection: str
    key: Any
    fields: tuple[str, ...]
    values: tuple[Any, ...]
    version: int | None = None
    token: str | None = None
    old: tuple[Any, ...] | None = None
    state: CallState = CallState.PLANNED
    error: str = ""

    @property
    def change(self) -> Change:
        """What a store is told."""
        if self.verb is Verb.REMOVE:
            return Change(self.verb, self.collection, self.key, (), (), self.version, self.token)
        return Change(self.verb, self.collection, self.key, self.fields, self.values, self.version, self.token)


class Part(msgspec.Struct, array_like=True):
    """What one store does: all at once, or ``by_call``, one operation at a time."""

    store: str
    operations: list[Operation]
    by_call: bool = False
    is_done: bool = False
    error: str = ""


class Entry(msgspec.Struct, array_like=True):
    """One commit, in the order it is carried out."""

    parts: list[Part]
    is_decided: bool = False


def inverse(operation: Operation, version: str | None) -> Change | None:
    """What undoes an applied operation, or None where its old values are not known; ``version`` names that field.

    >>> inverse(Operation(Verb.UPDATE, "city", 7, ("name", "version"), ("Roma", 4), 3, old=("Rome", 3)), "version")
    Change(verb=<Verb.UPDATE: 'update'>, collection='city', key=7, fields=('name', 'version'), values=('Rome', 5), \
version=4, token=None)
    """
    collection, key, fields = operation.collection, operation.key, operation.fields
    token = None if operation.token is None else f"{operation.token}-undo"
    if operation.verb is Verb.ADD:
        return Change(Verb.REMOVE, collection, key, (), (), 1 if version is not None else None, token)
    if operation.old is None:
        return None
    if operation.verb is Verb.REMOVE:
        return Change(Verb.ADD, collection, key, fields, operation.old, None, token)
    if version is None or operation.version is None:
        return Change(Verb.UPDATE, collection, key, fields, operation.old, None, token)
    later = operation.version + 2
    values = tuple([later if name == version else old for name, old in zip(fields, operation.old, strict=True)])
    return Change(Verb.UPDATE, collection, key, fields, values, operation.version + 1, token)


# --- as bytes -------------------------------------------------------------------------------------------------------

_TUPLE, _DECIMAL, _UUID, _DATE, _TIME, _TIMEDELTA = range(1, 7)
_encoder = msgspec.msgpack.Encoder()


def encode_entry(entry: Entry) -> bytes:
    """The entry as bytes; border values keep their types."""
    rows = [[_packed(operation) for operation in part.operations] for part in entry.parts]
    parts = [(part.store, part.by_call, part.is_done, part.error) for part in entry.parts]
    return _encoder.encode((parts, rows, entry.is_decided))


def decode_entry(body: bytes) -> Entry:
    """The entry that was encoded."""
    parts, rows, is_decided = _decoder.decode(body)
    return Entry(
        [
            Part(store, list(map(_operation, operations)), by_call, is_done, error)
            for (store, by_call, is_done, error), operations in zip(parts, rows, strict=True)
        ],
        is_decided,
    )


def _packed(operation: Operation) -> list[Any]:
    return [_pack(value) for value in msgspec.structs.astuple(operation)]


def _operation(row: list[Any]) -> Operation:
    verb, collection, key, fields, values, version, token, old, state, error = row
    return Operation(Verb(verb), collection, key, fields, values, version, token, old, CallState(state), error)


def _pack(value: Any) -> Any:
    """A value in which what MessagePack would not give back as it was stands as an extension."""
    match value:
        case tuple():
            return _extension(_TUPLE, [_pack(item) for item in value])
        case list():
            return [_pack(item) for item in value]
        case dict():
            return {name: _pack(item) for name, item in value.items()}
        case Decimal():
            return _extension(_DECIMAL, str(value))
        case UUID():
            return msgspec.msgpack.Ext(_UUID, value.bytes)
        case dt.datetime():
            return value
        case dt.date():
            return _extension(_DATE, value.isoformat())
        case dt.time():
            return _extension(_TIME, value.isoformat())
        case dt.timedelta():
            return _extension(_TIMEDELTA, [value.days, value.seconds, value.microseconds])
    return value


def _extension(code: int, value: Any) -> msgspec.msgpack.Ext:
    return msgspec.msgpack.Ext(code, _encoder.encode(value))


def _unpack(code: int, data: memoryview) -> Any:
    if code == _UUID:
        return UUID(bytes=bytes(data))
    value = _decoder.decode(data)
    match code:
        case 1:
            return tuple(value)
        case 2:
            return Decimal(value)
        case 4:
            return dt.date.fromisoformat(value)
        case 5:
            return dt.time.fromisoformat(value)
        case _:
            days, seconds, microseconds = value
            return dt.timedelta(days, seconds, microseconds)


_decoder = msgspec.msgpack.Decoder(ext_hook=_unpack)
