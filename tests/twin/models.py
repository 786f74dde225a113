"""A shop of nine collections, to be kept in one store or scattered over many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from holdall import Many, Model, OnDelete, Ref, back, field

__all__ = ["MODELS", "Customer", "Line", "Order", "Product", "Region", "Review", "Supplier", "Tag", "Visit", "stock"]


class Region(Model):
    code: str = field(pk=True, length=(1, 8))
    name: str = field(length=(0, 20), unique=True)
    customers: Many[Customer] = back("region")


class Supplier(Model):
    id: int = field(pk=True)
    name: str = field(length=(0, 20))
    region: Ref[Region | None] = field(default=None)
    version: int = field(version=True)
    products: Many[Product] = back("supplier")


class Tag(Model):
    id: int = field(pk=True)
    label: str = field(length=(0, 20), unique=True)


class Product(Model):
    id: int = field(pk=True)
    title: str = field(length=(0, 20))
    price: int = 0
    stock: int | None = None
    supplier: Ref[Supplier | None] = field(default=None)
    tag: Ref[Tag | None] = field(default=None)
    labels: Many[Tag] = field(default=(), on_delete=OnDelete.UNLINK)
    version: int = field(version=True)
    reviews: Many[Review] = back("product")


class Customer(Model):
    id: int = field(pk=True)
    name: str = field(length=(0, 20))
    email: str = field(length=(0, 20), unique=True)
    region: Ref[Region | None] = field(default=None)
    favourites: Many[Product] = field(default=(), on_delete=OnDelete.UNLINK)
    version: int = field(version=True)
    orders: Many[Order] = back("customer")


class Order(Model):
    id: int = field(pk=True)
    customer: Ref[Customer]
    status: str = field(default="open", length=(0, 20))
    total: int = 0
    version: int = field(version=True)
    lines: Many[Line] = back("order")


class Line(Model):
    order: Ref[Order] = field(pk=True)
    number: int = field(pk=True)
    product: Ref[Product]
    quantity: int = 1


class Review(Model):
    id: int = field(pk=True)
    product: Ref[Product]
    customer: Ref[Customer | None] = field(default=None)
    stars: int | None = None
    text: str = field(default="", length=(0, 20))


class Visit(Model):
    id: int = field(pk=True)
    customer: Ref[Customer | None] = field(default=None)
    seconds: int = 0


MODELS: tuple[Any, ...] = (Region, Supplier, Tag, Product, Customer, Order, Line, Review, Visit)


def stock() -> Iterator[Model]:
    """What the shop has when it opens, each after what it refers to."""
    codes = ("a", "A", "ab", "b")
    for number, code in enumerate(codes):
        yield Region(code=code, name=f"region {number}")
    for number in range(1, 7):
        yield Supplier(id=number, name=codes[number % 4], region=codes[number % 3] if number % 2 else None)
        yield Tag(id=number, label=f"label {number}")
        yield Product(id=number, title=codes[number % 4], price=number % 4, stock=number, supplier=number, tag=number)
        yield Customer(id=number, name=codes[number % 3], email=f"{number}@", region=codes[number % 4])
        yield Order(id=number, customer=number, total=number % 3)
        yield Line(order=number, number=1, product=number)
        yield Review(id=number, product=number, customer=7 - number if number > 3 else None, stars=number % 4)
        yield Visit(id=number, customer=number, seconds=number)
