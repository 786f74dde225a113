"""Stored records that cannot be read whole: reported by name, apart from those that can, and made fit for repair."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from holdall.errors import CorruptRecord
from holdall.model import Field, Record
from holdall.query import Key, Value
from holdall.session.binding import Binding
from holdall.store import Damaged, Row, Rows

__all__ = ["UNDECODABLE", "Readable", "broken_in", "damaged_fields", "decoded", "parted", "records_of"]

T = TypeVar("T")

UNDECODABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""Errors of a decoder that is given what the model cannot hold."""

_UNKNOWN = Damaged("is stored as something that the model does not know")


class Readable(msgspec.Struct, Generic[T], frozen=True):
    """The readable part of an answer: ``records``, an error for each of the others, and the ``rows`` of them all.

    Example: :class:`CorruptRecord`.
    """

    records: list[T]
    broken: list[CorruptRecord]
    rows: Rows


def decoded(binding: Binding, row: Row) -> list[Value]:
    """Return the values of a record's slots for a whole row, with ``Damaged`` for those that cannot be read."""
    return [_slot(field, value) for field, value in zip(binding.declaration.stored, row, strict=True)]


def _slot(field: Field, value: Value) -> Value:
    decode = tuple if field.form is not None else field.type.decode if field.type is not None else None
    if value is None or decode is None or isinstance(value, Damaged):
        return value
    try:
        return decode(value)
    except UNDECODABLE:
        return _UNKNOWN


def damaged_fields(record: Record) -> tuple[str, ...]:
    """Return the names of a record's fields that cannot be read, in order. Example: :class:`CorruptRecord`."""
    return tuple(field.name for field in type(record).__holdall__.stored if isinstance(field.get(record), Damaged))


def records_of(binding: Binding, rows: Rows) -> list[Record]:
    """A record for each whole row. Raises CorruptRecord for the first that the model cannot hold.

    Example: :class:`Session`.
    """
    try:
        return binding.codec.records_from(rows)
    except (LookupError, TypeError, ValueError) as error:
        for row in rows:
            found = _corrupt(binding, rows, row)
            if found is not None:
                raise found from error
        raise


def parted(binding: Binding, error: CorruptRecord) -> tuple[list[Row], list[CorruptRecord]]:
    """Of the rows of an answer those that can be read, and an error for each of the others."""
    rows = list(error.rows)
    found = [_corrupt(binding, rows, row) for row in rows]
    readable = [row for row, each in zip(rows, found, strict=True) if each is None]
    return readable, [each for each in found if each is not None]


def broken_in(binding: Binding, rows: Rows) -> list[CorruptRecord]:
    """An error for each whole row that the model cannot hold."""
    try:
        binding.codec.records_from(rows)
    except (LookupError, TypeError, ValueError):
        return [error for row in rows if (error := _corrupt(binding, rows, row)) is not None]
    return []


def _corrupt(binding: Binding, rows: Rows, row: Row) -> CorruptRecord | None:
    slots = decoded(binding, row)
    found = {
        field.name: value
        for field, value in zip(binding.declaration.stored, slots, strict=True)
        if isinstance(value, Damaged)
    }
    if not found:
        return None
    key = _key_of(binding, row)
    place = binding.collection if key is None else f"{binding.collection} {key!r}"
    reasons = "; ".join(f"{name} {value.reason}" for name, value in found.items())
    each = {name: value.reason for name, value in found.items()}
    return CorruptRecord(binding.store.name, place, reasons, key=key, fields=tuple(found), rows=rows, reasons=each)


def _key_of(binding: Binding, row: Row) -> Key:
    if binding.is_keyless:
        return None
    key = binding.row_key(row)
    return None if any(isinstance(part, Damaged) for part in (key if isinstance(key, tuple) else (key,))) else key
