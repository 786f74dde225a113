"""Classes of every kind with members of any type, made at random: what they hold comes back, what is wrong is found."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from ipaddress import IPv4Address
from pathlib import Path
from types import new_class
from typing import Annotated, Any, NamedTuple, TypedDict

import attrs
import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ConfigDict, create_model

from holdall import Model, field
from holdall.errors import FieldError
from tests.support.own_values import MONEY, Colour, Money, Phone, Size, Span, money, paths, phones, sizes, spans, text

_DAY = datetime(2020, 1, 1, tzinfo=UTC)
LEAVES: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (int, st.integers(-(10**9), 10**9)),
    (str, text),
    (bool, st.booleans()),
    (float, st.integers(-9, 9).map(lambda number: number / 2)),
    (Decimal, st.decimals(-99, 99, places=2)),
    (date, st.dates()),
    (datetime, st.integers(0, 10**6).map(lambda number: _DAY.replace(microsecond=number % 10**6))),
    (bytes, st.binary(max_size=3)),
    (Colour, st.sampled_from(Colour)),
    (IPv4Address, st.ip_addresses(v=4)),
    (Path, paths),
]
OWN: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (Annotated[Money, MONEY], money),
    (Phone, phones),
    (Size, sizes),
    (Span, spans),
    (set[Path], st.sets(paths, max_size=2)),
]


_LIST: Any = list
_DICT: Any = dict
_TUPLE: Any = tuple


def _held(inner: tuple[Any, st.SearchStrategy[Any]]) -> st.SearchStrategy[tuple[Any, st.SearchStrategy[Any]]]:
    annotation, values = inner
    ways: list[tuple[Any, st.SearchStrategy[Any]]] = [
        (annotation, values),
        (annotation | None, st.none() | values),
        (_LIST[annotation], st.lists(values, max_size=2)),
        (_DICT[str, annotation], st.dictionaries(text, values, max_size=2)),
        (_TUPLE[annotation, ...], st.lists(values, max_size=2).map(tuple)),
    ]
    return st.sampled_from(ways)


of_any_library = st.sampled_from(LEAVES).flatmap(_held)  # types that pydantic knows, too
of_any_type = st.sampled_from([*LEAVES, *OWN]).flatmap(_held)
names = st.sampled_from(["a", "b", "name", "kind", "items", "x_1"])


def _struct(members: dict[str, Any], frozen: bool) -> Any:
    return msgspec.defstruct("Made", list(members.items()), kw_only=True, frozen=frozen, rename="camel")


def _dataclass(members: dict[str, Any], frozen: bool) -> Any:
    return dataclasses.make_dataclass("Made", list(members.items()), frozen=frozen, kw_only=True)


def _attrs(members: dict[str, Any], frozen: bool) -> Any:
    made = attrs.make_class("Made", {name: attrs.field(type=kind) for name, kind in members.items()}, frozen=frozen)
    made.__annotations__ = members
    return made


def _named_tuple(members: dict[str, Any], frozen: bool) -> Any:
    functional: Any = NamedTuple
    return functional("Made", list(members.items()))


def _typed_dict(members: dict[str, Any], frozen: bool) -> Any:
    return new_class("Made", (TypedDict,), {"total": not frozen}, lambda body: body.update(__annotations__=members))


def _pydantic(members: dict[str, Any], frozen: bool) -> Any:
    config = ConfigDict(frozen=frozen, ser_json_bytes="base64", val_json_bytes="base64")
    make: Any = create_model
    return make("Made", __config__=config, **{name: (kind, ...) for name, kind in members.items()})


KINDS: list[Callable[[dict[str, Any], bool], Any]] = [_struct, _dataclass, _attrs, _named_tuple, _typed_dict]
classes = st.one_of(
    st.tuples(st.sampled_from(KINDS), st.dictionaries(names, of_any_type, min_size=1, max_size=4), st.booleans()),
    st.tuples(st.just(_pydantic), st.dictionaries(names, of_any_library, min_size=1, max_size=4), st.booleans()),
)


def declared(annotation: Any) -> Any:
    meta: Any = type(Model)
    namespace = {"__annotations__": {"id": int, "value": annotation}, "id": field(pk=True), "__module__": __name__}
    return meta("Holder", (Model,), namespace)


@settings(max_examples=50)
@given(st.data(), classes, st.sampled_from([lambda kind: kind, lambda kind: _LIST[kind], lambda kind: kind | None]))
def test_every_class_comes_back(data: st.DataObject, drawn: Any, around: Callable[[Any], Any]) -> None:
    make, members, frozen = drawn
    kind = make({name: annotation for name, (annotation, _) in members.items()}, frozen)
    value = kind(**{name: data.draw(values) for name, (_, values) in members.items()})
    model = declared(around(kind))
    given_value = [value, value] if around(int) == list[int] else value
    record = model(id=1, value=given_value)
    held = model.__holdall__.by_name["value"]
    border = held.encode(record.value)
    assert msgspec.json.decode(msgspec.json.encode(border)) == border
    assert held.type.decode(border) == given_value
    for again in (model.from_json(record.to_json()), model.from_dict(record.to_dict())):
        assert (again.value, held.encode(again.value)) == (given_value, border)


@settings(max_examples=40)
@given(st.data(), classes)
def test_one_wrong_member_is_the_only_error(data: st.DataObject, drawn: Any) -> None:
    make, members, frozen = drawn
    kind = make({name: annotation for name, (annotation, _) in members.items()}, frozen)
    values = {name: data.draw(values) for name, (_, values) in members.items()}
    wrong = data.draw(st.sampled_from(sorted(values)))
    held = declared(kind).__holdall__.by_name["value"]
    build = kind.model_construct if make is _pydantic else kind
    errors: list[FieldError] = []
    held.validate(build(**values | {wrong: _Wrong()}), errors)
    assert {error.path.split(".")[0] for error in errors} == {"value"}
    if make is not _pydantic:  # whose serializer gives up on the whole
        shown = {"x_1": "x1"}.get(wrong, wrong) if make is _struct else wrong
        assert {error.path for error in errors} == {f"value.{shown}"}


class _Wrong:
    """No value of any type."""
