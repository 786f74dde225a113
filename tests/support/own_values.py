"""Values of every kind that is not Holdall's own: codecs, standard classes, value objects of five libraries."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as data_field
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from functools import total_ordering
from ipaddress import IPv4Address, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, NewType, NotRequired, TypedDict
from uuid import UUID
from zoneinfo import ZoneInfo

import attrs
import msgspec
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr
from pydantic.dataclasses import dataclass as pydantic_dataclass

from holdall import Codec, Length, Model, Ref, field, register_codec
from holdall.query import MAX_INT


@total_ordering
class Money:
    """Compares by value, as most classes of one's own do."""

    def __init__(self, cents: int) -> None:
        self.cents = cents

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Money) and self.cents == other.cents

    def __lt__(self, other: Money) -> bool:
        return self.cents < other.cents

    def __hash__(self) -> int:
        return hash(self.cents)

    def __repr__(self) -> str:
        return f"Money({self.cents})"


class Phone(str):
    __slots__ = ()


class Bag:
    """Can be changed in place, and has no equality of its own."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, *things: str) -> None:
        self.things = list(things)


MONEY = Codec(Money, int, encode=lambda money: money.cents, decode=Money, ordered=True, example=Money(1))
PHONE = register_codec(Codec(Phone, str, encode=str, decode=Phone, rules=[Length(0, 20)]))
BAG = register_codec(
    Codec(
        Bag, dict[str, list[str]], encode=lambda bag: {"things": bag.things}, decode=lambda kept: Bag(*kept["things"])
    )
)
HIDDEN = Codec(
    Money,
    Decimal,
    encode=lambda money: Decimal(money.cents) / 100,
    decode=lambda kept: Money(int(kept * 100)),
    secret=True,
)
Isbn = NewType("Isbn", str)


class Colour(Enum):
    RED = "r"
    GREEN = "g"


class Size(msgspec.Struct, frozen=True):
    width: int
    unit: str = "mm"


@dataclass
class Address:
    street: str
    phones: list[Phone] = data_field(default_factory=list)
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Point:
    x: float
    y: float


@attrs.define
class Label:
    text: str
    _price: Annotated[Money, MONEY]
    colours: tuple[Colour, ...] = ()


@attrs.frozen
class Seal:
    code: str
    by: UUID | None = None


class Span(NamedTuple):
    start: int
    end: int = 0


class Entry(TypedDict):
    name: str
    size: NotRequired[Size]
    place: NotRequired[Path]


class Circle(BaseModel):
    model_config = ConfigDict(frozen=True)
    kind: Literal["circle"] = "circle"
    radius: Decimal = Field(gt=0, max_digits=9, decimal_places=2)


class Square(BaseModel):
    kind: Literal["square"] = "square"
    side: int = Field(alias="sideLength")
    inner: Circle | None = None


@pydantic_dataclass
class Checked:
    count: Annotated[int, Field(ge=0, le=9)]


@dataclass
class Tree:
    """Leads back to itself, through what msgspec does not know."""

    cost: Annotated[Money, MONEY]
    children: list[Tree] = data_field(default_factory=list)


class Everything(Model):
    """One field of each kind of own value."""

    id: IPv4Address = field(pk=True)
    money: Money = field(codec=MONEY, ge=-MAX_INT)
    prices: list[Money] | None = field(codec=MONEY)
    phone: Phone
    bag: Bag
    hidden: Money = field(codec=HIDDEN)
    isbn: Isbn
    path: Path
    network: IPv6Network | None
    zone: ZoneInfo
    size: Size
    address: Address
    point: Point | None
    label: Label
    seal: Seal
    span: Span
    entry: Entry
    circle: Circle
    shape: Circle | Square
    checked: Checked
    tree: Tree
    url: HttpUrl
    secret: SecretStr
    places: dict[str, Path | None]
    book: dict[Phone, list[Span]]
    numbers: set[int]
    words: frozenset[Phone]
    mixed: tuple[Money, Path] = field(codec=MONEY)
    either: int | Path | list[Span]
    other: Ref[Everything | None] = field(default=None)


FIELDS = {made.name: made for made in Everything.__holdall__.stored}

text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6)
int64 = st.integers(-(10**12), 10**12)
money = st.builds(Money, int64)
phones = text.map(Phone)
finite = st.floats(allow_nan=False, allow_infinity=False, width=32).map(lambda number: number + 0.0)
paths = st.lists(st.text("abcé .", min_size=1, max_size=4), max_size=3).map(lambda parts: Path(*parts))
sizes = st.builds(Size, int64, text)
spans = st.builds(Span, int64, int64)
circles = st.builds(Circle, radius=st.decimals(1, 10**6, places=2))
squares = st.builds(Square, sideLength=int64, inner=st.none() | circles)
trees = st.recursive(
    st.builds(Tree, money), lambda inner: st.builds(Tree, money, st.lists(inner, max_size=2)), max_leaves=4
)
moments = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
entries = st.fixed_dictionaries({"name": text}, optional={"size": sizes, "place": paths})
RIGHT: dict[str, st.SearchStrategy[Any]] = {
    "id": st.ip_addresses(v=4),
    "money": money,
    "prices": st.none() | st.lists(money, max_size=3),
    "phone": phones,
    "bag": st.lists(text, max_size=3).map(lambda things: Bag(*things)),
    "hidden": money,
    "isbn": text,
    "path": paths,
    "network": st.none() | st.ip_addresses(v=6).map(lambda address: IPv6Network(address)),
    "zone": st.sampled_from(["Europe/Paris", "UTC", "Asia/Tokyo"]).map(ZoneInfo),
    "size": sizes,
    "address": st.builds(Address, text, st.lists(phones, max_size=2), st.none() | moments),
    "point": st.none() | st.builds(Point, finite, finite),
    "label": st.builds(Label, text, money, st.lists(st.sampled_from(Colour), max_size=2).map(tuple)),
    "seal": st.builds(Seal, text, st.none() | st.uuids()),
    "span": spans,
    "entry": entries,
    "circle": circles,
    "shape": circles | squares,
    "checked": st.builds(Checked, st.integers(0, 9)),
    "tree": trees,
    "url": st.sampled_from(["https://example.org/a", "http://localhost:8000/"]).map(HttpUrl),
    "secret": text.map(SecretStr),
    "places": st.dictionaries(text, st.none() | paths, max_size=2),
    "book": st.dictionaries(phones, st.lists(spans, max_size=2), max_size=2),
    "numbers": st.sets(int64, max_size=3),
    "words": st.frozensets(phones, max_size=3),
    "mixed": st.tuples(money, paths),
    "either": int64 | paths | st.lists(spans, max_size=2),
    "other": st.none() | st.ip_addresses(v=4).map(str),
}


def plain(value: Any) -> Any:
    """A value as something that compares by content, where its class does not."""
    return ("bag", value.things) if isinstance(value, Bag) else value
