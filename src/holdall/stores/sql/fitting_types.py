"""Which column types keep which kinds of field, in each database's own words."""

from __future__ import annotations

import re

from holdall.query import Kind
from holdall.stores.sql.dialect import Dialect
from holdall.stores.sql.spellings import EXPRESSION, spelling_in

__all__ = ["NOT_DETERMINISTIC", "is_code_point_order", "is_fitting", "is_ordered_otherwise"]

NOT_DETERMINISTIC = " (not deterministic)"
"""Behind the name of a collation of PostgreSQL under which different texts may be equal."""

_ANY_TEXT = r"text|(tiny|medium|long)text|(n?var)?char(acter)?( varying)?(\(\d+\))?|clob"
_INTEGER = r"(tiny|small|medium|big)?int(eger)?(\(\d+\))?( unsigned)?|int[248]"
_EXACT = r"(numeric|decimal)(\(\d+(,\d+)?\))?"
_FITTING: dict[str, dict[Kind, str]] = {
    "sqlite": {
        Kind.BOOL: r"bool(ean)?|" + _INTEGER,
        Kind.INT: _INTEGER,
        Kind.TIMEDELTA: _INTEGER,
        Kind.FLOAT: r"real|double( precision)?|float",
        Kind.DECIMAL: f"{_ANY_TEXT}|{_EXACT}",
        Kind.BYTES: r"blob|",
        Kind.DATETIME: _ANY_TEXT + "|datetime|timestamp",
        Kind.DATE: _ANY_TEXT + "|date",
        Kind.TIME: _ANY_TEXT + "|time",
        Kind.JSON: _ANY_TEXT + "|json",
    },
    "postgresql": {
        Kind.STR: r"text|character varying(\(\d+\))?",
        Kind.BOOL: "boolean",
        Kind.INT: "smallint|integer|bigint",
        Kind.TIMEDELTA: "bigint",
        Kind.FLOAT: "double precision",
        Kind.DECIMAL: r"numeric(\(\d+,\d+\))?",
        Kind.BYTES: "bytea",
        Kind.DATETIME: r"timestamp(\(\d\))? with time zone",
        Kind.DATE: "date",
        Kind.TIME: r"time(\(\d\))? without time zone",
        Kind.UUID: "uuid",
        Kind.JSON: "jsonb?",
    },
    "mysql": {
        Kind.STR: r"(tiny|medium|long)?text|(var)?char\(\d+\)",
        Kind.BOOL: r"tinyint\(1\)|bool",
        Kind.INT: _INTEGER,
        Kind.TIMEDELTA: r"bigint(\(\d+\))?",
        Kind.FLOAT: "double",
        Kind.DECIMAL: r"decimal\(\d+,\d+\)( unsigned)?",
        Kind.BYTES: r"(tiny|medium|long)?blob|(var)?binary\(\d+\)",
        Kind.DATETIME: r"(datetime|timestamp)(\(\d\))?",
        Kind.DATE: "date",
        Kind.TIME: r"time(\(\d\))?",
        Kind.UUID: r"(var)?char\((3[6-9]|[4-9]\d|\d{3,})\)",
        Kind.JSON: "longtext|json",
    },
}
_CODE_POINTS = {
    "sqlite": r"binary",
    "postgresql": r"c|posix|ucs_basic|c\.utf-?8|pg_c_utf8|pg_unicode_fast",
    "mysql": r"utf8mb4_nopad_bin|utf8mb4_0900_bin",
}


def is_fitting(found: str, kind: Kind, dialect: Dialect) -> bool:
    """Whether a column of this type can keep a field of this kind; always where the database is not known."""
    types = _FITTING.get(dialect.family)
    is_any = found == EXPRESSION and dialect.family == "sqlite"
    if types is None or is_any or re.fullmatch(types.get(kind, _ANY_TEXT), found) is not None:
        return True
    return spelling_in(dialect.family, found, kind) is not None


def is_code_point_order(collation: str | None, dialect: Dialect) -> bool:
    """Whether text is compared code point by code point, spaces at the end included."""
    exact = _CODE_POINTS.get(dialect.family)
    if exact is None or (collation is None and dialect.family == "sqlite"):
        return True
    return collation is not None and re.fullmatch(exact, collation, re.IGNORECASE) is not None


def is_ordered_otherwise(collation: str | None, dialect: Dialect) -> bool:
    """Whether text is equal only to itself, and sorted otherwise than code point by code point.

    PostgreSQL's collations are such, but for those that are not deterministic: a query that sorts names another one.
    """
    if dialect.family != "postgresql" or collation is None or collation.endswith(NOT_DETERMINISTIC):
        return False
    return not is_code_point_order(collation, dialect)
