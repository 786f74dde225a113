"""The stored form of an event: MessagePack with the format's version first, every border value with its type.

A body, of format 1, is ``[1, kind, key, fields, old, new, user, request, commit, at]``. A key that its store makes only
with the same commit lies beside the body; see ``KeysToCome``. Format 2 holds several bodies; see ``bundle``. Format 3
holds changes in columns; see ``changed_columns``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import msgspec

from holdall.model import EventKind, Model, Record
from holdall.query import Key, Value
from holdall.session.journal.packing import PLAIN, KeyToCome, UnreadableBody, decode_packed, encode_packed, pack

__all__ = [
    "EVENT_FORMAT",
    "Body",
    "KeysToCome",
    "decode_body",
    "encode_facts",
    "encode_plain",
    "encode_tail",
    "is_plain",
]

EVENT_FORMAT = 3
"""The newest version of the stored form: 1 is one event, 2 a bundle of several, 3 several changes in columns.

Others are left alone and listed.
"""

_ONE_EVENT = 1


class Body(msgspec.Struct, frozen=True):
    """The facts of an event, in border values. Example: :class:`Event`."""

    kind: EventKind
    key: Key
    fields: tuple[str, ...]
    old: Mapping[str, Value]
    new: Mapping[str, Value]
    user: Value
    request_id: str | None
    commit: str
    at: dt.datetime


class KeysToCome:
    """The records whose keys lie beside a body, each with its place; those beyond the last place are left out."""

    def __init__(self, places: int) -> None:
        self.records: list[Record] = []
        self._places = places

    def placed(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """The values with places instead of records."""
        found = {}
        for name, value in values.items():
            if isinstance(value, Model):
                value = self.place(value)
            elif isinstance(value, tuple) and any(isinstance(item, Model) for item in value):
                items = [self.place(item) if isinstance(item, Model) else item for item in value]
                value = None if None in items else tuple(items)
            if value is not None or values[name] is None:
                found[name] = value
        return found

    def place(self, record: Record) -> KeyToCome | None:
        """The place of a record's key."""
        for place, known in enumerate(self.records):
            if known is record:
                return KeyToCome(place)
        if len(self.records) >= self._places:
            return None
        self.records.append(record)
        return KeyToCome(len(self.records) - 1)


def encode_facts(
    kind: EventKind,
    key: Key,
    fields: tuple[str, ...],
    old: Mapping[str, Value],
    new: Mapping[str, Value],
    tail: bytes,
) -> bytes:
    """The bytes of a body whose ``tail`` was encoded before."""
    return encode_plain(kind, key, fields, _packed(old), _packed(new), tail)


def encode_plain(kind: EventKind, key: Key, fields: tuple[str, ...], old: Value, new: Value, tail: bytes) -> bytes:
    """As ``encode_facts``, of values that are plain."""
    if key.__class__ is not int:
        key = pack(key)
    return _HEADS[kind] + encode_packed((key, fields, old, new))[1:] + tail  # see _items


def encode_tail(user: Value, request_id: str | None, commit: str, at: dt.datetime) -> bytes:
    """The end of a body, which is the same in all events of a commit."""
    return _items([pack(user), request_id, commit, at])


def is_plain(values: Mapping[str, Value]) -> bool:
    """Whether the values are written as they are, so that no key to come is among them."""
    return PLAIN.issuperset(map(type, values.values()))


def _items(content: list[Value]) -> bytes:
    return encode_packed(content)[1:]  # up to 15 items are announced by one byte, which a part of a list has not


def _packed(values: Mapping[str, Value]) -> Value:
    return values if is_plain(values) else pack(dict(values))


_ITEMS = 10
_HEADS = {kind: bytes([0x90 | _ITEMS]) + _items([_ONE_EVENT, kind.value]) for kind in EventKind}
"""The beginning of the body of each kind of event: a list of ten items, and the first two of them."""


def decode_body(stored: bytes, made: Sequence[Value] = ()) -> Body:
    """The body with the keys that lie beside it. Raises UnreadableBody for another format or a damaged one."""
    try:
        content = decode_packed(stored)
        number = content[0] if isinstance(content, list) and content else None
        if number != _ONE_EVENT:
            known = f"{_ONE_EVENT} to {EVENT_FORMAT}"
            raise UnreadableBody(
                f"its format is {number}, and {known} are known", is_damage=not isinstance(number, int)
            )
        _, kind, *parts, request_id, commit, at = content
        key, fields, old, new, user = (_made(part, made) for part in parts)
        hash(tuple(key) if isinstance(key, list) else key)  # what names no record is damage
        return Body(EventKind(kind), key, tuple(fields), old, new, user, request_id, commit, at)
    except (msgspec.DecodeError, RecursionError, TypeError, ValueError, LookupError) as error:
        if isinstance(error, UnreadableBody):
            raise
        raise UnreadableBody(f"its body is damaged ({type(error).__name__})", is_damage=True) from error


def _made(value: object, made: Sequence[Value]) -> Value:
    if isinstance(value, KeyToCome):
        return made[value.place]
    if isinstance(value, dict):
        return {name: _made(item, made) for name, item in value.items()}
    if isinstance(value, list):
        return [_made(item, made) for item in value]
    if isinstance(value, tuple):
        return tuple([_made(item, made) for item in value])
    return value
