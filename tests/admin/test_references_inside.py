"""References inside values in forms: found by typing, saved as keys, refused at their places."""

from __future__ import annotations

from typing import Any

import pytest

from holdall import Authenticated, Holdall, Policy
from tests.support.back_office import library, visitor
from tests.support.orders import MODELS, Order, some_orders, targets

pytestmark = pytest.mark.anyio

OPEN = Policy(read=Authenticated, write=Authenticated)


async def office() -> tuple[Holdall, Any]:
    def with_orders(app: Holdall) -> None:
        app.add(*MODELS, store="main", policy=OPEN)

    app, service, _ = await library(before=with_orders)
    async with app.session() as session:
        session.add_all([*targets(), *some_orders()])
    return app, service


async def test_inputs_look_up_records() -> None:
    _, service = await office()
    page = await (await visitor(service, "eve")).open("/admin/edit/orders/1")
    assert page.status == 200
    for name, collection in (
        ("f.address.city", "cities"),
        ("f.address.way.shipper", "shippers"),
        ("f.notes.watchers", "people"),
        ("f.notes.boss", "people"),
    ):
        (tag,) = [each for each in page.html.split("<") if f'name="{name}"' in each]
        assert f"/admin/lookup/{collection}" in tag


async def test_forms_save_keys_and_show_what_is_wrong() -> None:
    app, service = await office()
    browser = await visitor(service, "eve")
    page = await browser.open("/admin/edit/orders/1")
    form = page.form()
    assert form.inputs["f.address.city"] == ["1"]
    assert form.inputs["f.notes.watchers"] == ["ann\nbob"]
    saved = await browser.submit(page, form.filled(**{"f.address.city": "3", "f.notes.watchers": "bob"}))
    assert saved.status == 200
    async with app.session() as session:
        order = await session.require(Order, 1)
        assert order.address is not None
        assert order.address.city.key == 3
        assert [each.key for each in order.notes.watchers] == ["bob"]
    page = await browser.open("/admin/edit/orders/1")
    refused = await browser.submit(page, page.form().filled(**{"f.address.city": "77"}))
    assert "does not exist" in refused.text


async def test_records_show_the_other_end() -> None:
    _, service = await office()
    browser = await visitor(service, "eve")
    city = await browser.open("/admin/data/cities/1")
    assert city.status == 200
    assert "/admin/data/orders/1" in city.html
    assert (await browser.open("/admin/data/orders")).status == 200
    assert (await browser.open("/admin/data/orders/1")).status == 200
    assert (await browser.open("/admin/new/orders")).status == 200


async def test_a_record_shows_those_of_its_values_with_the_values() -> None:
    _, service = await office()
    page = await (await visitor(service, "eve")).open("/admin/data/orders/1")
    assert "Address.city" not in page.text
    assert "address.city" not in page.text
