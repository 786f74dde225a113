"""Annotations as other people's programs have them: aliases, classes that make more of their members, odd libraries."""

from __future__ import annotations

import dataclasses
from threading import Lock
from typing import Annotated, Any, TypeVar

import annotated_types
import attrs
import pydantic
import pytest
import typing_extensions
from typing_extensions import TypeAliasType

from holdall import Model, field
from holdall.errors import DeclarationError, ValidationError
from holdall.model import InlineSchemas, field_schema

T = TypeVar("T")
U = TypeVar("U")

Names = TypeAliasType("Names", list[str])
Perhaps = TypeAliasType("Perhaps", int | None)
Several = TypeAliasType("Several", list[T], type_params=(T,))
Table = TypeAliasType("Table", dict[U, list[T]], type_params=(T, U))
Same = TypeAliasType("Same", T, type_params=(T,))


def declared(annotation: Any) -> type[Any]:
    return type("Wild", (Model,), {"__annotations__": {"id": int, "v": annotation}, "id": field(pk=True)})


def back(annotation: Any, value: Any) -> Any:
    """The value as JSON, and as the store keeps it, give it back."""
    model = declared(annotation)
    record = model(id=1, v=value)
    made = model.from_json(record.to_json()).v
    kind = model.__holdall__.by_name["v"].type
    if value is not None and kind.encode is not None:
        assert kind.decode(kind.encode(value)) == value
    return made


@pytest.mark.parametrize(
    "annotation, meant, value",
    [
        (Names, list[str], ["a"]),
        (Perhaps, int | None, None),
        (list[Names], list[list[str]], [["a"]]),
        (dict[str, Perhaps], dict[str, int | None], {"a": None}),
        (tuple[Perhaps, Names], tuple[int | None, list[str]], (1, ["a"])),
        (Several[int], list[int], [1]),
        (Several[Perhaps], list[int | None], [None]),
        (Table[int, str], dict[str, list[int]], {"a": [1]}),
        (Same[str], str, "a"),
        (Names | None, list[str] | None, None),
    ],
)
def test_an_alias_is_what_it_stands_for(annotation: Any, meant: Any, value: Any) -> None:
    assert back(annotation, value) == value
    found, wanted = [
        field_schema(declared(each).__holdall__.by_name["v"], InlineSchemas()) for each in (annotation, meant)
    ]
    assert found == wanted
    assert found


@dataclasses.dataclass
class Aliased:
    names: Names
    table: Table[int, str] | None = None


def test_aliases_are_members_of_classes() -> None:
    value = Aliased(["a"], {"b": [1]})
    assert back(Aliased, value) == value
    with pytest.raises(ValidationError, match=r"v\.names\.0"):
        declared(Aliased).from_json('{"id": 1, "v": {"names": [1]}}')


class Leading:
    """An alias made by ``type``, of which the value has the alias in it, as no older Python can write one."""

    def __init__(self) -> None:
        self.__name__, self.__type_params__ = "Leading", ()
        self.__value__ = dict[str, self]  # type: ignore[valid-type]


def test_an_alias_that_leads_back_to_itself_is_refused() -> None:
    alias = type("TypeAliasType", (Leading,), {})()
    with pytest.raises(DeclarationError, match=r"Wild\.v: Leading is an alias that leads back to itself"):
        declared(alias)


@dataclasses.dataclass
class Made:
    number: int
    twice: int = dataclasses.field(init=False)
    note: str = dataclasses.field(init=False, default="")
    lock: Lock = dataclasses.field(init=False, default_factory=Lock, compare=False, repr=False)

    def __post_init__(self) -> None:
        self.twice = self.number * 2


@dataclasses.dataclass
class Labelled:
    labels: set[str]  # so that msgspec does not write it by itself
    note: str = dataclasses.field(init=False, default="")


@attrs.define
class Grown:
    number: int
    next: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.next = self.number + 1


@attrs.define
class Private:
    _number: int
    _more: int = 3
    other: int = attrs.field(default=0, alias="another")


def changed(value: Any, **members: Any) -> Any:
    for name, member in members.items():
        setattr(value, name, member)
    return value


@pytest.mark.parametrize(
    "value",
    [
        Made(2),
        changed(Made(2), twice=77, note="set later"),
        changed(Labelled({"a"}), note="set later"),
        changed(Grown(1), next=9),
        Private(number=1, more=9, another=2),
    ],
)
def test_members_that_the_constructor_does_not_take_by_their_name_are_kept(value: Any) -> None:
    assert back(type(value), value) == value


def test_members_without_init_may_be_left_out() -> None:
    model: Any = declared(Made)
    assert model.from_json('{"id": 1, "v": {"number": 4}}').v == Made(4)
    schema = field_schema(model.__holdall__.by_name["v"], InlineSchemas())
    assert schema["required"] == ["number"]
    assert set(schema["properties"]) == {"number", "twice", "note"}


@dataclasses.dataclass
class Counting:
    count: int

    def __post_init__(self) -> None:
        self.count += 1


@dataclasses.dataclass
class Seeded:
    seed: dataclasses.InitVar[int] = 3
    drawn: int = 0

    def __post_init__(self, seed: int) -> None:
        self.drawn = seed


@dataclasses.dataclass
class Demanding:
    seed: dataclasses.InitVar[int]


def _doubled(count: int) -> int:
    return count * 2


@attrs.define
class Doubled:
    count: int = attrs.field(converter=_doubled)
    labels: set[str] = attrs.field(factory=set)


@pytest.mark.parametrize("value", [Counting(1), Seeded(5), Doubled(1)])
def test_a_value_that_would_come_back_as_another_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError, match=r"v: must be what .* makes of its members"):
        declared(type(value))(id=1, v=value)


def test_a_parameter_that_must_be_given_and_is_not_kept_is_refused() -> None:
    with pytest.raises(DeclarationError, match=r"Demanding\.seed is an InitVar that must be given"):
        declared(Demanding)


class Excluding(pydantic.BaseModel):
    shown: int
    hidden: int = pydantic.Field(default=3, exclude=True)


class Tree(pydantic.BaseModel):
    name: str
    branches: list[Tree] = []


def test_what_pydantic_leaves_out_is_refused() -> None:
    with pytest.raises(DeclarationError, match=r"Excluding\.hidden is left out of its JSON"):
        declared(Excluding)
    with pytest.raises(DeclarationError, match=r"a Json of pydantic .* say what the JSON holds"):
        declared(pydantic.Json[list[int]])


def test_a_validator_that_changes_its_own_results_is_refused() -> None:
    model = declared(Annotated[int, pydantic.BeforeValidator(lambda number: number * 2)])
    with pytest.raises(DeclarationError, match="is read back as another value"):
        model(id=1, v=2)
    settled: Any = declared(Annotated[str, pydantic.AfterValidator(str.strip)])
    assert settled(id=1, v=" a ").v == "a"


def test_the_schema_of_a_class_that_nests_itself_says_what_it_has() -> None:
    found = field_schema(declared(Tree).__holdall__.by_name["v"], InlineSchemas())
    assert set(found["properties"]) == {"name", "branches"}
    assert found["properties"]["branches"]["items"] == {"type": "object", "title": "Tree"}


class Loose(typing_extensions.TypedDict):
    number: int
    text: typing_extensions.NotRequired[str]
    fixed: typing_extensions.ReadOnly[int]


def test_dicts_of_typing_extensions_are_those_of_typing() -> None:
    assert back(Loose, {"number": 1, "fixed": 2}) == {"number": 1, "fixed": 2}
    with pytest.raises(ValidationError, match=r"v\.fixed: is required"):
        declared(Loose)(id=1, v={"number": 1})


def test_several_rules_of_one_kind_all_stand_in_the_schema() -> None:
    def schema(*rules: Any) -> Any:
        return field_schema(declared(Annotated[str, *rules]).__holdall__.by_name["v"], InlineSchemas())

    found = schema(annotated_types.MinLen(2), annotated_types.MaxLen(5), annotated_types.MaxLen(9))
    assert found == {"type": "string", "minLength": 2, "maxLength": 5}
    found = schema(pydantic.Field(pattern="^a"), pydantic.Field(pattern="z$"))
    assert [found["pattern"], found["allOf"][0]["pattern"]] == [
        "^(?:(?s:.*)(?:^a)(?s:.*))$",
        "^(?:(?s:.*)(?:z$)(?s:.*))$",
    ]
