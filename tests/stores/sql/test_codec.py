from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects.mysql.asyncmy import MySQLDialect_asyncmy

from holdall.query import FieldSchema, Kind, ManyForm
from holdall.store import Damaged
from holdall.stores.sql.codec import comparand, encoder, row_encoder
from holdall.stores.sql.decoding import DamagedRows, decoder, row_decoder
from holdall.stores.sql.dialect import POSTGRESQL, SQLITE, Dialect
from holdall.testing.strategies import values

MYSQL = Dialect.of(MySQLDialect_asyncmy())
SCALARS = [kind for kind in Kind if kind not in (Kind.REF, Kind.MANY)]
SHELF = (FieldSchema("room", Kind.STR), FieldSchema("since", Kind.DATE))
HALL = (FieldSchema("shelf", Kind.REF, target="shelf", target_key=SHELF), FieldSchema("ok", Kind.BOOL))


@pytest.mark.parametrize("kind", SCALARS)
@given(data=st.data())
def test_sqlite_gives_back_what_it_was_given(kind: Kind, data: st.DataObject) -> None:
    field = FieldSchema("x", kind)
    value = data.draw(values(field))
    encode, decode = encoder(field, SQLITE), decoder(field, SQLITE)
    stored = value if encode is None else encode(value)
    assert isinstance(stored, str | int | float | bytes)
    found = stored if decode is None else decode(stored)
    assert (type(found), found) == (type(value), value)


@given(st.lists(st.datetimes(timezones=st.just(UTC)), max_size=5))
def test_sqlite_sorts_moments_as_text(moments: list[datetime]) -> None:
    encode = encoder(FieldSchema("x", Kind.DATETIME), SQLITE)
    assert encode is not None
    assert sorted(map(encode, moments)) == [encode(moment) for moment in sorted(moments)]


def test_plain_rows_are_not_touched() -> None:
    plain = [FieldSchema("a", Kind.INT), FieldSchema("b", Kind.STR, nullable=True)]
    for dialect in (POSTGRESQL, MYSQL):
        assert row_decoder(plain, dialect) is None
    for dialect in (SQLITE, POSTGRESQL, MYSQL):
        assert row_encoder(plain, dialect) is None
    native = [FieldSchema("a", kind) for kind in (Kind.UUID, Kind.BOOL, Kind.DATE, Kind.TIME)]
    assert row_decoder(native, POSTGRESQL) is None


def test_what_sqlite_keeps_anywhere_is_looked_at_and_not_copied() -> None:
    plain = [FieldSchema("a", Kind.INT), FieldSchema("b", Kind.STR, nullable=True), FieldSchema("c", Kind.BYTES)]
    decode = row_decoder(plain, SQLITE)
    assert decode is not None
    rows = [(1, "x", b""), (2**62, None, b"y")]
    assert decode(rows) is rows
    for number, wrong in enumerate([("1", "x", b""), (1.5, "x", b""), (1, b"x", b""), (1, 2, b""), (1, "x", "y")]):
        with pytest.raises(DamagedRows) as caught:
            decode([*rows, wrong])
        damaged = [isinstance(value, Damaged) for value in caught.value.rows[2]]
        assert damaged == [place == (0, 0, 1, 1, 2)[number] for place in range(3)]
        assert caught.value.rows[:2] == rows


def test_numbers_are_looked_at_and_not_copied() -> None:
    fields = [FieldSchema("a", Kind.DECIMAL), FieldSchema("b", Kind.FLOAT, nullable=True)]
    decode = row_decoder(fields, POSTGRESQL)
    assert decode is not None
    rows = [(Decimal(1), 1.5), (Decimal(2), None)]
    assert decode(rows) is rows


def test_rows_with_composite_references() -> None:
    fields = [
        FieldSchema("id", Kind.INT),
        FieldSchema("hall", Kind.REF, nullable=True, target="hall", target_key=HALL),
        FieldSchema("at", Kind.DATETIME, nullable=True),
    ]
    rows: list[tuple[Any, ...]] = [
        (1, (("a", date(2024, 1, 2)), True), datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=UTC)),
        (2, None, None),
    ]
    encode, decode = row_encoder(fields, SQLITE), row_decoder(fields, SQLITE)
    assert encode is not None
    assert decode is not None
    stored = encode(rows)
    assert stored == [(1, "a", "2024-01-02", True, "2024-01-02 03:04:05.000006+00:00"), (2, None, None, None, None)]
    assert decode(stored) == rows


def test_a_gathered_many_becomes_a_tuple_of_keys() -> None:
    shelves = FieldSchema("shelves", Kind.MANY, target="shelf", target_key=SHELF, form=ManyForm.LIST)
    ids = FieldSchema("ids", Kind.MANY, target="x", target_key=(FieldSchema("id", Kind.UUID),), form=ManyForm.SET)
    decode = row_decoder([shelves, ids], SQLITE)
    assert decode is not None
    row = ('["a","b"]', '["2024-01-02","2024-01-03"]', '["00000000-0000-0000-0000-000000000001"]')
    keys = (("a", date(2024, 1, 2)), ("b", date(2024, 1, 3)))
    assert decode([row, ("[]", "[]", None)]) == [(keys, (UUID(int=1),)), ((), ())]


def test_mariadb_knows_no_time_zones_and_gives_times_as_durations() -> None:
    fields = [FieldSchema("at", Kind.DATETIME), FieldSchema("clock", Kind.TIME), FieldSchema("yes", Kind.BOOL)]
    encode, decode = row_encoder(fields, MYSQL), row_decoder(fields, MYSQL)
    assert encode is not None
    assert decode is not None
    row = (datetime(2024, 1, 2, tzinfo=UTC), time(1, 2, 3, 4), True)
    naive = row[0].replace(tzinfo=None)
    assert encode([row]) == [(naive, row[1], True)]
    assert decode([(naive, timedelta(hours=1, minutes=2, seconds=3, microseconds=4), 1)]) == [row]


@pytest.mark.parametrize(
    "value, fits",
    [("1", True), ("-999.99", True), ("0.10", True), ("1.000", True), ("1E+2", True), ("0", True), ("0E-9", True),
     ("1000", False), ("0.001", False), ("1E+3", False), ("NaN", False), ("Infinity", False)],
)  # fmt: skip
def test_a_decimal_that_does_not_fit_is_refused(value: str, fits: bool) -> None:
    for dialect in (POSTGRESQL, MYSQL):
        encode = encoder(FieldSchema("x", Kind.DECIMAL, digits=5, places=2), dialect)
        assert encode is not None
        if fits:
            assert Decimal(encode(Decimal(value))) == Decimal(value)
        else:
            with pytest.raises(ValueError, match="decimal"):
                encode(Decimal(value))


def test_a_compared_decimal_need_not_fit() -> None:
    field = FieldSchema("x", Kind.DECIMAL, digits=5, places=2)
    assert comparand(field, POSTGRESQL) is None
    compare = comparand(field, MYSQL)
    assert compare is not None
    assert compare(Decimal("1E-9")) == "0.000000001"
    with pytest.raises(ValueError, match="30 after"):
        compare(Decimal("1E-31"))


def test_mariadb_gives_decimals_without_padding() -> None:
    decode = decoder(FieldSchema("x", Kind.DECIMAL), MYSQL)
    assert decode is not None
    assert [str(decode(Decimal(text))) for text in ("1.50000", "100.000", "0.000")] == ["1.5", "100", "0"]


def test_a_duration_beyond_64_bits_is_refused() -> None:
    encode = encoder(FieldSchema("x", Kind.TIMEDELTA), SQLITE)
    assert encode is not None
    assert encode(timedelta(days=-1, microseconds=1)) == -86_399_999_999
    with pytest.raises(ValueError, match="292,000 years"):
        encode(timedelta.max)
