"""References inside values of somebody else's records: asked of the API where it can, kept like any others."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from holdall import Holdall
from holdall.errors import CommitAborted, ValidationError
from holdall.stores.rest import PageSize, RestCollection, Sorting
from holdall.testing.fault_server import FaultServer, Reply
from holdall.testing.fault_server import Request as Asked
from tests.support.orders import City, Order, Person, Product, Shipper, some_orders, targets

pytestmark = pytest.mark.anyio

ORDER: Any = Order


class Api:
    """An API that has orders by key, lists them in pages, and takes changes."""

    def __init__(self) -> None:
        self.orders = {order.id: json.loads(order.to_json()) for order in some_orders() if isinstance(order, Order)}

    def answer(self, request: Asked) -> Reply:
        path = request.path.partition("?")[0]
        key = int(path.rpartition("/")[2]) if path.count("/") == 2 else None
        if key is None:
            return Reply.json({"data": list(self.orders.values()), "total": len(self.orders)})
        if key not in self.orders:
            return Reply(status=404)
        if request.method in ("PATCH", "PUT"):
            self.orders[key] |= json.loads(request.body)
        elif request.method == "DELETE":
            del self.orders[key]
            return Reply(status=204, body=b"")
        return Reply.json(self.orders[key])


@pytest.fixture
async def api() -> Api:
    return Api()


@pytest.fixture
async def app(api: Api) -> AsyncIterator[Holdall]:
    declared = RestCollection(path="/orders/{id}", list_at="data", total_at="total", paging=PageSize(), sort=Sorting())
    async with FaultServer(api.answer) as server:
        made = Holdall("orders")
        made.add_store("api", server.url, collections={"orders": declared})
        made.add_store("main", "memory:")
        made.add(City, Shipper, Product, Person, store="main")
        made.add(Order, store="api")
        await made.create()
        async with made.session() as s:
            s.add_all(targets())
        yield made
        await made.close()


async def ids(app: Holdall, *conditions: Any) -> list[int]:
    async with app.session() as s:
        return sorted([order.id for order in await s.query(Order.where(*conditions))])


async def test_they_are_read_and_asked_for(app: Holdall) -> None:
    async with app.session() as s:
        order = await s.require(Order, 1)
        assert order.address is not None
        assert (await order.address.city).name == "Paris"
        assert sorted([each.id for each in await (await s.require(City, 1)).orders]) == [1, 3]
    assert await ids(app, ORDER.address.city == 1) == [1, 3]
    assert await ids(app, ORDER.address.city.name == "Rome") == [2]
    assert await ids(app, ORDER.lines.product.any(Product.title == "Bun")) == [1, 2]


async def test_they_are_kept(app: Holdall, api: Api) -> None:
    async with app.session() as s:
        order = await s.require(Order, 2)
        assert order.address is not None
        order.address.city = 77
        with pytest.raises(ValidationError, match="does not exist"):
            await s.commit()
        order.address.city = 3
        await s.commit()
        assert api.orders[2]["address"]["city"] == 3
        s.remove(await s.require(City, 1))
        with pytest.raises(CommitAborted, match="2 orders"):
            await s.commit()
        s.rollback()
        s.remove(await s.require(Person, "bob"))
        await s.commit()
    assert [order["notes"]["watchers"] for order in api.orders.values()] == [["ann"], [], [], []]
