"""A service with a field of every kind, over one store or two."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Literal
from uuid import UUID

import msgspec

from holdall import (
    JSON,
    Everyone,
    Frozen,
    Holdall,
    Many,
    Model,
    Policy,
    Ref,
    back,
    computed,
    field,
)

OPEN_TO_ALL = Policy(read=Everyone, write=Everyone)


class Colour(Enum):
    RED = "red"
    GREEN = "green"


class Size(msgspec.Struct):
    width: int
    height: int


class Country(Model, collection="countries"):
    code: str = field(pk=True, pattern=r"[A-Z]{2}")
    name: str
    cities: Many[City] = back("country")


class City(Model, collection="cities"):
    """A city.

    The rest of this text is not shown.
    """

    id: int = field(pk=True, generated=True, frozen=Frozen.ALWAYS)
    name: str = field(length=(1, 100), description="as it is written there")
    country: Ref[Country | None] = field(default=None)
    people: int = field(default=0, ge=0)
    version: int = field(version=True)

    @computed
    def label(self) -> str:
        """The name with its country's."""
        return f"{self.name}, {self.country.name}" if self.country else self.name


class Line(Model, collection="lines"):
    order: int = field(pk=True)
    code: str = field(pk=True)
    text: str = ""


class Thing(Model, collection="things"):
    id: UUID = field(pk=True, generated=True)
    flag: bool = False
    number: int = 0
    ratio: float = 0.0
    price: Decimal = field(default=Decimal("0"), digits=12, places=2)
    free: Decimal = Decimal("0")
    text: str = ""
    blob: bytes = b""
    moment: datetime | None = None
    day: date | None = None
    clock: time | None = None
    span: timedelta | None = None
    other: UUID | None = None
    colour: Colour = Colour.RED
    level: Literal[1, 2, 3] = 1
    tags: list[str] = field(default_factory=list, length=(0, 5))
    numbers: dict[str, int] = field(default_factory=dict)
    size: Size | None = None
    anything: JSON = None
    city: Ref[City | None] = field(default=None)
    line: Ref[Line | None] = field(default=None)
    cities: Many[City]
    page: int | None = None


MODELS = (Country, City, Line, Thing)


def everything(url: str, countries: str | None = None, policy: Policy = OPEN_TO_ALL) -> Holdall:
    """The application; with ``countries`` these are kept in a store of their own."""
    app = Holdall("everything")
    app.add_store("main", url)
    if countries is not None:
        app.add_store("reference", countries)
    app.add(Country, store="main" if countries is None else "reference", policy=policy)
    app.add(City, Line, Thing, store="main", policy=policy)
    return app


def thing(**values: Any) -> dict[str, Any]:
    """The JSON of a thing with a value in every field."""
    return {
        "flag": True,
        "number": 2**63 - 1,
        "ratio": 1.5,
        "price": "12.50",
        "free": "1.125",
        "text": "Ångström 🚀",
        "blob": "AAH/",
        "moment": "2024-05-06T07:08:09.123456Z",
        "day": "2024-05-06",
        "clock": "07:08:09",
        "span": "PT90S",
        "other": "0190f2a4-0000-7000-8000-000000000000",
        "colour": "green",
        "level": 3,
        "tags": ["a", "b,c"],
        "numbers": {"one": 1},
        "size": {"width": 1, "height": 2},
        "anything": {"deep": [1, None, {"x": "y"}]},
        "page": 7,
    } | values
