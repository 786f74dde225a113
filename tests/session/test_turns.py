"""Commits that were refused for the same record take turns, and each is tried again once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from holdall import Fill, Holdall, Many, Model, Ref, back, field
from holdall.session.turns import Turn, Turns
from holdall.testing.wrapping import wrap_store

pytestmark = pytest.mark.anyio

WRITERS = 20


class Shop(Model):
    id: int = field(pk=True)
    stalls: Many[Stall] = back("shop", fill=Fill.STORED)
    version: int = field(version=True)


class Stall(Model):
    id: int = field(pk=True)
    shop: Ref[Shop]


class Counting:
    """A store that counts what it is asked to write."""

    def __init__(self, store: Any) -> None:
        self.store = store
        self.writes = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    async def apply(self, changes: Any) -> Any:
        self.writes += 1
        await asyncio.sleep(0)
        return await self.store.apply(changes)


async def test_twenty_at_once_are_each_refused_at_most_once(tmp_path: Path) -> None:
    app = Holdall("market")
    app.add_store("main", f"sqlite:///{tmp_path}/main.db")
    app.add(Shop, Stall, store="main")
    await app.create()
    async with app.session() as session:
        session.add(Shop(id=1))
    counting = wrap_store(app, "main", Counting)

    async def come(number: int) -> None:
        async with app.session() as session:
            session.add(Stall(id=number, shop=1))

    await asyncio.gather(*map(come, range(WRITERS)))
    async with app.session() as session:
        assert sorted((await session.require(Shop, 1)).stalls.keys) == list(range(WRITERS))
    assert counting.writes <= 2 * WRITERS
    await app.close()


async def test_a_turn_is_taken_in_the_order_of_asking_and_given_up_for_another() -> None:
    turns, told = Turns(), list[str]()
    first, second = Turn(turns), Turn(turns)
    assert await first.take("shop", 1, 1.0)
    assert not await first.take("shop", 1, 1.0)  # it has it

    async def wait() -> None:
        assert await second.take("shop", 1, 10.0)
        told.append("second")

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0)
    assert not told
    assert await first.take("shop", 2, 1.0)
    await waiting
    second.end()
    assert await Turn(turns).take("shop", 1, 1.0)


async def test_who_waits_too_long_is_told() -> None:
    turns = Turns()
    first = Turn(turns)
    await first.take("shop", 1, 1.0)
    with pytest.raises(TimeoutError):
        await Turn(turns).take("shop", 1, 0.0)
    first.end()
    first.end()  # nothing is left to be given up
    assert await Turn(turns).take("shop", 1, 1.0)
