"""Border values to what a driver takes and back: one function per field and dialect, and generated code for whole rows.

None instead of a function means that values pass as they are. Encoders raise ValueError, in a sentence, for a value the
database could not keep exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import msgspec

from holdall.query import FieldSchema, Kind
from holdall.stores.sql import _values as values
from holdall.stores.sql.columns import Leaf, decimal_size, leaves, parameter_type
from holdall.stores.sql.dialect import Dialect
from holdall.stores.sql.gather import many_decoder

__all__ = ["Convert", "RowConvert", "comparand", "decoder", "encoder", "row_decoder", "row_encoder"]

Convert: TypeAlias = Callable[[Any], Any]
RowConvert: TypeAlias = Callable[[Iterable[Sequence[Any]]], list[tuple[Any, ...]]]

_ENCODERS: dict[tuple[str, Kind], Convert] = {
    ("sqlite", Kind.DECIMAL): str,
    ("sqlite", Kind.DATETIME): values.datetime_to_text,
    ("sqlite", Kind.DATE): values.date_to_text,
    ("sqlite", Kind.TIME): values.time_to_text,
    ("sqlite", Kind.UUID): str,
    ("mysql", Kind.DATETIME): values.datetime_to_naive,
    ("mysql", Kind.UUID): str,
}

_DECODERS: dict[tuple[str, Kind], Convert] = {
    ("sqlite", Kind.BOOL): bool,
    ("sqlite", Kind.DECIMAL): values.decimal_from_text,
    ("sqlite", Kind.DATETIME): values.datetime_from_text,
    ("sqlite", Kind.DATE): values.date_from_text,
    ("sqlite", Kind.TIME): values.time_from_text,
    ("sqlite", Kind.UUID): values.uuid_from_text,
    ("postgresql", Kind.DATETIME): values.datetime_with_zone,  # the driver gives the first and last moment without zone
    ("mysql", Kind.BOOL): bool,
    ("mysql", Kind.DATETIME): values.datetime_from_naive,
    ("mysql", Kind.TIME): values.time_from_timedelta,
    ("mysql", Kind.UUID): values.uuid_from_text,
}

_DRIVERS = ("apsw", "asyncpg", "aiosqlite", "pysqlite", "aiomysql", "asyncmy", "pymysql", "psycopg")


def encoder(field: FieldSchema, dialect: Dialect) -> Convert | None:
    """What turns a border value of this scalar field, never None, into the driver's."""
    kind, family = field.kind, dialect.family
    if kind is Kind.JSON:
        return values.json_to_text
    if kind is Kind.TIMEDELTA:
        return values.timedelta_to_number
    if kind is Kind.DECIMAL and family != "sqlite" and (family != "postgresql" or field.digits is not None):
        fit = values.decimal_within(*decimal_size(field))
        return fit if family != "mysql" else lambda value: f"{fit(value):f}"  # its drivers write 1E-7, which is a float
    if dialect.driver in _DRIVERS:
        return _ENCODERS.get((family, kind))
    return parameter_type(field, dialect).dialect_impl(dialect.sqlalchemy).bind_processor(dialect.sqlalchemy)


def decoder(field: FieldSchema, dialect: Dialect) -> Convert | None:
    """What turns the driver's value of this scalar field, never None, into a border value."""
    kind, family = field.kind, dialect.family
    if kind is Kind.JSON:
        return values.json_from_text
    if kind is Kind.TIMEDELTA:
        return values.timedelta_from_number
    if kind is Kind.DECIMAL and family != "sqlite" and (family != "postgresql" and field.places is None):
        return values.decimal_without_padding
    if dialect.driver in _DRIVERS:
        return _DECODERS.get((family, kind))
    column = parameter_type(field, dialect).dialect_impl(dialect.sqlalchemy)
    process = column.result_processor(dialect.sqlalchemy, None)
    if kind is not Kind.DATETIME or process is None:
        return values.datetime_from_any if kind is Kind.DATETIME else process
    return lambda value: values.datetime_from_any(process(value))  # type: ignore[arg-type]


def comparand(field: FieldSchema, dialect: Dialect) -> Convert | None:
    """As ``encoder``, for a value that is compared and need not fit the field's own digits and places."""
    if field.kind is Kind.DECIMAL and dialect.family == "postgresql":
        return None
    return encoder(msgspec.structs.replace(field, digits=None, places=None), dialect)


def row_decoder(fields: Sequence[FieldSchema], dialect: Dialect) -> RowConvert | None:
    """What turns the driver's rows, columns in the order of the fields, into rows of border values.

    References to composite keys become tuples. Where nothing is to be done it is None and rows must not be copied.
    """
    columns: list[str] = []
    results: list[str] = []
    names: dict[str, Any] = {}
    for field in fields:
        parts = [_decoded(leaf, f"c{len(columns) + index}", names, dialect) for index, leaf in enumerate(leaves(field))]
        first = len(columns)
        columns.extend(f"c{first + index}" for index in range(len(parts)))
        if field.kind is Kind.MANY:
            results.append(_gathered(field, columns[first:], names, dialect))
        else:
            results.append(_assembled(field, parts, columns[first]))
    if results == columns:
        return None
    source = f"def convert(rows):\n return [({', '.join(results)},) for {', '.join(columns)}, in rows]"
    return _compiled(source, names)


def row_encoder(fields: Sequence[FieldSchema], dialect: Dialect) -> RowConvert | None:
    """What turns rows of border values into the driver's, one value per column; None where nothing is to be done."""
    sources = [f"v{index}" for index in range(len(fields))]
    results: list[str] = []
    names: dict[str, Any] = {}
    for source, field in zip(sources, fields, strict=True):
        for leaf in leaves(field):
            convert = encoder(leaf.field, dialect)
            picked = source + "".join(f"[{step}]" for step in leaf.steps)
            if convert is not None:
                name = f"f{len(names)}"
                names[name] = convert
                picked = f"{name}({picked})"
            results.append(picked if picked == source else f"None if {source} is None else {picked}")
    if results == sources:
        return None
    return _compiled(f"def convert(rows):\n return [({', '.join(results)},) for {', '.join(sources)}, in rows]", names)


def _decoded(leaf: Leaf, column: str, names: dict[str, Any], dialect: Dialect) -> str:
    convert = decoder(leaf.field, dialect)
    if convert is None:
        return column
    if convert is bool:
        done = f"{column} != 0"
    else:
        name = f"f{len(names)}"
        names[name] = convert
        done = f"{name}({column})"
        if convert is values.datetime_with_zone:  # nearly always it has one
            done = f"({column} if {column}.tzinfo else {done})"
    return f"(None if {column} is None else {done})" if leaf.field.nullable else done


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


def _gathered(field: FieldSchema, columns: list[str], names: dict[str, Any], dialect: Dialect) -> str:
    name = f"f{len(names)}"
    names[name] = many_decoder(field, dialect)
    return f"{name}({', '.join(columns)})"


def _compiled(source: str, names: dict[str, Any]) -> RowConvert:
    # only names made here and positions enter the source, never a field's name or a value
    scope = dict(names)
    exec(source, scope)  # noqa: S102
    convert: RowConvert = scope["convert"]
    return convert
