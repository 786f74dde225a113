"""Border values as MessagePack, each with its type, for what Holdall stores for itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from holdall.query import Value
from holdall.store import Members

__all__ = ["PLAIN", "KeyToCome", "UnreadableBody", "decode_packed", "encode_packed", "pack", "storable", "words_of"]

_TUPLE, _DECIMAL, _UUID, _DATE, _TIME, _TIMEDELTA, _MEMBERS, _KEY = range(1, 9)
PLAIN = frozenset({str, int, float, bool, bytes, type(None), dt.datetime})
"""Types whose values MessagePack gives back as they are."""

_encoder = msgspec.msgpack.Encoder()


class UnreadableBody(ValueError):
    """A body that this version of Holdall cannot read. ``is_damage`` unless another version of Holdall can."""

    def __init__(self, reason: str, *, is_damage: bool) -> None:
        super().__init__(reason)
        self.is_damage = is_damage


class KeyToCome(msgspec.Struct, frozen=True):
    """Stands for a key that was not made yet: the one that lies at this place beside the body."""

    place: int


def encode_packed(content: object) -> bytes:
    """The bytes of what ``pack`` has made."""
    return _encoder.encode(content)


def decode_packed(body: bytes | memoryview) -> Any:
    """The content again. Raises UnreadableBody for a kind of value that is not known, and as msgspec does."""
    return _decoder.decode(body)


def storable(text: str) -> str:
    """The text as every store keeps it: without NUL, and with halves of surrogate pairs written out."""
    return text.replace("\0", "").encode(errors="backslashreplace").decode()


def words_of(error: BaseException) -> str:
    """The kind of an error and its words, as every store keeps them; an error may fail to give its words."""
    kind = type(error).__name__
    try:
        return storable(f"{kind}: {error}")
    except KeyboardInterrupt:
        raise
    except BaseException as failure:  # also one that would end the program
        return f"{kind}: (its text cannot be made: {type(failure).__name__})"


def pack(value: object) -> Any:
    """The value, with an extension wherever MessagePack would give another type back."""
    if value.__class__ in PLAIN:
        return value
    match value:
        case Members():
            return _extension(_MEMBERS, [[pack(item) for item in keys] for keys in (value, value.before)])
        case tuple():
            return _extension(_TUPLE, [item if item.__class__ in PLAIN else pack(item) for item in value])
        case list():
            return [pack(item) for item in value]
        case dict():
            return {name: pack(item) for name, item in value.items()}
        case KeyToCome():
            return _extension(_KEY, value.place)
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
    _KEY: KeyToCome,
}
_decoder = msgspec.msgpack.Decoder(ext_hook=_unpack)
