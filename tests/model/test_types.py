from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdall.errors import DeclarationError, FieldError, ValidationError
from holdall.model import JSON, Ge, Length, Model, OneOf, Pattern, field
from holdall.query import MAX_INT, FieldSchema, is_of_kind


class Colour(Enum):
    RED = "r"
    GREEN = "g"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Size(msgspec.Struct):
    width: int
    unit: str = "mm"


class Point(msgspec.Struct, frozen=True):
    x: float
    path: tuple[int, ...] = ()


@dataclass
class Address:
    street: str
    sizes: list[Size]


class Everything(Model):
    id: int = field(pk=True)
    flag: bool
    small: int = field(ge=-3, le=3)
    number: float
    amount: Decimal
    money: Decimal = field(digits=5, places=2)
    text: str
    code: Annotated[str, Pattern(r"[a-c]*"), Length(0, 4)]
    data: bytes
    moment: datetime
    day: date
    hour: time
    span: timedelta
    uid: UUID
    colour: Colour
    level: Level
    word: Literal["a", "b"]
    chosen: Annotated[int, OneOf.of([1, 2, 3])]
    names: list[str]
    pairs: tuple[int, str]
    many: tuple[date, ...]
    unordered: frozenset[int]
    table: dict[str, list[Decimal | None]]
    size: Size | None
    point: Point
    address: Address
    union: int | list[str]
    document: JSON


FIELDS = {made.name: made for made in Everything.__holdall__.stored}

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
int64 = st.integers(-MAX_INT, MAX_INT)
finite = st.floats(allow_nan=False, allow_infinity=False)
decimals = st.decimals(allow_nan=False, allow_infinity=False)
moments = st.datetimes(timezones=st.just(UTC))
sizes = st.builds(Size, int64, text)
documents = st.recursive(
    st.none() | st.booleans() | int64 | finite | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
RIGHT: dict[str, st.SearchStrategy[Any]] = {
    "id": int64,
    "flag": st.booleans(),
    "small": st.integers(-3, 3),
    "number": finite,
    "amount": decimals,
    "money": st.decimals(-999, 999, places=2),
    "text": text,
    "code": st.text("abc", max_size=4),
    "data": st.binary(max_size=8),
    "moment": moments,
    "day": st.dates(),
    "hour": st.times(),
    "span": st.timedeltas(),
    "uid": st.uuids(),
    "colour": st.sampled_from(Colour),
    "level": st.sampled_from(Level),
    "word": st.sampled_from(["a", "b"]),
    "chosen": st.integers(1, 3),
    "names": st.lists(text, max_size=3),
    "pairs": st.tuples(int64, text),
    "many": st.lists(st.dates(), max_size=3).map(tuple),
    "unordered": st.frozensets(int64, max_size=3),
    "table": st.dictionaries(text, st.lists(st.none() | decimals, max_size=2), max_size=2),
    "size": st.none() | sizes,
    "point": st.builds(Point, finite, st.lists(int64, max_size=2).map(tuple)),
    "address": st.builds(Address, text, st.lists(sizes, max_size=2)),
    "union": int64 | st.lists(text, max_size=2),
    "document": documents,
}
NAIVE = datetime(2020, 1, 1)  # noqa: DTZ001 - that is what is wrong with it
ODD: list[Any] = [
    None, True, 0, -4, 2**63, 1.0, math.nan, math.inf, "", "a", "\0", "\ud800", "a\n", b"", Decimal(1), Decimal("NaN"),
    Decimal("1.001"), NAIVE, NAIVE.replace(tzinfo=timezone(timedelta(hours=1))),
    datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))), date(2020, 1, 1), time(1), time(1, tzinfo=UTC),
    timedelta(1), UUID(int=1), Colour.RED, Level.LOW, [], ["a"], [1], (), (1, "a"), {}, {"a": [None]}, {1: 2},
    frozenset(), {1}, Size(1), msgspec.structs.replace(Size(1), width="x"), Point(math.nan), Address("a", []), object(),
]  # fmt: skip
anything = st.sampled_from(ODD) | st.one_of(
    *[RIGHT[name] for name in RIGHT if name not in ("document", "table", "address")]
)


def test_every_type_has_a_strategy() -> None:
    assert RIGHT.keys() == FIELDS.keys()


@pytest.mark.parametrize("name", FIELDS)
def test_right_values_pass_and_come_back_from_the_border(name: str) -> None:
    made = FIELDS[name]

    @settings(max_examples=25)
    @given(RIGHT[name])
    def holds(value: Any) -> None:
        errors: list[FieldError] = []
        validated = made.validate(value, errors)
        assert not errors
        assert validated == value
        border = made.encode(validated)
        assert border is None or is_of_kind(FieldSchema(name, made.kind), border)
        assert made.type is not None
        back = border if border is None or made.type.decode is None else made.type.decode(border)
        assert back == value
        assert type(back) is type(value)

    holds()


@pytest.mark.parametrize("name", FIELDS)
def test_fast_and_slow_path_agree(name: str) -> None:
    """What ``fast`` passes is validated unchanged; what ``validate`` changes or refuses is not ``fast``."""
    made = FIELDS[name]

    @settings(max_examples=40)
    @given(anything)
    def holds(value: Any) -> None:
        errors: list[FieldError] = []
        validated = made.validate(value, errors)
        if made.fast(value):
            assert not errors
            assert validated is value or (type(validated) is type(value) and validated == value)
        again: list[FieldError] = []
        if not errors:
            assert made.validate(validated, again) == validated
            assert not again

    holds()


@settings(max_examples=15)
@given(st.fixed_dictionaries(RIGHT))
def test_a_whole_record(values: dict[str, Any]) -> None:
    record = Everything(**values)
    assert {name: getattr(record, name) for name in values} == values
    codec = Everything.__holdall__.codec
    row = codec.reader(tuple(FIELDS))(record)
    (back,) = codec.records_from([row])
    assert back.fields == record.fields


@settings(max_examples=15)
@given(st.fixed_dictionaries(RIGHT), st.data())
def test_one_wrong_value_is_the_only_error(values: dict[str, Any], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(values)))
    wrong = data.draw(st.sampled_from([item for item in ODD if _is_wrong(name, item)]))
    record = Everything(**values)
    before = record.fields
    for act in (lambda: Everything(**{**values, name: wrong}), lambda: setattr(record, name, wrong)):
        with pytest.raises(ValidationError) as caught:
            act()
        assert {error.path.partition(".")[0] for error in caught.value.errors} == {name}
    assert record.fields == before


def _is_wrong(name: str, value: Any) -> bool:
    errors: list[FieldError] = []
    FIELDS[name].validate(value, errors)
    return bool(errors)


@pytest.mark.parametrize(
    "name,value,path,code",
    [
        ("flag", 1, "flag", "type"),
        ("id", True, "id", "type"),
        ("id", 2**63, "id", "range"),
        ("number", math.inf, "number", "range"),
        ("number", 10**400, "number", "range"),
        ("amount", Decimal("sNaN"), "amount", "range"),
        ("money", Decimal("1000"), "money", "digits"),
        ("money", Decimal("0.001"), "money", "digits"),
        ("text", "a\0", "text", "text"),
        ("text", "\ud800", "text", "text"),
        ("moment", NAIVE, "moment", "timezone"),
        ("moment", date(2020, 1, 1), "moment", "type"),
        ("day", datetime(2020, 1, 1, tzinfo=UTC), "day", "type"),
        ("hour", time(1, tzinfo=UTC), "hour", "timezone"),
        ("colour", "r", "colour", "one_of"),
        ("level", 1, "level", "one_of"),
        ("word", "c", "word", "one_of"),
        ("names", ("a",), "names", "type"),
        ("names", ["a", 1], "names.1", "type"),
        ("pairs", (1,), "pairs", "type"),
        ("pairs", (1, 2), "pairs.1", "type"),
        ("unordered", {1}, "unordered", "type"),
        ("table", {"a": [Decimal(1), 2.5]}, "table.a.1", "type"),
        ("table", {1: []}, "table.1", "type"),
        ("size", Size("x"), "size.width", "type"),  # type: ignore[arg-type]
        ("point", Point(math.nan), "point.x", "range"),
        ("address", Address("a", [Size(1), Size("x")]), "address.sizes.1.width", "type"),  # type: ignore[arg-type]
        ("address", Address("\0", []), "address.street", "text"),
        ("union", 1.5, "union", "type"),
        ("document", {"a": [1, object()]}, "document.a.1", "type"),
        ("document", {"a": {1: 2}}, "document.a", "type"),
        ("document", ["\0"], "document.0", "text"),
    ],
)
def test_wrong_values_with_their_paths(name: str, value: Any, path: str, code: str) -> None:
    errors: list[FieldError] = []
    FIELDS[name].validate(value, errors)
    assert [(error.path, error.code) for error in errors] == [(path, code)]


def test_values_are_adjusted_on_the_way_in() -> None:
    there = datetime(2020, 1, 1, 3, tzinfo=timezone(timedelta(hours=3)))
    assert FIELDS["moment"].validate(there, []).tzinfo is UTC
    assert FIELDS["moment"].validate(there, []) == there
    assert type(FIELDS["number"].validate(3, [])) is float
    assert type(FIELDS["id"].validate(Level.HIGH, [])) is int
    assert type(FIELDS["text"].validate(type("Text", (str,), {})("a"), [])) is str
    given_list = ["a"]
    assert FIELDS["names"].validate(given_list, []) is not given_list


def test_json_is_copied_and_bounded() -> None:
    document: dict[str, Any] = {"a": [1, (2, 3)]}
    validated = FIELDS["document"].validate(document, [])
    assert validated == {"a": [1, [2, 3]]}
    document["a"].append(4)
    assert validated == {"a": [1, [2, 3]]}
    deep: Any = 1
    for _ in range(10_000):
        deep = [deep]
    errors: list[FieldError] = []
    FIELDS["document"].validate(deep, errors)
    assert [error.code for error in errors] == ["depth"]


@given(
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**6), max_value=10**6),
    st.integers(1, 6),
    st.integers(0, 6),
)
def test_digits_and_places_are_those_of_numeric(value: Decimal, digits: int, places: int) -> None:
    if places > digits:
        return
    made = _field_of(Decimal, digits=digits, places=places)
    fits = value == round(value, places) and abs(value) < 10 ** (digits - places)
    assert made(value) is fits


def _field_of(annotation: Any, **options: Any) -> Callable[[Any], bool]:
    namespace = {"__annotations__": {"id": annotation}, "id": field(**options), "__module__": __name__}
    meta: Any = type(Model)
    model = meta("Made", (Model,), namespace)

    def accepts(value: Any) -> bool:
        errors: list[FieldError] = []
        model.__holdall__.by_name["id"].validate(value, errors)
        return not errors

    return accepts


def test_optional_rules_hold_for_values_only() -> None:
    accepts = _field_of(Annotated[int, Ge(3)] | None, default=None)
    assert accepts(None)
    assert accepts(3)
    assert not accepts(2)


class _Unknown:
    pass


@pytest.mark.parametrize(
    "annotation",
    [list, dict, set, set[list[int]], _Unknown, dict[int, str], complex, datetime | str, list[int] | tuple[int, ...],
     Literal["a", 1], Enum("Mixed", {"A": 1, "B": "b"}), Everything, list[_Unknown], int | Everything],
)  # fmt: skip
def test_annotations_that_mean_no_type_are_refused(annotation: Any) -> None:
    with pytest.raises(DeclarationError, match=r"Made\.id|Everything"):
        _field_of(annotation)
