"""Orders whose references lie inside their values: a city in an address, products in lines, watchers in a list."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as member
from datetime import date
from typing import Any, NamedTuple, cast
from uuid import UUID

import msgspec

from holdall import Fill, Holdall, Many, Model, OnDelete, Policy, Ref, back, field

MARS, VENUS = UUID(int=7), UUID(int=8)


class City(Model, collection="cities"):
    id: int = field(pk=True)
    name: str
    orders: Many[Order] = back("address.city")


class Shipper(Model, collection="shippers"):
    code: UUID = field(pk=True)
    name: str = ""
    orders: Many[Order] = back("address.way.shipper", on_delete=OnDelete.UNLINK, fill=Fill.STORED)


class Product(Model, collection="products"):
    shop: str = field(pk=True)
    made: date = field(pk=True)
    title: str = ""
    orders: Many[Order] = back("lines.product", on_delete=OnDelete.CASCADE)


class Person(Model, collection="people"):
    name: str = field(pk=True)
    watched: Many[Order] = back("notes.watchers", on_delete=OnDelete.UNLINK)


class Way(NamedTuple):
    """How an order travels."""

    shipper: Ref[Shipper | None]
    days: int = 1


class Address(msgspec.Struct):
    """Where an order goes."""

    street: str
    city: Ref[City]
    way: Way = msgspec.field(default_factory=lambda: cast("Any", Way)(None))


class Line(msgspec.Struct, frozen=True):
    """Some of a product."""

    product: Ref[Product]
    count: int = 1


@dataclass(frozen=True)
class Notes:
    """What is known of an order."""

    watchers: list[Ref[Person]] = member(default_factory=list)
    boss: Ref[Person | None] = cast("Any", None)  # noqa: RUF009 - for checkers


class Order(Model, collection="orders"):
    id: int = field(pk=True)
    address: Address | None = None
    lines: list[Line] = field(default_factory=list)
    notes: Notes = field(default_factory=Notes)
    total: int = 0


MODELS: list[Any] = [City, Shipper, Product, Person, Order]
APPLE, BUN = ("here", date(2026, 1, 1)), ("here", date(2026, 1, 2))


def orders(
    places: dict[str, str],
    where: dict[str, str] | None = None,
    options: dict[str, Any] | None = None,
    policies: dict[str, Policy] | None = None,
) -> Holdall:
    """The application over stores by URL; ``where`` names a store by collection, else it is ``main``."""
    app = Holdall("orders")
    for name, url in places.items():
        app.add_store(name, url, **(options or {}))
    for model in MODELS:
        collection = model.__holdall__.collection
        kept = (where or {}).get(collection, "main")
        app.add(model, store=kept, policy=(policies or {}).get(collection))
    return app


def targets() -> list[Model]:
    """All that is referred to."""
    return [
        City(id=1, name="Paris"),
        City(id=2, name="Rome"),
        City(id=3, name="Oslo"),
        Shipper(code=MARS, name="Mars"),
        Shipper(code=VENUS, name="Venus"),
        Product(shop="here", made=APPLE[1], title="Apple"),
        Product(shop="here", made=BUN[1], title="Bun"),
        Person(name="ann"),
        Person(name="bob"),
    ]


def some_orders() -> list[Model]:
    """Orders that refer to these."""
    way, notes = cast("Any", Way), cast("Any", Notes)  # checkers want handles in NamedTuples and dataclasses
    return [
        Order(id=1, address=Address("x", 1, way(MARS)), lines=[Line(APPLE), Line(BUN, 2)], notes=notes(["ann", "bob"])),
        Order(id=2, address=Address("y", 2), lines=[Line(BUN)], notes=notes([], "ann")),
        Order(id=3, address=Address("z", 1, way(VENUS)), notes=notes(["bob"])),
        Order(id=4),
    ]


async def filled(app: Holdall) -> Holdall:
    """The application with all of these in its stores."""
    await app.create()
    async with app.session() as s:
        s.add_all(targets())
        s.add_all(some_orders())
    return app
