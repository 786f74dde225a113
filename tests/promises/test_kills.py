"""A2 and A3: whoever dies in a commit, others find what is decided written and what is not decided gone, at once."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from tests.contention.models import Arena
from tests.crash.failpoints import Failpoint
from tests.promises.acts import add, balances, die_at, move, opened

pytestmark = [pytest.mark.early, pytest.mark.anyio]

_PAIRS = [
    ("sqlite", "yaml"),
    ("sqlite", "redis"),
    ("sqlite", "sqlite"),
    ("sqlite", "postgresql"),
    ("postgresql", "redis"),
    ("postgresql", "postgresql"),
    ("prepared", "prepared"),
    ("redis", "yaml"),
    ("mongo", "redis"),
]


async def _left(arena: Arena, point: Failpoint) -> None:
    async with opened(arena):
        pass
    await die_at(arena, point)


@pytest.mark.parametrize("arena", _PAIRS, indirect=True)
async def test_what_a_neighbour_writes_comes_after_what_the_dead_had_decided(arena: Arena) -> None:
    """With the default lease: the owner is known to be dead."""
    await _left(arena, Failpoint.DECIDED)
    async with opened(arena, is_new=False) as app:
        await add(app, arena, 1)
        await add(app, arena, 0)
        assert await app.recovery.unfinished() == []
    assert await balances(arena) == [91, 111]


@pytest.mark.parametrize("point", [Failpoint.PREPARED, Failpoint.DECIDING], ids=lambda point: point.name)
@pytest.mark.parametrize("arena", _PAIRS, indirect=True)
async def test_what_the_dead_had_not_decided_is_in_nobodys_way(arena: Arena, point: Failpoint) -> None:
    await _left(arena, point)
    async with opened(arena, is_new=False) as app:
        await add(app, arena, 1)
        await add(app, arena, 0)
        assert await app.recovery.unfinished() == []
    assert await balances(arena) == [101, 101]


@pytest.mark.parametrize("arena", _PAIRS, indirect=True)
async def test_a_service_finishes_at_its_start_what_the_dead_had_decided(arena: Arena) -> None:
    await _left(arena, Failpoint.DECIDED)
    async with opened(arena, is_new=False) as app:
        await app.start(every=3_600)  # so that the first round is the only one
        for _ in range(200):
            if not await app.recovery.unfinished():
                break
            await asyncio.sleep(0.05)
    assert await balances(arena) == [90, 110]


@pytest.mark.parametrize("arena", _PAIRS[:3], indirect=True)
async def test_a_program_finishes_it_before_its_first_commit_of_other_records(arena: Arena) -> None:
    await _left(arena, Failpoint.DECIDED)
    async with opened(arena, is_new=False) as app:
        await move(app, arena, account=2)
    assert [await balances(arena, 1), await balances(arena, 2)] == [[90, 110], [90, 110]]


@pytest.mark.parametrize("arena", _PAIRS[:2], indirect=True)
async def test_whose_death_nobody_can_see_is_helped_once_his_lease_is_over(arena: Arena) -> None:
    arena = msgspec.structs.replace(arena, lease=0.5)
    async with opened(arena):
        pass
    await die_at(arena, Failpoint.DECIDED, is_elsewhere=True)
    async with opened(arena, is_new=False) as app:
        await add(app, arena, 1)  # waits for the lease
    assert await balances(arena) == [90, 111]


@pytest.mark.parametrize("arena", _PAIRS[:2], indirect=True)
async def test_a_program_that_saw_a_lease_looks_again_once_it_is_over(arena: Arena) -> None:
    """It never touches the records of the dead, nor is it a service that recovers by itself."""
    arena = msgspec.structs.replace(arena, lease=3.0)
    async with opened(arena):
        pass
    await die_at(arena, Failpoint.DECIDED, is_elsewhere=True)
    async with opened(arena, is_new=False) as app:
        await move(app, arena, account=2)
        assert len(await app.recovery.unfinished()) == 1  # somebody may still be at work on it
        await asyncio.sleep(4.5)
        await move(app, arena, account=2)
    assert [await balances(arena, 1), await balances(arena, 2)] == [[90, 110], [80, 120]]


@pytest.mark.parametrize("point", [Failpoint.CLAIMED, Failpoint.REPLAYED], ids=lambda point: point.name)
@pytest.mark.parametrize("arena", [("sqlite", "yaml"), ("postgresql", "redis")], indirect=True)
async def test_a_helper_that_is_killed_is_helped_in_turn(arena: Arena, point: Failpoint) -> None:
    await _left(arena, Failpoint.DECIDED)
    await die_at(arena, point)  # it meets what the first has left
    async with opened(arena, is_new=False) as app:
        await add(app, arena, 1)
        assert await app.recovery.unfinished() == []
    assert await balances(arena) == [90, 111]
