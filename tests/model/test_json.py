from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdall.errors import ValidationError
from holdall.model import JSON, Many, Model, Ref, computed, decode_text, field
from tests.model.test_types import FIELDS, RIGHT, Everything
from tests.support.session_without_store import made


class Kind(Enum):
    A = 1
    B = 2


class Size(msgspec.Struct, forbid_unknown_fields=True):
    width: int
    unit: str = "mm"


class Seat(Model):
    row: str = field(pk=True)
    number: int = field(pk=True)


class Item(Model):
    id: int = field(pk=True, generated=True)
    name: str = field(length=(1, 5))
    kind: Kind = Kind.A
    price: Decimal | None = None
    uid: UUID | None = None
    data: bytes = b""
    when: datetime | None = None
    size: Size | None = None
    sizes: dict[str, list[Size]] = field(default_factory=dict)
    loose: int = field(default=0, coerce=True)
    free: JSON = None
    seat: Ref[Seat | None] = field(default=None)
    others: Many[Item] = field(default=())
    token: str = field(default="t", init=False)
    version: int = field(version=True)

    @computed
    def label(self) -> str:
        return self.name.upper()


INPUT, OUTPUT = Item.__holdall__.json_input, Item.__holdall__.json_output


def errors_of(call: Any, value: Any) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        call(value)
    return {error.path: error.code for error in caught.value.errors}


def test_a_right_body() -> None:
    body = {
        "name": "x", "kind": 2, "price": "1.50", "uid": str(UUID(int=1)), "data": "aGk=",
        "when": "2020-01-01T00:00:00+01:00", "size": {"width": 1}, "sizes": {"a": [{"width": 2, "unit": "m"}]},
        "loose": "7", "free": [1, {"a": None}],
        "seat": ["A", 3], "others": [4, 5],
    }  # fmt: skip
    for item in (INPUT.create(msgspec.json.encode(body)), INPUT.create_from(body)):
        assert (item.name, item.kind, item.price, item.uid) == ("x", Kind.B, Decimal("1.50"), UUID(int=1))
        assert (item.data, item.when) == (b"hi", datetime(2019, 12, 31, 23, tzinfo=UTC))
        assert (item.size, item.sizes, item.loose) == (Size(1), {"a": [Size(2, "m")]}, 7)
        assert (item.seat.key, item.others.keys, item.id, item.version) == (("A", 3), (4, 5), None, None)


def test_everything_that_is_wrong_is_named() -> None:
    body = {
        "id": 1, "kind": 3, "price": "x", "uid": "x", "data": "?",
        "when": "2020-01-01T00:00:00", "size": {"unit": 1, "z": 1},
        "sizes": {"a": [{"width": 1}, {"width": "1"}, 3]}, "loose": "x", "free": "\0", "seat": ["A"], "others": [1,
        "x"],
        "token": "x", "version": 1, "nothing": 1,
    }  # fmt: skip
    wanted = {
        "id": "generated", "name": "required", "kind": "one_of", "price": "type", "uid": "type", "data": "type",
        "when": "timezone", "size.unit": "type", "size.width": "required", "size.z": "unknown",
        "sizes.a.1.width": "type", "sizes.a.2": "type", "loose": "type", "free": "text", "seat": "type",
        "others.1": "type", "token": "init", "version": "generated", "nothing": "unknown",
    }  # fmt: skip
    assert errors_of(INPUT.create, msgspec.json.encode(body)) == errors_of(INPUT.create_from, body) == wanted
    del wanted["name"]
    assert errors_of(INPUT.values, msgspec.json.encode(body)) == errors_of(INPUT.values_from, body) == wanted


@pytest.mark.parametrize(
    "body",
    [b"", b"[", b"[]", b"1", b"[" * 100_000, b'{"free":' * 10_000, b"\xff", b'{"name":"\\ud800"}', b'{"name":NaN}',
     b'{"loose":1e999}', b'{"name":null}', b'{"name":""}', b'{"name":"x","loose":9223372036854775808}'],
)  # fmt: skip
def test_bad_bodies_are_validation_errors(body: bytes) -> None:
    errors_of(INPUT.create, body)


def test_values_for_an_existing_record() -> None:
    assert INPUT.values(b'{"name":"y","seat":null,"others":[1]}') == {"name": "y", "seat": None, "others": (1,)}
    assert INPUT.values(b"{}") == {}
    assert errors_of(INPUT.values, b'{"name":"toolong"}') == {"name": "length"}


@pytest.mark.parametrize(
    "name,text,value",
    [
        ("name", "null", "null"),
        ("kind", "2", Kind.B),
        ("price", "1.5", Decimal("1.5")),
        ("when", "2020-01-01T00:00:00Z", datetime(2020, 1, 1, tzinfo=UTC)),
        ("seat", '["A", 3]', ("A", 3)),
        ("size", '{"width": 3}', Size(3)),
        ("loose", "3", 3),
        ("id", "3", 3),
    ],
)
def test_text(name: str, text: str, value: Any) -> None:
    assert decode_text(Item.__holdall__.by_name[name], text) == value


@pytest.mark.parametrize(
    "name,text",
    [("kind", "3"), ("kind", "a"), ("price", "NaN"), ("when", "2020-01-01T00:00:00"), ("id", "null"),
     ("id", str(2**63)),
     ("id", "1.5"), ("seat", "A"), ("name", "\0"), ("name", "toolong"), ("size", "[" * 100_000), ("uid", "1")],
)  # fmt: skip
def test_wrong_text(name: str, text: str) -> None:
    with pytest.raises(ValidationError):
        decode_text(Item.__holdall__.by_name[name], text)


def test_keys_as_text() -> None:
    assert INPUT.key(["3"]) == 3
    assert Seat.__holdall__.json_input.key(["A", "3"]) == ("A", 3)
    assert errors_of(Seat.__holdall__.json_input.key, ["A"]) == {"key": "type"}
    assert errors_of(Seat.__holdall__.json_input.key, ["A", "x"]) == {"number": "type"}


def test_output() -> None:
    item = made(Item, name="x", seat=Seat(row="A", number=3), others=[1, made(Item, id=2, name="y")], size=Size(1))
    shown = OUTPUT.builtins(item)
    assert (shown["label"], shown["seat"], shown["others"], shown["size"]) == (
        "X",
        ["A", 3],
        [1, 2],
        {"width": 1, "unit": "mm"},
    )
    assert list(shown) == [*(made.name for made in Item.__holdall__.stored), "label"]
    assert OUTPUT.encode([item, item], ["label", "id"]) == b'[{"id":null,"label":"X"},{"id":null,"label":"X"}]'
    assert OUTPUT.encode_one(item, ["name"]) == b'{"name":"x"}'
    assert Seat.__holdall__.json_output.encode([Seat(row="A", number=3)]) == b'[{"row":"A","number":3}]'


@settings(max_examples=15)
@given(st.fixed_dictionaries(RIGHT))
def test_what_is_written_is_read_again(values: dict[str, Any]) -> None:
    declaration = Everything.__holdall__
    record = Everything(**values)
    body = declaration.json_output.encode_one(record)
    assert declaration.json_input.create(body).fields == record.fields
    assert declaration.json_input.create_from(msgspec.json.decode(body)).fields == record.fields
    assert list(msgspec.json.decode(body)) == list(FIELDS)


def test_stored_values_the_model_does_not_know_are_named() -> None:
    codec = Item.__holdall__.codec
    row = codec.reader(tuple(made.name for made in Item.__holdall__.stored))(made(Item, id=1, name="x", others=[3]))
    assert [Item.__holdall__.key_of(record) for record in codec.records_from(iter([row]))] == [1]
    wrong = [value if number != 2 else 9 for number, value in enumerate(row)]
    with pytest.raises(ValidationError) as caught:
        codec.records_from([row, wrong])
    assert [(error.path, error.code) for error in caught.value.errors] == [("kind", "stored")]
