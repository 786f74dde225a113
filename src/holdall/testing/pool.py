"""Values of every kind that have gone wrong somewhere before.

Text keeps to characters whose letter case all servers agree on. Left out: sigma (its lower case depends on its place
in the word), dotted and dotless I, capital sharp S, and the Cherokee and Georgian letters whose case came with later
Unicode versions; ``icontains`` is not defined across stores for these. JSON keeps to numbers that are either integers
or not integral: whether ``1`` and ``1.0`` are the same JSON is left to the store.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

from holdall.query import Kind, Value

__all__ = ["OBJECT_IDS", "POOL", "TEXT_ALPHABET"]

TEXT_ALPHABET = "abcAB0 %_\\'\".,éÉñÜüøØαΑωΩдДжЖ日本語🎒😀"

OBJECT_IDS = ("0" * 24, "5f" * 12, "65f0c0ffee0123456789abcd", "65f0c0ffee0123456789abce", "f" * 24)
"""Texts of ObjectIds, in order."""

POOL: Mapping[Kind, tuple[Value, ...]] = {
    Kind.BOOL: (True, False),
    Kind.INT: (-7, -1, 0, 1, 2, 3, 100, 2**31, -(2**40)),
    Kind.FLOAT: (-2.5, -0.1, 0.0, 0.1, 0.5, 1.0, 2.0, 1e-9, 1e20),
    Kind.DECIMAL: tuple(map(Decimal, ("-10.5", "-0.0001", "0", "0.1", "0.5", "2", "99999.9999"))),
    Kind.STR: (
        "",
        " ",
        "a",
        "A",
        "a ",
        " a",
        "ab",
        "AB",
        "%",
        "_",
        "a%b",
        "a_b",
        "a\\b",
        "it's",
        '"quoted"',
        "Émile",
        "émile",
        "ÉMILE",
        "Ω mega",
        "ω MEGA",
        "Жук",
        "жук",
        "日本語",
        "🎒 bag",
        "😀",
        "\uffee",
        "a\nb",
        "null",
        "0",
        "1e3",
        "true",
    ),
    Kind.BYTES: (b"", b"\x00", b"a", b"ab", b"\xff", b"\x80\x00", bytes(range(256))),
    Kind.DATETIME: (
        datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2000, 2, 29, 12, 0, 0, 1, tzinfo=UTC),
        datetime(2000, 2, 29, 12, 0, tzinfo=UTC),
        datetime(2024, 10, 27, 0, 30, tzinfo=UTC),
        datetime(2024, 10, 27, 1, 30, tzinfo=UTC),
    ),
    Kind.DATE: (date(1900, 1, 1), date(1969, 12, 31), date(2000, 2, 29), date(2024, 10, 27)),
    Kind.TIME: (time(0, 0), time(0, 0, 0, 1), time(12, 30), time(23, 59, 59, 999999)),
    Kind.TIMEDELTA: (
        timedelta(-3, 5, 1),
        timedelta(microseconds=-1),
        timedelta(0),
        timedelta(seconds=1),
        timedelta(900, 0, 7),
    ),
    Kind.UUID: (
        UUID(int=0),
        UUID(int=1),
        UUID("00000000-0000-4000-8000-000000000000"),
        UUID("80000000-0000-0000-0000-000000000000"),
        UUID("01890a5d-ac96-774b-bcce-b302099a8057"),
        UUID("01890a5d-ac96-774b-bcce-b302099a8058"),
        UUID(int=2**128 - 1),
    ),
    Kind.JSON: (
        {},
        [],
        "",
        "text",
        0,
        1,
        2.5,
        True,
        False,
        [1, 2],
        [2, 1],
        {"a": None},
        {"a": 1, "b": [True, {"c": "é\"'\\"}]},
        [[]],
        [None],
        "1",
        {"": 0},
    ),
}
"""Values of every kind that have gone wrong somewhere before."""
