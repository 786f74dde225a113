"""Rows are decoded in C as they are in Python, and all that is not common is left to Python."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from holdall.query import FieldSchema, Kind
from holdall.store import Damaged
from holdall.stores.sql import decoding
from holdall.stores.sql._values import datetime_to_text
from holdall.stores.sql.class_check import native
from holdall.stores.sql.decoding import DamagedRows, row_decoder
from holdall.stores.sql.dialect import POSTGRESQL, SQLITE
from holdall.stores.sql.native_rows import native_decoder

needs_c = pytest.mark.skipif(native is None, reason="without the part in C")
FIELDS = [
    FieldSchema("id", Kind.INT),
    FieldSchema("name", Kind.STR, nullable=True),
    FieldSchema("is_new", Kind.BOOL),
    FieldSchema("is_old", Kind.BOOL, nullable=True),
    FieldSchema("made", Kind.DATETIME),
    FieldSchema("read", Kind.DATETIME, nullable=True),
]
FIRST = datetime_to_text(datetime.min.replace(tzinfo=UTC))
OTHERS = [
    None, 2, -1, 1.0, 2**70, b"", "", "2024-05-06", "2024-05-06 07:08:09+00:00", "2024-13-06 07:08:09.000000+00:00",
    "2024-05-06 07:08:09.000000+01:00", "2024-05-06 07:08:09.00000x+00:00", "2024-05-06 07:08:09.000000+00:00\n",
]  # fmt: skip
MOMENTS = st.datetimes(timezones=st.just(UTC)).map(datetime_to_text)
BOOLS = st.sampled_from([0, 1])
COMMON = (
    st.integers(0, 9), st.none() | st.text(max_size=2), BOOLS, st.none() | BOOLS, MOMENTS, st.none() | MOMENTS,
)  # fmt: skip
ANY = [st.one_of(each, each, st.sampled_from(OTHERS)) for each in COMMON]


def told(decode: Callable[[Any], Any] | None, rows: list[tuple[Any, ...]]) -> Any:
    """What comes of rows, with the classes of the values; those that cannot be read have one."""
    assert decode is not None
    try:
        found = decode(rows)
    except DamagedRows as error:
        found = error.rows
    return [[(type(value), None if isinstance(value, Damaged) else value) for value in row] for row in found]


def python_alone() -> Callable[[Any], Any] | None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding, "native_decoder", lambda fields, dialect: None)
        return row_decoder(FIELDS, SQLITE)


@given(st.lists(st.tuples(*COMMON), max_size=3) | st.lists(st.tuples(*ANY), max_size=2))
@example([(1, None, 0, None, FIRST, FIRST.replace(" ", "T"))])
@example([(1, "a", 1, 1, FIRST, None), (1, "a", 2, 1, FIRST, None)])
def test_c_and_python_decode_alike(rows: list[tuple[Any, ...]]) -> None:
    assert told(row_decoder(FIELDS, SQLITE), rows) == told(python_alone(), rows)


@needs_c
@given(st.lists(st.tuples(*COMMON), max_size=3))
def test_common_rows_are_decoded_in_c(rows: list[tuple[Any, ...]]) -> None:
    found = native_decoder(FIELDS, SQLITE)
    assert found is not None
    assert found[0](rows, found[1]) is not NotImplemented


@needs_c
@pytest.mark.parametrize("value", OTHERS, ids=map(str, range(len(OTHERS))))
def test_other_values_are_left_to_python(value: Any) -> None:
    found = native_decoder(FIELDS[2:3] + FIELDS[4:5], SQLITE)
    assert found is not None
    assert found[0]([(value, FIRST)], found[1]) is NotImplemented
    assert found[0]([(1, value)], found[1]) is NotImplemented
    assert found[0]([(1,)], found[1]) is NotImplemented
    assert found[0](iter([(1, FIRST)]), found[1]) is NotImplemented


@pytest.mark.parametrize(
    "fields",
    [
        FIELDS[:2],  # nothing is made of these
        [*FIELDS, FieldSchema("code", Kind.UUID)],
        [*FIELDS, FieldSchema("place", Kind.REF, target="place", target_key=tuple(FIELDS[:2]))],
    ],
)
def test_fields_of_other_kinds_are_left_to_python(fields: list[FieldSchema]) -> None:
    assert native_decoder(fields, SQLITE) is None
    assert native_decoder(FIELDS, POSTGRESQL) is None
