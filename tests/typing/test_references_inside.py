"""References inside values as type checkers see them: structs give handles and take keys."""

from __future__ import annotations

from typing import Any, assert_type

import attrs
import msgspec

from holdall import Many, Model, Query, Ref, back, field
from holdall.model import Reference


class City(Model):
    id: int = field(pk=True)
    name: str
    orders: Many[Order] = back("address.city")


class Address(msgspec.Struct):
    street: str
    city: Ref[City]


@attrs.define
class Stop:
    city: Ref[City | None]


class Order(Model):
    id: int = field(pk=True)
    address: Address
    stops: list[Stop] = field(default_factory=list)


async def read(order: Order, city: City) -> None:
    assert_type(order.address.city, Reference[City])
    assert_type(await order.address.city, City)
    assert_type(await order.stops[0].city, City | None)
    assert_type(await city.orders, list[Order])


def write(order: Order, city: City) -> None:
    order.address.city = city
    order.address.city = 7
    Address(street="x", city=city)
    Address(street="x", city=7)


def ask() -> Query[Order]:
    paths: Any = Order
    return Order.where(paths.address.city.name == "Paris", paths.stops.city.any(City.name == "Rome"))
