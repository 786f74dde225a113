"""Documents that the driver cannot decode: read as the server sent them, and decoded field by field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bson
from bson.codec_options import CodecOptions
from bson.errors import BSONError, InvalidBSON
from bson.raw_bson import RawBSONDocument
from pymongo.asynchronous.collection import AsyncCollection

__all__ = ["Undecodable", "as_raw", "decoded_document"]

_FAULTS = (BSONError, ValueError, OverflowError, RecursionError)
_SIZES = {0x01: 8, 0x06: 0, 0x07: 12, 0x08: 1, 0x09: 8, 0x0A: 0, 0x10: 4, 0x11: 8, 0x12: 8, 0x13: 16, 0x7F: 0, 0xFF: 0}
_AFTER_LENGTH = {0x02: 0, 0x0D: 0, 0x0E: 0, 0x05: 1, 0x0C: 12}  # bytes beside those that the length counts
_WITH_LENGTH = (0x03, 0x04, 0x0F)  # the length counts itself
_REGEX = 0x0B


class Undecodable:
    """Stands for a value of a document that the driver cannot decode, as a UUID of another length than 16 bytes."""

    def __repr__(self) -> str:
        return "a value that the driver cannot decode"


def as_raw(collection: AsyncCollection[Any]) -> AsyncCollection[RawBSONDocument]:
    """The collection, its documents as the server sends them."""
    return collection.with_options(collection.codec_options.with_options(document_class=RawBSONDocument))


def decoded_document(document: RawBSONDocument, options: CodecOptions[Any]) -> dict[str, Any]:
    """The document, ``Undecodable`` for each value that the driver cannot decode. Raises InvalidBSON."""
    try:
        return bson.decode(document.raw, options)
    except _FAULTS:
        return {name: _value(element, options) for name, element in _elements(bytes(document.raw))}


def _value(element: bytes, options: CodecOptions[Any]) -> Any:
    """The value of one element, decoded as the only one of a document, under a name that is text for sure."""
    alone = element[:1] + b"\0" + element[element.index(b"\0", 1) + 1 :]
    try:
        (value,) = bson.decode((len(alone) + 5).to_bytes(4, "little") + alone + b"\0", options).values()
    except _FAULTS:
        return Undecodable()
    return value


def _elements(raw: bytes) -> Iterator[tuple[str, bytes]]:
    """The names of a document's fields, and the bytes of each with its type and name."""
    place, end = 4, len(raw) - 1
    while place < end:
        behind_name = raw.index(b"\0", place + 1) + 1
        name, last = raw[place + 1 : behind_name - 1], _end_of(raw, raw[place], behind_name)
        if last > end:
            raise InvalidBSON("a value is longer than its document")
        yield name.decode(errors="replace"), raw[place:last]
        place = last


def _end_of(raw: bytes, kind: int, start: int) -> int:
    """Where the value of this BSON type ends that starts here. Raises InvalidBSON for types that BSON does not have."""
    if kind in _SIZES:
        return start + _SIZES[kind]
    if kind == _REGEX:
        return raw.index(b"\0", raw.index(b"\0", start) + 1) + 1
    if kind not in _AFTER_LENGTH and kind not in _WITH_LENGTH:
        raise InvalidBSON("a value has a type that BSON does not have")
    length = int.from_bytes(raw[start : start + 4], "little")
    return start + length + (4 + _AFTER_LENGTH[kind] if kind in _AFTER_LENGTH else 0)
