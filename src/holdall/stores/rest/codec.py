"""Records as JSON and back: typed decoding that trusts nothing, and payloads under the API's own names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec

from holdall.errors import CorruptRecord
from holdall.query import FieldSchema, Key, Kind, Schema, Value, is_of_kind
from holdall.store import JSON_TYPES, Row
from holdall.stores.rest.nesting import Leaf, nested, nested_type, put, reader_of
from holdall.stores.rest.places import steps

__all__ = ["Misfit", "RecordCodec", "corrupt", "field_type"]


class Misfit(Exception):
    """A value in an answer is not what its field says."""

    def __init__(self, reason: str, place: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.place = place


def corrupt(store: str, place: str, error: Exception) -> CorruptRecord:
    """The error for an answer that cannot be read; it tells the place and never what stands there."""
    if isinstance(error, Misfit):
        return CorruptRecord(store, f"{place}, {error.place}", error.reason)
    if isinstance(error, msgspec.ValidationError):
        reason, _, path = str(error).partition(" - at `")
        inside = path.rstrip("`").removeprefix("$").removeprefix(".")
        return CorruptRecord(store, f"{place}, {inside}" if inside else place, reason)
    if isinstance(error, RecursionError):
        return CorruptRecord(store, place, "it is nested too deeply")
    return CorruptRecord(store, place, "it is not JSON")


def field_type(field: FieldSchema) -> Any:
    """The type of the field's values in JSON."""
    if field.kind is Kind.REF:
        return _key_type(field)
    if field.kind is Kind.MANY:
        return tuple[_key_type(field), ...]  # type: ignore[misc]
    plain = JSON_TYPES[field.kind]
    if field.max_length is not None and field.kind in (Kind.STR, Kind.BYTES):
        return Annotated[plain, msgspec.Meta(max_length=field.max_length)]
    return plain


class RecordCodec:
    """The records of one collection: ``fields`` are those that lie in its JSON, ``places`` where."""

    def __init__(self, schema: Schema, names: Mapping[str, str], absent: frozenset[str]) -> None:
        self._schema = schema
        self.places = {
            field.name: steps(names[field.name]) if field.name in names else (field.column,)
            for field in schema.stored
            if field.name not in absent
        }
        self.item_type = self._type(frozenset(self.places))
        self._types = {frozenset(self.places): self.item_type}
        attributes = nested(list(self.places.values()))
        self._read = reader_of(attributes)
        self._absent = [number for number, field in enumerate(schema.stored) if field.name in absent]
        fields = [schema.by_name[name] for name in self.places]
        self._fixes = [
            (number, field, fix)
            for number, field in enumerate(fields)
            if (fix := _fix_of(field)) is not None and not _is_text(field)
        ]
        self._text_fixes = [(number, field, _text) for number, field in enumerate(fields) if _is_text(field)]

    def type_of(self, fields: frozenset[str]) -> Any:
        """The type of a record of which only these fields were asked for; the others read as None."""
        found = self._types.get(fields)
        if found is None:
            found = self._types[fields] = self._type(fields)
        return found

    def _type(self, fields: frozenset[str]) -> Any:
        leaves: list[Leaf] = []
        for name, place in self.places.items():
            field = self._schema.by_name[name]
            kind = field_type(field)
            if field.nullable or name not in fields:
                leaves.append((place, kind | None if kind is not Any else kind, None))
            else:
                leaves.append((place, kind, msgspec.NODEFAULT))
        return nested_type(leaves)

    def rows(self, items: Sequence[Value], body: bytes, place: str) -> list[Row]:
        """The rows of decoded records. Raises Misfit, telling the place among ``place``."""
        rows = list(map(self._read, items))
        fixes = self._fixes
        if b"\\u0000" in body:  # the only way to write a NUL in JSON
            fixes = [*fixes, *self._text_fixes]
        if fixes or self._absent:
            rows = [self._fixed(row, fixes, place, number) for number, row in enumerate(rows)]
        return rows

    def _fixed(self, row: Row, fixes: Sequence[Any], place: str, number: int) -> Row:
        values = list(row)
        for position, field, fix in fixes:
            value = values[position]
            if value is not None:
                try:
                    values[position] = fix(field, value)
                except ValueError as error:
                    where = ".".join(self.places[field.name])
                    raise Misfit(str(error), f"{place.format(number)}{where}") from None
        for position in self._absent:
            values.insert(position, None)
        return tuple(values)

    def payload(self, fields: Sequence[str], values: Sequence[Value]) -> dict[str, Value]:
        """The JSON object of these values under the API's names."""
        made: dict[str, Value] = {}
        for name, value in zip(fields, values, strict=True):
            place = self.places[name]
            if len(place) == 1:
                made[place[0]] = value
            else:
                put(made, place, value)
        return made


def _key_type(field: FieldSchema) -> Any:
    parts = [field_type(part) for part in field.target_key]
    return parts[0] if len(parts) == 1 else tuple[tuple(parts)]  # type: ignore[misc]


def _is_text(field: FieldSchema) -> bool:
    """Whether nothing but a NUL can be wrong with a value of the field's type."""
    if field.kind in (Kind.REF, Kind.MANY):
        return all(_is_text(part) or _fix_of(part) is None for part in field.target_key)
    return field.kind is Kind.STR and field.choices is None


def _fix_of(field: FieldSchema) -> Callable[[FieldSchema, Any], Any] | None:
    """Return the function that completes the field's decoded values; None where nothing is to be done."""
    if field.kind in (Kind.REF, Kind.MANY):
        return _key if any(_fix_of(part) is not None for part in field.target_key) else None
    if field.choices is not None:
        return _choice
    return _FIXES.get(field.kind)


def _in_utc(_: FieldSchema, value: datetime) -> datetime:
    if value.tzinfo is UTC:
        return value
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("it lies outside the years 1 to 9999 in UTC") from None


def _finite(field: FieldSchema, value: Decimal) -> Decimal:
    if not value.is_finite():
        raise ValueError("it is not a finite number")
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > 1_000:
        raise ValueError("it has too many digits")
    places = max(0, -exponent)
    if field.places is not None and places > field.places and value != round(value, field.places):
        raise ValueError(f"it has more than {field.places} digits after the point")
    return value


def _json(field: FieldSchema, value: object) -> object:
    if not is_of_kind(field, value):
        raise ValueError("it holds a number or a text that is not taken, or is nested too deeply")
    return value


def _text(field: FieldSchema, value: object) -> object:
    if not is_of_kind(field, value):
        raise ValueError("it holds a NUL character")
    return value


def _choice(field: FieldSchema, value: object) -> object:
    if value not in (field.choices or ()):
        raise ValueError("it is not one of the field's choices")
    return value


def _key(field: FieldSchema, value: Value) -> Key:
    if field.kind is Kind.MANY:
        return tuple([_key_parts(field, item) for item in value])
    return _key_parts(field, value)


def _key_parts(field: FieldSchema, value: Value) -> Key:
    parts = field.target_key
    if len(parts) == 1:
        fix = _fix_of(parts[0])
        return value if fix is None else fix(parts[0], value)
    return tuple(
        [item if (fix := _fix_of(part)) is None else fix(part, item) for part, item in zip(parts, value, strict=True)]
    )


_FIXES: dict[Kind, Callable[[FieldSchema, Any], Any]] = {
    Kind.DATETIME: _in_utc,
    Kind.DECIMAL: _finite,
    Kind.JSON: _json,
    Kind.STR: _text,
}
