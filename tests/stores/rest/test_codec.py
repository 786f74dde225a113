"""Values of answers: completed where their field says how, refused by place where they are wrong."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from holdall.query import FieldSchema, Kind, ManyForm, Schema
from holdall.stores.rest.codec import Misfit, RecordCodec, corrupt

_MOMENT = FieldSchema("moment", Kind.DATETIME)
_STEP = FieldSchema("step", Kind.INT)
_SCHEMA = Schema(
    "thing",
    (
        FieldSchema("id", Kind.INT),
        FieldSchema("name", Kind.STR, nullable=True),
        FieldSchema("title", Kind.STR, nullable=True),
        FieldSchema("price", Kind.DECIMAL, nullable=True, places=2),
        FieldSchema("level", Kind.INT, nullable=True, choices=(1, 2)),
        FieldSchema("data", Kind.JSON, nullable=True),
        FieldSchema("shift", Kind.REF, nullable=True, target="shift", target_key=(_MOMENT,)),
        FieldSchema("turn", Kind.REF, nullable=True, target="turn", target_key=(_MOMENT, _STEP)),
        FieldSchema("shifts", Kind.MANY, nullable=True, target="shift", target_key=(_MOMENT,), form=ManyForm.LIST),
    ),
    ("id",),
)
_CODEC = RecordCodec(_SCHEMA, {}, frozenset())
_NOON, _AS_WRITTEN = dt.datetime(2024, 5, 6, 12, tzinfo=dt.UTC), "2024-05-06T14:00:00+02:00"


def read(**given: object) -> dict[str, Any]:
    """A record of the answer, by name."""
    record = dict.fromkeys(_SCHEMA.by_name) | {"id": 1} | given
    body = msgspec.json.encode([record])
    items = msgspec.json.decode(body, type=list[_CODEC.item_type])  # type: ignore[name-defined]
    (row,) = _CODEC.rows(items, body, "[{}].")
    return dict(zip(_SCHEMA.by_name, row, strict=True))


@pytest.mark.parametrize(
    "name, given, value",
    [
        ("price", "1.50", Decimal("1.50")),
        ("price", "1.500", Decimal("1.500")),
        ("level", 2, 2),
        ("data", {"a": [1, None]}, {"a": [1, None]}),
        ("shift", _AS_WRITTEN, _NOON),
        ("turn", [_AS_WRITTEN, 3], (_NOON, 3)),
        ("shifts", [_AS_WRITTEN, _AS_WRITTEN], (_NOON, _NOON)),
    ],
)
def test_a_value_is_completed(name: str, given: object, value: object) -> None:
    assert read(**{name: given})[name] == value


@pytest.mark.parametrize(
    "name, given, told",
    [
        ("price", "NaN", "not a finite number"),
        ("price", "1E+2000", "too many digits"),
        ("price", "1.505", "more than 2 digits after the point"),
        ("level", 3, "not one of the field's choices"),
        ("data", {"a": 2**70}, "a number or a text that is not taken"),
        ("data", {"a": "x\0"}, "a number or a text that is not taken"),
        ("shift", "0001-01-01T00:00:00+01:00", "outside the years 1 to 9999"),
        ("turn", ["0001-01-01T00:00:00+01:00", 3], "outside the years 1 to 9999"),
    ],
)
def test_a_value_is_refused_by_its_place(name: str, given: object, told: str) -> None:
    with pytest.raises(Misfit, match=told) as refused:
        read(**{name: given})
    assert refused.value.place == f"[0].{name}"


def test_a_nul_is_found_in_the_field_that_has_it() -> None:
    with pytest.raises(Misfit, match="a NUL character") as refused:
        read(name="right", title="wr\0ng")
    assert refused.value.place == "[0].title"
    assert read(name="right", data=r"\u0000")["name"] == "right"


def test_an_answer_is_told_by_its_place_and_not_by_its_content() -> None:
    told = [
        str(corrupt("api", "GET /things", error))
        for error in (Misfit("it is not a number", "the total"), RecursionError(), ValueError("secret"))
    ]
    for sentence, part in zip(told, ["the total", "nested too deeply", "not JSON"], strict=True):
        assert "GET /things" in sentence
        assert part in sentence
        assert "secret" not in sentence
