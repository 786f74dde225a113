"""Upkeep of references inside lists looks at every record, however many; conditions refuse to read too many."""

from __future__ import annotations

from typing import Any

import pytest

from holdall import Holdall
from holdall.errors import LimitExceeded
from tests.support.orders import APPLE, BUN, MODELS, Line, Notes, Order, Person, Product, targets

pytestmark = pytest.mark.anyio

ORDER: Any = Order
NOTES: Any = Notes
MANY = 2_500  # which is more than two pages


@pytest.fixture
def app(tmp_path: Any) -> Holdall:
    made = Holdall("orders")
    made.add_store("main", f"sqlite:///{tmp_path}/s.db")
    made.add(*MODELS, store="main")
    for binding in made.bindings:
        binding.semi_join_limit = 100
    return made


async def test_a_removal_takes_all_records_along(app: Holdall) -> None:
    await app.create()
    async with app.session() as s:
        s.add_all(targets())
        s.add_all([Order(id=number, lines=[Line(BUN)] if number % 2 else []) for number in range(MANY)])
    async with app.session() as s:
        s.remove(await s.require(Product, BUN))
        await s.commit()
        assert await s.count(Order.where()) == MANY // 2
    await app.close()


async def test_a_removal_empties_all_lists(app: Holdall) -> None:
    await app.create()
    async with app.session() as s:
        s.add_all(targets())
        s.add_all([Order(id=number, notes=NOTES(["ann", "bob"])) for number in range(MANY)])
    async with app.session() as s:
        s.remove(await s.require(Person, "bob"))
        await s.commit()
    async with app.session() as s:
        left = {tuple(each.key for each in order.notes.watchers) for order in await s.query(Order.where())}
    assert left == {("ann",)}
    await app.close()


async def test_conditions_find_some_among_many_and_refuse_many(app: Holdall) -> None:
    await app.create()
    async with app.session() as s:
        s.add_all(targets())
        s.add_all([Order(id=number, lines=[Line(APPLE if number % 500 else BUN)]) for number in range(MANY)])
    async with app.session() as s:
        few = ORDER.where(ORDER.lines.product.any(Product.title == "Bun"))
        assert [order.id for order in await s.query(few.sort(Order.id))] == list(range(0, MANY, 500))
        bun = await s.require(Product, BUN)
        assert len(await bun.orders) == MANY // 500
        with pytest.raises(LimitExceeded, match="semi_join_limit"):
            await s.query(ORDER.where(ORDER.lines.product.any(Product.title == "Apple")))
    await app.close()
