"""Border values as JSON and back: a column of values at a time on the way out, whole records on the way in.

Numbers, truth values, text, lists and JSON stand for themselves, null for a missing value. Everything else is JSON
text: decimals ``"12.50"``, dates and times in ISO 8601, UUIDs, bytes in base64.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Protocol

import msgspec

from holdall.query import MAX_DEPTH, MAX_INT, FieldSchema, Kind, Value, is_too_deep
from holdall.store import JSON_TYPES, UNDECODABLE, is_bounded_json, may_pass_bounds
from holdall.stores.redis.errors import MISSING, Misfit

__all__ = ["Codec", "JsonCodec", "type_of"]

_encoder = msgspec.json.Encoder()

_NOT_FINITE = re.compile(rb'"[-+]?(?:s?nan|inf)', re.IGNORECASE)
_SHORT = 18  # digits that any 64 bits hold


def type_of(field: FieldSchema) -> Any:
    """The type of a field's values, as msgspec reads it."""
    found = _plain_type(field)
    return found | None if field.nullable and field.kind is not Kind.JSON else found


def _plain_type(field: FieldSchema) -> Any:
    if field.kind is Kind.REF:
        return _key_type(field)
    if field.kind is Kind.MANY:
        return tuple[_key_type(field), ...]  # type: ignore[misc]
    if field.choices is not None:
        return Literal[field.choices]
    if field.max_length is not None:
        return Annotated[JSON_TYPES[field.kind], msgspec.Meta(max_length=field.max_length)]
    return JSON_TYPES[field.kind]


def _key_type(field: FieldSchema) -> Any:
    parts = tuple(_plain_type(part) for part in field.target_key)
    return parts[0] if len(parts) == 1 else tuple[parts]  # type: ignore[valid-type]


class Codec(Protocol):
    """How the values of one collection stand in its hashes."""

    def column(self, name: str, values: Sequence[Value]) -> list[str]:
        """The values of one field as they are written. Raises Misfit for what would not be read again."""
        ...

    def rows(self, names: tuple[str, ...], json: bytes) -> list[tuple[Value, ...]]:
        """The rows of these fields in a list of lists. Raises Misfit, without saying where."""
        ...

    def value(self, name: str, json: bytes) -> Value:
        """One value. Raises Misfit."""
        ...


class JsonCodec:
    """The native encoding of one collection's fields: a field's JSON is its value in the hash."""

    def __init__(self, fields: Sequence[FieldSchema]) -> None:
        self._fields = tuple(fields)
        self._by_name = {field.name: field for field in fields}
        self._types = {field.name: type_of(field) for field in fields}
        self._decoders: dict[tuple[str, ...], Callable[[bytes], list[tuple[Any, ...]]]] = {}

    def column(self, name: str, values: Sequence[Value]) -> list[str]:
        """The values of one field as JSON texts. Raises Misfit for what has none, or would not be read again."""
        field = self._by_name[name]
        if not field.nullable and None in values:
            raise Misfit(f"{name} cannot be null")
        try:
            # of anything but a list, msgspec 0.22 leaves an iterator behind for ever
            text = _encoder.encode_lines(values if isinstance(values, list) else list(values)).decode()
        except (TypeError, ValueError, OverflowError) as error:
            raise Misfit(f"{name} has a value that JSON cannot hold") from error
        lines = text.split("\n")
        lines.pop()
        _refuse_unreadable(field, values, text, lines)
        return lines

    def rows(self, names: tuple[str, ...], json: bytes) -> list[tuple[Value, ...]]:
        """The rows of these fields in a list of lists. Raises Misfit, without saying where."""
        decode = self._decoders.get(names)
        if decode is None:
            decode = self._decoders[names] = self._decoder(names)
        return decode(json)

    def value(self, name: str, json: bytes) -> Value:
        """One value. Raises Misfit."""
        field = self._by_name[name]
        try:
            value = msgspec.json.decode(json, type=self._types[name])
            value = value.astimezone(UTC) if isinstance(value, datetime) else value
        except UNDECODABLE as error:
            missing = MISSING if json == b"null" else f"is stored as something that is no {field.kind}"
            raise Misfit(missing) from error
        if isinstance(value, Decimal) and not value.is_finite():
            raise Misfit("is stored as something that is no finite number")
        if field.kind is Kind.STR and isinstance(value, str) and "\0" in value:
            raise Misfit("is stored as text with a NUL character")
        if field.kind is Kind.JSON and not is_bounded_json(value):
            raise Misfit("is stored as JSON with a number or a text that is not taken, or nested too deeply")
        return value

    def _decoder(self, names: tuple[str, ...]) -> Callable[[bytes], list[tuple[Any, ...]]]:
        row = tuple[tuple(self._types[name] for name in names)]  # type: ignore[misc, valid-type]
        decoder = msgspec.json.Decoder(list[row])  # type: ignore[valid-type]
        kinds = {self._by_name[name].kind for name in names}
        documents = [place for place, name in enumerate(names) if self._by_name[name].kind is Kind.JSON]
        instants = [place for place, name in enumerate(names) if self._by_name[name].kind is Kind.DATETIME]

        def decode(json: bytes) -> list[tuple[Value, ...]]:
            try:
                rows: list[tuple[Value, ...]] = decoder.decode(json)
                for place in instants:  # what others wrote may have another offset
                    if any(row[place] is not None and row[place].tzinfo is not UTC for row in rows):
                        rows = [_in_utc(row, place) for row in rows]
            except UNDECODABLE as error:
                raise Misfit("a value is not what its field says") from error
            if (Kind.STR in kinds and b"\\u0000" in json) or (Kind.DECIMAL in kinds and _may_be_infinite(json)):
                raise Misfit("a value may be one that is never written")
            if documents and not _are_bounded(json, rows, documents):
                raise Misfit("a value passes the bounds of JSON")
            return rows

        return decode


def _may_be_infinite(json: bytes) -> bool:
    """Whether a text in JSON begins as a decimal that is no finite number; few have the letters at all."""
    lower = json.lower()
    return (b"nan" in lower or b"inf" in lower) and _NOT_FINITE.search(json) is not None


def _are_bounded(json: bytes, rows: list[tuple[Value, ...]], places: list[int]) -> bool:
    """Whether the JSON at these places is such as fields can hold; a look at all the text spares most a closer one."""
    if may_pass_bounds(json):
        return all(is_bounded_json(row[place]) for place in places for row in rows)
    may_be_deep = json.count(b"[") + json.count(b"{") > MAX_DEPTH + len(rows)
    return not (may_be_deep and any(is_too_deep(row[place]) for place in places for row in rows))


def _refuse_unreadable(field: FieldSchema, values: Sequence[Value], text: str, lines: list[str]) -> None:
    """Raise Misfit for what reading would refuse; a look at the text as a whole finds that there is none such."""
    if field.kind is Kind.FLOAT and lines.count("null") != values.count(None):
        raise Misfit(f"{field.name} has a value that JSON cannot hold: not-a-number or an infinity")
    if field.kind is Kind.STR and "\\u0000" in text and any(value and "\0" in value for value in values):
        raise Misfit(f"{field.name} has text with a NUL character")
    is_long = field.kind is Kind.INT and max(map(len, lines), default=0) > _SHORT
    if is_long and any(value is not None and abs(value) > MAX_INT for value in values):
        raise Misfit(f"{field.name} has a whole number that 64 bits do not hold")


def _in_utc(row: tuple[Value, ...], place: int) -> tuple[Value, ...]:
    value = row[place]
    return row if value is None else (*row[:place], value.astimezone(UTC), *row[place + 1 :])
