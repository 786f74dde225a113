"""From driver values to border values: one function per field and dialect, and generated code for whole rows.

None instead of a function means that values pass as they are. A value that cannot be what its field is raises
DamagedRows, with everything that can be read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date
from decimal import Decimal
from functools import lru_cache
from math import isfinite
from operator import itemgetter
from uuid import UUID

import msgspec

from holdall.query import FieldSchema, Kind, Value
from holdall.store import Damaged
from holdall.stores.sql import _values as values
from holdall.stores.sql.class_check import RowCheck, class_check, is_untyped
from holdall.stores.sql.codec import DRIVERS, Convert, RowConvert, row_function
from holdall.stores.sql.columns import Leaf, leaves, parameter_type
from holdall.stores.sql.dialect import Dialect
from holdall.stores.sql.gather import many_decoder
from holdall.stores.sql.keeping import KeptField, spelling_of
from holdall.stores.sql.named_choices import is_named, value_of
from holdall.stores.sql.native_rows import native_decoder
from holdall.stores.sql.spelling_codecs import unspelt
from holdall.stores.sql.spellings import Spelling

__all__ = ["DamagedRows", "decoder", "row_decoder"]

_BOOLS = {0: False, 1: True}
_CLASSES = {Kind.INT: int, Kind.STR: str, Kind.FLOAT: float, Kind.BYTES: bytes, Kind.TIMEDELTA: int}
_JSON_DECODERS: dict[Spelling | None, Convert] = {
    Spelling.BARE_NUMBER: values.json_from_text_or_number,
    Spelling.WRITTEN_OUT: values.json_from_written_out,
}
_Demand = Callable[[Iterable[Sequence[object]], int], bool]
"""Whether the values of rows at a place are as they should be; None, 0 and the like are."""
_FAULTS = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError, msgspec.MsgspecError)


class DamagedRows(Exception):
    """Some values cannot be read; ``rows`` are all, with ``Damaged`` where one of them stands."""

    def __init__(self, rows: list[tuple[Value, ...]]) -> None:
        self.rows = rows
        super().__init__("stored values cannot be read")


_DECODERS: dict[tuple[str, Kind], Convert] = {
    ("sqlite", Kind.DECIMAL): values.decimal_from_text,
    ("sqlite", Kind.DATETIME): values.datetime_from_text,
    ("sqlite", Kind.DATE): values.date_from_text,
    ("sqlite", Kind.TIME): values.time_from_text,
    ("sqlite", Kind.UUID): values.uuid_from_text,
    ("postgresql", Kind.DATETIME): values.datetime_with_zone,  # the driver gives the first and last moment without zone
    ("mysql", Kind.DATETIME): values.datetime_from_naive,
    ("mysql", Kind.TIME): values.time_from_timedelta,
    ("mysql", Kind.UUID): values.uuid_from_text,
}


def decoder(field: FieldSchema, dialect: Dialect) -> Convert | None:
    """Return the function from the driver's value of this scalar field, never None, to a border value."""
    kind, family = field.kind, dialect.family
    if is_named(field):
        return value_of(field)
    foreign = unspelt(field, dialect.driver)
    if foreign is not None:
        return foreign
    if kind is Kind.JSON:
        json_decoder: Convert = _JSON_DECODERS.get(spelling_of(field), values.json_from_text)
        return json_decoder
    if kind is Kind.TIMEDELTA:
        return values.timedelta_from_number
    if kind is Kind.BOOL and family in ("sqlite", "mysql"):
        return _BOOLS.__getitem__
    if kind is Kind.DECIMAL and family != "sqlite" and (family != "postgresql" and field.places is None):
        return values.decimal_without_padding
    if spelling_of(field) is Spelling.NUMBER:
        return values.decimal_from_number
    if dialect.driver == "psycopg" and kind is Kind.DATETIME:
        return values.datetime_from_any  # in the time zone of the connection
    if dialect.driver in DRIVERS:
        return _DECODERS.get((family, kind))
    column = parameter_type(field, dialect).dialect_impl(dialect.sqlalchemy)
    process = column.result_processor(dialect.sqlalchemy, None)
    if kind is not Kind.DATETIME or process is None:
        return values.datetime_from_any if kind is Kind.DATETIME else process
    return lambda value: values.datetime_from_any(process(value))  # type: ignore[arg-type]


def row_decoder(fields: Sequence[FieldSchema], dialect: Dialect, *, as_text: bool = False) -> RowConvert | None:
    """Return the function from the driver's rows, columns in the order of the fields, to rows of border values.

    References to composite keys become tuples. Where nothing is to be done it is None and rows must not be copied.
    With ``as_text``, dates and times come as PostgreSQL writes them. Queries for the same fields share it.
    """
    return _made_decoder(tuple(fields), dialect, as_text)


@lru_cache(maxsize=1000)
def _made_decoder(fields: tuple[FieldSchema, ...], dialect: Dialect, as_text: bool) -> RowConvert | None:
    convert = _plain_decoder(fields, dialect, as_text)
    check = class_check(fields, dialect)
    demands = [] if is_untyped(dialect) else _demands(fields, dialect)  # what is untyped is checked row by row
    if convert is None and check is None and not demands:
        return None
    native = None if as_text or convert is None else native_decoder(fields, dialect)

    def decode(rows: Iterable[Sequence[Value]]) -> list[tuple[Value, ...]]:
        if native is not None and (found := native[0](rows, native[1])) is not NotImplemented:
            return found  # type: ignore[no-any-return]
        try:
            if check is not None and not check(rows):
                raise ValueError("a value is not of its column's class")
            for is_met, place in demands:
                if not is_met(rows, place):
                    raise ValueError("a number is not finite")
            return rows if convert is None else convert(rows)  # type: ignore[return-value]
        except _FAULTS as error:
            told = _one_by_one(fields, dialect, as_text, list(rows))
            if any(isinstance(value, Damaged) for row in told for value in row):
                raise DamagedRows(told) from error
            return told

    return decode


def _plain_decoder(fields: Sequence[FieldSchema], dialect: Dialect, as_text: bool) -> RowConvert | None:
    columns: list[str] = []
    results: list[str] = []
    names: dict[str, object] = {"bad": _refuse, "UTC": UTC, "date": date, "Decimal": Decimal, "bools": _BOOLS}
    for field in fields:
        parts = [
            _decoded(leaf, f"c{len(columns) + index}", names, dialect, as_text)
            for index, leaf in enumerate(leaves(field))
        ]
        first = len(columns)
        columns.extend(f"c{first + index}" for index in range(len(parts)))
        if field.kind is Kind.MANY:
            results.append(_gathered(field, columns[first:], names, dialect))
        else:
            results.append(_assembled(field, parts, columns[first]))
    if results == columns:
        return None
    return row_function(results, columns, names)


def _demands(fields: Sequence[FieldSchema], dialect: Dialect) -> list[tuple[_Demand, int]]:
    """Return the checks, by column, of values that pass as they are: that numbers are finite."""
    found: list[tuple[_Demand, int]] = []
    place = 0
    for field in fields:
        for leaf in leaves(field):
            if field.kind is not Kind.MANY and leaf.kind is Kind.FLOAT and dialect.family != "mysql":
                found.append((_are_finite_floats, place))
            if field.kind is not Kind.MANY and leaf.kind is Kind.DECIMAL and dialect.family == "postgresql":
                found.append((_are_finite_decimals, place))
            place += 1
    return found


def _column(rows: Iterable[Sequence[Value]], place: int) -> Iterable[Value]:
    return filter(None, map(itemgetter(place), rows))


def _are_finite_floats(rows: Iterable[Sequence[Value]], place: int) -> bool:
    """Whether all are finite: sure where their sum is, which is seen faster than by looking at each of several."""
    if isinstance(rows, list) and len(rows) == 1:
        number = rows[0][place]
        return not number or bool(number - number == 0)
    total = sum(_column(rows, place))
    return bool(total - total == 0) or all(map(isfinite, _column(rows, place)))


def _are_finite_decimals(rows: Iterable[Sequence[Value]], place: int) -> bool:
    return all(map(Decimal.is_finite, _column(rows, place)))


def _one_by_one(
    fields: Sequence[FieldSchema], dialect: Dialect, as_text: bool, rows: list[Sequence[Value]]
) -> list[tuple[Value, ...]]:
    """Everything that can be read, value by value."""
    decoded: list[list[Value]] = []
    first = 0
    for field in fields:
        width = len(leaves(field))
        convert = _plain_decoder((field,), dialect, as_text)
        demands = _demands((field,), dialect)
        check = class_check((field,), dialect)
        decoded.append([_one(convert, check, demands, row[first : first + width]) for row in rows])
        first += width
    return list(zip(*decoded, strict=True))


def _one(
    convert: RowConvert | None,
    check: RowCheck | None,
    demands: Sequence[tuple[_Demand, int]],
    part: Sequence[Value],
) -> Value:
    try:
        if any(part[place] is not None and not _is_finite(part[place]) for _, place in demands):
            return Damaged("is no finite number")
        if check is not None and not check([part]):
            raise ValueError("a value is not of its column's class")
        return part[0] if convert is None else convert([part])[0][0]
    except _FAULTS:
        return Damaged("is missing" if None in part else "is stored as something that it cannot be")


def _is_finite(number: Value) -> bool:
    return number.is_finite() if isinstance(number, Decimal) else bool(number - number == 0)


def _refuse(value: object) -> Value:
    raise ValueError(f"a {type(value).__name__} is not what the field holds")


def _decoded(leaf: Leaf, column: str, names: dict[str, object], dialect: Dialect, as_text: bool) -> str:
    done = _expression(leaf.field, column, names, dialect, as_text)
    if done is None:
        return column
    return f"(None if {column} is None else {done})" if leaf.field.nullable else done


def _expression(
    field: FieldSchema, column: str, names: dict[str, object], dialect: Dialect, as_text: bool
) -> str | None:
    """Code that decodes the variable ``column``, written out for what is common; None where it passes as it is."""
    family, kind = ("sqlite" if as_text and field.kind in _TEMPORAL else dialect.family), field.kind
    if is_named(field):
        return f"{_name(names, value_of(field))}({column})"
    if not (as_text and kind in _TEMPORAL) and (foreign := unspelt(field, dialect.driver)) is not None:
        return f"{_name(names, foreign)}({column})"
    if dialect.driver in DRIVERS and isinstance(field, KeptField) and field.is_loose:
        wanted = _CLASSES.get(kind)
        if wanted is not None:
            name = _name(names, wanted)
            checked = f"({column} if {column}.__class__ is {name} else bad({column}))"
            return f"{_name(names, values.timedelta_from_number)}({checked})" if kind is Kind.TIMEDELTA else checked
    if dialect.driver in DRIVERS or as_text:
        moment = f"m{column[1:]}"
        match family, kind:
            case (("sqlite" | "mysql"), Kind.BOOL):
                return f"bools[{column}]"
            case "sqlite", Kind.DATETIME:
                read = f"({moment} := {_name(names, values.datetime_from_text)}({column}))"
                return f"({moment} if {read}.tzinfo is UTC else {_name(names, values.datetime_from_any)}({moment}))"
            case "sqlite", Kind.DATE:
                return f"{_name(names, values.date_from_text)}({column})"
            case "sqlite", Kind.TIME:
                return f"{_name(names, values.time_from_text)}({column})"
            case "sqlite", Kind.DECIMAL if spelling_of(field) is not Spelling.NUMBER:
                return f"({moment} if ({moment} := Decimal({column})).is_finite() else bad({column}))"
            case (("sqlite" | "mysql"), Kind.UUID):
                read_as = f"{_name(names, msgspec.convert)}({column}, {_name(names, UUID)})"
                return f"({read_as} if {column}.__class__ is str else bad({column}))"
            case "mysql", Kind.DATE:  # what is no date comes as None or as text
                return f"({column} if {column}.__class__ is date else bad({column}))"
    convert = decoder(field, dialect)
    if convert is None:
        return None
    done = f"{_name(names, convert)}({column})"
    # nearly always it has one
    return f"({column} if {column}.tzinfo else {done})" if convert is values.datetime_with_zone else done


_TEMPORAL = (Kind.DATETIME, Kind.DATE, Kind.TIME)


def _name(names: dict[str, object], value: object) -> str:
    name = f"f{len(names)}"
    names[name] = value
    return name


def _assembled(field: FieldSchema, parts: list[str], first: str) -> str:
    if len(parts) == 1 and field.kind is not Kind.REF:
        return parts[0]
    remaining = iter(parts)

    def build(part: FieldSchema) -> str:
        if part.kind is not Kind.REF:
            return next(remaining)
        if len(part.target_key) == 1:
            return build(part.target_key[0])
        return f"({', '.join(build(item) for item in part.target_key)},)"

    built = build(field)
    return f"(None if {first} is None else {built})" if len(parts) > 1 and field.nullable else built


def _gathered(field: FieldSchema, columns: list[str], names: dict[str, object], dialect: Dialect) -> str:
    return f"{_name(names, many_decoder(field, dialect))}({', '.join(columns)})"
