"""Values through BSON and back; what has no exact form is refused, or compared with its neighbours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import bson
import pytest
from bson.codec_options import CodecOptions
from bson.decimal128 import Decimal128
from hypothesis import given
from hypothesis import strategies as st

from holdall.query import FieldSchema, Kind, ManyForm
from holdall.stores.mongo import MongoCollection
from holdall.stores.mongo.codec import codec_of, neighbours
from holdall.stores.mongo.errors import Misfit
from holdall.stores.mongo.json_value import json_to_document, json_to_value
from holdall.testing.pool import POOL

_OPTIONS: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True, uuid_representation=4)
_NAMES = st.text("ab.$~01_é", max_size=5)
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _NAMES,
    lambda item: st.lists(item, max_size=3) | st.dictionaries(_NAMES, item, max_size=3),
    max_leaves=8,
)


def _through_bson(stored: Any) -> Any:
    return bson.decode(bson.encode({"v": stored}, codec_options=_OPTIONS), _OPTIONS)["v"]


@pytest.mark.parametrize("kind", list(POOL))
def test_values_come_back_as_they_are(kind: Kind) -> None:
    codec = codec_of(FieldSchema("f", kind))
    for value in POOL[kind]:
        found = codec.decoded(_through_bson(codec.encoded(value)))
        assert (found, type(found)) == (value, type(value))


def test_references_and_lists_of_them() -> None:
    key = (FieldSchema("room", Kind.STR), FieldSchema("day", Kind.DATE))
    reference = codec_of(FieldSchema("f", Kind.REF, target="t", target_key=key))
    day = datetime(2024, 5, 6, tzinfo=UTC).date()
    assert reference.encoded(("a", day)) == {"room": "a", "day": "2024-05-06"}
    many = codec_of(FieldSchema("f", Kind.MANY, target="t", target_key=key, form=ManyForm.LIST))
    assert many.decoded(_through_bson(many.encoded((("a", day), ("b", day))))) == (("a", day), ("b", day))
    with pytest.raises(Misfit):
        reference.decoded({"day": "2024-05-06", "room": "a"})


@given(_JSON)
def test_json_is_kept_exactly_and_no_name_in_it_means_anything(value: Any) -> None:
    stored = json_to_document(value)
    _see_names(stored)
    found = json_to_value(_through_bson(stored))
    assert repr(_sorted(found)) == repr(_sorted(value))


@given(st.dictionaries(_NAMES, _NAMES, max_size=3), st.dictionaries(_NAMES, _NAMES, max_size=3))
def test_json_objects_have_one_form_each(one: dict[str, str], other: dict[str, str]) -> None:
    is_same = bson.encode({"v": json_to_document(one)}) == bson.encode({"v": json_to_document(other)})
    assert is_same is (one == other)


def _see_names(stored: Any) -> None:
    if isinstance(stored, dict):
        assert list(stored) == sorted(stored)
        for name, item in stored.items():
            assert name[:1] not in ("", "$")
            assert "." not in name
            _see_names(item)
    elif isinstance(stored, list):
        for item in stored:
            _see_names(item)


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return sorted((name, _sorted(item)) for name, item in value.items())
    return [_sorted(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    "kind, value",
    [
        (Kind.DECIMAL, Decimal("1." + "1" * 34)),
        (Kind.DECIMAL, Decimal("1E+7000")),
        (Kind.TIMEDELTA, timedelta.max),
    ],
)
def test_what_has_no_exact_form_is_refused_and_lies_between_its_neighbours(kind: Kind, value: Any) -> None:
    field = FieldSchema("f", kind)
    with pytest.raises(Misfit):
        codec_of(field).encoded(value)
    below, above = neighbours(field, value)
    number = value // timedelta(microseconds=1) if isinstance(value, timedelta) else value
    assert below.to_decimal() <= number <= above.to_decimal()


def test_native_dates_have_milliseconds() -> None:
    field = FieldSchema("f", Kind.DATETIME)
    codec = codec_of(field, options=MongoCollection(native_dates=True))
    moment = datetime(2024, 5, 6, 7, 8, 9, 123_000, tzinfo=UTC)
    assert codec.decoded(_through_bson(codec.encoded(moment))) == moment
    finer = moment.replace(microsecond=123_456)
    with pytest.raises(Misfit):
        codec.encoded(finer)
    assert neighbours(field, finer, native_dates=True) == (moment, moment + timedelta(milliseconds=1))
    last = datetime.max.replace(tzinfo=UTC)
    below, above = neighbours(field, last, native_dates=True)
    assert below < last <= above


@pytest.mark.parametrize(
    "kind, stored",
    [
        (Kind.INT, 1.5),
        (Kind.INT, "1"),
        (Kind.STR, 1),
        (Kind.BOOL, 1),
        (Kind.DATE, "yesterday"),
        (Kind.DATETIME, datetime(2024, 5, 6, tzinfo=UTC)),
        (Kind.DECIMAL, Decimal128("NaN")),
        (Kind.UUID, b"0123456789abcdef"),
        (Kind.JSON, {"a": [UUID(int=1)]}),
    ],
)
def test_what_a_field_never_holds_is_told(kind: Kind, stored: Any) -> None:
    with pytest.raises(Misfit):
        codec_of(FieldSchema("f", kind)).decoded(stored)


def test_numbers_other_programs_write_are_read() -> None:
    assert codec_of(FieldSchema("f", Kind.INT)).decoded(5.0) == 5
    assert codec_of(FieldSchema("f", Kind.FLOAT)).decoded(5) == 5.0
    assert codec_of(FieldSchema("f", Kind.DECIMAL)).decoded(5) == Decimal(5)
