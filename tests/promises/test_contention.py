"""A1: commits that meet are whole or not at all, whatever stores they go over."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from holdall import Guarantee, Holdall, Model, OnDelete, Ref, field
from holdall.errors import CommitAborted, StaleVersion
from tests.contention.models import Arena
from tests.promises.acts import balances, opened

pytestmark = pytest.mark.anyio

_PAIRS = [
    ("postgresql", "redis"),
    ("postgresql", "yaml"),
    ("redis", "yaml"),
    ("sqlite", "redis"),
    ("sqlite", "postgresql"),
    ("sqlite", "sqlite"),
    ("mongo", "redis"),
    ("postgresql", "mongo"),
]


@pytest.mark.parametrize("arena", _PAIRS, indirect=True)
async def test_of_two_commits_at_once_one_is_aborted_and_nothing_is_half_written(arena: Arena) -> None:
    """They write different records of the first store and the same record of the second."""
    first, second = arena.books(0).account, arena.books(1).account
    both = asyncio.Barrier(2)

    async def move(app: Holdall, account: int) -> None:
        async with app.session() as session:
            (await session.require(first, account)).balance -= 10
            (await session.require(second, 1)).balance += 10
            assert session.plan().guarantee is Guarantee.RECOVERED
            await both.wait()
            await session.commit(require="recovered")

    async with opened(arena) as app:
        ends = await asyncio.gather(move(app, 1), move(app, 2), return_exceptions=True)
        (lost,) = [end for end in ends if end is not None]
        assert isinstance(lost, CommitAborted)
        assert isinstance(lost.__cause__, StaleVersion)
        assert await app.recovery.unfinished() == []
    won = ends.index(None) + 1
    assert [await balances(arena, 1), await balances(arena, 2)] == [[[90, 110], [100, 100]], [[100, 110], [90, 100]]][
        won - 1
    ]


class Parent(Model):
    id: int = field(pk=True)
    version: int = field(version=True)


class Child(Model):
    id: int = field(pk=True)
    parent: Ref[Parent] = field(index=True, on_delete=OnDelete.CASCADE)
    n: int = 0
    version: int = field(version=True)


async def test_a_removal_that_takes_children_in_another_store_leaves_none(tmp_path: Path, redis_url: str) -> None:
    app = Holdall("family", journal=f"sqlite:///{tmp_path}/journal.db")
    app.add_store("main", f"sqlite:///{tmp_path}/main.db")
    app.add_store("red", redis_url, prefix=tmp_path.name)
    app.add(Parent, store="main")
    app.add(Child, store="red")
    await app.create()
    try:
        async with app.session() as session:
            session.add_all(Parent(id=key) for key in range(20))
            session.add_all(Child(id=key * 10 + place, parent=key) for key in range(20) for place in range(4))

        async def edit(key: int) -> None:
            async with app.session() as session:
                child = await session.get(Child, key)
                if child is not None:
                    child.n += 1

        async def remove(key: int) -> None:
            async with app.session() as session:
                session.remove(await session.require(Parent, key))

        acts = [act for key in range(20) for act in (remove(key), edit(key * 10), edit(key * 10 + 3))]
        ends = [end for end in await asyncio.gather(*acts, return_exceptions=True) if end is not None]
        assert {type(end) for end in ends} <= {CommitAborted}
        async with app.session() as session:
            parents = {parent.id for parent in await session.query(Parent.where())}
            children = await session.query(Child.where())
        assert {child.id // 10 for child in children} == parents
        assert len(children) == 4 * len(parents)
        assert len(parents) < 20
        assert await app.recovery.unfinished() == []
        assert (await app.fsck()).findings == ()
    finally:
        await app.close()
