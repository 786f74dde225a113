"""The typed encoding: each value in an envelope ``{"module", "type", "value"}``, as repocket writes it.

The class that an envelope names is never imported: the field's own kind says how its value is read. The type is written
for programs that read it. JSON is written as JSON; where it was written as Python, its literals are read.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from holdall.query import FieldSchema, Generated, Key, Kind, Value, is_of_kind
from holdall.store import UNDECODABLE
from holdall.stores.redis.codec import type_of
from holdall.stores.redis.errors import MISSING, Misfit
from holdall.stores.redis.text import key_of_text, key_text

__all__ = ["EnvelopeCodec"]

_MODULE = "repocket.attributes"
_NULLS = ("", "null", "none")
_UNWRITTEN = (b"", b"None", b"null")  # what it writes, without an envelope, of what is unset or cannot be written
_LONGEST_LITERAL = 100_000

_TYPES: dict[Kind, str] = {
    Kind.BOOL: "Integer",
    Kind.INT: "Integer",
    Kind.FLOAT: "Float",
    Kind.DECIMAL: "Decimal",
    Kind.STR: "Unicode",
    Kind.BYTES: "Bytes",
    Kind.DATETIME: "DateTime",
    Kind.UUID: "UUID",
    Kind.JSON: "JSON",
    Kind.MANY: "JSON",
    Kind.REF: "Pointer",
}
_NULL_AS_TEXT = frozenset({Kind.DATETIME, Kind.UUID, Kind.REF})


_EMPTY: dict[Kind, Any] = {
    Kind.INT: 0,
    Kind.FLOAT: 0.0,
    Kind.DECIMAL: Decimal(0),
    Kind.STR: "",
    Kind.BYTES: b"",
    Kind.JSON: "",
    Kind.MANY: (),
}
"""What its attributes are where they have no value; it has none of the other kinds."""


class _Envelope(msgspec.Struct):
    module: str
    type: str
    value: str | None


class EnvelopeCodec:
    """The typed encoding of a collection's fields; ``place_of`` tells how the keys of a collection's records begin."""

    def __init__(self, fields: Sequence[FieldSchema], place_of: Callable[[str], str]) -> None:
        self._by_name = {field.name: field for field in fields}
        self._types = {field.name: type_of(field) for field in fields}
        self._place_of = place_of

    def column(self, name: str, values: Sequence[Value]) -> list[str]:
        """The values of one field in envelopes. Raises Misfit."""
        field = self._by_name[name]
        kind = (
            "AutoUUID"
            if field.generated is Generated.CLIENT and field.kind is Kind.UUID
            else _TYPES.get(field.kind, "Unicode")
        )
        encode = msgspec.json.encode
        return [encode(_Envelope(_MODULE, kind, self._text(field, value))).decode() for value in values]

    def rows(self, names: tuple[str, ...], json: bytes) -> list[tuple[Value, ...]]:
        """The rows of these fields in a list of lists. Raises Misfit, without saying where."""
        try:
            found = msgspec.json.decode(json, type=list[list[msgspec.Raw]])
        except UNDECODABLE as error:
            raise Misfit("a value is no JSON") from error
        if any(len(row) != len(names) for row in found):
            raise Misfit("expected one value, got a list")
        return [tuple([self.value(name, raw) for name, raw in zip(names, row, strict=True)]) for row in found]

    def value(self, name: str, json: Any) -> Value:
        """One value, the one that repocket has for it where it wrote none. Raises Misfit."""
        field = self._by_name[name]
        try:
            envelope = None if bytes(json) in _UNWRITTEN else msgspec.json.decode(json, type=_Envelope)
        except UNDECODABLE as error:
            raise Misfit("is no envelope of module, type and value") from error
        if envelope is None:
            return _empty(field)
        text = envelope.value
        if text is None or (field.kind in _NULL_AS_TEXT and text.lower() in _NULLS):
            if not field.nullable:
                raise Misfit(MISSING)
            return None
        try:
            value = self._value(field, text)
        except (ValueError, ArithmeticError, SyntaxError, MemoryError, RecursionError) as error:
            raise Misfit(f"is stored as something that is no {field.kind}") from error
        if not is_of_kind(field, value):
            raise Misfit(f"is stored as something that is no {field.kind}")
        return value

    def _text(self, field: FieldSchema, value: Value) -> str | None:
        if value is None:
            if not field.nullable:
                raise Misfit(f"{field.name} cannot be null")
            return "null" if field.kind in _NULL_AS_TEXT else None
        match field.kind:
            case Kind.STR:
                return str(value)
            case Kind.BOOL:
                return str(int(value))
            case Kind.REF:
                return self._place_of(str(field.target)) + key_text(field.target_key, value)
            case Kind.BYTES:
                return _bytes_text(field, value)
            case Kind.DATETIME:
                return str(value.isoformat())
            case Kind.JSON | Kind.MANY:
                return msgspec.json.encode(value).decode()
            case Kind.DATE | Kind.TIME | Kind.TIMEDELTA:
                return msgspec.json.encode(value).decode().strip('"')
        return str(value)

    def _value(self, field: FieldSchema, text: str) -> Value:
        match field.kind:
            case Kind.STR:
                return text
            case Kind.BOOL:
                return {"1": True, "0": False, "true": True, "false": False}.get(text.lower())
            case Kind.INT:
                return int(text)
            case Kind.FLOAT:
                return float(text)
            case Kind.DECIMAL:
                return Decimal(text)
            case Kind.REF:
                return self._key(field, text)
            case Kind.BYTES:
                return text.encode()
            case Kind.DATETIME:
                moment = datetime.fromisoformat(text)
                return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
            case Kind.JSON:
                return _json(text)
            case Kind.MANY:
                return msgspec.json.decode(text, type=self._types[field.name])
        return msgspec.json.decode(msgspec.json.encode(text), type=self._types[field.name])

    def _key(self, field: FieldSchema, text: str) -> Key:
        place = self._place_of(str(field.target))
        if not text.startswith(place):
            raise Misfit(f"is stored as something that points at no {field.target}")
        key, rest = key_of_text(field.target_key, text.removeprefix(place).split(":"))
        if rest:
            raise Misfit(f"is stored as something that points at no {field.target}")
        return key


def _empty(field: FieldSchema) -> Value:
    if field.nullable:
        return None
    if field.kind not in _EMPTY or field.choices is not None:
        raise Misfit(MISSING)
    return _EMPTY[field.kind]


def _bytes_text(field: FieldSchema, value: bytes) -> str:
    try:
        text = value.decode()
    except UnicodeDecodeError as error:
        raise Misfit(f"{field.name} holds bytes that are no text; the typed encoding has no place for them") from error
    return text


def _json(text: str) -> Value:
    try:
        return msgspec.json.decode(text)
    except UNDECODABLE:
        pass
    if text[:1] in "[{(" and len(text) <= _LONGEST_LITERAL:
        found = ast.literal_eval(text)
        return list(found) if isinstance(found, tuple) else found
    return text
