"""Keys in paths: ``/lines/7,2`` has the parts of a composite key, each percent-encoded, with commas between them."""

from __future__ import annotations

from urllib.parse import quote, unquote_to_bytes

import msgspec

from holdall.errors import FieldError, ValidationError
from holdall.model import Record
from holdall.query import FieldSchema, Key, Kind, Schema
from holdall.web.text_value import Unreadable, value_of

__all__ = ["MAX_KEY", "KeyText"]

MAX_KEY = 4_096
"""The most characters of a key in a path, percent-encoded."""

_SAFE_DIGITS = 19  # a number shorter than this fits in 64 bits


class KeyText:
    """Reads and writes the keys of one collection."""

    def __init__(self, schema: Schema) -> None:
        self._fields = tuple(leaf for name in schema.key for leaf in _leaves(schema.field(name)))
        self._is_int = [(field.kind, field.choices) for field in self._fields] == [(Kind.INT, None)]
        self._names = schema.key
        self._shape = tuple(_width(schema.field(name)) for name in schema.key)

    def read(self, text: str) -> Key:
        """The key in an undecoded path segment; raises Unreadable for what cannot be one."""
        fields = self._fields
        if self._is_int and text.isdecimal() and text.isascii() and len(text) < _SAFE_DIGITS:
            return int(text)
        parts = [text] if len(fields) == 1 else text.split(",")
        if len(parts) == 1 < len(fields):
            parts = _decoded(text).split(",")  # a client has encoded the whole segment, the commas with it
        if len(parts) != len(fields):
            raise Unreadable("must have another number of parts")
        values = [value_of(field, _decoded(part)) for field, part in zip(fields, parts, strict=True)]
        if len(self._shape) == 1:
            return values[0] if len(values) == 1 else tuple(values)
        key, place = [], 0
        for width in self._shape:
            key.append(values[place] if width == 1 else tuple(values[place : place + width]))
            place += width
        return tuple(key)

    def write(self, key: Key) -> str:
        """The path segment of a key."""
        if key.__class__ is int:
            return str(key)
        segment = ",".join(quote(_text(part), safe="") for part in _flat(key))
        return "%5F" + segment[1:] if segment[:1] == "_" else segment  # places below a collection begin so

    def demand_addressable(self, record: Record) -> None:
        """Raise ValidationError for a record with a key that no path can name."""
        key = record.__key__()
        if key is not None and (why := self._unaddressable(key)) is not None:
            names = [name for name in self._names if getattr(record, name) is not None]
            raise ValidationError(type(record).__name__, [FieldError(names[-1], "key", why)])

    def _unaddressable(self, key: Key) -> str | None:
        """Why no path can name this key, as the end of a sentence; None where one can.

        Segments that are empty or dots are taken out of paths before they are sent (RFC 3986, section 5.2.4).
        """
        segment = self.write(key)
        if segment in ("", ".", ".."):
            return "must not be empty or only dots: a path could not name the record"
        if len(segment) > MAX_KEY:
            return f"must not be longer than {MAX_KEY} characters in a path"
        return None


def _leaves(field: FieldSchema) -> list[FieldSchema]:
    if field.kind is not Kind.REF:
        return [field]
    return [leaf for part in field.target_key for leaf in _leaves(part)]


def _width(field: FieldSchema) -> int:
    return len(_leaves(field))


def _decoded(text: str) -> str:
    if "%" not in text:
        return text
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise Unreadable("must be UTF-8 text") from None


def _flat(key: Key) -> list[Key]:
    return [leaf for part in key for leaf in _flat(part)] if isinstance(key, tuple) else [key]


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    shown = msgspec.to_builtins(value)
    return shown if isinstance(shown, str) else msgspec.json.encode(shown).decode()
