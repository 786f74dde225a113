"""Queries through references inside values mean what ``evaluate`` says, wherever the records lie."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdall import Holdall, Session, desc, negate
from holdall.errors import LimitExceeded, Unsupported
from holdall.query import FieldSchema, Query, Table, evaluate, keys_inside, paths_of
from holdall.session.projection import decoded_rows
from holdall.session.references import nested_conditions
from holdall.testing.strategies import conditions, queries
from tests.support.draws import draws
from tests.support.orders import MODELS, City, Order, Person, Product, filled, orders

LAYOUTS = {
    "memory": ({"main": "memory:"}, {}),
    "sqlite": ({"main": "sqlite:///{}/one.db"}, {}),
    "files": ({"main": "yaml:{}/one"}, {}),
    "scattered": ({"main": "sqlite:///{}/two.db", "files": "yaml:{}/two"}, {"cities": "files", "products": "files"}),
    "turned": ({"main": "yaml:{}/three", "table": "sqlite:///{}/three.db"}, {"cities": "table", "people": "table"}),
}


class Worlds:
    """The same orders in several layouts, and as tables."""

    def __init__(self, folder: Any) -> None:
        self.runner = asyncio.Runner()
        self.asked: Counter[str] = Counter()
        self.apps: dict[str, Holdall] = {}
        for name, (places, where) in LAYOUTS.items():
            urls = {store: url.format(folder) for store, url in places.items()}
            self.apps[name] = self.runner.run(filled(orders(urls, where)))
        self.tables = {
            each.collection: Table(each.schema, self.runner.run(each.store.fetch(Query(each.collection))))
            for each in self.apps["memory"].bindings
        }

    def answer(self, layout: str, query: Query[Any]) -> list[Any]:
        session = Session(self.apps[layout].bindings)
        if query.projection:
            return self.runner.run(session.query(query))
        binding = self.apps[layout].bindings.of_name(query.collection)
        names = tuple(field.name for field in binding.declaration.stored)
        return list(map(binding.codec.reader(names), self.runner.run(session.query(query))))

    def decoded(self, query: Query[Any], rows: list[Any]) -> list[Any]:
        bindings = self.apps["memory"].bindings
        binding = bindings.of_name(query.collection)
        return decoded_rows(bindings, binding, query, rows) if query.projection else rows

    def close(self) -> None:
        for app in self.apps.values():
            self.runner.run(app.close())
        self.runner.close()


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worlds]:
    made = Worlds(tmp_path_factory.mktemp("worlds"))
    yield made
    made.close()


CHOSEN = settings(max_examples=draws(40, 600), deadline=None, suppress_health_check=list(HealthCheck))


def same(worlds: Worlds, query: Query[Any]) -> None:
    expected = worlds.decoded(query, evaluate(query, worlds.tables))
    is_ordered = query.sort_keys or query.max_rows is not None or query.skip
    is_inside = any("." in step for path in paths_of(query) for step in path)
    for layout in LAYOUTS:
        try:
            found = worlds.answer(layout, query)
        except (Unsupported, LimitExceeded):
            worlds.asked["refused"] += 1
            continue
        worlds.asked["inside"] += is_inside
        if is_ordered:
            assert list(map(repr, found)) == list(map(repr, expected)), layout
        else:
            assert sorted(map(repr, found)) == sorted(map(repr, expected)), layout


@CHOSEN
@given(data=st.data(), collection=st.sampled_from([model.__holdall__.collection for model in MODELS]))
def test_conditions(worlds: Worlds, data: st.DataObject, collection: str) -> None:
    same(worlds, Query(collection, data.draw(conditions(worlds.tables, collection, depth=2))))


@CHOSEN
@given(data=st.data())
def test_queries(worlds: Worlds, data: st.DataObject) -> None:
    same(worlds, data.draw(queries(worlds.tables)))


ORDER: Any = Order
FIXED: list[Query[Any]] = [
    ORDER.where(ORDER.address.city == 1),
    ORDER.where(ORDER.address.city.name != "Paris"),
    ORDER.where(negate(ORDER.address.city.name == "Paris")),
    ORDER.where(ORDER.address.way.shipper.orders.any(ORDER.address.city == 1)),
    ORDER.where(ORDER.lines.product.any(Product.title == "Bun")),
    ORDER.where(ORDER.lines.product.all(Product.title == "Bun")),
    ORDER.where(ORDER.notes.watchers.any(Person.name == "ann")).sort(ORDER.address.city.name).limit(2),
    City.where(City.orders.all(ORDER.lines.product.any(Product.title == "Bun"))),
    City.where(City.orders.any(ORDER.notes.boss.name == "ann")).only(City.name),
    Product.where(Product.orders.any(ORDER.address.city.name == "Rome")),
    ORDER.where().sort(desc(ORDER.address.city)).only(ORDER.id, ORDER.address.city, ORDER.lines.product),
]


@pytest.mark.parametrize("number", range(len(FIXED)))
def test_each_of_these(worlds: Worlds, number: int) -> None:
    same(worlds, named(FIXED[number]))
    assert worlds.asked["inside"]


def test_a_key_in_the_wrong_form_is_found(worlds: Worlds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nested_conditions, "key_to_json", lambda key: 99 if key == 1 else key)
    with pytest.raises(AssertionError):
        same(worlds, named(FIXED[0]))


def test_a_key_that_is_left_out_is_found(worlds: Worlds, monkeypatch: pytest.MonkeyPatch) -> None:
    def first_alone(field: FieldSchema) -> Any:
        inside = keys_inside(field)
        return lambda kept: inside(kept)[:1] if field.form is not None else inside(kept)

    monkeypatch.setattr(nested_conditions, "keys_inside", first_alone)
    with pytest.raises(AssertionError):
        same(worlds, named(FIXED[4]))


def named(query: Query[Any]) -> Query[Any]:
    return Query(query.collection, query.condition, query.sort_keys, query.max_rows, projection=query.projection)
