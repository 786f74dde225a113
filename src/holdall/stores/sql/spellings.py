"""How columns that others made spell values: by the column's type and the field's kind, a table for each database.

A type of ``fitting_types`` keeps values as Holdall writes them; one of these keeps them in a way of its own:
``spelling_codecs`` has what is sent to and read from such a column, ``spelling_sql`` the SQL around it.
"""

from __future__ import annotations

import re
from enum import StrEnum

from holdall.query import Kind

__all__ = ["EXPRESSION", "NOT_IN_FORMULAS", "SPELLINGS", "TEXTS", "Spelling", "spelling_in"]


class Spelling(StrEnum):
    """A way to write values that is not ours."""

    HEX = "hex"  # a UUID as 32 digits
    MOMENT = "moment"  # a datetime as text in UTC that does not say so, with or without a fraction
    CLOCK = "clock"  # a time of day as text, with or without a fraction
    NUMBER = "number"  # a decimal as an integer or a float
    BARE_NUMBER = "bare number"  # JSON as text, but a number by itself as a number
    WRITTEN_OUT = "written out"  # JSON in PostgreSQL's jsonb, which keeps no powers of ten
    SINCE_1970 = "since 1970"  # a duration as the moment that long after 1970 began: SQLAlchemy's Interval in SQLite
    LABEL = "label"  # text as a member of an enumeration
    CASELESS = "caseless"  # text that is equal to itself in other letter case
    PADDED = "padded"  # text with spaces at its end, which are no part of it
    ADDRESS = "address"  # text as an internet address, with or without a network
    NETWORK = "network"  # text as a network of addresses
    HARDWARE = "hardware"  # text as the address of a device
    NAIVE = "naive"  # a datetime in UTC that does not say so
    INTERVAL = "interval"  # a duration, which may have months
    SINGLE = "single"  # a float of 32 bits: of about seven digits
    ARRAY = "array"  # a JSON list as an array of values of one type
    MEMBERS = "members"  # a JSON list of texts, in alphabetical order, as a set of labels
    YEAR = "year"  # an integer as a year
    BITS = "bits"  # an integer or a truth value as bits
    OCTETS = "octets"  # a UUID as 16 bytes
    UUID = "uuid"  # a UUID as one, in an order of its own


EXPRESSION = "expression"
"""The type of a column of a view of SQLite that has none, and keeps any value."""

TEXTS = frozenset(
    {
        Spelling.LABEL,
        Spelling.CASELESS,
        Spelling.PADDED,
        Spelling.ADDRESS,
        Spelling.NETWORK,
        Spelling.HARDWARE,
        Spelling.UUID,
    }
)
"""Those whose columns have an order of their own: they are sorted and searched as text, code point by code point."""

NOT_IN_FORMULAS = frozenset({Spelling.HEX, Spelling.OCTETS, Spelling.SINCE_1970, Spelling.INTERVAL, Spelling.SINGLE})
"""Those of which formulas cannot be made in the database."""

_ITEM = r"text|(.+\.)?citext|character varying(\(\d+\))?|uuid|date|smallint|integer|bigint|boolean|double precision"

SPELLINGS: dict[str, tuple[tuple[str, Kind, Spelling], ...]] = {
    "sqlite": (
        (r"(var)?char\(32\)", Kind.UUID, Spelling.HEX),
        (r"(datetime|timestamp)(\(\d\))?", Kind.DATETIME, Spelling.MOMENT),
        (r"time(\(\d\))?", Kind.TIME, Spelling.CLOCK),
        (r"(decimal|numeric)(\(\d+(,\d+)?\))?", Kind.DECIMAL, Spelling.NUMBER),
        (r"json", Kind.JSON, Spelling.BARE_NUMBER),  # whose affinity is that of numbers
        (r"datetime", Kind.TIMEDELTA, Spelling.SINCE_1970),
        (r"expression", Kind.DATETIME, Spelling.MOMENT),
        (r"expression", Kind.TIME, Spelling.CLOCK),
        (r"expression", Kind.DECIMAL, Spelling.NUMBER),
        (r"expression", Kind.JSON, Spelling.BARE_NUMBER),
    ),
    "postgresql": (
        (r"jsonb", Kind.JSON, Spelling.WRITTEN_OUT),
        (rf"({_ITEM}|enum .+)\[\]", Kind.JSON, Spelling.ARRAY),
        (r"enum .+(?<!\])", Kind.STR, Spelling.LABEL),
        (r"(.+\.)?citext", Kind.STR, Spelling.CASELESS),
        (r"character(\(\d+\))?", Kind.STR, Spelling.PADDED),
        (r"inet", Kind.STR, Spelling.ADDRESS),
        (r"cidr", Kind.STR, Spelling.NETWORK),
        (r"macaddr", Kind.STR, Spelling.HARDWARE),
        (r"timestamp(\(\d\))? without time zone", Kind.DATETIME, Spelling.NAIVE),
        (r"interval(\(\d\))?", Kind.TIMEDELTA, Spelling.INTERVAL),
        (r"real", Kind.FLOAT, Spelling.SINGLE),
    ),
    "mysql": (
        (r"enum", Kind.STR, Spelling.LABEL),
        (r"set", Kind.JSON, Spelling.MEMBERS),
        (r"year(\(4\))?", Kind.INT, Spelling.YEAR),
        (r"bit\(1\)", Kind.BOOL, Spelling.BITS),
        (r"bit\(\d+\)", Kind.INT, Spelling.BITS),
        (r"float", Kind.FLOAT, Spelling.SINGLE),
        (r"(var)?char\(32\)", Kind.UUID, Spelling.HEX),
        (r"binary\(16\)", Kind.UUID, Spelling.OCTETS),
        (r"uuid", Kind.UUID, Spelling.UUID),
    ),
}
"""By family: patterns of column types, in the words of ``FoundColumn.type``, the kind of field and the spelling."""


def spelling_in(family: str, found: str, kind: Kind) -> Spelling | None:
    """How a column of this type spells a field of this kind; None where as we do, or not at all."""
    for pattern, fitting, spelling in SPELLINGS.get(family, ()):
        if fitting is kind and re.fullmatch(pattern, found):
            return spelling
    return None
