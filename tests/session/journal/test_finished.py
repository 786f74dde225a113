"""Rows of commits that are over: they go soon, in batches, and spoil no other commit."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from holdall.errors import StoreUnavailable
from holdall.query import Query
from holdall.session.journal.finished import FinishedCommits
from holdall.session.journal.log_record import LogRecord
from holdall.session.journal.markers import marker_of
from holdall.session.journal.row import JournalRow, JournalState, add_row, now, remove_row, update_row
from holdall.session.journal.schema import JOURNAL, MARKER
from holdall.store import Verb
from holdall.testing.lasting_memory import LastingMemory

pytestmark = pytest.mark.anyio


def _home() -> LastingMemory:
    home = LastingMemory("home")
    home.bind([JOURNAL, MARKER])
    return home


async def _rows(home: LastingMemory) -> list[str]:
    return sorted([row[0] for row in await home.fetch(Query(JOURNAL.name))])


async def _add(home: LastingMemory, *commits: str) -> list[JournalRow]:
    rows = [JournalRow(commit, JournalState.DECIDED, "o", now(), LogRecord([])) for commit in commits]
    await home.apply([add_row(row) for row in rows])
    return rows


async def test_rows_go_by_themselves_a_moment_later() -> None:
    home, finished = _home(), FinishedCommits()
    for row in await _add(home, "a", "b", "c"):
        finished.add(home, row, [], [])
    assert await _rows(home) == ["a", "b", "c"]
    for _ in range(200):
        await asyncio.sleep(0.05)
        if not await _rows(home):
            return
    pytest.fail("the rows are still there")


class _Busy(LastingMemory):
    """A home in which another commit ends whenever rows are removed."""

    finished: FinishedCommits
    later: list[JournalRow]
    removals = 0

    async def apply(self, changes: Any) -> Any:
        if any(change.verb is Verb.REMOVE for change in changes):
            self.removals += 1
            if self.later:
                self.finished.add(self, self.later.pop(), [], [])
        return await super().apply(changes)


async def test_commits_that_end_meanwhile_wait_for_the_next_time() -> None:
    """Else each is removed alone, at the price of a commit, for as long as others follow."""
    home, finished = _Busy("home"), FinishedCommits()
    home.bind([JOURNAL, MARKER])
    home.finished, home.later = finished, []
    first, *home.later = await _add(home, "a", "b", "c", "d")
    finished.add(home, first, [], [])
    await finished.remove()
    assert (home.removals, len(await _rows(home))) == (1, 3)
    await finished.close()
    home.later.clear()
    await finished.close()
    assert home.removals == 3


class _Slow(LastingMemory):
    """A home that is slow to remove rows."""

    async def apply(self, changes: Any) -> Any:
        for _ in range(20):
            await asyncio.sleep(0)
        return await super().apply(changes)


async def test_who_removes_waits_for_a_removal_under_way() -> None:
    home, finished = _Slow("home"), FinishedCommits()
    home.bind([JOURNAL, MARKER])
    (row,) = await _add(home, "a")
    finished.add(home, row, [], [])
    finished._start()  # as the timer does
    await asyncio.sleep(0)
    await finished.remove()
    assert await _rows(home) == []
    await finished.close()


async def test_a_row_that_somebody_removed_or_moved_is_dropped_and_the_others_go() -> None:
    home, finished = _home(), FinishedCommits()
    rows = await _add(home, "a", "b", "c", "d")
    for row in rows:
        finished.add(home, row, [], [])
    await home.apply([remove_row(rows[1])])
    moved = rows[2].moved(JournalState.LISTED, "", now(), LogRecord([]))
    await home.apply([update_row(moved)])
    await finished.remove()
    assert await _rows(home) == ["c"]


async def test_a_marker_goes_after_its_row() -> None:
    home, finished = _home(), FinishedCommits()
    (row,) = await _add(home, "a")
    await home.apply([marker_of("a", home.name)])
    finished.add(home, row, [home], [home])
    await finished.remove()
    assert await _rows(home) == []
    assert await home.fetch(Query(MARKER.name)) == []


class _Lazy:
    """A store that writes parts without waiting for the disk."""

    def __init__(self, log: list[str], error: Exception | None = None) -> None:
        self._log = log
        self._error = error

    async def sync(self) -> None:
        self._log.append("synced")
        if self._error is not None:
            raise self._error


async def test_a_row_stays_until_every_part_survives_a_power_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    home, finished, log = _home(), FinishedCommits(), list[str]()
    (row,) = await _add(home, "a")
    apply = home.apply

    async def logged(changes: Any) -> Any:
        log.append("removed")
        return await apply(changes)

    monkeypatch.setattr(home, "apply", logged)
    lazy: Any = _Lazy(log)
    finished.add(home, row, [lazy, lazy], [])
    await finished.remove()
    assert log == ["synced", "removed"]


async def test_a_row_stays_where_a_part_may_still_be_lost() -> None:
    home, finished = _home(), FinishedCommits()
    (row,) = await _add(home, "a")
    lazy: Any = _Lazy([], StoreUnavailable("second", "away"))
    finished.add(home, row, [lazy], [])
    await finished.remove()
    assert await _rows(home) == ["a"]
