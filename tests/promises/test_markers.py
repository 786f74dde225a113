"""A8 and B2: what commits leave behind does not grow, counts towards no bound and slows nobody down."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdall import Holdall, Model, field
from tests.contention.models import Arena
from tests.contention.raw import sizes_of
from tests.promises.acts import balances, move, opened

pytestmark = pytest.mark.anyio


class Left(Model):
    id: int = field(pk=True)
    n: int = 0


class Right(Model):
    id: int = field(pk=True)
    n: int = 0


@pytest.mark.parametrize("layout", ["record", "collection"])
async def test_commits_do_not_count_towards_the_most_records(tmp_path: Path, layout: str) -> None:
    app = Holdall("bounded", journal=f"sqlite:///{tmp_path}/journal.db")
    app.add_store("lite", f"sqlite:///{tmp_path}/main.db")
    app.add_store("files", f"yaml:{tmp_path}/files", layout=layout, max_records=5)
    app.add(Left, store="lite")
    app.add(Right, store="files")
    try:
        await app.create()
        async with app.session() as session:
            session.add_all([Left(id=1), Right(id=1)])
        for n in range(1, 30):
            async with app.session() as session:
                (await session.require(Left, 1)).n = n
                (await session.require(Right, 1)).n = n
        assert await app.recovery.sweep() == 0
        async with app.session() as session:
            assert [(await session.require(Left, 1)).n, (await session.require(Right, 1)).n] == [29, 29]
    finally:
        await app.close()


@pytest.mark.parametrize(
    "arena",
    [
        ("sqlite", "yaml"),
        ("sqlite", "redis"),
        ("redis", "yaml"),
        ("postgresql", "postgresql"),
        ("prepared", "prepared"),
        ("mongo", "redis"),
        ("sqlite", "sqlite"),
    ],
    indirect=True,
)
async def test_nothing_grows_with_the_number_of_commits(arena: Arena) -> None:
    """Without ``start``: nobody sweeps. What there is of hidden things after 3 commits, there is after 20."""
    sizes: list[list[dict[str, int]]] = []
    for count in (3, 17):
        async with opened(arena, is_new=not sizes) as app:
            for _ in range(count):
                await move(app, arena, amount=1)
        sizes.append([await sizes_of(arena, side) for side in arena.sides])
    assert sizes[0] == sizes[1]
    assert await balances(arena) == [80, 120]


@pytest.mark.parametrize("arena", [("sqlite", "redis"), ("redis", "yaml")], indirect=True)
async def test_sweeping_asks_nothing_of_a_store_that_holds_its_parts(
    arena: Arena, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(arena) as app:
        for _ in range(5):
            await move(app, arena)
        assert await app.recovery.sweep() == 0
    assert caplog.text == ""
