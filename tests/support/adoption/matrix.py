"""Column types that others make, each beside fields of every kind, and the values that are written into them.

Nothing here says which of them fit: that is what ``probe`` finds out by writing, reading and comparing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from holdall.query import FieldSchema, Kind
from holdall.testing.pool import POOL

__all__ = ["COLUMN_TYPES", "FIELDS", "FOREIGN", "MADE_BEFORE", "short", "values_of"]

MADE_BEFORE: Mapping[str, tuple[str, ...]] = {
    "postgresql": (
        "CREATE EXTENSION IF NOT EXISTS citext",
        "CREATE TYPE letter AS ENUM ('b', 'a', 'B', 'it''s')",
        "CREATE DOMAIN low AS varchar(5) CHECK (value <> 'x')",
        "CREATE DOMAIN odd AS low",
    ),
}
"""What the column types below need."""

COLUMN_TYPES: Mapping[str, tuple[str, ...]] = {
    "sqlite": (
        "text", "text collate nocase", "text collate rtrim", "text collate binary", "text collate holdall_decimal",
        "varchar(5)", "char(32)", "char(36)", "varchar(32)", "nvarchar(20)", "clob", "string", "unicode",
        "json", "uuid",
        "integer", "int", "bigint", "smallint", "tinyint", "int unsigned", "boolean", "bool", "real", "float",
        "double precision", "numeric", "numeric(10,2)", "NUMERIC(10, 2)", "VARCHAR (5)",
        "decimal", "decimal(10,5)", "blob", "", "date", "datetime",
        "timestamp", "time", "datetime(6)", "any", "integer default 7", "text default 'x'",
        "integer generated always as (length('abc')) stored", "text generated always as ('x') virtual",
    ),
    "postgresql": (
        "text", 'text collate "C"', 'text collate "POSIX"', "text collate ucs_basic", "varchar", "varchar(5)",
        'text collate "en-x-icu"', 'varchar(20) collate "und-x-icu"', "char(5)",
        "char(36)", "name", "smallint", "integer", "bigint", "real", "double precision", "numeric", "numeric(5,0)",
        "numeric(10,2)", "numeric(30,10)", "money", "boolean", "bytea", "date", "timestamp", "timestamptz",
        "timestamptz(0)", "timestamptz(6)", "time", "time(0)", "timetz", "interval", "uuid", "json", "jsonb", "text[]",
        "timestamp(3)", "interval(0)", "varchar(3)[]", "bigint[]", "boolean[]", "double precision[]", "uuid[]",
        "date[]", "numeric[]", "letter", "letter[]", "odd", "cidr", "macaddr", "citext", "tsvector", "xml", "bit(3)",
        "inet", "integer default 7", "text default 'x'", "integer generated always as (3) stored",
        "text generated always as ('x') stored",
    ),
    "mysql": (
        "text", "tinytext", "mediumtext", "longtext", "varchar(5)", "varchar(255)", "char(5)", "char(32)", "char(36)",
        "varchar(36)", "longtext collate utf8mb4_nopad_bin", "longtext collate utf8mb4_bin",
        "varchar(20) collate utf8mb4_nopad_bin", "text collate utf8mb4_nopad_bin", "tinytext collate utf8mb4_nopad_bin",
        "varchar(5) collate utf8mb4_nopad_bin", "varchar(20) collate utf8mb4_general_ci",
        "char(36) collate utf8mb4_bin",
        "varchar(20) character set latin1", "tinyint", "tinyint(1)", "tinyint unsigned", "smallint", "mediumint", "int",
        "int unsigned", "bigint", "bigint unsigned", "float", "double", "double(10,2)", "decimal(5,0)",
        "decimal(10,2)",
        "decimal(30,10)", "decimal(65,30)", "decimal(10,2) unsigned", "bit(1)", "bit(9)", "binary(16)", "uuid",
        "inet6", "binary(4)", "varbinary(4)", "tinyblob", "blob", "longblob",
        "date",
        "datetime", "datetime(3)", "datetime(6)", "timestamp null", "timestamp(6) null", "time", "time(6)", "year",
        "json", "int default 7", "enum('a','b')", "enum('B','b','it''s') collate utf8mb4_bin", "set('a','b')",
        "set('zz','a','ab')", "int generated always as (3) stored",
        "timestamp(6) null on update current_timestamp(6)",
    ),
}  # fmt: skip

FIELDS: tuple[FieldSchema, ...] = (
    *(FieldSchema(f"v_{kind}", kind, nullable=True) for kind in Kind if kind not in (Kind.REF, Kind.MANY)),
    FieldSchema("v_short", Kind.STR, nullable=True, max_length=5),
    FieldSchema("v_money", Kind.DECIMAL, nullable=True, digits=10, places=2),
    FieldSchema("v_long_money", Kind.DECIMAL, nullable=True, digits=30, places=10),
    FieldSchema("v_choice", Kind.STR, nullable=True, choices=("a", "b", "B")),
)

_EDGES: Mapping[Kind, tuple[Any, ...]] = {
    Kind.INT: (1901, 1970, 2155, 2156, 511, 512, 127, 128, 255, 256, 32767, 32768, -32769,
               2**31 - 1, 2**32, 2**53 + 1, 2**63 - 1, -(2**63) + 1),
    Kind.FLOAT: (0.3, 3.1415927, 3.14159274, -0.25, 1e-45, 3.4028235e38, 1e39, 16777216.0,
                 0.1 + 0.2, 1e308, 5e-324, 16777217.0, -1e-300),
    Kind.DECIMAL: tuple(map(Decimal, ("1.105", "1.10", "12345678.91", "123456789012345678.123456789", "1E+3", "0.01"))),
    Kind.STR: (
        "10.0.0.1", "10.0.0.1/24", "10.0.0.0/24", "010.0.0.1", "2001:db8::1", "2001:DB8::1", "::1", "::2", "::",
        "::ffff:1.2.3.4", "::1.2.3.4", "::ffff:0.0.0.0", "1:0:0:2::/64", "fe80::1%eth0", "08:00:2b:01:02:03",
        "08002b010203", "it's", "abc   ", "abcde ", "abcdef", "x" * 300, "é" * 200, "1.0", "0123", "1e5",
        "B", "b", "\U0010ffff"),
    Kind.BYTES: (b"abcd", b"abc\x00", b"abcde", b"x" * 300),
    Kind.DATETIME: (
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2040, 1, 1, tzinfo=UTC),
        datetime(2020, 1, 2, 3, 4, 5, 600000, tzinfo=UTC),
    ),
    Kind.DATE: (date(1, 1, 1), date(9999, 12, 31)),
    Kind.TIME: (time(7, 8, 9), time(7, 8, 9, 500000)),
    Kind.TIMEDELTA: (
        timedelta(days=100_000), timedelta(days=-3, microseconds=7), timedelta(days=999_999_999), timedelta(hours=25),
    ),
    Kind.JSON: (
        [], [None], ["a"], ["a", "b"], ["b", "a"], ["b"], ["a", "a"], ["ab", "zz"],
        ["a", 'q"\\,{}', "NULL", ""], [1, 2**40],
        [[1, 2], [3, 4]], [[1], [2, 3]], [[]], [True, None], [0.5, 1e22], {"": ["a"]}, ["2020-01-02"], ["2020-1-2"],
        ["12345678-1234-5678-1234-567812345678"], ["x" * 10],
        1e22,
        [1e16, 1e19, -1e22],
        {"mass": 1.5e22, "1e22": '"1e22\\'},
        [2.0**63, -(2.0**63), float(2**60 + 256)],
        {"a": [1.7e308, 5e-324]},
        [2**63 - 1, 2.0, 1e-7],
    ),
    Kind.UUID: (UUID("12345678123456781234567812345678"), UUID("abcdefab-cdef-abcd-efab-cdefabcdefab")),
}  # fmt: skip

FOREIGN: Mapping[str, tuple[str, tuple[tuple[Any, Any], ...]]] = {
    "char(32)": ("v_uuid", tuple((UUID(int=n).hex, UUID(int=n)) for n in (3, 2**127 + 5, 10**37))),
    "char(36)": ("v_uuid", tuple((str(UUID(int=n)), UUID(int=n)) for n in (3, 2**127 + 5))),
    "datetime": ("v_datetime", (
        ("2020-01-02 03:04:05", datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2020-01-02 03:04:05.000000", datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2020-01-02 03:04:05.250000", datetime(2020, 1, 2, 3, 4, 5, 250000, tzinfo=UTC)),
        ("2020-01-02T03:04:06Z", datetime(2020, 1, 2, 3, 4, 6, tzinfo=UTC)),
        ("2020-01-02 05:04:05+02:00", datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2019-12-31 00:00:00", datetime(2019, 12, 31, tzinfo=UTC)),
    )),
    "timestamp": ("v_datetime", (("2020-01-02 03:04:04.9", datetime(2020, 1, 2, 3, 4, 4, 900000, tzinfo=UTC)),)),
    "time": ("v_time", (
        ("07:08:09", time(7, 8, 9)), ("07:08:09.000000", time(7, 8, 9)), ("07:08:09.5", time(7, 8, 9, 500000)),
    )),
    "date": ("v_date", (("2020-01-02", date(2020, 1, 2)), ("1999-12-31", date(1999, 12, 31)))),
    "numeric(10,2)": ("v_money", (
        (1.1, Decimal("1.1")), ("2.50", Decimal("2.5")), (3, Decimal(3)), (0.1, Decimal("0.1")),
    )),
    "decimal": ("v_money", ((10.25, Decimal("10.25")), ("9.75", Decimal("9.75")))),
}  # fmt: skip
"""What SQLAlchemy and Django leave in columns of SQLite, and what it means."""


def values_of(field: FieldSchema, is_long: bool) -> tuple[Any, ...]:
    """What is written into the field: what its rules allow of the pool and of the edges of column types."""
    pool = [*(POOL[field.kind] if is_long else short(POOL[field.kind])), *_EDGES.get(field.kind, ())]
    return tuple(value for value in pool if _is_allowed(field, value))


def short(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """A few of them, from everywhere."""
    return values[:: max(1, len(values) // 6)]


def _is_allowed(field: FieldSchema, value: Any) -> bool:
    if field.choices is not None:
        return value in field.choices
    if field.max_length is not None:
        return len(value) <= field.max_length
    if field.digits is None or not isinstance(value, Decimal):
        return True
    places = field.places or 0
    return abs(value) < 10 ** (field.digits - places) and value == round(value, places)
