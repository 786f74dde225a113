"""Records as dicts and as JSON: every kind of field comes back, with the options that choose."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdall import Everyone, Holdall, Many, Model, Nobody, Policy, Ref, User, back, computed, field
from holdall.errors import NotLoaded, QueryError, ValidationError
from holdall.model import Fill
from tests.model.test_types import RIGHT, Everything

pytestmark = pytest.mark.anyio


class Country(Model):
    code: str = field(pk=True)
    cities: Many[City] = back("country")


class City(Model):
    id: int = field(pk=True, generated=True)
    name: str
    country: Ref[Country | None] = field(default=None)
    twins: Many[City] = field(default=())
    price: Decimal = Decimal(0)
    tags: list[str] = field(default_factory=list)
    token: str = field(default="t", init=False)
    made: datetime = field(auto_now="create")
    version: int = field(version=True)

    @computed
    def label(self) -> str:
        return self.name.upper()


@settings(max_examples=25)
@given(st.fixed_dictionaries(RIGHT))
def test_every_kind_comes_back(values: dict[str, Any]) -> None:
    record = Everything(**values)
    dicts = record.to_dict()
    assert dicts == record.fields
    for back_again in (
        Everything.from_dict(dicts),
        Everything.from_json(record.to_json()),
        Everything.from_json(record.to_json().encode(), stored=True),
        Everything.from_dict(json.loads(record.to_json()), stored=True),
        Everything.from_json(record.to_json(exclude_unset=True)),
    ):
        assert back_again.fields == record.fields


@pytest.fixture
async def app() -> Any:
    app = Holdall("forms")
    app.add_store("main", "memory:")
    app.add(Country, City, store="main")
    async with app.session() as session:
        france = session.add(Country(code="FR"))
        nice = session.add(City(name="Nice"))
        session.add(City(name="Paris", country=france, twins=[nice], price=Decimal("2.50"), tags=["a"]))
    yield app
    await app.close()


async def test_stored_records_come_back_whole(app: Holdall) -> None:
    async with app.session() as session:
        paris = await session.one(City.where(City.name == "Paris"))
        shown = paris.to_dict()
        assert (shown["id"], shown["version"], shown["country"], shown["twins"]) == (2, 1, "FR", (1,))
        assert isinstance(shown["made"], datetime)
        shown["tags"].append("b")
        assert paris.tags == ["a"]
        for again in (City.from_json(paris.to_json(), stored=True), City.from_dict(paris.to_dict(), stored=True)):
            assert again.to_dict() == paris.to_dict()
            assert again is not paris
        with pytest.raises(ValidationError) as caught:
            City.from_dict(paris.to_dict(fields=["id", "name", "label", "token", "made", "version"]))
        assert sorted((error.path, error.code) for error in caught.value.errors) == [
            ("id", "generated"), ("label", "unknown"), ("made", "generated"), ("token", "init"),
            ("version", "generated"),
        ]  # fmt: skip


async def test_what_is_chosen(app: Holdall) -> None:
    async with app.session() as session:
        paris = await session.one(City.where(City.name == "Paris"))
        assert paris.to_dict(fields=["label", City.name, "id"]) == {"id": 2, "name": "Paris", "label": "PARIS"}
        assert paris.to_json(fields=[City.price, "tags"]) == '{"price":"2.50","tags":["a"]}'
        with pytest.raises(NotLoaded, match=r"City\.country is not loaded"):
            paris.to_dict(include=[City.country])
        await session.load(paris, City.country, City.twins)
        assert paris.to_dict(fields=["id"], include=["country"]) == {"id": 2, "country": {"code": "FR"}}
        found = json.loads(paris.to_json(include=[City.twins, City.country], fields=["name"]))
        assert (found["country"], found["twins"][0]["name"], found["twins"][0]["country"]) == (
            {"code": "FR"},
            "Nice",
            None,
        )
        france = paris.country.record
        assert france is not None
        with pytest.raises(NotLoaded, match=r"Country\.cities is not loaded"):
            france.to_dict(include=["cities"])
        await session.load(france, Country.cities)
        assert france.to_dict() == {"code": "FR"}
        named = france.to_dict(include=["cities.country"])
        assert [city["country"] for city in named["cities"]] == [{"code": "FR"}]
        nice = await session.one(City.where(City.name == "Nice"))
        assert nice.to_dict(include=["country"])["country"] is None


def test_what_nobody_gave_is_left_out() -> None:
    assert City(name="x").to_dict(exclude_unset=True) == {"name": "x"}
    assert City(name="x", tags=["a"], price=Decimal(1)).to_json(exclude_unset=True) == (
        '{"name":"x","price":"1","tags":["a"]}'
    )


WRONG: list[tuple[Callable[[], Any], str]] = [
    (lambda: City(name="x").to_dict(fields=["nothing"]), "no stored or computed 'nothing'"),
    (lambda: City(name="x").to_dict(fields="name"), "takes a list of names"),
    (lambda: City(name="x").to_dict(fields=[3]), "int is no name of a field"),
    (lambda: City(name="x").to_dict(include=["name"]), "no reference 'name' to include"),
    (lambda: City(name="x").to_dict(include=["country.nothing"]), "Country has no reference 'nothing'"),
    (lambda: City(name="x").to_dict(include="country"), "takes a list of references"),
    (lambda: City(name="x").to_dict(include=City.country), "takes a list of references"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_what_cannot_be_chosen_is_refused(number: int) -> None:
    make, message = WRONG[number]
    with pytest.raises(QueryError, match=message):
        make()


BAD: list[tuple[Any, set[tuple[str, str]]]] = [
    ("[]", {("", "type")}),
    ("{", {("", "json")}),
    ('{"name":"\ud800"}', {("", "json")}),
    ('{"name": 1, "tags": ["a", 2], "twins": ["x"], "more": 1}',
     {("name", "type"), ("tags.1", "type"), ("twins.0", "type"), ("more", "unknown")}),
    ({"tags": "a", "price": "x"}, {("name", "required"), ("tags", "type"), ("price", "type")}),
    ({3: 4}, {("name", "required"), ("3", "unknown")}),
    ([("name", "x")], {("", "type")}),
    (None, {("", "type")}),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(BAD)))
@pytest.mark.parametrize("stored", [True, False])
def test_what_is_wrong_is_named_with_its_path(number: int, stored: bool) -> None:
    given_data, expected = BAD[number]
    read: Any = City.from_json if isinstance(given_data, str) else City.from_dict
    with pytest.raises(ValidationError) as caught:
        read(given_data, stored=stored)
    assert {(error.path, error.code) for error in caught.value.errors} == expected


def test_values_may_be_as_python_has_them_or_as_json_does() -> None:
    moment = datetime(2020, 1, 1, tzinfo=UTC)

    class Mixed(Model):
        id: UUID = field(pk=True)
        at: datetime
        data: bytes

    for values in (
        {"id": UUID(int=1), "at": moment, "data": b"a"},
        {"id": str(UUID(int=1)), "at": "2020-01-01T00:00:00Z", "data": "YQ=="},
    ):
        assert Mixed.from_dict(values).fields == {"id": UUID(int=1), "at": moment, "data": b"a"}


def test_what_was_changed_to_no_json_is_told() -> None:
    city = City(name="x", tags=["a"])
    city.tags.append(object())  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match=r"tags\.1"):
        city.to_json()


async def test_ends_that_a_user_may_not_see_are_left_out() -> None:
    class Author(Model):
        id: int = field(pk=True)
        books: Many[Book] = back("author", fill=Fill.STORED)

    class Book(Model):
        id: int = field(pk=True)
        author: Ref[Author]

    app = Holdall("hidden")
    app.add_store("main", "memory:")
    app.add(Author, store="main", policy=Policy(read=Everyone))
    app.add(Book, store="main", policy=Policy(read=Nobody))
    async with app.session() as session:
        session.add(Book(id=7, author=session.add(Author(id=1))))
    async with app.session() as session:
        assert (await session.require(Author, 1)).to_dict() == {"id": 1, "books": (7,)}
    async with app.session(User("ann")) as session:
        author = await session.require(Author, 1)
        assert (author.to_dict(), author.to_json()) == ({"id": 1}, '{"id":1}')
    await app.close()
