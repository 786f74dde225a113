"""What golden files of stores hold: a record with a value of every kind, one with as few as can be, and a reservation.

A golden file is what a version of Holdall wrote. It is never written anew: a change of a format gets a number and a
file of its own, and every version after it reads both.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from uuid import UUID

from holdall.query import FieldSchema, Generated, Kind, ManyForm, Schema
from holdall.store import Change, Reservation, Verb

__all__ = ["CHANGES", "COMMIT", "HELD", "RESERVATION", "ROWS", "SAMPLE", "added"]

COMMIT = "c0ffee"
_KEY = (FieldSchema("id", Kind.INT, generated=Generated.STORE),)

SAMPLE = Schema(
    "sample",
    (
        *_KEY,
        FieldSchema("name", Kind.STR),
        FieldSchema("code", Kind.STR, nullable=True, max_length=20),
        FieldSchema("flag", Kind.BOOL, nullable=True),
        FieldSchema("size", Kind.INT, nullable=True),
        FieldSchema("ratio", Kind.FLOAT, nullable=True),
        FieldSchema("price", Kind.DECIMAL, nullable=True, digits=18, places=4),
        FieldSchema("data", Kind.BYTES, nullable=True),
        FieldSchema("moment", Kind.DATETIME, nullable=True),
        FieldSchema("day", Kind.DATE, nullable=True),
        FieldSchema("clock", Kind.TIME, nullable=True),
        FieldSchema("span", Kind.TIMEDELTA, nullable=True),
        FieldSchema("mark", Kind.UUID, nullable=True),
        FieldSchema("extra", Kind.JSON, nullable=True),
        FieldSchema("parent", Kind.REF, nullable=True, target="sample", target_key=_KEY),
        FieldSchema("friends", Kind.MANY, target="sample", target_key=_KEY, form=ManyForm.LIST),
        FieldSchema("version", Kind.INT),
    ),
    ("id",),
    version="version",
    unique=(("code",), ("name", "size")),
    indexes=(("name",), ("price",), ("moment",)),
)

ROWS: tuple[tuple[Any, ...], ...] = (
    (1, "few", *[None] * 13, (), 1),
    (
        2, "Œuvre: 'au' \"noir\" 😀", "a:b%c", True, -(2**63) + 1, -1.5e-7, Decimal("-12.5000"), b"wax \xc3\xa9",
        dt.datetime(2026, 1, 2, 3, 4, 5, 678_901, dt.UTC), dt.date(1987, 6, 5), dt.time(23, 59, 59, 7),
        dt.timedelta(days=-1, microseconds=5), UUID(int=7), {"a": [1, 2.5, None, "b"], "": {}}, 1, (2, 1), 3,
    ),
)  # fmt: skip
"""The records, in the order of their keys."""

RESERVATION = Reservation(
    COMMIT,
    "shop",
    "0123456789abcdef0123456789abcdef",
    "store 'main'",
    "boot.1.2.3",
    dt.datetime(2030, 1, 1, tzinfo=dt.UTC),
)  # fmt: skip
HELD = (
    Change(Verb.UPDATE, "sample", 1, ("code", "version"), ("new", 2), 1),
    Change(Verb.REMOVE, "sample", 2, version=3),
)
"""The part that a commit holds."""


def added(rows: Iterable[tuple[Any, ...]]) -> list[Change]:
    """The changes that add these records."""
    names = tuple([field.name for field in SAMPLE.stored])
    return [Change(Verb.ADD, "sample", row[0], names, row) for row in rows]


CHANGES = added(ROWS)
"""What adds all of them."""
