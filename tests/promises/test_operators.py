"""A5, A6 and B5: operators cannot do harm, neither to what went well nor to what somebody alive is at work on."""

from __future__ import annotations

import asyncio
import datetime as dt
import subprocess
import sys

import pytest

from holdall import Holdall
from holdall.errors import CommitAborted, CommitPartial, StateError
from tests.contention.models import Arena
from tests.crash.failpoints import Failpoint
from tests.promises.acts import Gate, balances, die_at, move, opened

pytestmark = pytest.mark.anyio

_PAIRS = [
    ("sqlite", "yaml"),
    ("postgresql", "redis"),
    ("sqlite", "sqlite"),
    ("redis", "yaml"),
    ("prepared", "prepared"),
]


@pytest.mark.parametrize("how", ["resolve", "retry", "compensate", "accept"])
@pytest.mark.parametrize("arena", _PAIRS, indirect=True)
async def test_what_went_well_is_not_shown_and_stays(arena: Arena, how: str) -> None:
    """The loop of the documents, in another process, while the service goes on."""
    async with opened(arena) as service:
        await move(service, arena)
        async with opened(arena, is_new=False) as operator:
            for unfinished in await operator.recovery.unfinished():
                await getattr(operator.recovery, how)(unfinished.commit)
        for _ in range(3):
            await move(service, arena)
    assert await balances(arena) == [60, 140]


@pytest.mark.parametrize("how", ["resolve", "retry", "compensate", "accept"])
@pytest.mark.parametrize("arena", _PAIRS[:3], indirect=True)
async def test_what_a_living_process_holds_is_refused_by_name(arena: Arena, how: str) -> None:
    async with opened(arena) as service, opened(arena, is_new=False) as operator:
        gate = _gate(service, arena)
        task = asyncio.create_task(move(service, arena))
        await gate.reached.wait()
        (seen,) = await operator.recovery.unfinished()
        assert seen.owner
        with pytest.raises(StateError, match="held by a living process") as caught:
            await getattr(operator.recovery, how)(seen.commit)
        assert seen.commit in str(caught.value)
        gate.open()
        await task
    assert await balances(arena) == [90, 110]


@pytest.mark.parametrize("arena", _PAIRS[:3], indirect=True)
async def test_by_force_it_is_taken_back_and_its_owner_is_told(arena: Arena) -> None:
    async with opened(arena) as service, opened(arena, is_new=False) as operator:
        gate = _gate(service, arena)
        task = asyncio.create_task(move(service, arena))
        await gate.reached.wait()
        (seen,) = await operator.recovery.unfinished()
        assert await operator.recovery.compensate(seen.commit, force=True) is None
        gate.open()
        with pytest.raises(CommitPartial, match="operator has taken the commit back"):
            await task
        assert await service.recovery.unfinished() == []
    assert await balances(arena) == [100, 100]


@pytest.mark.parametrize("point", [Failpoint.DECIDED, Failpoint.ROLLED_FORWARD], ids=lambda point: point.name)
@pytest.mark.parametrize("arena", _PAIRS, indirect=True)
async def test_compensation_asks_the_stores_what_was_done(arena: Arena, point: Failpoint) -> None:
    async with opened(arena):
        pass
    await die_at(arena, point)
    async with opened(arena, is_new=False) as operator:
        commits = [unfinished.commit for unfinished in await operator.recovery.unfinished()]
        for commit in commits:
            assert await operator.recovery.compensate(commit) is None
        assert await operator.recovery.unfinished() == []
    over = point is Failpoint.ROLLED_FORWARD and not commits  # then all of it is written, and there is nothing to undo
    assert await balances(arena) == ([90, 110] if over else [100, 100])


@pytest.mark.parametrize("arena", [("sqlite", "yaml")], indirect=True)
async def test_rows_that_somebody_removed_stop_no_commit(arena: Arena) -> None:
    async with opened(arena) as service:
        gate = _gate(service, arena)
        task = asyncio.create_task(move(service, arena))
        await gate.reached.wait()
        await asyncio.to_thread(_remove_rows, arena)
        gate.open()
        await task
        for _ in range(3):
            await move(service, arena)
    assert await balances(arena) == [60, 140]


@pytest.mark.parametrize("arena", [("sqlite", "yaml")], indirect=True)
async def test_a_neighbour_whose_clock_is_ahead_spoils_no_commit(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    """He takes every lease for over, and finishes what is decided; all of it is written once."""
    async with opened(arena) as service, opened(arena, is_new=False) as neighbour:
        done = asyncio.Event()

        async def recover() -> None:
            while not done.is_set():
                await neighbour.recovery.run()
                await asyncio.sleep(0)

        monkeypatch.setattr("holdall.session.commit.two_phase.coordinator.now", _an_hour_ahead)
        recovering = asyncio.create_task(recover())
        ends: list[BaseException | None] = []
        for _ in range(20):
            ends += await asyncio.gather(move(service, arena, amount=1), return_exceptions=True)
        done.set()
        await recovering
        await move(service, arena, amount=0, account=2)
        assert await service.recovery.unfinished() == []
    assert {type(end) for end in ends if end is not None} <= {CommitAborted}  # he may bury what is not decided yet
    moved = ends.count(None)
    assert await balances(arena) == [100 - moved, 100 + moved]


def _an_hour_ahead() -> dt.datetime:
    return dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)


def _gate(service: Holdall, arena: Arena) -> Gate:
    """Before the store that does not decide."""
    home = "sqlite0" if arena.kinds[0] == "sqlite" else "postgresql0"
    (name,) = [name for name in service.stores if name != home]
    return Gate(service.stores[name])


def _remove_rows(arena: Arena) -> None:
    """In a process of its own: another SQLite library in this one would be noticed."""
    program = (
        "import sqlite3, sys; connection = sqlite3.connect(sys.argv[1], timeout=20);"
        "connection.execute(\"DELETE FROM holdall_journal WHERE state = 'decided'\"); connection.commit()"
    )
    place = arena.urls[0].removeprefix("sqlite:///")
    subprocess.run([sys.executable, "-c", program, place], check=True, timeout=60)
