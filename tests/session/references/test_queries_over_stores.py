"""Queries and loading over several stores: sorted, projected, explained, the shorter way round, within bounds."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from holdall import Holdall, Many, Model, Nobody, Policy, Ref, Session, User, asc, back, desc, expr, field
from holdall.errors import Forbidden, LimitExceeded, NotLoaded, QueryError, StoreUnavailable
from holdall.query import Query
from holdall.store import Rows
from holdall.stores.memory import MemoryStore
from holdall.testing.wrapping import wrap_store
from tests.support.library import OPEN

pytestmark = pytest.mark.anyio


class Region(Model):
    code: str = field(pk=True)
    name: str


class City(Model):
    id: int = field(pk=True)
    name: str
    region: Ref[Region | None] = field(default=None)
    shops: Many[Shop] = back("city")
    guide: Ref[Guide | None] = back("city")


class Shop(Model):
    id: int = field(pk=True)
    city: Ref[City]
    goods: Many[Good] = field(default=())


class Good(Model):
    id: int = field(pk=True)
    name: str
    shops: Many[Shop] = back("goods")


class Guide(Model):
    id: int = field(pk=True)
    city: Ref[City | None] = field(default=None)


REGIONS = {"N": "north", "S": "south", "E": "east"}


async def filled(folder: Path, semi_join_limit: int = 10_000) -> Holdall:
    app = Holdall("markets")
    OPEN.append(app)
    app.add_store("files", f"yaml:{folder}/files")
    app.add_store("table", f"sqlite:///{folder}/markets.db")
    app.add_store("memory", "memory:")
    app.add(Region, Good, store="files")
    app.add(City, Guide, store="memory")
    app.add(Shop, store="table")
    for binding in app.collections():
        binding.semi_join_limit = semi_join_limit
    await app.create()
    async with app.session() as session:
        session.add_all(Region(code=code, name=name) for code, name in REGIONS.items())
        session.add_all(Good(id=key, name="abc"[key]) for key in range(3))
        session.add_all(City(id=key, name=f"c{key}", region=[None, "N", "S", "E"][key % 4]) for key in range(8))
        session.add_all(Shop(id=key, city=key % 8, goods=[key % 3, (key + 1) % 3]) for key in range(16))
        session.add(Guide(id=1, city=2))
    return app


class Gone(MemoryStore):
    """A store that cannot be reached."""

    async def fetch(self, query: Query[Any]) -> Rows:
        raise StoreUnavailable(self.name, "gone")


async def test_sorted_and_projected_by_what_other_stores_hold(tmp_path: Path) -> None:
    session = Session((await filled(tmp_path)).bindings)
    shops = await session.query(Shop.where().sort(desc(Shop.city.region.name), Shop.city.id, desc(Shop.id)).limit(5))
    assert [shop.id for shop in shops] == [10, 2, 14, 6, 9]
    rows: Any = await session.query(Shop.where(Shop.id < 5).sort(Shop.id).only(Shop.id, Shop.city.region.name))
    assert rows == [(0, None), (1, "north"), (2, "south"), (3, "east"), (4, None)]
    query = City.where().sort(asc(City.region.name, nulls="last"), City.id)
    assert [city.id async for city in session.stream(query, batch=3)] == [3, 7, 1, 5, 2, 6, 0, 4]
    after = await session.query(query.after("north", 1).limit(2))
    assert [city.id for city in after] == [5, 2]
    pairs: Any = City.where(City.id < 3).sort(City.id).only(City.name, City.region.name)
    assert [row async for row in session.stream(pairs, batch=2)] == [("c0", None), ("c1", "north"), ("c2", "south")]


async def test_counting_needs_no_other_store_for_the_order(tmp_path: Path) -> None:
    session = Session((await filled(tmp_path, semi_join_limit=4)).bindings)
    assert await session.count(Shop.where().sort(Shop.city.region.name)) == 16
    assert await session.count(Shop.where(Shop.id < 5).only(Shop.city.name).limit(1)) == 5
    narrow = Shop.where(Shop.city.region.name == "north").sort(Shop.city.name).after("c1")
    assert await session.count(narrow) == 4
    assert await session.count(City.where().sort(City.region.name)) == 8


async def test_beyond_the_bound_it_says_what_to_do(tmp_path: Path) -> None:
    session = Session((await filled(tmp_path, semi_join_limit=4)).bindings)
    with pytest.raises(LimitExceeded, match="narrow the condition"):
        await session.query(Shop.where().sort(Shop.city.name))
    with pytest.raises(LimitExceeded, match="narrow the condition"):
        await session.query(Shop.where(expr(Shop.city.name).startswith("c")))
    few = Shop.where(Shop.id < 3, expr(Shop.city.name).startswith("c"))
    assert len(await session.query(few)) == 3
    explained = str(await session.explain(few))
    assert "table: shop where id < 3 only city" in explained
    assert len(await session.query(Shop.where(Shop.id < 3).sort(Shop.city.name))) == 3


async def test_explanations_tell_who_is_asked_what_and_what_is_done_here(tmp_path: Path) -> None:
    session = Session((await filled(tmp_path)).bindings)
    explained = await session.explain(Shop.where(Shop.city.region.name == "north").sort(desc(Shop.city.name)))
    assert [(step.store, step.rows) for step in explained.asked] == [
        ("files", 1),
        ("memory", 2),
        ("memory", 2),
        ("table", 4),
    ]
    assert 'region where name = "north"' in explained.asked[0].question
    assert explained.here == ("sorted by city.name and cut to 4 rows",)
    plain = await session.explain(Shop.where(Shop.id == 1).only(Shop.city.name))
    assert plain.asked == ()
    assert "city.name is looked up" in str(plain)


async def test_lists_are_asked_from_both_ends(tmp_path: Path) -> None:
    session = Session((await filled(tmp_path)).bindings)
    goods = await session.query(Good.where(expr(Good.shops).any(Shop.id == 4)).sort(Good.id))
    assert [good.id for good in goods] == [1, 2]
    shops = await session.query(Shop.where(Shop.id < 4, expr(Shop.goods).any(Good.name == "a")).sort(Shop.id))
    assert [shop.id for shop in shops] == [0, 2, 3]
    assert [shop.id for shop in await goods[0].shops] == [key for key in range(16) if 1 in (key % 3, (key + 1) % 3)]


async def test_what_was_loaded_is_read_without_waiting(tmp_path: Path) -> None:
    session = Session((await filled(tmp_path)).bindings)
    shops = await session.query(Shop.where(Shop.id < 4).sort(Shop.id))
    with pytest.raises(NotLoaded):
        shops[1].city.name  # noqa: B018
    await session.load(shops, Shop.city.region, Shop.goods, expr(Shop.city.shops))
    assert [shop.city.region.record and shop.city.region.name for shop in shops] == [None, "north", "south", "east"]
    assert [[good.name for good in shop.goods] for shop in shops] == [
        ["a", "b"],
        ["b", "c"],
        ["c", "a"],
        ["a", "b"],
    ]
    city = await shops[1].city
    assert city.shops.loaded
    assert city.shops.keys == (1, 9)
    cities = await session.query(City.where().sort(City.id).limit(3))
    with pytest.raises(NotLoaded):
        bool(cities[2].guide)
    await session.load(cities, City.guide)
    assert [city.guide.key for city in cities] == [None, None, 1]
    assert cities[2].guide.record is await session.get(Guide, 1)
    await session.load(await session.query(Good.where()), Good.shops)
    with pytest.raises(QueryError, match="no reference"):
        await session.load(shops, Shop.id)
    await session.load([], Shop.city)


async def test_what_could_not_be_loaded_is_not_taken_for_empty(tmp_path: Path) -> None:
    app = await filled(tmp_path)
    session = Session(app.bindings)
    cities = await session.query(City.where().sort(City.id).limit(3))
    there = app.stores["table"]
    wrap_store(app, "table", lambda _: Gone())
    with pytest.raises(StoreUnavailable):
        await session.load(cities, City.shops)
    assert not cities[0].shops.loaded
    wrap_store(app, "table", lambda _: there)
    await session.load(cities, City.shops)
    assert cities[1].shops.keys == (1, 9)


async def test_nobody_loads_what_may_not_be_read(tmp_path: Path) -> None:
    app = Holdall("closed")
    OPEN.append(app)
    app.add_store("memory", "memory:")
    app.add_store("other", "memory:")
    app.add(City, Shop, Guide, Good, store="memory")
    app.add(Region, store="other", policy=Policy(read=Nobody))
    async with app.session() as session:
        session.add(Region(code="N", name="x"))
        session.add(City(id=1, name="a", region="N"))
    session = Session(app.bindings, User("ann"))
    cities = await session.query(City.where())
    asked: list[Callable[[], Coroutine[Any, Any, Any]]] = [
        lambda: session.load(cities, City.region),
        lambda: session.query(City.where().sort(City.region.name)),
        lambda: session.explain(City.where(City.region.name == "x")),
    ]
    for ask in asked:
        with pytest.raises(Forbidden):
            await ask()
