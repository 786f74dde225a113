"""The identity that a store keeps with its data: one database is told from another, whatever its address.

An identity is kept as JSON with the number of its format, says nothing of whose the data is, and is never sorted by.
"""

from __future__ import annotations

from uuid import uuid4

import msgspec

from holdall.errors import CorruptRecord, UnknownFormat

__all__ = ["IDENTITY_FORMAT", "decode_identity", "encode_identity", "new_identity"]

IDENTITY_FORMAT = 1


class _Kept(msgspec.Struct, frozen=True):
    format: int
    identity: str


class _Numbered(msgspec.Struct, frozen=True):
    format: int


def new_identity() -> str:
    """An identity that no other store has: 32 hexadecimal digits.

    >>> len(new_identity())
    32
    """
    return uuid4().hex


def encode_identity(identity: str) -> bytes:
    """The bytes that are kept.

    >>> encode_identity("c0ffee")
    b'{"format":1,"identity":"c0ffee"}'
    """
    return msgspec.json.encode(_Kept(IDENTITY_FORMAT, identity))


def decode_identity(store: str, place: str, raw: bytes) -> str:
    """The identity that was encoded; ``place`` says where in the store it lies.

    Raises UnknownFormat for what another version of Holdall wrote, CorruptRecord for anything else.

    >>> decode_identity("files", ".holdall/identity", b'{"format":1,"identity":"c0ffee"}')
    'c0ffee'
    """
    try:
        number = msgspec.json.decode(raw, type=_Numbered).format
        if number != IDENTITY_FORMAT:
            raise UnknownFormat(store, place, number, IDENTITY_FORMAT)
        return msgspec.json.decode(raw, type=_Kept).identity
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise CorruptRecord(store, place, "remove it and a new one is made") from error
