"""B12 and the fence: a lease is renewed while its commit lives, and who has lost it writes nothing more."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from holdall import Holdall, Model, field
from holdall.dao import DAO
from tests.contention.models import Arena
from tests.crash.failpoints import Failpoint
from tests.promises.acts import add, balances, opened, started_victim
from tests.support.preloaded import PreloadedProcess

pytestmark = [pytest.mark.early, pytest.mark.anyio]


class Order(Model):
    id: int = field(pk=True)


class Invoice(Model):
    id: int = field(pk=True)


class Note(Model):
    id: int = field(pk=True)


class Invoices(DAO[Invoice]):
    """Takes its time: several leases."""

    def __init__(self, sent: list[str]) -> None:
        self._sent = sent
        self.begun = asyncio.Event()

    async def add(self, invoice: Invoice) -> None:
        self.begun.set()
        await asyncio.sleep(2.5)
        self._sent.append(f"sent {invoice.id}")


@pytest.fixture
def fresh_url(postgres_url: str, fresh_database: Callable[[str], str]) -> str:
    return fresh_database(postgres_url)


async def test_a_lease_is_renewed_during_a_slow_call(
    tmp_path: Path, fresh_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neighbours that cannot see its owner recover all the time, and leave it alone."""
    sent: list[str] = []
    invoices = Invoices(sent)

    async def cancel(operation: object) -> None:
        sent.append("cancelled")

    def build(dao: DAO[Invoice]) -> Holdall:
        app = Holdall("shop", journal=f"sqlite:///{tmp_path}/journal.db", lease=0.6)
        app.add_store("main", fresh_url)
        app.add_store("notes", f"yaml:{tmp_path}/notes")
        app.add(Order, store="main")
        app.add(Note, store="notes")
        app.add_dao(dao, compensation=cancel)
        return app

    monkeypatch.setattr("holdall.session.commit.two_phase.coordinator.is_known_dead", lambda owner, commit: False)
    service, neighbour = build(invoices), build(Invoices([]))
    try:
        await service.create()

        async def commit() -> None:
            async with service.session() as session:
                session.add_all([Order(id=1), Invoice(id=1), Note(id=1)])

        task = asyncio.create_task(commit())
        await invoices.begun.wait()
        told = []
        while not task.done():
            told.append(await neighbour.recovery.run())
            await asyncio.sleep(0.1)
        await task
        assert all((one.finished, one.undone, one.listed, one.pending) == (0, 0, 0, 0) for one in told)
        assert any(one.held for one in told)
        assert sent == ["sent 1"]
        async with service.session() as session:
            assert [await session.count(Order.where()), await session.count(Note.where())] == [1, 1]
        assert await service.recovery.unfinished() == []
    finally:
        await service.close()
        await neighbour.close()


_PAIRS = [("sqlite", "yaml"), ("postgresql", "redis"), ("redis", "yaml"), ("prepared", "prepared"), ("mongo", "redis")]
_IS_WHOLE = "HOLDALL_WHOLE" in os.environ
"""Whether each of the three tests below tries all of these, not two."""


@pytest.mark.parametrize("arena", _PAIRS if _IS_WHOLE else _PAIRS[:2], indirect=True)
async def test_who_is_stopped_before_the_decision_for_longer_than_his_lease_writes_nothing(arena: Arena) -> None:
    arena, victim = await _stopped(arena, Failpoint.DECIDING)
    async with opened(arena, is_new=False) as app:
        await add(app, arena, 1)  # takes the commit for abandoned
        printed = await _go_on(victim)
        assert printed.startswith("CommitAborted"), printed
        assert await app.recovery.unfinished() == []
    assert await balances(arena) == [100, 101]


@pytest.mark.parametrize("arena", _PAIRS if _IS_WHOLE else _PAIRS[2:4], indirect=True)
async def test_who_is_stopped_after_the_decision_writes_nothing_that_was_written_for_him(arena: Arena) -> None:
    arena, victim = await _stopped(arena, Failpoint.DECIDED)
    async with opened(arena, is_new=False) as app:
        await add(app, arena, 1)
        await add(app, arena, 0)
        printed = await _go_on(victim)
        assert printed == "committed"
        assert await app.recovery.unfinished() == []
    assert await balances(arena) == [91, 111]


@pytest.mark.parametrize("arena", _PAIRS if _IS_WHOLE else _PAIRS[1::3], indirect=True)
async def test_a_helper_that_is_stopped_loses_his_claim_to_another(arena: Arena) -> None:
    """The commit was decided, its owner and then its helper were stopped: it is written once."""
    arena, owner = await _stopped(arena, Failpoint.DECIDED)
    await asyncio.sleep(2.1)  # his lease, in whole seconds
    helper = started_victim(arena, Failpoint.REPLAYING, "stop")
    await _until_stopped(helper)
    async with opened(arena, is_new=False) as app:
        await add(app, arena, 1)
        assert await _go_on(owner) == "committed"
        assert (await _go_on(helper)).split()[0] in ("committed", "CommitAborted")
        assert await app.recovery.unfinished() == []
    first, second = await balances(arena)
    assert (first, second) in ((90, 111), (80, 121))


async def _stopped(arena: Arena, point: Failpoint) -> tuple[Arena, PreloadedProcess]:
    arena = msgspec.structs.replace(arena, lease=0.5)
    async with opened(arena):
        pass
    victim = started_victim(arena, point, "stop")
    await _until_stopped(victim)
    return arena, victim


async def _until_stopped(victim: PreloadedProcess) -> None:
    assert victim.stdout is not None
    assert await asyncio.to_thread(victim.stdout.readline) == "stops\n"


async def _go_on(victim: PreloadedProcess) -> str:
    victim.send_signal(signal.SIGCONT)
    printed, _ = await asyncio.to_thread(victim.communicate, timeout=60)
    return str(printed).strip()
