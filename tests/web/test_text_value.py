"""Text of paths and queries, field by field: what is taken stands for a border value, the rest is refused in words."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from holdall.query import FieldSchema, Kind
from holdall.web.nested_text import plain
from holdall.web.text_value import Unreadable, items_of, value_of

_PARTS = (FieldSchema("code", Kind.STR), FieldSchema("number", Kind.INT))
_LINE = FieldSchema("line", Kind.REF, target="line", target_key=_PARTS)


@pytest.mark.parametrize(
    "kind, text, value",
    [
        (Kind.DECIMAL, "1e3", Decimal(1000)),
        (Kind.DECIMAL, "-0.50", Decimal("-0.50")),
        (Kind.DATETIME, "2024-05-06T07:08:09 02:00", dt.datetime(2024, 5, 6, 5, 8, 9, tzinfo=dt.UTC)),
        (Kind.TIME, "07:08:09", dt.time(7, 8, 9)),
        (Kind.TIMEDELTA, "PT1H30M", dt.timedelta(minutes=90)),
        (Kind.BYTES, "AQI=", b"\1\2"),
        (Kind.JSON, '{"a":[1,null]}', {"a": [1, None]}),
    ],
)
def test_what_is_taken(kind: Kind, text: str, value: object) -> None:
    assert value_of(FieldSchema("field", kind), text) == value


@pytest.mark.parametrize(
    "kind, text, told",
    [
        (Kind.STR, "a\0b", "the NUL character"),
        (Kind.STR, "a\ud800", "lone surrogates"),
        (Kind.INT, str(2**63), "from -"),
        (Kind.FLOAT, "1e999", "a number|finite"),
        (Kind.DECIMAL, "10e999", "more than 1000 digits"),
        (Kind.DECIMAL, "NaN", "a decimal number"),
        (Kind.DATETIME, "2025-01-02T03:04:05", "with its time zone"),
        (Kind.DATETIME, "0001-01-01T00:00:00+01:00", "the years 1 and 9999"),
        (Kind.TIME, "07:08:09Z", "without a time zone"),
        (Kind.JSON, "[" * 52 + "]" * 52, "nested more than 50 deep"),
        (Kind.JSON, str(2**63), "beyond 64 bits"),
        (Kind.JSON, '["a\\u0000"]', "the NUL character"),
    ],
)
def test_what_is_refused(kind: Kind, text: str, told: str) -> None:
    with pytest.raises(Unreadable, match=told) as refused:
        value_of(FieldSchema("field", kind), text)
    assert text not in str(refused.value)


def test_keys_of_several_parts_are_read_part_by_part() -> None:
    assert value_of(_LINE, r"a\,b,7") == ("a,b", 7)
    for text in ("a", "a,7,8", "a,x"):
        with pytest.raises(Unreadable):
            value_of(_LINE, text)


def test_choices_are_told() -> None:
    field: Any = FieldSchema("level", Kind.INT, choices=(1, 2))
    assert value_of(field, "2") == 2
    with pytest.raises(Unreadable, match="one of 1, 2"):
        value_of(field, "3")


@pytest.mark.parametrize(
    "text, items",
    [
        (r"C:\temp,D:\new", [r"C:\temp", r"D:\new"]),
        (r"a\,b\\,c", ["a,b\\", "c"]),
        (r"\(a\)", ["(a)"]),
        ("a\\", ["a\\"]),
        (r"\\n", [r"\n"]),
    ],
)
def test_a_backslash_is_itself_where_it_takes_no_meaning_away(text: str, items: list[str]) -> None:
    """It was dropped, so that a path of Windows was not found."""
    assert items_of(text) == items
    assert plain(text) == ",".join(items)
