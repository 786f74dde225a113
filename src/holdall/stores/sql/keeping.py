"""How a column that somebody else made keeps a field: spelt otherwise than we would, or within narrower bounds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from holdall.query import FieldSchema, Kind, Value
from holdall.stores.sql.dialect import Dialect
from holdall.stores.sql.fitting_types import is_fitting, is_ordered_otherwise
from holdall.stores.sql.inspection import FoundColumn
from holdall.stores.sql.spellings import TEXTS, Spelling, spelling_in

__all__ = ["EXACT_DIGITS", "KeptField", "bounded", "declared", "fits", "kept", "spelling_of"]

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
_MOMENTS = ("datetime", "timestamp", "time", "interval")
_FIRST_TIMESTAMP = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
_LAST_TIMESTAMP = datetime(2038, 1, 19, 3, 14, 7, 999999, tzinfo=UTC)


class KeptField(FieldSchema, frozen=True):
    """A field as its column keeps it; ``declared`` is the field as the model has it."""

    declared: FieldSchema | None = None
    spelling: Spelling | None = None
    characters: int | None = None
    item_length: int | None = None  # characters in each text of an array
    octets: int | None = None
    least_octets: int = 0
    is_loose: bool = False  # the column can hold values of other types, which others may have written
    least: Value = None
    most: Value = None
    may_be_null: bool = False  # the column takes null and the field does not
    collation: str | None = None  # under which its values are ordered, where the column orders them otherwise
    cast: str = ""  # the column's type, to which what is sent is cast
    labels: tuple[str, ...] = ()  # of an enumeration or a set
    step: int = 1  # microseconds from one moment, time or duration that the column keeps to the next
    is_padded: bool = False  # spaces at the end of a text would be lost


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
    if field.stored_choices and field.kind is not Kind.STR:  # its column holds text
        told = kept(msgspec.structs.replace(field, kind=Kind.STR, choices=field.stored_choices), found, dialect)
        if not isinstance(told, KeptField):
            return field
        return msgspec.structs.replace(told, kind=field.kind, choices=field.choices, declared=field)
    changes: dict[str, Value] = {}
    spelling = spelling_in(dialect.family, found.type, field.kind)
    if spelling is not None:
        changes |= {"spelling": spelling, "cast": found.cast, "labels": found.labels}
    if dialect.family != "sqlite":
        changes |= _bounds(field, found, dialect)
    if found.is_loose or not is_fitting(found.type, field.kind, dialect):
        changes["is_loose"] = True
    if found.nullable and not field.nullable:
        changes["may_be_null"] = True
    if field.kind is Kind.STR and is_ordered_otherwise(found.collation, dialect):
        changes["collation"] = dialect.exact_collation
    if spelling in TEXTS:
        changes["collation"] = dialect.exact_collation
    if not changes:
        return field
    same = {name: getattr(field, name) for name in FieldSchema.__struct_fields__}
    return KeptField(**{**same, **changes, "declared": field})


def _bounds(field: FieldSchema, found: FoundColumn, dialect: Dialect) -> dict[str, Value]:
    name, _, rest = found.type.partition("(")
    sizes = [int(number) for number in re.findall(r"\d+", rest)]
    match field.kind:
        case Kind.STR if found.labels:
            return {}
        case Kind.STR | Kind.BYTES | Kind.JSON:
            return _length(field, name, sizes, dialect)
        case Kind.INT if name == "bit":
            return {"least": 0, "most": min(2 ** (sizes[0] if sizes else 1) - 1, 2**63 - 1)}
        case Kind.INT:
            bits = _INTEGERS.get(name.removesuffix(" unsigned").strip(), 64)
            is_unsigned = "unsigned" in found.type
            if bits < 64 or is_unsigned:
                most = min(2 ** (bits if is_unsigned else bits - 1) - 1, 2**63 - 1)
                return {"least": 0 if is_unsigned else -(2 ** (bits - 1)), "most": most}
        case Kind.DECIMAL:
            return _digits(field, found, sizes)
        case Kind.DATETIME | Kind.TIME | Kind.TIMEDELTA if name.startswith(_MOMENTS):
            places = sizes[0] if sizes else (6 if dialect.family == "postgresql" else 0)
            step = {"step": 10 ** (6 - places)} if places < 6 else {}
            is_narrow = dialect.family == "mysql" and name == "timestamp"
            return step | ({"least": _FIRST_TIMESTAMP, "most": _LAST_TIMESTAMP} if is_narrow else {})
    return {}


def _digits(field: FieldSchema, found: FoundColumn, sizes: list[int]) -> dict[str, Value]:
    changes: dict[str, Value] = {}
    is_other = len(sizes) == 2 and (field.digits, field.places or 0) != tuple(sizes)
    if is_other and (field.digits is None or not fits(field, *sizes)):
        changes |= {"digits": sizes[0], "places": sizes[1]}
    if found.type.endswith(" unsigned"):
        changes |= {"least": Decimal(0), "most": Decimal(10) ** (sizes[0] if sizes else 65)}
    return changes


def fits(field: FieldSchema, digits: int, places: int) -> bool:
    """Whether a NUMERIC of that size keeps every value of a decimal field that has bounds."""
    wanted, most = field.digits or 0, field.places or 0
    return digits - places >= wanted - most and places >= most


def _length(field: FieldSchema, name: str, sizes: list[int], dialect: Dialect) -> dict[str, Value]:
    if sizes and field.kind is Kind.JSON and dialect.family == "postgresql":  # an array
        return {"item_length": sizes[0]}
    if sizes and field.kind is Kind.STR:
        padded = {"is_padded": True} if name == "char" else {}
        return padded | ({"characters": sizes[0]} if _most(field) is None or sizes[0] < (_most(field) or 0) else {})
    if name == "binary" and field.kind is Kind.BYTES:
        return {"least_octets": sizes[0] if sizes else 1, "octets": sizes[0] if sizes else 1}
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


def bounded(field: FieldSchema, convert: Callable[[Value], Value] | None) -> Callable[[Value], Value] | None:
    """The encoder, refusing what the column would cut, round or refuse."""
    if not isinstance(field, KeptField):
        return convert
    checks = list(_checks(field))
    octets, least_octets = field.octets, field.least_octets
    if not checks and octets is None:
        return convert

    def encode(value: Value) -> Value:
        for is_kept, sentence in checks:
            if not is_kept(value):
                raise ValueError(sentence)
        done = value if convert is None else convert(value)
        if octets is not None:
            size = len(done.encode() if isinstance(done, str) else done)
            if not least_octets <= size <= octets:
                exactly = "no fewer" if least_octets else "no more"
                raise ValueError(f"its column holds {octets} bytes and {exactly if size < octets else 'no more'}")
        return done

    return encode


def _checks(field: KeptField) -> Iterator[tuple[Callable[[Value], bool], str]]:
    """Conditions on values before they are encoded, and the end of the sentence for others."""
    characters, least, most, step = field.characters, field.least, field.most, field.step
    if field.is_padded:
        sentence = "its column pads with spaces, and keeps none at the end"
        yield lambda value: value[-1:] != " ", sentence
    if characters is not None:
        yield lambda value: len(value) <= characters, f"its column holds {characters} characters and no more"
    if most is not None:
        sentence = f"its column holds values from {least} to {most} and no others"
        yield lambda value: least <= value <= most, sentence
    if step > 1 and field.kind is Kind.TIMEDELTA:
        yield lambda value: not value.microseconds % step, _fraction(step)
    elif step > 1:
        yield lambda value: not value.microsecond % step, _fraction(step)


def _fraction(step: int) -> str:
    places = 7 - len(str(step))
    return f"its column holds {places or 'no'} digits of a fraction of a second, so round to them"
