"""References inside values in queries that were read from text: dots lead to them as to all others."""

from __future__ import annotations

import pytest

from holdall import Holdall
from holdall.query import AnyQuery, format_query, parse_query, placed
from tests.support.orders import City, filled, orders

pytestmark = pytest.mark.anyio

TEXTS = {
    'orders where address.city.name = "Paris" only id': [(1,), (3,)],
    'orders where `address.city`.name = "Paris" only id': [(1,), (3,)],
    "orders where not (address.city = 1 or address.city is null) only id": [(2,)],
    'orders where some lines.product (title = "Bun") only id': [(1,), (2,)],
    'orders where every notes.watchers (name = "bob") only id': [(2,), (3,), (4,)],
    "cities where some orders (address.way.shipper is not null) only id": [(1,)],
    'cities where some orders (some lines.product (title = "Apple")) only name': [("Paris",)],
    'orders where address.city in (cities where name = "Rome" only id) only id': [(2,)],
    "cities where id in (orders where id > 1 only address.city) sort id only id": [(1,), (2,)],
    "cities where exists (orders where address.city = outer(id)) sort id only id": [(1,), (2,)],
    'orders where exists (cities where id = outer(address.city) and name = "Rome") only id': [(2,)],
    'orders where concat(address.city.name, "!") = "Rome!" only id': [(2,)],
    "orders where id < 4 sort -address.city.name, id only id, address.city.name, address.city": [
        (2, "Rome", 2),
        (1, "Paris", 1),
        (3, "Paris", 1),
    ],
    "orders group address.city.name having count(address.city) > 1 only address.city.name, max(address.city.name)": [
        ("Paris", "Paris")
    ],
    "cities sort id only id": [(1,), (2,), (3,)],
}


async def world(tmp_path: object, url: str) -> Holdall:
    return await filled(orders({"main": url.format(tmp_path)}))


@pytest.mark.parametrize("url", ["memory:", "sqlite:///{}/s.db"])
async def test_dots_lead_to_references_inside_values(tmp_path: object, url: str) -> None:
    app = await world(tmp_path, url)
    async with app.session() as session:
        for text, rows in TEXTS.items():
            assert await session.query(parse_query(text)) == rows, text
        (order,) = await session.query(parse_query('orders where address.city.name = "Rome"'))
        assert order.id == 2
        assert await session.count(parse_query("orders where address.city = 1")) == 2
        last = await session.first(parse_query("orders sort -address.city.name"))
        assert last is not None
        assert last.id == 2
    await app.close()


async def test_what_was_written_by_a_query_is_read_as_that_query(tmp_path: object) -> None:
    app = await world(tmp_path, "memory:")
    app.bindings.configure()
    schemas = {each.collection: each.schema for each in app.bindings}
    for text in TEXTS:
        query: AnyQuery = placed(parse_query(text), schemas)
        assert placed(query, schemas) == query
        assert placed(parse_query(format_query(query)), schemas) == query
    plain = City.where(City.id == 1)
    assert placed(plain, schemas) == plain
    unknown: AnyQuery = parse_query("nothing where a.b = 1 sort c.d")
    assert placed(unknown, schemas) == unknown
    await app.close()
