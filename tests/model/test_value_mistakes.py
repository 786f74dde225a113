"""Mistakes with own types: each is refused by name where it is made, or on the first value; no value is repeated."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field as data_field
from datetime import datetime
from decimal import Decimal
from ipaddress import IPv4Address
from typing import Annotated, Any, Literal, NamedTuple

import attrs
import msgspec
import pytest
from annotated_types import Interval, Predicate
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    SecretStr,
    StringConstraints,
    field_serializer,
    field_validator,
)

from holdall import Codec, Model, Ref, field, register_codec
from holdall.errors import DeclarationError, ValidationError
from tests.support.own_values import MONEY, Bag, Money, Phone, Span


class Plain:
    pass


class Other:
    def __init__(self, number: int) -> None:
        self.number = number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Other) and self.number == other.number

    __hash__ = None  # type: ignore[assignment]


class Account(BaseModel):
    name: str
    password: SecretStr


class Shown(Account):
    @field_serializer("password", when_used="json")
    def _whole(self, value: SecretStr) -> str:
        return value.get_secret_value()


class TwoNames(BaseModel):
    name: str = Field(validation_alias="given", serialization_alias="shown")


class Careful(BaseModel):
    model_config = ConfigDict(validate_default=True)
    low: int = Field(default=1, ge=0)
    inner: list[Annotated[str, Field(max_length=3)]] = []

    @field_validator("low")
    @classmethod
    def _even(cls, value: int) -> int:
        if value % 2 == 0 and value:
            raise ValueError("must be odd")
        return value


@dataclass
class Left:
    size: int


@dataclass
class Right:
    width: int


@dataclass
class Wide:
    kind: Literal["same"]


@dataclass
class Deep:
    price: Annotated[Money, MONEY]
    more: Deep | None = None
    names: list[Phone] = data_field(default_factory=list)


class Wider(Deep):
    pass


@attrs.define
class Strict:
    number: int = attrs.field(validator=attrs.validators.ge(3))


def declared(annotation: Any, **options: Any) -> Any:
    namespace = {
        "__annotations__": {"id": int, "value": annotation},
        "id": field(pk=True),
        "value": field(**options),
        "__module__": __name__,
    }
    meta: Any = type(Model)
    return meta("Made", (Model,), namespace)


def _lossy(**options: Any) -> Codec[Any, Any]:
    return Codec(Other, int, encode=lambda other: other.number // 10, decode=Other, **options)


DECLARED: list[tuple[Callable[[], Any], str]] = [
    (lambda: declared(Plain), "is not a field type.*Codec"),
    (lambda: declared(int, codec=MONEY), "keeps values of Money, which is not in the annotation"),
    (lambda: declared(Ref[Model], codec=MONEY), "not in the annotation"),
    (lambda: declared(Money, codec=MONEY, default=3), "the default must be a Money"),
    (lambda: declared(Bag, default=Bag()), "a mutable default would be shared"),
    (lambda: declared(Left, default=Left(1)), "a mutable default would be shared"),
    (lambda: declared(Money, codec=MONEY, pattern="a"), "a pattern is for text"),
    (lambda: declared(Money, codec=MONEY, ge=Money(1)), "cannot bound a int"),
    (lambda: declared(Money, codec=MONEY, generated=True), "generated makes plain values"),
    (lambda: declared(Money, codec=MONEY, version=True), "version makes plain values"),
    (lambda: declared(set[Left]), "what can be changed in place cannot be in a set"),
    (lambda: declared(frozenset[Bag]), "cannot be in a frozenset"),
    (lambda: declared(dict[Bag, int]), "keys of a dict must be text"),
    (lambda: declared(Left | Right), "look alike|could not be told apart|more than one"),
    (lambda: declared(Wide | Deep), "could not be told apart"),
    (lambda: declared(IPv4Address | str), "kept as a string"),
    (lambda: declared(TwoNames), "TwoNames.name is shown under another name than it is given"),
    (lambda: Codec(Other, int | None, encode=lambda other: None, decode=lambda kept: Other(1)), None),  # type: ignore[list-item, arg-type]
    (lambda: _lossy(example=Other(15)), "the codec of Other loses something: decode makes another Other"),
    (lambda: _lossy(example=3), "an example that is no Other"),
    (lambda: Codec(Other, int, encode=lambda other: other.number, decode=lambda kept: 1 // 0, example=Other(1)),
     "decode refuses what encode gave .ZeroDivisionError"),
    (lambda: Codec(Other, int, encode=lambda other: 1 // 0, decode=Other, example=Other(1)), "cannot encode"),
    (lambda: Codec(Other, int, encode=lambda other: other.number, decode=Other, to_json=str), "without from_json"),
    (lambda: Codec(Other, int, encode=lambda other: other.number, decode=Other, from_json=Other), "without to_json"),
    (lambda: Codec(Other, int, encode=lambda other: other.number, decode=Other, to_json=str, from_json=Other),
     "give its JSON Schema"),
    (lambda: Codec(Other, int, encode=1, decode=Other), "takes functions"),  # type: ignore[arg-type]
    (lambda: register_codec(Codec(Phone, str, encode=str, decode=Phone)), "Phone has a codec already"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(DECLARED)))
def test_refused_where_it_is_declared(number: int) -> None:
    make, message = DECLARED[number]
    if message is None:
        made = make()
        with pytest.raises(DeclarationError, match="keeps a value as None"):
            declared(Other, codec=made)
        return
    with pytest.raises(DeclarationError, match=message):
        make()


def test_a_codec_that_loses_something_is_found_by_the_first_value() -> None:
    """The planted fault: without this look, 15 would be kept as 1 and come back as another value."""
    model = declared(Other, codec=_lossy())
    with pytest.raises(DeclarationError, match="the codec of Other loses something"):
        model(id=1, value=Other(15))
    with pytest.raises(DeclarationError, match="Account does not come back from its JSON as it was"):
        declared(Account)(id=1, value=Account(name="a", password=SecretStr("s")))
    assert declared(Shown)(id=1, value=Shown(name="a", password=SecretStr("s"))).value.password == SecretStr("s")


def _errors(make: Callable[[], Any]) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as caught:
        make()
    assert "s3cret" not in str(caught.value)
    return sorted((error.path, error.code) for error in caught.value.errors)


def _changed(value: Any, **members: Any) -> Any:
    for name, member in members.items():
        object.__setattr__(value, name, member)
    return value


VALUES: list[tuple[Any, Any, list[tuple[str, str]]]] = [
    (Annotated[Money, MONEY], "s3cret", [("value", "type")]),
    (Annotated[Money, MONEY], Money(2**70), [("value", "range")]),
    (Annotated[Money, MONEY], Money("s3cret"), [("value", "type")]),  # type: ignore[arg-type]
    (Phone, Phone("1" * 21), [("value", "length")]),
    (Phone, Phone("\0"), [("value", "text")]),
    (list[Phone], [Phone("1" * 21), "s3cret", Phone("2"), None],
     [("value.0", "length"), ("value.1", "type"), ("value.3", "type")]),
    (Deep, Deep("s3cret", Deep(Money(1), 3, [Phone("1" * 30)]), [Phone("\0"), 4]),  # type: ignore[arg-type, list-item]
     [("value.more.more", "type"), ("value.more.names.0", "length"), ("value.names.0", "text"),
      ("value.names.1", "type"), ("value.price", "type")]),
    (Deep, Wider(Money(1)), [("value", "type")]),
    (Span, Span("s3cret", 2**70), [("value.end", "range"), ("value.start", "type")]),  # type: ignore[arg-type]
    (Span, (1, 2), [("value", "type")]),
    (Strict, _changed(Strict(3), number="s3cret"), [("value.number", "type")]),
    (Careful, _changed(Careful(), low="s3cret", inner=["long s3cret", 4]),
     [("value.inner.0", "string_too_long"), ("value.inner.1", "string_type"), ("value.low", "int_parsing")]),
    (Careful, {"low": 1}, [("value", "type")]),
    (Careful, Careful.model_construct(low=2), [("value.low", "value_error")]),
    (SecretStr, "s3cret", [("value", "type")]),
    (HttpUrl, "https://example.org/s3cret", [("value", "type")]),
    (Annotated[str, StringConstraints(to_lower=True, max_length=3)], "ABCD", [("value", "string_too_long")]),
    (Annotated[str, StringConstraints(pattern="^b", max_length=3)], "abc", [("value", "pattern")]),
    (Annotated[int, Interval(ge=1, lt=5)], 5, [("value", "lt")]),
    (Annotated[int, msgspec.Meta(multiple_of=5, ge=0)], -7, [("value", "ge"), ("value", "multiple_of")]),
    (Annotated[str, msgspec.Meta(pattern="b$", max_length=2)], "abc", [("value", "length"), ("value", "pattern")]),
    (Annotated[str, Predicate(str.islower)], "A", [("value", "predicate")]),
    (Annotated[Decimal, Field(gt=0, max_digits=3)], Decimal("-12.345"), [("value", "digits"), ("value", "gt")]),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(VALUES)))
def test_wrong_values_are_refused_with_all_their_paths(number: int) -> None:
    annotation, value, expected = VALUES[number]
    found = _errors(lambda: declared(annotation)(id=1, value=value))
    assert {path for path, _ in found} == {path for path, _ in expected}
    if len(expected) == len(found):
        assert found == expected


def test_a_record_keeps_its_value_where_another_is_refused() -> None:
    record = declared(Deep)(id=1, value=(first := Deep(Money(1))))
    with pytest.raises(ValidationError):
        record.value = Deep(Money(2**70))
    assert record.value is first


def test_a_value_that_holds_itself_is_refused() -> None:
    circle = Deep(Money(1))
    circle.more = circle
    assert ("value", "depth") in [
        (path[:5], code) for path, code in _errors(lambda: declared(Deep)(id=1, value=circle))
    ]


def test_a_secret_is_not_written_out() -> None:
    codec = Codec(Money, int, encode=lambda money: money.cents, decode=Money, secret=True)
    record = declared(Money | None, codec=codec)(id=1, value=Money(12345))
    assert "12345" not in repr(record) + record.to_json()
    assert "**********" in repr(record)
    assert "value=None" in repr(declared(Money | None, codec=codec, default=None)(id=1))


def test_rules_speak_of_what_is_kept() -> None:
    model = declared(Money, codec=MONEY, ge=10, one_of=[10, 20])
    assert model(id=1, value=Money(20)).value == Money(20)
    assert _errors(lambda: model(id=1, value=Money(5))) == [("value", "ge"), ("value", "one_of")]


def test_a_field_may_have_another_codec_than_the_class() -> None:
    by_digits = Codec(Phone, int, encode=int, decode=lambda kept: Phone(str(kept)))
    model = declared(list[Phone], codec=by_digits)
    assert model.__holdall__.by_name["value"].encode([Phone("123")]) == [123]
    assert declared(list[Phone]).__holdall__.by_name["value"].encode([Phone("123")]) == ["123"]


def test_coerced_values_are_read_as_their_json() -> None:
    model = declared(IPv4Address, coerce=True)
    assert model(id=1, value="10.0.0.1").value == IPv4Address("10.0.0.1")
    assert model(id=1, value=IPv4Address("10.0.0.1")).value == IPv4Address("10.0.0.1")
    assert _errors(lambda: model(id=1, value="s3cret")) == [("value", "type")]


def test_classes_whose_annotations_are_elsewhere_are_named() -> None:
    class Hidden(NamedTuple):
        when: Nowhere  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(DeclarationError, match="Hidden: 'Nowhere' in its annotations"):
        declared(Hidden)


def test_no_library_is_imported_that_no_value_needs() -> None:
    program = (
        "import sys; from holdall import Model, field\n"
        "class Book(Model):\n    id: int = field(pk=True)\n    tags: list[str]\n"
        "Book(id=1, tags=[])\n"
        "print(sorted({'pydantic', 'attrs', 'zoneinfo', 'fractions', 'annotated_types'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_moments_inside_are_equal_by_their_instant() -> None:
    @dataclass
    class Event:
        at: datetime

    model = declared(Event)
    with pytest.raises(ValidationError, match="value"):
        model(id=1, value=Event(datetime(2020, 1, 1)))  # noqa: DTZ001
