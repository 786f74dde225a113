"""References inside values: which classes hold them, what stands in them, and which declarations are refused."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import dataclass, make_dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypedDict, cast

import attrs
import msgspec
import pydantic
import pytest

from holdall import Holdall, Many, Model, OnDelete, Ref, back, field
from holdall.errors import DeclarationError, QueryError, StateError, ValidationError
from holdall.model import Codec, Reference


class City(Model):
    id: int = field(pk=True)
    name: str = ""


@dataclass
class Plain:
    city: Ref[City]


@dataclass(frozen=True)
class Frozen:
    city: Ref[City]


class Struct(msgspec.Struct, frozen=True):
    city: Ref[City] = msgspec.field(name="town")


class Tuple(NamedTuple):
    city: Ref[City]


class Dict(TypedDict):
    city: Ref[City]


@attrs.frozen
class Attrs:
    city: Ref[City]


class Holder(Model):
    id: int = field(pk=True)
    plain: Plain | None = None
    frozen: Frozen | None = None
    struct: Struct | None = None
    tuple_: Tuple | None = None
    dict_: Dict | None = None
    attrs_: Attrs | None = None
    plains: list[Plain] = field(default_factory=list)
    tuples: tuple[Tuple, ...] = ()


PARIS = City(id=7, name="Paris")
NAMES = {"plain": Plain, "frozen": Frozen, "struct": Struct, "tuple_": Tuple, "dict_": Dict, "attrs_": Attrs}


def held(name: str, value: Any) -> Reference[City]:
    found = getattr(Holder(id=1, **{name: value}), name)
    return cast("Reference[City]", found["city"] if isinstance(found, dict) else found.city)


@pytest.mark.parametrize("name", NAMES)
def test_a_key_a_record_and_a_handle_become_a_handle(name: str) -> None:
    make: Any = NAMES[name]
    for given in (7, PARIS, held("plain", cast("Any", Plain)(7))):
        handle = held(name, make(city=given))
        assert type(handle) is Reference
        assert handle.key == 7
    assert held(name, make(city=PARIS)).name == "Paris"
    for wrong in ("seven", None, True, Holder(id=1)):
        with pytest.raises(ValidationError) as error:
            Holder(id=1, **{name: make(city=wrong)})
        assert error.value.errors[0].path == f"{name}.{'town' if name == 'struct' else 'city'}"


@pytest.mark.parametrize("name", NAMES)
def test_json_has_the_key(name: str) -> None:
    member = "town" if name == "struct" else "city"
    holder = Holder.from_dict({"id": 1, name: {member: 7}})
    assert msgspec.json.decode(holder.to_json())[name] == {member: 7}
    assert Holder.from_json(holder.to_json()).to_json() == holder.to_json()
    with pytest.raises(ValidationError, match=f"{name}.{member}"):
        Holder.from_dict({"id": 1, name: {member: "seven"}})


def test_an_object_stays_the_same() -> None:
    value = cast("Any", Plain)(7)
    holder = Holder(id=1, plain=value, plains=[value])
    assert holder.plain is value
    assert holder.plains[0] is value
    assert holder.get_children() == set()
    assert Holder(id=1, plain=cast("Any", Plain)(PARIS)).get_children() == {PARIS}


def test_copies_and_pickles_lead_to_the_same_record() -> None:
    holder = Holder(id=1, plain=cast("Any", Plain)(PARIS), tuples=(cast("Any", Tuple)(8),))
    copied = copy.deepcopy(holder)
    assert copied.plain is not holder.plain
    assert cast("Any", copied.plain).city.record is PARIS
    back_again = pickle.loads(pickle.dumps(holder))
    assert (back_again.plain.city.key, back_again.tuples[0].city.key) == (7, 8)
    assert not back_again.plain.city.loaded

    class Counted(Model):
        id: int = field(pk=True, generated=True)

    with pytest.raises(StateError, match="commit it before"):
        pickle.dumps(Reference(lambda: Counted, record=Counted()))


def test_places_have_names() -> None:
    nested = Holder.__holdall__.nested
    assert list(nested) == [
        "plain.city",
        "frozen.city",
        "struct.town",
        "tuple_.city",
        "dict_.city",
        "attrs_.city",
        "plains.city",
        "tuples.city",
    ]
    with pytest.raises(QueryError, match="has no 'town' inside"):
        print(cast("Any", Holder).plains.town)


class Other(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)
    id: int = 0


@dataclass
class Tree:
    city: Ref[City]
    branches: list[Tree]


@dataclass
class Two:
    city: Ref[City]
    kind: str = ""


class Timed(Model):
    id: datetime = field(pk=True)


@dataclass
class OfTimed:
    timed: Ref[Timed]


class Link(msgspec.Struct, rename="camel"):
    leads_to: Ref[Knot | None]
    count: int = 0


class Chain(msgspec.Struct, kw_only=True):
    links: list[Link] = []
    first: Link | None = None
    title: str


class Knot(Model):
    id: int = field(pk=True)
    link: Link
    chain: Chain
    led: Many[Knot] = back("link.leads_to")
    chained: Many[Knot] = back("chain.links.leadsTo")


def test_a_struct_may_refer_to_what_is_declared_later() -> None:
    assert list(Knot.__holdall__.nested) == ["link.leadsTo", "chain.links.leadsTo", "chain.first.leadsTo"]
    knot = Knot.from_json('{"id": 1, "link": {"leadsTo": 1}, "chain": {"title": "a", "links": [{"leadsTo": 2}]}}')
    assert (knot.link.leads_to.key, knot.link.count, knot.chain.links[0].leads_to.key) == (1, 0, 2)
    with pytest.raises(ValidationError) as error:
        Knot.from_json('{"id": 1, "link": {}, "chain": {}}')
    assert {each.path for each in error.value.errors} == {"link.leadsTo", "chain.title"}


@pytest.mark.anyio
async def test_attributes_and_names_in_json_lead_to_them() -> None:
    app = Holdall("knots")
    app.add_store("main", "memory:")
    app.add(Knot, store="main")
    of: Any = Knot
    async with app.session() as s:
        s.add(Knot(id=1, link=Link(None), chain=Chain(title="a")))
        s.add(Knot(id=2, link=Link(cast("Any", 1)), chain=Chain(title="b", links=[Link(cast("Any", 1))])))
    async with app.session() as s:
        for one, many in ((of.link.leads_to, of.chain.links.leads_to), (of.link.leadsTo, of.chain.links.leadsTo)):
            assert await s.query(Knot.where(one.id == 1, one == 1, many.any(Knot.id == 1)).only(Knot.id, one)) == [
                (2, 1)
            ]
            second = await s.require(Knot, 2)
            await s.load([second], one, many)
            assert second.link.leads_to.link.count == second.chain.links[0].leads_to.link.count == 0
        first = await s.require(Knot, 1)
        assert [each.id for each in await first.led] == [each.id for each in await first.chained] == [2]
        with pytest.raises(QueryError):
            print(of.link.leads.id)


def struct_of(annotation: Any) -> Any:
    return msgspec.defstruct("Holder", [("member", annotation)], module=__name__)


def dataclass_of(annotation: Any) -> Any:
    return make_dataclass("Holder", [("member", annotation)])


def refused(annotation: Any, **options: Any) -> Callable[[], Any]:
    def declare() -> Any:
        namespace = {"__annotations__": {"id": int, "value": annotation}, "id": field(pk=True), "__module__": __name__}
        if options:
            namespace["value"] = field(**options)
        meta: Any = type(Model)
        return meta("Refused", (Model,), namespace)

    return declare


@pytest.mark.parametrize(
    "declare, told",
    [
        (refused(dict[str, Plain]), "a dict have no path"),
        (refused(tuple[int, Plain]), "a tuple have no path"),
        (refused(set[Frozen]), "use list"),
        (refused(Plain | int), "one of several types"),
        (refused(list[Ref[City]]), "write Many"),
        (refused(tuple[Ref[City], int]), "any number of them"),
        (refused(tuple[Ref[City]]), "any number of them"),
        (refused(Ref[City] | int), "not one of several types"),
        *[
            (refused(make(told)), message)
            for told, message in (
                (Many[City], r"write list\[Ref"),
                (list[Many[City]], r"write list\[Ref"),
                (City, r"refer to it with Ref\[City\]"),
                (list[City], r"refer to it with Ref\[City\]"),
                (dict[str, City], r"refer to it with Ref\[City\]"),
            )
            for make in (struct_of, dataclass_of)
        ],
        (refused(Tree), "values of its own class"),
        (refused(list[Ref[City] | None]), "None belongs into the brackets"),
        (refused(Plain, coerce=True), "takes neither coerce"),
        (refused(int, on_delete=OnDelete.CASCADE), "on_delete belongs to a reference"),
        (
            refused(int, codec=Codec(int, Plain, encode=lambda value: value, decode=lambda kept: kept)),
            "keeps references",
        ),
    ],
)
def test_what_has_no_place_is_refused(declare: Callable[[], Any], told: str) -> None:
    with pytest.raises(DeclarationError, match=told):
        declare()


def bound(*models: Any) -> None:
    app = Holdall("refused")
    app.add_store("main", "memory:")
    app.add(*models, store="main")
    app.bindings.configure()


def test_rules_that_cannot_hold_are_refused() -> None:
    class Town(Model):
        id: int = field(pk=True)
        holders: Many[Bad] = back("value.town", on_delete=OnDelete.UNLINK)

    @dataclass
    class InTown:
        town: Ref[Town]

    class Bad(Model):
        id: int = field(pk=True)
        value: InTown

    with pytest.raises(DeclarationError, match="cannot be emptied"):
        bound(Town, Bad)


def test_another_end_that_is_one_record_is_refused() -> None:
    class Town(Model):
        id: int = field(pk=True)
        holder: Ref[Bad | None] = back("value.town")

    @dataclass
    class InTown:
        town: Ref[Town]

    class Bad(Model):
        id: int = field(pk=True)
        value: InTown

    with pytest.raises(DeclarationError, match=r"is a Many\[Bad\]"):
        bound(Town, Bad)


def test_a_path_that_leads_nowhere_is_refused() -> None:
    class Town(Model):
        id: int = field(pk=True)
        holders: Many[Holder] = back("plain.town")

    with pytest.raises(DeclarationError, match="has no reference"):
        bound(Town, City, Holder)


def test_keys_without_one_form_in_json_are_refused() -> None:
    class Bad(Model):
        id: int = field(pk=True)
        value: OfTimed

    with pytest.raises(DeclarationError, match="int, str, UUID and date"):
        bound(Timed, Bad)
