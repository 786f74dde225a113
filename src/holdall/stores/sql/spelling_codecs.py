"""Values in spellings of others, on their way to and from the driver: a function for each spelling of a kept field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TypeAlias

from holdall.query import FieldSchema, Value
from holdall.stores.sql import _values as values
from holdall.stores.sql import foreign_values as foreign
from holdall.stores.sql.keeping import EXACT_DIGITS, KeptField, spelling_of
from holdall.stores.sql.spellings import Spelling

__all__ = ["spelt", "unspelt"]

_Convert: TypeAlias = Callable[[Value], Value]

_PLAIN: Mapping[Spelling, _Convert] = {
    Spelling.HEX: values.uuid_to_hex,
    Spelling.MOMENT: values.datetime_to_moment,
    Spelling.CLOCK: values.time_to_text,
    Spelling.WRITTEN_OUT: values.json_to_written_out,
    Spelling.SINCE_1970: foreign.timedelta_to_moment,
    Spelling.PADDED: foreign.without_padding,
    Spelling.ADDRESS: foreign.address,
    Spelling.NETWORK: foreign.network,
    Spelling.HARDWARE: foreign.hardware,
    Spelling.NAIVE: values.datetime_to_naive,
    Spelling.SINGLE: foreign.single_to_double,
    Spelling.YEAR: foreign.year,
    Spelling.OCTETS: lambda value: value.bytes,
    Spelling.UUID: str,
}
"""Functions that need not know the column: to what is written and what is compared alike, unless told otherwise."""

_READ: Mapping[Spelling, _Convert] = {
    Spelling.SINCE_1970: foreign.timedelta_from_moment,
    Spelling.NAIVE: values.datetime_from_any,
    Spelling.INTERVAL: foreign.timedelta_from_interval,
    Spelling.MEMBERS: foreign.members_from_text,
    Spelling.OCTETS: foreign.uuid_from_octets,
}


def spelt(field: FieldSchema, *, is_compared: bool = False, is_ordered: bool = False) -> _Convert | None:
    """Return the function that writes a value in the spelling of its column; None where that is ours.

    ``is_compared`` for a value that need not fit its field, ``is_ordered`` for one that is to come before or after.
    """
    spelling = spelling_of(field)
    if spelling is None or not isinstance(field, KeptField):
        return None
    if is_compared and spelling is Spelling.SINGLE:
        return foreign.near_single
    if is_ordered and spelling in _ORDERED_AS_TEXT:
        return _as_it_is
    if spelling in _PLAIN:
        return _PLAIN[spelling]
    match spelling:
        case Spelling.NUMBER if is_compared or field.digits is None:
            return _number
        case Spelling.NUMBER:
            fit = values.decimal_within(field.digits or 0, field.places or 0)
            return lambda value: _number(fit(value))
        case Spelling.BARE_NUMBER:
            return _json
        case Spelling.LABEL:
            return foreign.label_of(field.labels)
        case Spelling.MEMBERS:
            return foreign.members_to_text(field.labels)
        case Spelling.ARRAY:
            return _array(field)
    return _as_it_is


def unspelt(field: FieldSchema, driver: str) -> _Convert | None:
    """Return the function that reads such a value; None where it is read as one in our spelling."""
    spelling = spelling_of(field)
    if spelling is Spelling.SINGLE and driver != "asyncpg":  # there the server itself shortens it
        return foreign.single_from_double
    return None if spelling is None else _READ.get(spelling)


_ORDERED_AS_TEXT = (Spelling.LABEL, Spelling.PADDED, Spelling.ADDRESS, Spelling.NETWORK, Spelling.HARDWARE)


def _as_it_is(value: object) -> object:
    return value


def _array(field: KeptField) -> _Convert:
    name = field.cast.removesuffix("[]").partition("(")[0]
    is_text = field.labels or name in ("text", "character varying") or name.rpartition(".")[2] == "citext"
    return foreign.array_writer("text" if is_text else name, field.labels, field.item_length)


def _number(value: Decimal) -> str:
    if len(Decimal(value).normalize(values.WIDE).as_tuple().digits) > EXACT_DIGITS:
        raise ValueError(f"more than {EXACT_DIGITS} digits cannot be kept by or compared with its column")
    return str(value)


def _json(value: object) -> str:
    if value.__class__ is int and not -(2**63) <= value < 2**63:
        raise ValueError("a number of more than 64 bits by itself cannot be kept by its column, which is of type JSON")
    return values.json_to_text(value)
