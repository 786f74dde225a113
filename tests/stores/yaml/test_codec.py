from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdall.query import FieldSchema, Kind, ManyForm, Schema
from holdall.stores.yaml.codec import decode, encode
from holdall.stores.yaml.document import changed_record, new_record
from holdall.stores.yaml.emit import emit_inline, emit_mapping
from holdall.stores.yaml.errors import Misfit
from holdall.stores.yaml.parse import parse
from holdall.stores.yaml.record import key_of_parts, key_parts, row_of

text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
integers = st.integers(-(2**63) + 1, 2**63 - 1)
floats = st.floats(allow_nan=False, allow_infinity=False)
json = st.recursive(
    st.none() | st.booleans() | integers | floats | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=12,
)
SCALARS: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.BOOL: st.booleans(),
    Kind.INT: integers,
    Kind.FLOAT: floats,
    Kind.DECIMAL: st.decimals(allow_nan=False, allow_infinity=False),
    Kind.STR: text,
    Kind.BYTES: st.binary(max_size=40),
    Kind.DATETIME: st.datetimes(timezones=st.just(UTC)).map(lambda at: at.replace(fold=0)),
    Kind.DATE: st.dates(),
    Kind.TIME: st.times().map(lambda at: at.replace(fold=0)),
    Kind.TIMEDELTA: st.timedeltas(),
    Kind.UUID: st.uuids(),
}
PAIR = (FieldSchema("room", Kind.STR), FieldSchema("number", Kind.INT))
fields = [FieldSchema(str(kind), kind, nullable=True) for kind in (*SCALARS, Kind.JSON)]
SCHEMA = Schema(
    "sample",
    (
        FieldSchema("id", Kind.INT),
        *fields,
        FieldSchema("no", Kind.REF, nullable=True, target="room", target_key=PAIR),
        FieldSchema("null", Kind.MANY, target="room", target_key=PAIR, form=ManyForm.LIST),
    ),
    ("id",),
)
rooms = st.tuples(text, integers)
samples = st.tuples(
    integers,
    *(st.none() | strategy for strategy in SCALARS.values()),
    json,
    st.none() | rooms,
    st.lists(rooms, unique=True, max_size=3).map(tuple),
)


@settings(max_examples=50)
@given(samples)
def test_every_kind_comes_back_from_a_new_file(row: tuple[Any, ...]) -> None:
    written = new_record(SCHEMA, row)
    assert repr(row_of(SCHEMA, parse(written))) == repr(row)


@settings(max_examples=30)
@given(samples, samples)
def test_every_kind_comes_back_from_a_changed_file(old: tuple[Any, ...], new: tuple[Any, ...]) -> None:
    new = (old[0], *new[1:])
    written = new_record(SCHEMA, old)
    assert repr(row_of(SCHEMA, parse(changed_record(SCHEMA, written, old, new)))) == repr(new)


@given(json)
def test_json_is_itself_on_one_line_and_on_many(value: Any) -> None:
    assert repr(parse(emit_inline(value))) == repr(value)
    assert repr(parse(emit_mapping({"value": value}))) == repr({"value": value})


@given(st.data())
def test_a_key_comes_back_from_its_text(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(SCALARS)))
    value = data.draw(SCALARS[kind])
    reference = FieldSchema("room", Kind.REF, target="room", target_key=PAIR)
    schema = Schema("keyed", (FieldSchema("first", kind), reference), ("first", "room"))
    row = (value, data.draw(rooms))
    assert repr(key_of_parts(schema, key_parts(schema, row))) == repr(dict(zip(schema.key, row, strict=True)))


@pytest.mark.parametrize(
    "kind, written, value",
    [
        (Kind.DECIMAL, 12, Decimal(12)),
        (Kind.DECIMAL, 12.5, Decimal("12.5")),
        (Kind.DECIMAL, "12.50", Decimal("12.50")),
        (Kind.FLOAT, 3, 3.0),
        (Kind.DATETIME, "2020-01-31 12:30+01:00", datetime(2020, 1, 31, 11, 30, tzinfo=UTC)),
        (Kind.DATETIME, "2020-01-31t12:30:05.5z", datetime(2020, 1, 31, 12, 30, 5, 500_000, tzinfo=UTC)),
        (Kind.TIME, "12:30", time(12, 30)),
        (Kind.TIMEDELTA, "P1W", timedelta(weeks=1)),
        (Kind.TIMEDELTA, "-PT1H0.25S", -timedelta(hours=1, milliseconds=250)),
        (Kind.UUID, "01890A5D-AC96-774B-BCCE-B302099A8057", UUID("01890a5d-ac96-774b-bcce-b302099a8057")),
        (Kind.BYTES, "aG\n  k=", b"hi"),
    ],
)
def test_what_people_write(kind: Kind, written: Any, value: Any) -> None:
    assert decode(FieldSchema("it", kind), written) == value


@pytest.mark.parametrize(
    "source, value",
    [
        ("2020-01-31", date(2020, 1, 31)),
        ("'2020-01-31'", date(2020, 1, 31)),
        ("12.50", Decimal("12.5")),
        ("0.1000000000000000055511151231257827", Decimal("0.1000000000000000055511151231257827")),
        ("123456789012345678901234567890", Decimal("123456789012345678901234567890")),
        ("1234567890123456e2", Decimal("1234567890123456e2")),
        ("12:30", time(12, 30)),
        ("no", "no"),
        ("on", "on"),
        ("1_000", "1_000"),
    ],
)
def test_plain_scalars(source: str, value: Any) -> None:
    kind = {date: Kind.DATE, Decimal: Kind.DECIMAL, time: Kind.TIME, str: Kind.STR}[type(value)]
    assert decode(FieldSchema("it", kind), parse(f"it: {source}")["it"]) == value


WRONG: list[tuple[Kind, Any, str]] = [
    (Kind.BOOL, "yes", "true or false"),
    (Kind.INT, True, "whole number"),
    (Kind.INT, 1.0, "whole number"),
    (Kind.INT, 2**63, "64 bits"),
    (Kind.FLOAT, "1.0", "a number"),
    (Kind.FLOAT, float("inf"), "infinities"),
    (Kind.FLOAT, 10**400, "infinities"),
    (Kind.DECIMAL, "1,5", "a decimal"),
    (Kind.DECIMAL, float("nan"), "a decimal"),
    (Kind.DECIMAL, True, "a decimal"),
    (Kind.STR, 12, "in quotes"),
    (Kind.STR, None, "needed"),
    (Kind.STR, "a\0", "NUL"),
    (Kind.STR, "\ud800", "surrogate"),
    (Kind.BYTES, "%", "base64"),
    (Kind.BYTES, 5, "base64"),
    (Kind.DATETIME, "2020-01-31T12:30:00", "time zone"),
    (Kind.DATETIME, "0001-01-01T00:00:00+10:00", "date and time"),
    (Kind.DATE, "2020-02-30", "a date"),
    (Kind.DATE, 20200131, "a date"),
    (Kind.TIME, "25:00", "a time"),
    (Kind.TIME, 750, "a time"),
    (Kind.TIMEDELTA, "P1Y", "a duration"),
    (Kind.TIMEDELTA, "P", "a duration"),
    (Kind.TIMEDELTA, "P999999999W", "too long"),
    (Kind.TIMEDELTA, 5, "a duration"),
    (Kind.UUID, "urn:uuid:1", "a UUID"),
    (Kind.JSON, {1: 2}, "in quotes"),
    (Kind.JSON, [float("inf")], "infinities"),
]


@pytest.mark.parametrize("kind, written, reason", WRONG)
def test_what_is_refused(kind: Kind, written: Any, reason: str) -> None:
    with pytest.raises(Misfit, match=reason) as caught:
        decode(FieldSchema("it", kind), written)
    assert caught.value.path.startswith("it")


def test_every_kind_has_a_refusal() -> None:
    assert {kind for kind, _, _ in WRONG} == set(Kind) - {Kind.REF, Kind.MANY}


def test_rules_of_the_schema() -> None:
    def refuse(field: FieldSchema, value: Any, reason: str) -> None:
        with pytest.raises(Misfit, match=reason):
            decode(field, value)
        with pytest.raises(Misfit):
            encode(field, Decimal(value) if field.kind is Kind.DECIMAL else value)

    refuse(FieldSchema("it", Kind.STR, max_length=3), "long", "longer than 3 characters")
    refuse(FieldSchema("it", Kind.STR, choices=("a", "b")), "c", "none of a, b")
    refuse(FieldSchema("it", Kind.DECIMAL, digits=4, places=2), "100.5", "more than 4 digits")
    refuse(FieldSchema("it", Kind.DECIMAL, places=2), "1.005", "more than 2 digits")
    assert decode(FieldSchema("it", Kind.DECIMAL, digits=4, places=2), "1.5000") == Decimal("1.5")
    many = FieldSchema("it", Kind.MANY, target="room", target_key=PAIR, form=ManyForm.LIST)
    for written, reason in (
        ("a", "a list of keys"),
        ([["a"]], "a list of 2 values"),
        ([None], "is needed"),
        ([["a", "b"]], "whole number"),
        ([["a", 1], ["a", 1]], "twice"),
    ):
        with pytest.raises(Misfit, match=reason):
            decode(many, written)
    with pytest.raises(Misfit, match="kind int"):
        encode(FieldSchema("it", Kind.INT), "1")
