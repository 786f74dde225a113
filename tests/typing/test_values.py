"""What type checkers must say of values of own types and of records as dicts and JSON; not run by pytest."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypedDict, assert_type

import attrs
from pydantic import BaseModel, SecretStr

from holdall import Codec, Model, expr, field, register_codec
from holdall.query import Aggregated, Query


class Money:
    def __init__(self, cents: int) -> None:
        self.cents = cents


MONEY = Codec(Money, int, encode=lambda money: money.cents, decode=Money, ordered=True, example=Money(1))


@dataclass
class Size:
    width: int


@attrs.define
class Label:
    text: str


class Span(NamedTuple):
    start: int


class Entry(TypedDict):
    name: str


class Circle(BaseModel):
    radius: Decimal


class Book(Model):
    id: IPv4Address = field(pk=True)
    price: Money = field(codec=MONEY)
    prices: list[Annotated[Money, MONEY]] = field(default_factory=list)
    size: Size
    label: Label
    span: Span | None
    entry: Entry
    shape: Circle
    secret: SecretStr
    paths: set[Path]


def values(book: Book) -> None:
    assert_type(MONEY, Codec[Money, int])
    assert_type(register_codec(MONEY), Codec[Money, int])
    assert_type(MONEY.encode(Money(1)), int)
    assert_type(MONEY.decode(1), Money)
    assert_type(book.price, Money)
    assert_type(book.prices, list[Money])
    assert_type(book.size.width, int)
    assert_type(book.span, Span | None)
    assert_type(book.shape.radius, Decimal)
    assert_type(book.secret, SecretStr)
    assert_type(book.paths, set[Path])
    book.price = Money(3)


def asking() -> None:
    assert_type(Book.where(Book.price == Money(3), Book.size.width > 3), Query[Book])
    assert_type(expr(Book.price).max(), Aggregated[Money | None])
    assert_type(expr(Book.size.width).avg(), Aggregated[float | None])


def forms(book: Book) -> None:
    assert_type(book.to_dict(fields=["id"], include=["size"], exclude_unset=True), dict[str, Any])
    assert_type(book.to_json(fields=[Book.price]), str)
    assert_type(Book.from_json(b"{}"), Book)
    assert_type(Book.from_json("{}", stored=True), Book)
    assert_type(Book.from_dict({"id": "10.0.0.1"}), Book)
