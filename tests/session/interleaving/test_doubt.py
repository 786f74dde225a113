"""An owner whose COMMIT was not answered, and whose lease is over: a helper may have finished and forgotten it."""

from __future__ import annotations

import datetime as dt

import pytest

from holdall.session.journal import handle as handle_module
from holdall.session.journal import row as row_module
from holdall.session.journal.handle import JournalHandle
from holdall.session.journal.journal import Journal
from holdall.session.journal.log_record import LogRecord
from holdall.session.journal.row import JournalRow, JournalState
from holdall.session.journal.schema import JOURNAL
from holdall.store import Store
from holdall.testing.lasting_memory import LastingMemory

pytestmark = pytest.mark.anyio


def _handle(home: LastingMemory, lease: float = 15.0) -> JournalHandle:
    home.bind([JOURNAL])
    journal = Journal("bank", lambda: [home], "memory:", lease)
    return JournalHandle(journal, journal.finished, "c1", home, is_kept=True)


async def test_no_row_within_the_lease_means_that_it_is_not_decided() -> None:
    handle = _handle(LastingMemory("home"))
    handle.decision(LogRecord([]))
    assert await handle.settle_doubt() is False


async def test_no_row_after_the_lease_means_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    home = LastingMemory("home")
    handle = _handle(home)
    await home.apply([handle.decision(LogRecord([]))])
    later = row_module.now() + dt.timedelta(seconds=16)
    row = await handle.journal.read(home, "c1")
    assert row is not None
    await handle.journal.remove(home, row)  # as a helper does once every part is written
    monkeypatch.setattr(handle_module, "now", lambda: later)
    assert await handle.settle_doubt() is None
    assert await handle.settle_doubt() is None  # the tombstone of the first time says no more than that


async def test_a_row_that_goes_while_one_looks_at_it_is_no_tombstone(monkeypatch: pytest.MonkeyPatch) -> None:
    home = LastingMemory("home")
    handle = _handle(home)
    await home.apply([handle.decision(LogRecord([]))])
    row = await handle.journal.read(home, "c1")
    assert row is not None
    read, looks = handle.journal.read, list[str]()

    async def going(place: Store, commit: str) -> JournalRow | None:
        if not looks:
            await handle.journal.remove(home, row)
        looks.append(commit)
        return await read(place, commit)

    monkeypatch.setattr(handle.journal, "read", going)
    assert await handle.journal.bury(home, "c1") is None
    found = await read(home, "c1")
    assert found is not None
    assert found.state is JournalState.ABORTED
