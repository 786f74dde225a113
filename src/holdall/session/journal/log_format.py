"""The bytes of a log record: MessagePack with the format's version first, every border value with its type.

A body is ``[4, application, parts, operations, is_decided]``. Format 3 is the same without the keys that records had
before, and written where none gets another key, so that an earlier Holdall can settle such commits; format 2 is also
without the identities of stores, format 1 also without members that come and go: its lists are whole. Any other is
refused by its number: a row that decides about somebody's data is never guessed at.
Golden files in the tests hold each version.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from holdall.query import Value
from holdall.session.journal.log_record import CallState, LogRecord, Operation, Part
from holdall.session.journal.packing import UnreadableBody, decode_packed, encode_packed, pack
from holdall.store import Verb

__all__ = ["LOG_FORMAT", "UnreadableBody", "decode_record", "encode_record"]

LOG_FORMAT = 4
_WITHOUT_ORIGINS = 3
_READABLE = (1, 2, _WITHOUT_ORIGINS, LOG_FORMAT)


def encode_record(record: LogRecord) -> bytes:
    has_origins = any(operation.origin is not None for part in record.parts for operation in part.operations)
    number, end = (LOG_FORMAT, None) if has_origins else (_WITHOUT_ORIGINS, -1)
    rows = [[_packed(operation)[:end] for operation in part.operations] for part in record.parts]
    parts = [(part.store, part.by_call, part.is_done, part.error, part.is_held, part.identity) for part in record.parts]
    return encode_packed((number, record.application, parts, rows, record.is_decided))


def decode_record(body: bytes) -> LogRecord:
    """The record that was encoded. Raises UnreadableBody for another format or a damaged body."""
    try:
        content = decode_packed(body)
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
    old, origin = operation.old, operation.origin
    return [
        operation.verb.value,
        operation.collection,
        pack(operation.key),
        _packed_names(operation.fields),
        pack(operation.values),
        operation.version,
        operation.token,
        None if old is None else pack(old),
        operation.state.value,
        operation.error,
        None if origin is None else pack(origin),
    ]


@lru_cache(maxsize=1000)
def _packed_names(names: tuple[str, ...]) -> Any:
    return pack(names)


def _operation(row: list[Value]) -> Operation:
    verb, collection, key, fields, values, version, token, old, state, error, *later = row
    (origin,) = later or (None,)  # formats 1 to 3 have none
    return Operation(Verb(verb), collection, key, fields, values, version, token, old, CallState(state), error, origin)
