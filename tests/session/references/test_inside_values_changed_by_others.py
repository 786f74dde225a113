"""References inside values of records without a version that several change at once: none leads to what is gone."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from holdall import Holdall
from holdall.errors import ValidationError
from tests.support.orders import MARS, VENUS, Address, Notes, Order, Person, Shipper, Way, filled, orders

pytestmark = pytest.mark.anyio

KINDS = ["memory", "sqlite", "yaml", "postgres_url", "mariadb_url", "mongo_url", "redis_url", "scattered"]
NOTES: Any = Notes
WAY: Any = Way


@pytest.fixture(params=KINDS)
async def app(
    request: pytest.FixtureRequest, tmp_path: Any, fresh_database: Callable[[str], str]
) -> AsyncIterator[Holdall]:
    kind, where, options = request.param, dict[str, str](), dict[str, Any]()
    own = {"memory": "memory:", "sqlite": f"sqlite:///{tmp_path}/s.db", "yaml": f"yaml:{tmp_path}/kept"}
    places = {"main": own[kind]} if kind in own else {}
    if kind == "scattered":
        places, where = {"main": own["sqlite"], "files": own["yaml"]}, {"people": "files", "shippers": "files"}
    elif kind == "redis_url":
        places = {"main": request.getfixturevalue(kind)}
        options = {"prefix": f"c{secrets.token_hex(6)}", "scan_limit": 1000}
    elif not places:
        places = {"main": fresh_database(request.getfixturevalue(kind))}
    made = await filled(orders(places, where, options))
    yield made
    assert not (await made.fsck()).findings
    await made.close()


async def order(app: Holdall) -> Order:
    async with app.session() as s:
        return await s.require(Order, 1)


def watchers(order: Order) -> list[Any]:
    return [each.key for each in order.notes.watchers]


async def test_a_value_that_keeps_what_was_removed_meanwhile_is_refused(app: Holdall) -> None:
    async with app.session() as slow:
        mine = await slow.require(Order, 1)
        mine.notes = NOTES(["ann", "bob"], "bob")
        async with app.session() as quick:
            quick.remove(await quick.require(Person, "bob"))
            (await quick.require(Order, 2)).notes = NOTES([])
        with pytest.raises(ValidationError) as refused:
            await slow.commit()
        assert {each.path for each in refused.value.errors} <= {"notes.watchers.1", "notes.boss"}
        slow.rollback()
    assert watchers(await order(app)) == ["ann"]


async def test_a_value_whose_references_hold_is_written_last(app: Holdall) -> None:
    async with app.session() as slow:
        mine = await slow.require(Order, 1)
        mine.notes = NOTES(["bob", "ann"])
        async with app.session() as quick:
            (await quick.require(Order, 1)).notes = NOTES(["ann"])
        await slow.commit()
    assert watchers(await order(app)) == ["bob", "ann"]


async def test_two_removals_empty_both_places(app: Holdall) -> None:
    async with app.session() as s:
        (await s.require(Order, 2)).notes = NOTES([])
    async with app.session() as one, app.session() as other:
        one.remove(await one.require(Person, "ann"))
        other.remove(await other.require(Person, "bob"))
        await asyncio.gather(one.commit(), other.commit())
    assert watchers(await order(app)) == []


async def test_what_the_other_end_writes_keeps_the_rest_of_the_value(app: Holdall) -> None:
    for _ in range(3):
        async with app.session() as one, app.session() as other:
            (await one.require(Shipper, VENUS)).orders.add(1)
            theirs = await other.require(Order, 1)
            assert theirs.address is not None
            street = theirs.address.street + "!"
            theirs.address.street = street
            await asyncio.gather(one.commit(), other.commit())
        found = await order(app)
        assert found.address is not None
        async with app.session() as s:
            assert found.address.street == street
            assert found.address.way.shipper is not None
            leads = found.address.way.shipper.key == VENUS
            assert sorted((await s.require(Shipper, VENUS)).orders.keys) == ([1, 3] if leads else [3])
            again = await s.require(Order, 1)
            again.address = Address(street, 1, WAY(MARS))


async def test_a_key_that_changes_is_not_written_back(app: Holdall) -> None:
    async with app.session() as slow:
        mine = await slow.require(Order, 1)
        mine.notes = NOTES(["ann", "bob"], "ann")
        async with app.session() as quick:
            quick.change_key(await quick.require(Person, "bob"), "rob")
        with pytest.raises(ValidationError) as refused:
            await slow.commit()
        assert [each.path for each in refused.value.errors] == ["notes.watchers.1"]
        slow.rollback()
    assert watchers(await order(app)) == ["ann", "rob"]


async def test_two_keys_that_change_at_once_both_lead_on(app: Holdall) -> None:
    async with app.session() as one, app.session() as other:
        one.change_key(await one.require(Person, "ann"), "anna")
        other.change_key(await other.require(Person, "bob"), "rob")
        await asyncio.gather(one.commit(), other.commit())
    assert watchers(await order(app)) == ["anna", "rob"]
