"""How a column that somebody else made keeps a field: spelt otherwise than we would, or within narrower bounds."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import msgspec
import sqlalchemy as sa

from holdall.query import FieldSchema, Kind, Value
from holdall.stores.sql import _values as values
from holdall.stores.sql.dialect import Dialect, Element
from holdall.stores.sql.fitting_types import is_fitting
from holdall.stores.sql.inspection import FoundColumn

__all__ = [
    "EXACT_DIGITS",
    "KeptField",
    "Spelling",
    "bounded",
    "comparable",
    "declared",
    "fits",
    "kept",
    "spelling_of",
    "spelt",
]

EXACT_DIGITS = 15
"""Decimal digits that a number of SQLite keeps exactly."""

_INTEGERS = {
    "tinyint": 8,
    "smallint": 16,
    "int2": 16,
    "mediumint": 24,
    "int": 32,
    "integer": 32,
    "int4": 32,
    "bigint": 64,
    "int8": 64,
}
_OCTETS = {"tiny": 2**8 - 1, "": 2**16 - 1, "medium": 2**24 - 1}
_FIRST_TIMESTAMP = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
_LAST_TIMESTAMP = datetime(2038, 1, 19, 3, 14, 7, 999999, tzinfo=UTC)


class Spelling(StrEnum):
    """A way to write values that is not ours: all but the last as SQLAlchemy and Django write them into SQLite."""

    HEX = "hex"  # a UUID as 32 digits
    MOMENT = "moment"  # a datetime as text in UTC that does not say so, with or without a fraction
    CLOCK = "clock"  # a time of day as text, with or without a fraction
    NUMBER = "number"  # a decimal as an integer or a float
    BARE_NUMBER = "bare number"  # JSON as text, but a number by itself as a number
    WRITTEN_OUT = "written out"  # JSON in PostgreSQL's jsonb, which keeps no powers of ten


class KeptField(FieldSchema, frozen=True):
    """A field as its column keeps it; ``declared`` is the field as the model has it."""

    declared: FieldSchema | None = None
    spelling: Spelling | None = None
    characters: int | None = None
    octets: int | None = None
    is_loose: bool = False  # the column can hold values of other types, which others may have written
    least: Any = None
    most: Any = None
    may_be_null: bool = False  # the column takes null and the field does not


def declared(field: FieldSchema) -> FieldSchema:
    """The field as its model has it."""
    if not isinstance(field, KeptField) or field.declared is None:
        return field
    return msgspec.structs.replace(field.declared, name=field.name, nullable=field.nullable)


def spelling_of(field: FieldSchema) -> Spelling | None:
    """How its column spells the field; None where as we do."""
    return field.spelling if isinstance(field, KeptField) else None


def kept(field: FieldSchema, found: FoundColumn, dialect: Dialect) -> FieldSchema:
    """The scalar field as this column keeps it; the same field where it keeps all of it in our spelling."""
    changes = _spelling(field, found) if dialect.family == "sqlite" else _bounds(field, found, dialect)
    if found.is_loose or not is_fitting(found.type, field.kind, dialect):
        changes["is_loose"] = True
    if found.nullable and not field.nullable:
        changes["may_be_null"] = True
    if not changes:
        return field
    same = {name: getattr(field, name) for name in FieldSchema.__struct_fields__}
    return KeptField(**{**same, **changes, "declared": field})


def _spelling(field: FieldSchema, found: FoundColumn) -> dict[str, Any]:
    name = found.type.partition("(")[0].strip()
    match field.kind:
        case Kind.UUID if re.fullmatch(r"(var)?char\(32\)", found.type):
            return {"spelling": Spelling.HEX}
        case Kind.DATETIME if name in ("datetime", "timestamp"):
            return {"spelling": Spelling.MOMENT}
        case Kind.TIME if name == "time":
            return {"spelling": Spelling.CLOCK}
        case Kind.DECIMAL if name in ("decimal", "numeric"):
            return {"spelling": Spelling.NUMBER}
        case Kind.JSON if name == "json":  # whose affinity is that of numbers
            return {"spelling": Spelling.BARE_NUMBER}
    return {}


def _bounds(field: FieldSchema, found: FoundColumn, dialect: Dialect) -> dict[str, Any]:
    name, _, rest = found.type.partition("(")
    sizes = [int(number) for number in re.findall(r"\d+", rest)]
    match field.kind:
        case Kind.JSON if name == "jsonb":
            return {"spelling": Spelling.WRITTEN_OUT}
        case Kind.STR | Kind.BYTES | Kind.JSON:
            return _length(field, name, sizes, dialect)
        case Kind.INT:
            bits = _INTEGERS.get(name.removesuffix(" unsigned").strip(), 64)
            is_unsigned = "unsigned" in found.type
            if bits < 64 or is_unsigned:
                most = min(2 ** (bits if is_unsigned else bits - 1) - 1, 2**63 - 1)
                return {"least": 0 if is_unsigned else -(2 ** (bits - 1)), "most": most}
        case Kind.DECIMAL if len(sizes) == 2 and (field.digits, field.places or 0) != tuple(sizes):
            if field.digits is None or not fits(field, *sizes):
                return {"digits": sizes[0], "places": sizes[1]}
        case Kind.DATETIME if found.type == "timestamp(6)":
            return {"least": _FIRST_TIMESTAMP, "most": _LAST_TIMESTAMP}
    return {}


def fits(field: FieldSchema, digits: int, places: int) -> bool:
    """Whether a NUMERIC of that size keeps every value of a decimal field that has bounds."""
    wanted, most = field.digits or 0, field.places or 0
    return digits - places >= wanted - most and places >= most


def _length(field: FieldSchema, name: str, sizes: list[int], dialect: Dialect) -> dict[str, Any]:
    if sizes and field.kind is Kind.STR:
        return {"characters": sizes[0]} if _most(field) is None or sizes[0] < (_most(field) or 0) else {}
    if sizes and field.kind is Kind.BYTES:
        return {"octets": sizes[0]} if field.max_length is None or sizes[0] < field.max_length else {}
    text = re.fullmatch(r"(tiny|medium|)(text|blob)", name)
    if text is None or dialect.family != "mysql":
        return {}
    octets, most = _OCTETS[text.group(1)], _most(field)
    wide = 1 if field.kind is Kind.BYTES else 4
    return {} if most is not None and most * wide <= octets else {"octets": octets}


def _most(field: FieldSchema) -> int | None:
    """How long a value of the field can be."""
    if field.choices:
        return max(len(str(choice)) for choice in field.choices)
    return field.max_length


def spelt(field: FieldSchema, *, is_compared: bool = False) -> Callable[[Any], Any] | None:
    """Return the function that writes a value in the spelling of its column; None where that is ours."""
    match spelling_of(field):
        case Spelling.HEX:
            return values.uuid_to_hex
        case Spelling.MOMENT:
            return values.datetime_to_moment
        case Spelling.CLOCK:
            return values.time_to_text
        case Spelling.NUMBER if is_compared or field.digits is None:
            return _number
        case Spelling.NUMBER:
            fit = values.decimal_within(field.digits or 0, field.places or 0)
            return lambda value: _number(fit(value))
        case Spelling.BARE_NUMBER:
            return _json
        case Spelling.WRITTEN_OUT:
            return values.json_to_written_out
    return None


def _number(value: Decimal) -> str:
    if len(Decimal(value).normalize(values.WIDE).as_tuple().digits) > EXACT_DIGITS:
        raise ValueError(f"more than {EXACT_DIGITS} digits cannot be kept by or compared with its column")
    return str(value)


def _json(value: object) -> str:
    if value.__class__ is int and not -(2**63) <= value < 2**63:
        raise ValueError("a number of more than 64 bits by itself cannot be kept by its column, which is of type JSON")
    return values.json_to_text(value)


def bounded(field: FieldSchema, convert: Callable[[Any], Any] | None) -> Callable[[Any], Any] | None:
    """The encoder, refusing what the column would cut, round or refuse."""
    if not isinstance(field, KeptField):
        return convert
    characters, octets, least, most = field.characters, field.octets, field.least, field.most
    if characters is None and octets is None and most is None:
        return convert

    def encode(value: Value) -> Value:
        if characters is not None and len(value) > characters:
            raise ValueError(f"its column holds {characters} characters and no more")
        if most is not None and not least <= value <= most:
            raise ValueError(f"its column holds values from {least} to {most} and no others")
        done = value if convert is None else convert(value)
        if octets is not None and len(done.encode() if isinstance(done, str) else done) > octets:
            raise ValueError(f"its column holds {octets} bytes and no more")
        return done

    return encode


def comparable(column: Element, field: FieldSchema) -> Element:
    """Return the expression for the column where its values are compared or sorted: one text for all spellings of a
    value.
    """
    match spelling_of(field):
        case Spelling.MOMENT:
            return sa.func.holdall_moment(column)
        case Spelling.CLOCK:
            return sa.func.holdall_clock(column)
    return column
