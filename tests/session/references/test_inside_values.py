"""References inside values are kept as all others are, whichever store has them."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest

from holdall import Holdall, Session, desc
from holdall.errors import CommitAborted, NotLoaded, StateError, ValidationError
from holdall.functions import exists, outer
from holdall.store import Change, Verb
from tests.support.orders import (
    APPLE,
    BUN,
    MARS,
    VENUS,
    Address,
    City,
    Line,
    Notes,
    Order,
    Person,
    Product,
    Shipper,
    filled,
    orders,
)

ORDER: Any = Order  # checkers see the values themselves on the class
NOTES: Any = Notes
pytestmark = pytest.mark.anyio

KINDS = ["memory", "sqlite", "yaml", "postgres_url", "mariadb_url", "mongo_url", "redis_url", "scattered"]


@pytest.fixture(params=KINDS)
async def app(
    request: pytest.FixtureRequest, tmp_path: Any, fresh_database: Callable[[str], str]
) -> AsyncIterator[Holdall]:
    kind, where, options = request.param, dict[str, str](), dict[str, Any]()
    own = {"memory": "memory:", "sqlite": f"sqlite:///{tmp_path}/s.db", "yaml": f"yaml:{tmp_path}/kept"}
    places = {"main": own[kind]} if kind in own else {}
    if kind == "scattered":
        places = {"main": own["sqlite"], "files": own["yaml"]}
        where = {"cities": "files", "products": "files", "people": "files"}
    elif kind == "redis_url":
        places = {"main": request.getfixturevalue(kind)}
        options = {"prefix": f"o{secrets.token_hex(6)}", "scan_limit": 1000}
    elif not places:
        places = {"main": fresh_database(request.getfixturevalue(kind))}
    made = await filled(orders(places, where, options))
    yield made
    await made.close()


async def stored(app: Holdall, key: int) -> Order:
    async with app.session() as s:
        return await s.require(Order, key)


async def ids(session: Session, *conditions: Any) -> list[int]:
    return [row[0] for row in await session.query(Order.where(*conditions).sort(Order.id).only(Order.id))]


async def test_handles_inside_load_their_records(app: Holdall) -> None:
    async with app.session() as s:
        order = await s.require(Order, 1)
        assert order.address is not None
        assert order.address.city.key == 1
        with pytest.raises(NotLoaded):
            print(order.address.city.name)
        assert (await order.address.city).name == "Paris"
        assert order.address.city.name == "Paris"
        assert [(await line.product).title for line in order.lines] == ["Apple", "Bun"]
        shipper = await order.address.way.shipper
        assert shipper is not None
        assert shipper.name == "Mars"
        assert [each.key for each in order.notes.watchers] == ["ann", "bob"]
        assert order.notes.boss is None


async def test_references_lead_on_in_conditions_sorts_and_columns(app: Holdall) -> None:
    async with app.session() as s:
        assert await ids(s, ORDER.address.city == 1) == [1, 3]
        assert await ids(s, ORDER.address.city != 1) == [2]
        assert await ids(s, ORDER.address.city.is_null()) == [4]
        assert await ids(s, ORDER.address.city.in_([2, 3])) == [2]
        assert await ids(s, ORDER.address.city.name == "Rome") == [2]
        assert await ids(s, ORDER.address.way.shipper == VENUS) == [3]
        assert await ids(s, ORDER.address.way.shipper.name == "Mars") == [1]
        assert await ids(s, ORDER.notes.boss == "ann") == [2]
        assert await ids(s, ORDER.lines.product.any(Product.title == "Bun")) == [1, 2]
        assert await ids(s, ORDER.lines.product.all(Product.title == "Bun")) == [2, 3, 4]
        assert await ids(s, ORDER.notes.watchers.any(Person.name == "bob")) == [1, 3]
        assert await ids(s, ORDER.lines.product.any(Product.title == "Apple"), ORDER.address.city.name == "Paris") == [
            1
        ]
        rows = await s.query(Order.where(Order.id < 4).sort(desc(ORDER.address.city.name), Order.id).only(Order.id))
        assert rows == [(2,), (1,), (3,)]
        columns = ORDER.where(Order.id < 3).sort(Order.id).only(ORDER.address.city.name, ORDER.lines.product)
        assert await s.query(columns) == [("Paris", (APPLE, BUN)), ("Rome", (BUN,))]
        assert await s.count(Order.where(ORDER.address.city.name == "Paris")) == 2


async def test_queries_within_queries_look_at_them(app: Holdall) -> None:
    rome = City.where(City.name == "Rome")
    async with app.session() as s:
        assert await ids(s, ORDER.address.city.in_(rome.only(City.id))) == [2]
        assert await ids(s, ~ORDER.address.city.in_(rome.only(City.id))) == [1, 3, 4]
        assert await ids(s, exists(rome.where(City.id == outer(ORDER.address.city)))) == [2]
        for within in (
            City.id.in_(Order.where(Order.id > 1).only(ORDER.address.city)),  # type: ignore[attr-defined]
            exists(Order.where(ORDER.address.city == outer(City.id), Order.id > 1)),
            exists(Order.where(ORDER.address.city.name == outer(City.name), Order.id > 1)),
        ):
            assert await s.query(City.where(within).sort(City.id).only(City.id)) == [(1,), (2,)]
        boss = Order.where(ORDER.notes.boss == outer(Person.name), ORDER.address.city.name == "Rome")
        assert await s.query(Person.where(exists(boss)).only(Person.name)) == [("ann",)]


async def test_other_ends_find_them(app: Holdall) -> None:
    async with app.session() as s:
        paris, bun = await s.require(City, 1), await s.require(Product, BUN)
        assert sorted([order.id for order in await paris.orders]) == [1, 3]
        assert sorted([order.id for order in await bun.orders]) == [1, 2]
        assert sorted([order.id for order in await (await s.require(Person, "bob")).watched]) == [1, 3]
        assert (await s.require(Shipper, MARS)).orders.keys == (1,)
        assert await s.query(City.where(City.orders.any(Order.id > 0)).sort(City.id).only(City.id)) == [(1,), (2,)]
        titles = Product.where(Product.orders.any(ORDER.address.city.name == "Rome")).only(Product.title)
        assert await s.query(titles) == [("Bun",)]


async def test_they_are_loaded_ahead(app: Holdall) -> None:
    async with app.session() as s:
        found = await s.query(Order.where().sort(Order.id))
        await s.load(found, ORDER.address.city, ORDER.lines.product)
        assert [order.address.city.name for order in found if order.address] == ["Paris", "Rome", "Paris"]
        assert [line.product.title for line in found[0].lines] == ["Apple", "Bun"]
        cities = await s.query(City.where().sort(City.id))
        await s.load(cities, City.orders)
        assert [sorted(city.orders.keys) for city in cities] == [[1, 3], [2], []]


async def test_what_is_not_there_is_refused_at_its_place(app: Holdall) -> None:
    async with app.session() as s:
        s.add(Order(id=9, address=Address("q", 77), lines=[Line(APPLE), Line(("away", APPLE[1]))]))
        with pytest.raises(ValidationError) as error:
            await s.commit()
        assert [(each.path, each.code) for each in error.value.errors] == [
            ("address.city", "reference"),
            ("lines.1.product", "reference"),
        ]
        s.rollback()
        order = await s.require(Order, 2)
        assert order.address is not None
        order.address.city = 55  # in place
        with pytest.raises(ValidationError, match="does not exist"):
            await s.commit()
        order.address.city = 3
        await s.commit()
        assert [each.id for each in await (await s.require(City, 3)).orders] == [2]


async def test_a_removal_is_refused_while_a_value_refers(app: Holdall) -> None:
    async with app.session() as s:
        s.remove(await s.require(City, 1))
        with pytest.raises(CommitAborted, match="2 orders"):
            await s.commit()
        s.rollback()
        for key in (1, 3):
            s.remove(await s.require(Order, key))
        s.remove(await s.require(City, 1))
        await s.commit()
        assert await s.get(City, 1) is None


async def test_a_removal_takes_records_along(app: Holdall) -> None:
    async with app.session() as s:
        s.remove(await s.require(Product, BUN))
        await s.commit()
        assert await ids(s) == [3, 4]
        assert (await s.require(Shipper, MARS)).orders.keys == ()


async def test_a_removal_empties_references_and_lists(app: Holdall) -> None:
    async with app.session() as s:
        s.remove(await s.require(Shipper, VENUS))
        s.remove(await s.require(Person, "bob"))
        await s.commit()
    first, third = await stored(app, 1), await stored(app, 3)
    assert [each.key for each in first.notes.watchers] == ["ann"]
    assert third.address is not None
    assert third.address.way.shipper is None
    assert third.notes.watchers == []
    assert third.address.city.key == 1


async def test_other_ends_are_written(app: Holdall) -> None:
    async with app.session() as s:
        oslo, second = await s.require(City, 3), await s.require(Order, 2)
        oslo.orders.add(second)
        oslo.orders.add(3)  # by key
        await s.commit()
        (await s.require(Shipper, MARS)).orders.add(second)
        await s.commit()
        bun = await s.require(Product, BUN)
        bun.orders.add(3)
        with pytest.raises(ValidationError, match="lies in the items of a list"):
            await s.commit()
        s.rollback()
        oslo.orders.add(4)
        with pytest.raises(ValidationError, match="give address first"):
            await s.commit()
        s.rollback()
    second, third = await stored(app, 2), await stored(app, 3)
    assert second.address is not None
    assert third.address is not None
    assert (second.address.city.key, third.address.city.key, second.address.way.shipper.key) == (3, 3, MARS)
    async with app.session() as s:
        assert set((await s.require(Shipper, MARS)).orders.keys) == {1, 2}


async def test_another_key_is_written_into_the_values(app: Holdall) -> None:
    async with app.session() as s:
        s.change_key(await s.require(City, 1), 10)
        await s.commit()
        assert await ids(s, ORDER.address.city == 10) == [1, 3]
        assert await ids(s, ORDER.address.city.name == "Paris") == [1, 3]
        assert await ids(s, ORDER.address.city == 1) == []


async def test_new_records_refer_to_new_ones(app: Holdall) -> None:
    async with app.session() as s:
        lima = City(id=20, name="Lima")
        s.add(Order(id=20, address=Address("a", lima), lines=[Line(BUN)], notes=NOTES([Person(name="eve")])))
        with pytest.raises((StateError, ValidationError)):  # by the session, or as those that are not there
            await s.commit()
        s.rollback()
        eve = s.add(Person(name="eve"))
        s.add(lima)
        s.add(Order(id=20, address=Address("a", lima), lines=[Line(BUN)], notes=NOTES([eve])))
    async with app.session() as s:
        assert await ids(s, ORDER.address.city.name == "Lima") == [20]
        assert [order.id for order in await (await s.require(Person, "eve")).watched] == [20]


async def test_fsck_finds_and_mends_them(app: Holdall) -> None:
    assert (await app.fsck()).is_whole
    for binding, key in ((app.bindings.of_model(City), 2), (app.bindings.of_model(Person), "ann")):
        await binding.store.apply([Change(Verb.REMOVE, binding.collection, key)])
    report = await app.fsck()
    assert (
        msgspec.json.decode(msgspec.json.encode(report))["findings"][0]["field"]
        in app.bindings.of_model(Order).schema.by_name
    )
    assert sorted((each.kind, each.field, each.examples) for each in report.findings) == [
        ("dangling", "address.city", (2,)),
        ("dangling", "notes.boss", (2,)),
        ("dangling", "notes.watchers", (1,)),
    ]
    await app.fsck(repair=True)
    assert [each.field for each in (await app.fsck()).findings] == ["address.city"]  # which cannot be empty


async def test_what_is_asked_of_them_is_explained(app: Holdall) -> None:
    async with app.session() as s:
        for query in (
            ORDER.where().only(ORDER.id, ORDER.address.city),
            ORDER.where().only(ORDER.address.city.name, ORDER.lines.product),
            ORDER.where().sort(ORDER.address.city.name).only(ORDER.id),
            ORDER.where(ORDER.address.city.name == "Paris"),
        ):
            told = await s.explain(query)
            away = [path for path in query.projection if path != ("id",)] if not query.sort_keys else []
            assert [f"{'.'.join(path)} is looked up for the rows found" for path in away] == [
                each for each in told.here if "looked up" in each
            ]
            assert (told.plan is None) or "`address.city`" not in str(told.plan)
