"""Border values to what a driver takes: one function per field and dialect, and generated code for whole rows.

None instead of a function means that values pass as they are. Encoders raise ValueError, in a sentence, for a value the
database could not keep exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import msgspec

from holdall.codegen import function
from holdall.query import FieldSchema, Kind
from holdall.stores.sql import _values as values
from holdall.stores.sql.columns import decimal_size, leaves, parameter_type
from holdall.stores.sql.dialect import Dialect
from holdall.stores.sql.keeping import bounded, declared
from holdall.stores.sql.named_choices import composed, is_named
from holdall.stores.sql.spelling_codecs import spelt

__all__ = ["DRIVERS", "Convert", "RowConvert", "comparand", "encoder", "row_encoder", "row_function"]

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

DRIVERS = ("apsw", "asyncpg", "aiosqlite", "pysqlite", "aiomysql", "asyncmy", "pymysql", "psycopg")


def encoder(field: FieldSchema, dialect: Dialect) -> Convert | None:
    """Return the function from a border value of this scalar field, never None, to the driver's."""
    return composed(field, bounded(field, spelt(field) or _standard(field, dialect)))


def _standard(field: FieldSchema, dialect: Dialect) -> Convert | None:
    kind, family = field.kind, dialect.family
    if kind is Kind.JSON:
        return values.json_to_text
    if kind is Kind.TIMEDELTA:
        return values.timedelta_to_number
    if kind is Kind.DECIMAL and family != "sqlite" and (family != "postgresql" or field.digits is not None):
        fit = values.decimal_within(*decimal_size(field))
        return fit if family != "mysql" else lambda value: f"{fit(value):f}"  # its drivers write 1E-7, which is a float
    if dialect.driver in DRIVERS:
        return _ENCODERS.get((family, kind))
    return parameter_type(field, dialect).dialect_impl(dialect.sqlalchemy).bind_processor(dialect.sqlalchemy)


def comparand(field: FieldSchema, dialect: Dialect, *, is_ordered: bool = False) -> Convert | None:
    """As ``encoder``, for a value that is compared and need not fit the field's own digits and places.

    ``is_ordered`` for one that is to come before or after.
    """
    if field.kind is Kind.DECIMAL and dialect.family == "postgresql":
        return None
    plain = msgspec.structs.replace(declared(field), digits=None, places=None)
    if is_named(field) and is_ordered:
        return _standard(plain, dialect)
    return composed(field, spelt(field, is_compared=True, is_ordered=is_ordered) or _standard(plain, dialect))


def row_encoder(fields: Sequence[FieldSchema], dialect: Dialect) -> RowConvert | None:
    """Return the function from rows of border values to the driver's, one value per column; None where nothing is to be
    done.
    """
    sources = [f"v{index}" for index in range(len(fields))]
    results: list[str] = []
    names: dict[str, object] = {}
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
    return row_function(results, sources, names)


def row_function(results: Sequence[str], parts: Sequence[str], names: dict[str, object]) -> RowConvert:
    """The function from rows, taken apart into these variables, to rows of these expressions."""
    source = f"[({', '.join(results)},) for {', '.join(parts)}, in rows]"
    convert: RowConvert = function("convert", "rows", source, names, "rows")
    return convert
