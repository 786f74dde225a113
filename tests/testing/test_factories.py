"""Factories make valid records of any model, which differ where they must, with what they refer to."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Literal

import pytest

from holdall import JSON, Holdall, Many, Model, Ref, back, field
from holdall.errors import DeclarationError
from holdall.testing.factories import Factory

pytestmark = pytest.mark.anyio


class Colour(StrEnum):
    RED = "red"


class Country(Model):
    code: str = field(pk=True, length=(2, 4))
    name: str = field(unique=True, length=(0, 3))
    cities: Many[City] = back("country")


class City(Model):
    id: int = field(pk=True, generated=True)
    name: str
    country: Ref[Country]
    twin: Ref[City | None] = field(default=None)


class House(Model, unique=[("street", "number")]):
    token: uuid.UUID = field(pk=True)
    city: Ref[City] = field(unique=True)
    street: str = field(pattern=r"^[A-Z][a-z]+$")
    number: int = field(ge=7, lt=400)
    colour: Colour
    state: Literal["old", "new"]
    price: Decimal = field(digits=8, places=2)
    built: dt.date = field(unique=True)
    opens: dt.time
    seen: dt.datetime = field(auto_now="write")
    share: float = field(gt=0, lt=1)
    plan: bytes
    notes: list[str]
    more: JSON
    lasts: dt.timedelta
    is_open: bool
    note: str | None
    version: int = field(version=True)


class Knot(Model):
    id: int = field(pk=True, generated=True)
    other: Ref[Knot]


@pytest.mark.parametrize("kind", ["memory", "sqlite", "yaml"])
async def test_what_they_make_is_stored(kind: str, tmp_path: Path) -> None:
    app = Holdall("town")
    url = {"memory": "memory:", "sqlite": f"sqlite:///{tmp_path}/town.db", "yaml": f"yaml:{tmp_path}"}
    app.add_store("main", url[kind])
    app.add(Country, City, House, store="main")
    await app.create()
    factory = Factory()
    async with app.session() as s:
        houses = factory.add_many(s, House, 50)
        rome = factory.add(s, City, name="Rome", country=await houses[0].city.country)
        assert rome.name == "Rome"
    async with app.session() as s:
        assert [await s.count(model.where()) for model in (House, City, Country)] == [50, 51, 50]
    await app.close()


def test_sync_sessions_take_them(tmp_path: Path) -> None:
    app = Holdall("town")
    app.add_store("main", "memory:")
    app.add(Country, City, store="main")
    with app.sync.session() as s:
        Factory().add(s, City)
    with app.sync.session() as s:
        assert s.count(City.where(City.country.code != "")) == 1
    app.sync.close()


def test_the_same_ones_are_made_each_time_and_what_is_said_holds() -> None:
    made = [
        [(house.token, house.built, house.number) for house in map(factory.make, [House] * 3)]
        for factory in (Factory(), Factory())
    ]
    assert made[0] == made[1]
    assert len(set(made[0])) == 3
    factory = Factory()
    factory.define(City, name=lambda number: f"City {number}")
    assert [factory.make(City).name, factory.make(City, name="Rome").name, factory.make(City).name] == [
        "City 1", "Rome", "City 3",
    ]  # fmt: skip


def test_what_cannot_be_made_is_told() -> None:
    with pytest.raises(DeclarationError, match="required by what it requires"):
        Factory().make(Knot)
    with pytest.raises(DeclarationError, match="City has no field 'nme'"):
        Factory().define(City, nme="x")

    class Odd(Model):
        id: str = field(pk=True, pattern=r"^(?=a)b$")

    with pytest.raises(DeclarationError, match=r"no valid value of Odd\.id was found: give one"):
        Factory().make(Odd)
