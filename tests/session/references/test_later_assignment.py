"""A reference that is assigned after its other end was written by key says what is stored."""

from __future__ import annotations

import pytest

from holdall import Holdall, Many, Model, Ref, back, field

pytestmark = pytest.mark.anyio


class Parent(Model):
    id: int = field(pk=True)
    kids: Many[Kid] = back("parent")


class Kid(Model):
    id: int = field(pk=True)
    parent: Ref[Parent | None] = field(default=None)


async def _app(parent: int | None) -> Holdall:
    app = Holdall("family")
    app.add_store("main", "memory:")
    app.add(Parent, Kid, store="main")
    async with app.session() as session:
        session.add_all([Parent(id=1), Parent(id=2), Kid(id=1, parent=parent)])
    return app


async def _stored(app: Holdall) -> int | None:
    async with app.session() as session:
        found: int | None = (await session.require(Kid, 1)).parent.key
        return found


@pytest.mark.parametrize("later", [1, None])
async def test_it_wins_over_an_addition_by_key(later: int | None) -> None:
    app = await _app(1 if later is None else None)
    async with app.session() as session:
        (await session.require(Parent, 2)).kids.add(1)
        (await session.require(Kid, 1)).parent = later
    assert await _stored(app) == later


async def test_it_wins_over_a_removal_by_key_and_over_a_list_without_it() -> None:
    app = await _app(2)
    async with app.session() as session:
        one = await session.require(Parent, 1)
        one.kids.remove(1)
        (await session.require(Kid, 1)).parent = 1
    assert await _stored(app) == 1
    async with app.session() as session:
        (await session.require(Parent, 2)).kids = []
        (await session.require(Kid, 1)).parent = 2
    assert await _stored(app) == 2


async def test_without_it_what_was_written_by_key_holds() -> None:
    app = await _app(1)
    async with app.session() as session:
        (await session.require(Parent, 2)).kids.add(1)
        await session.require(Kid, 1)
    assert await _stored(app) == 2
