"""References inside values in bulk changes, in rules of policies and in selections."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from holdall import (
    Action,
    ActionPolicy,
    Context,
    Everyone,
    FieldRights,
    Holdall,
    Many,
    Nothing,
    OnDelete,
    Policy,
    Ref,
    Role,
    SoftDeleted,
    User,
    back,
    field,
    param,
)
from holdall.dao import DAO
from holdall.errors import CommitAborted, CorruptRecord, Forbidden, HoldallError, StateError, ValidationError
from tests.support.orders import (
    BUN,
    MODELS,
    Address,
    City,
    Line,
    Order,
    Person,
    Product,
    Shipper,
    filled,
    orders,
    targets,
)

pytestmark = pytest.mark.anyio

ORDER: Any = Order
JOE = User("joe")


@pytest.fixture(params=["memory:", "sqlite:///"])
def url(request: pytest.FixtureRequest, tmp_path: Any) -> str:
    return str(request.param) + (f"{tmp_path}/s.db" if request.param != "memory:" else "")


@pytest.fixture
async def app(url: str) -> AsyncIterator[Holdall]:
    made = await filled(orders({"main": url}))
    yield made
    await made.close()


async def test_bulk_changes_are_told_by_them(app: Holdall) -> None:
    async with app.session() as s:
        assert await s.update(ORDER.where(ORDER.address.city.name == "Paris"), total=7) == 2
        assert await s.delete(ORDER.where(ORDER.address.city == 2)) == 1
    async with app.session() as s:
        assert [(order.id, order.total) for order in await s.query(Order.where().sort(Order.id))] == [
            (1, 7),
            (3, 7),
            (4, 0),
        ]


async def test_bulk_changes_write_values_that_hold(app: Holdall) -> None:
    async with app.session() as s:
        await s.update(Order.where(Order.id == 4), address=Address("n", cast_city(3)))
        await s.commit()
        await s.update(Order.where(Order.id == 4), address=Address("n", cast_city(99)))
        with pytest.raises(ValidationError, match=r"address\.city"):
            await s.commit()
        s.rollback()
        await s.delete(City.where(City.name == "Oslo"))
        with pytest.raises(CommitAborted, match="1 orders"):
            await s.commit()
        s.rollback()


def cast_city(key: int) -> Any:
    return key


async def test_rules_lead_through_them(url: str) -> None:
    policies = {model.__holdall__.collection: Policy(read=Everyone, write=Everyone) for model in MODELS}
    in_paris = ORDER.address.city.name == "Paris"
    policies["orders"] = Policy(read=in_paris | (Order.id == 4), create=Everyone, update=in_paris, delete=in_paris)
    app = await filled(orders({"main": url}, policies=policies))
    async with app.session(JOE) as s:
        assert sorted([order.id for order in await s.query(Order.where())]) == [1, 3, 4]
        assert await s.count(Order.where()) == 3
        assert await s.get(Order, 2) is None
        (await s.require(Order, 1)).total = 5
        await s.commit()
        (await s.require(Order, 4)).total = 5
        with pytest.raises(Forbidden):
            await s.commit()
        s.rollback()
        order = await s.require(Order, 3)
        assert order.address is not None
        order.address.city = 2  # so that he may not change it any more
        with pytest.raises((Forbidden, ValidationError)):
            await s.commit()
        s.rollback()
    await app.close()


async def test_selections_lead_through_them(url: str) -> None:
    policies = {model.__holdall__.collection: Policy(read=Everyone, write=Everyone) for model in MODELS}
    rights = {"address": FieldRights(read=Role("boss"))}
    policies["orders"] = Policy(read=Everyone, write=Everyone, fields=rights)
    app = orders({"main": url}, policies=policies)
    there = ORDER.where(ORDER.address.city.name == param("city", str, "Paris"))
    app.add_selection("there", there.only(Order.id, ORDER.address.city.name, ORDER.address.city))
    await filled(app)
    async with app.session(User("ann", roles=frozenset({"boss"}))) as s:
        assert await s.query(s.select("orders/there")) == [(1, "Paris", 1), (3, "Paris", 1)]
        assert await s.query(s.select("orders/there", city="Rome")) == [(2, "Rome", 2)]
    async with app.session(JOE) as s:
        with pytest.raises(HoldallError):
            await s.query(s.select("orders/there"))
    await app.close()


class Orders(DAO[Order]):
    """Orders kept by hand."""

    kept: dict[int, Order] = {}  # noqa: RUF012 - one for each test

    async def get(self, *, id: int) -> Order | None:  # noqa: A002 - the name of the key
        return Order.from_json(self.kept[id].to_json()) if id in self.kept else None

    async def add(self, obj: Order) -> None:
        self.kept[obj.id] = obj

    async def update(self, obj: Order) -> None:
        self.kept[obj.id] = obj


async def test_hand_written_code_keeps_them() -> None:
    Orders.kept = {}
    app = Holdall("orders")
    app.add_store("main", "memory:")
    app.add(City, Shipper, Product, Person, store="main")
    app.add_dao(Orders())
    async with app.session() as s:
        s.add_all(targets())
        s.add(Order(id=1, address=Address("x", cast_city(1))))
    async with app.session() as s:
        order = await s.require(Order, 1)
        assert order.address is not None
        assert (await order.address.city).name == "Paris"
        order.address.city = 77
        with pytest.raises(ValidationError, match=r"address\.city"):
            await s.commit()
        order.address.city = 3
        await s.commit()
    assert Orders.kept[1].address is not None
    assert Orders.kept[1].address.city.key == 3
    await app.close()


class Send(Action[Order], on=Nothing):
    """Make an order of what is given."""

    address: Address
    lines: list[Line]

    async def run(self, context: Context) -> list[str]:
        session = context.session
        session.add(Order(id=50, address=self.address, lines=self.lines))
        return [self.address.city.name, *[line.product.title for line in self.lines]]  # loaded, as references are


async def test_inputs_of_actions_have_them_loaded_and_seen(url: str) -> None:
    policies = {model.__holdall__.collection: Policy(read=Everyone, write=Everyone) for model in MODELS}
    policies["cities"] = Policy(read=City.name != "Rome", write=Everyone)
    app = orders({"main": url}, policies=policies)
    app.add_action(Send, policy=ActionPolicy(see=Everyone, execute=Everyone))
    await filled(app)
    async with app.session(JOE) as s:
        for city in (2, 99):  # hidden, and not there
            with pytest.raises(ValidationError) as error:
                await s.act(Send(address=Address("x", cast_city(city)), lines=[Line(BUN), Line(("away", BUN[1]))]))
            paths = [(each.path, each.code) for each in error.value.errors]
            assert paths == [("address.city", "reference"), ("lines.1.product", "reference")]
        assert await s.act(Send(address=Address("x", cast_city(1)), lines=[Line(BUN)])) == ["Paris", "Bun"]
    async with app.session() as s:
        order = await s.require(Order, 50)
        assert order.address is not None
        assert (order.address.city.key, order.lines[0].product.key) == (1, BUN)
    await app.close()


class Town(SoftDeleted):
    id: int = field(pk=True, generated=True, default=None)
    name: str = ""
    letters: Many[Letter] = back("to.town", on_delete=OnDelete.CASCADE)


class To(msgspec.Struct):
    town: Ref[Town]


class Letter(SoftDeleted):
    id: int = field(pk=True, generated=True)
    to: To
    version: int = field(version=True)


@pytest.fixture
async def post(url: str) -> AsyncIterator[Holdall]:
    made = Holdall("post")
    made.add_store("main", url)
    made.add(Town, Letter, store="main")
    await made.create()
    yield made
    await made.close()


async def test_a_key_that_comes_too_late_is_refused_and_flush_is_the_way(post: Holdall) -> None:
    async with post.session() as s:
        town = s.add(Town())
        s.add(Letter(to=To(town)))
        with pytest.raises(StateError, match=r"Letter\.to\.town refers to a new Town .* flush\(\)"):
            await s.commit()
        s.rollback()
        async with s.transaction("main"):
            town = s.add(Town(name="Bath"))
            await s.flush()
            s.add(Letter(to=To(town)))
    async with post.session() as s:
        assert [(await letter.to.town).name for letter in await s.query(Letter.where())] == ["Bath"]


async def test_what_is_deleted_and_stays_takes_along_what_refers_from_inside(post: Holdall) -> None:
    async with post.session() as s:
        s.add(Town(id=7))
        s.add_all([Letter(to=To(cast_city(7))), Letter(to=To(cast_city(7)))])
    async with post.session() as s:
        s.remove(await s.require(Town, 7))
        await s.commit()
        assert await s.count(Letter.where()) == 0
        assert await s.count(Letter.with_deleted()) == 2
        s.add(Letter(to=To(cast_city(7))))
        with pytest.raises(ValidationError, match=r"to\.town"):
            await s.commit()
        s.rollback()
        (town,) = await s.query(Town.only_deleted())
        s.restore(town)
        await s.commit()
        assert await s.count(Letter.where()) == 2


async def test_what_is_no_key_in_a_store_is_damage(tmp_path: Any) -> None:
    app = await filled(orders({"main": f"yaml:{tmp_path}/kept"}))
    await app.close()
    (file,) = [
        each for each in (tmp_path / "kept").rglob("*") if each.is_file() and "orders" in str(each) and each.stem == "2"
    ]
    file.write_text(file.read_text().replace("city: 2", "city: Rome"))
    app = orders({"main": f"yaml:{tmp_path}/kept"})
    async with app.session() as s:
        with pytest.raises(CorruptRecord):
            await s.require(Order, 2)
        assert [order.id for order in await s.query(ORDER.where(ORDER.address.city == 1))] == [1, 3]
    report = await app.fsck()
    assert [(each.kind, each.field) for each in report.findings] == [("unreadable", "address")]
    await app.close()
