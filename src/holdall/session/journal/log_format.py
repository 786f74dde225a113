"""The bytes of a log record: MessagePack with the format's version first, every border value with its type.

A body is ``[4, application, parts, operations, is_decided]``. Format 3 is the same without the keys that records had
before, and written where none gets another key, so that an earlier Holdall can settle such commits; format 2 is also
without the identities of stores, format 1 also without members that come and go: its lists are whole. Any other is
refused by its number: a row that decides about somebody's data is never guessed at.
Golden files in the tests hold each version.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from holdall.query import Value
from holdall.session.journal.log_record import CallState, LogRecord, Operation, Part
from holdall.store import Members, Verb

__all__ = ["LOG_FORMAT", "UnreadableBody", "decode_record", "encode_record"]

LOG_FORMAT = 4
_WITHOUT_ORIGINS = 3
_READABLE = (1, 2, _WITHOUT_ORIGINS, LOG_FORMAT)

_TUPLE, _DECIMAL, _UUID, _DATE, _TIME, _TIMEDELTA, _MEMBERS = range(1, 8)
_encoder = msgspec.msgpack.Encoder()


class UnreadableBody(ValueError):
    """A body that this version of Holdall cannot read. ``is_damage`` unless another version of Holdall can."""

    def __init__(self, reason: str, *, is_damage: bool) -> None:
        super().__init__(reason)
        self.is_damage = is_damage


def encode_record(record: LogRecord) -> bytes:
    has_origins = any(operation.origin is not None for part in record.parts for operation in part.operations)
    number, end = (LOG_FORMAT, None) if has_origins else (_WITHOUT_ORIGINS, -1)
    rows = [[_packed(operation)[:end] for operation in part.operations] for part in record.parts]
    parts = [(part.store, part.by_call, part.is_done, part.error, part.is_held, part.identity) for part in record.parts]
    return _encoder.encode((number, record.application, parts, rows, record.is_decided))


def decode_record(body: bytes) -> LogRecord:
    """The record that was encoded. Raises UnreadableBody for another format or a damaged body."""
    try:
        content = _decoder.decode(body)
        number = content[0] if isinstance(content, list) and content else None
        if number not in _READABLE:
            known = ", ".join(map(str, _READABLE[:-1])) + f" or {LOG_FORMAT}"
            is_other = isinstance(number, int)
            reason = f"its format is {number if is_other else 'none'}, not {known}"
            raise UnreadableBody(reason, is_damage=not is_other)
        _, application, parts, rows, is_decided = content
        return LogRecord(list(map(_part, parts, rows)), application, is_decided)
    except (msgspec.DecodeError, RecursionError, TypeError, ValueError, LookupError) as error:
        if isinstance(error, UnreadableBody):
            raise
        raise UnreadableBody(f"its body is damaged ({type(error).__name__})", is_damage=True) from error


def _part(head: list[Any], operations: list[Any]) -> Part:
    store, by_call, is_done, error, is_held, *later = head
    (identity,) = later or ("",)  # formats 1 and 2 have none
    return Part(store, list(map(_operation, operations)), by_call, is_done, error, is_held, identity)


def _packed(operation: Operation) -> list[Any]:
    return [_pack(value) for value in msgspec.structs.astuple(operation)]


def _operation(row: list[Value]) -> Operation:
    verb, collection, key, fields, values, version, token, old, state, error, *later = row
    (origin,) = later or (None,)  # formats 1 to 3 have none
    return Operation(Verb(verb), collection, key, fields, values, version, token, old, CallState(state), error, origin)


def _pack(value: object) -> Any:
    """The value, with an extension wherever MessagePack would give another type back."""
    match value:
        case Members():
            return _extension(_MEMBERS, [[_pack(item) for item in keys] for keys in (value, value.before)])
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


def _extension(code: int, value: object) -> msgspec.msgpack.Ext:
    return msgspec.msgpack.Ext(code, _encoder.encode(value))


def _unpack(code: int, data: memoryview) -> Value:
    if code == _UUID:
        return UUID(bytes=bytes(data))
    reader = _READERS.get(code)
    if reader is None:
        raise UnreadableBody(f"it holds a value of kind {code}, which is not known", is_damage=False)
    return reader(_decoder.decode(data))


_READERS: dict[int, Callable[[Any], Any]] = {
    _TUPLE: tuple,
    _DECIMAL: Decimal,
    _DATE: dt.date.fromisoformat,
    _TIME: dt.time.fromisoformat,
    _TIMEDELTA: lambda parts: dt.timedelta(*parts),
    _MEMBERS: lambda parts: Members.of(*parts),
}
_decoder = msgspec.msgpack.Decoder(ext_hook=_unpack)
