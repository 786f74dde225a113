"""References inside values that a user may not read tell him nothing, by whichever door he asks."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import msgspec
import pytest

from holdall import (
    Everyone,
    FieldRights,
    Fill,
    Holdall,
    Many,
    Model,
    OnDelete,
    Policy,
    Ref,
    Role,
    User,
    back,
    field,
    rows,
)
from holdall.errors import CommitAborted, NotLoaded, QueryError, ValidationError
from holdall.functions import exists, outer
from tests.support.orders import APPLE, BUN, MARS, MODELS, Address, City, Line, Order, Shipper, filled, orders

pytestmark = pytest.mark.anyio

ORDER: Any = Order
CITY: Any = City
OPEN = Policy(read=Everyone, write=Everyone)
BOSS = Role("boss")
JOE = User("joe")


@pytest.fixture(params=["memory:", "sqlite:///"])
async def app(request: pytest.FixtureRequest, tmp_path: Any) -> AsyncIterator[Holdall]:
    url = request.param + (f"{tmp_path}/s.db" if request.param != "memory:" else "")
    policies = {model.__holdall__.collection: OPEN for model in MODELS}
    policies["orders"] = Policy(read=Everyone, write=Everyone, fields={"address": FieldRights(read=BOSS, write=BOSS)})
    policies["products"] = Policy(read=BOSS, write=BOSS)
    made = await filled(orders({"main": url}, policies=policies))
    yield made
    await made.close()


ASKED: dict[str, Callable[[], Any]] = {
    "compared": lambda: ORDER.where(ORDER.address.city == 1),
    "compared with nothing": lambda: ORDER.where(ORDER.address.city.is_null()),
    "led on": lambda: ORDER.where(ORDER.address.city.name == "Paris"),
    "shown": lambda: ORDER.where().only(ORDER.address.city),
    "shown further on": lambda: ORDER.where().only(ORDER.address.city.name),
    "sorted": lambda: ORDER.where().sort(ORDER.address.city.name),
    "grouped": lambda: ORDER.where().group_by(ORDER.address.city).only(ORDER.address.city, rows()),
    "within another query": lambda: City.where(CITY.id.in_(Order.where().only(ORDER.address.city))),
    "within another query, as its own": lambda: City.where(exists(Order.where(ORDER.address.city == outer(City.id)))),
    "within another query, from outside": lambda: ORDER.where(exists(City.where(City.id == outer(ORDER.address.city)))),
    "by the other end": lambda: City.where(City.orders.any(Order.id == 1)),
    "by the other end, and there": lambda: City.where(City.orders.any(ORDER.address.city == 1)),
}


@pytest.mark.parametrize("asked", ASKED)
async def test_queries_do_not_know_a_hidden_reference(app: Holdall, asked: str) -> None:
    async with app.session(JOE) as s:
        named = "orders" if "other end" in asked else "address.city"  # as asked: what is hidden is named to nobody else
        with pytest.raises(QueryError, match=f"has no field '{re.escape(named)}'") as error:
            await s.query(ASKED[asked]())
        assert str(error.value).count("address") == (named == "address.city")
    async with app.session(User("ann", roles=frozenset({"boss"}))) as s:
        assert await s.query(ASKED[asked]())


async def test_other_ends_do_not_tell_it(app: Holdall) -> None:
    async with app.session(JOE) as s:
        paris = await s.require(City, 1)
        with pytest.raises(QueryError, match=r"cities has no field 'orders'; it has id, name$"):
            await paris.orders
        with pytest.raises(QueryError, match=r"cities has no field 'orders'; it has id, name$"):
            await s.load([paris], City.orders)
        s.remove(paris)
        with pytest.raises(CommitAborted) as error:
            await s.commit()
        assert "1, 3" not in str(error.value)
        s.rollback()


async def test_what_is_hidden_stays_as_it_is(app: Holdall) -> None:
    async with app.session(JOE) as s:
        order = await s.require(Order, 1)
        assert "Paris" not in repr(order)
        order.total = 5
        assert len(order.lines) == 2  # handed out, so that it is compared at the commit
        await s.commit()
        order.total = 6
    async with app.session() as s:
        order = await s.require(Order, 1)
        assert order.address is not None
        assert (order.address.city.key, order.total) == (1, 6)


async def test_new_references_into_what_is_hidden_are_refused(app: Holdall) -> None:
    async with app.session(JOE) as s:
        for product in (APPLE, ("nowhere", APPLE[1])):
            s.add(Order(id=9, lines=[Line(product)]))
            with pytest.raises(ValidationError) as error:
                await s.commit()
            assert [(each.path, each.code) for each in error.value.errors] == [("lines.product", "reference")]
            s.rollback()


async def test_bulk_changes_give_no_references_to_what_is_hidden(app: Holdall) -> None:
    told = list[Any]()
    for product in (APPLE, ("nowhere", APPLE[1])):
        async with app.session(JOE) as s:
            with pytest.raises(ValidationError) as error:
                await s.update(Order.where(Order.id == 2), lines=[Line(BUN), Line(product)])
        told.append([(each.path, each.code, each.message) for each in error.value.errors])
    assert told[0] == told[1]
    assert [path for path, *_ in told[0]] == ["lines.0.product", "lines.1.product"]
    async with app.session(User("ann", roles=frozenset({"boss"}))) as s:
        await s.update(Order.where(Order.id == 2), lines=[Line(APPLE)])
        with pytest.raises(ValidationError) as error:
            await s.update(Order.where(Order.id == 2), address=Address("n", cast("Any", 99)))
        assert [each.path for each in error.value.errors] == ["address.city"]
        await s.commit()
    async with app.session() as s:
        assert [line.product.key for line in (await s.require(Order, 2)).lines] == [APPLE]


async def test_stored_other_ends_of_what_is_hidden_are_not_shown(app: Holdall) -> None:
    async with app.session(JOE) as s:
        shipper = await s.require(Shipper, MARS)
        assert "orders" not in repr(shipper)
        assert "orders" not in shipper.to_dict()
        with pytest.raises(NotLoaded):
            _ = shipper.orders.keys
        with pytest.raises(QueryError, match="has no field 'orders'"):
            await shipper.orders
        with pytest.raises(QueryError, match="has no field 'orders'"):
            await s.query(Shipper.where().only(("orders",)))
        shipper.name = "Ares"
    async with app.session(User("ann", roles=frozenset({"boss"}))) as s:
        shipper = await s.require(Shipper, MARS)
        assert (shipper.name, shipper.orders.keys) == ("Ares", (1,))


class Owner(Model):
    id: int = field(pk=True)
    things: Many[Thing] = back("owner")


class Thing(Model):
    id: int = field(pk=True)
    owner: Ref[Owner]


async def test_the_other_end_of_a_hidden_field_is_not_asked_either() -> None:
    app = Holdall("things")
    app.add_store("main", "memory:")
    app.add(Owner, store="main", policy=OPEN)
    app.add(Thing, store="main", policy=Policy(read=Everyone, fields={"owner": FieldRights(read=BOSS)}))
    async with app.session() as s:
        s.add_all([Owner(id=1), Owner(id=2), Thing(id=1, owner=1)])
    async with app.session(JOE) as s:
        with pytest.raises(QueryError, match=r"has no field 'things'; it has id$"):
            await s.query(Owner.where(Owner.things.any(Thing.id == 1)))
    await app.close()


class Owned(Model):
    id: int = field(pk=True)
    parts: Many[Part] = back("whole", fill=Fill.STORED)


class Part(Model):
    id: int = field(pk=True)
    whole: Ref[Owned | None] = field(default=None)


async def test_the_stored_other_end_of_a_hidden_field_is_not_shown() -> None:
    app = Holdall("parts")
    app.add_store("main", "memory:")
    app.add(Owned, store="main", policy=OPEN)
    app.add(Part, store="main", policy=Policy(read=Everyone, fields={"whole": FieldRights(read=BOSS)}))
    async with app.session() as s:
        s.add_all([Owned(id=1), Part(id=1, whole=1)])
    async with app.session(JOE) as s:
        assert (await s.require(Owned, 1)).to_dict() == {"id": 1}
    async with app.session() as s:
        assert (await s.require(Owned, 1)).to_dict() == {"id": 1, "parts": (1,)}
    await app.close()


class Shelf(Model):
    id: int = field(pk=True)
    books: Many[Book] = back("shelf")


class Tag(Model):
    id: int = field(pk=True)
    books: Many[Book] = back("tags", on_delete=OnDelete.UNLINK)


class Series(Model):
    id: int = field(pk=True)
    books: Many[Book] = back("series", on_delete=OnDelete.CASCADE)


class Place(msgspec.Struct):
    room: Ref[Room | None]
    tags: list[Ref[Label]] = msgspec.field(default_factory=list)


class Room(Model):
    id: int = field(pk=True)
    books: Many[Book] = back("place.room")


class Label(Model):
    id: int = field(pk=True)
    books: Many[Book] = back("place.tags", on_delete=OnDelete.UNLINK)


class Book(Model):
    id: int = field(pk=True)
    shelf: Ref[Shelf | None] = field(default=None)
    tags: Many[Tag] = field(default=())
    series: Ref[Series | None] = field(default=None)
    place: Place | None = None
    version: int = field(version=True)


TARGETS: list[Any] = [Shelf, Tag, Series, Room, Label]


@pytest.fixture(params=["one", "two"])
async def books(request: pytest.FixtureRequest, tmp_path: Any) -> AsyncIterator[Holdall]:
    app = Holdall("books")
    app.add_store("main", "memory:")
    app.add_store("other", f"sqlite:///{tmp_path}/other.db")
    app.add(*TARGETS, store="main" if request.param == "one" else "other", policy=OPEN)
    rights = {name: FieldRights(read=BOSS) for name in ("shelf", "tags", "series", "place")}
    app.add(Book, store="main", policy=Policy(read=Everyone, write=Everyone, fields=rights))
    await app.create()
    async with app.session() as s:
        s.add_all([model(id=key) for model in TARGETS for key in (1, 2)])
        s.add(Book(id=1, shelf=1, tags=[1, 2], place=Place(room=cast("Any", 1), tags=cast("Any", [1, 2]))))
        s.add(Book(id=2, series=1))
    yield app
    await app.close()


async def test_what_is_hidden_in_records_at_hand_still_refers(books: Holdall) -> None:
    async with books.session(JOE) as s:
        held = await s.query(Book.where().sort(Book.id))
        assert held[0].shelf.key is None
        for model in (Shelf, Room):
            s.remove(await s.require(model, 1))
            with pytest.raises(CommitAborted, match="1 book"):
                await s.commit()
            s.rollback()
        for removed in (Tag, Label, Series):
            s.remove(await s.require(removed, 1))
            await s.commit()
        assert (held[0].shelf.key, held[0].tags.keys) == (None, ())
        assert repr(held[0].place) == "<withheld>"
    async with books.session() as s:
        (left,) = await s.query(Book.where())
        assert left.place is not None
        assert (left.shelf.key, left.tags.keys, left.place.room.key) == (1, (2,), 1)
        assert [each.key for each in left.place.tags] == [2]
    assert (await books.fsck()).is_whole
