"""The lease of a commit under way: renewed for as long as the commit lives, so that only the dead are helped.

A lease says when to try, never who is right: that is decided by the row in the home's journal. The timer that renews
it also ends the phases of the commit that take too long: one of the event loop's for all of them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Self

import msgspec

from holdall.errors import HoldallError, StaleVersion
from holdall.session.commit.two_phase.participants import TwoPhaseCommit
from holdall.session.journal.journal import Journal
from holdall.session.journal.owner import commit_under_way
from holdall.session.journal.row import JournalRow, update_row
from holdall.session.journal.schema import JOURNAL
from holdall.store import Preparable, Store

__all__ = ["Lease", "Phase", "claim_of", "lease_of", "require_claim"]

_log = logging.getLogger("holdall.commit")

_PARTS = 3  # renewals in the time of one lease


def lease_of(commit: TwoPhaseCommit) -> Lease:
    """Within the block the commit is under way: its reservations and its row are renewed before they expire."""
    return Lease(commit.coordinator.journal.lease / _PARTS, commit.id, partial(_renew, commit))


def claim_of(journal: Journal, home: Store, row: JournalRow) -> Lease:
    """Within the block a helper's claim on this row is renewed; a row that was moved on meanwhile is left alone."""
    return Lease(journal.lease / _PARTS, row.id, partial(_renew_row, journal, home, row))


async def require_claim(journal: Journal, home: Store, row: JournalRow | None) -> None:
    """Raise StaleVersion where somebody else has moved the row on: a process that has lost the claim writes nothing
    more.
    """
    if row is None:
        return
    found = await journal.read(home, row.id)
    if found is None or found.version != row.version:
        raise StaleVersion(home.name, JOURNAL.name, row.id)


class Lease:
    """Within its block the commit is under way, and renewed at an interval, in seconds.

    The block costs one timer where it ends before the first renewal, however many phases are limited in it.
    """

    __slots__ = ("_commit", "_due", "_every", "_loop", "_phases", "_renew", "_renewal", "_task", "_timer", "_under_way")

    def __init__(self, every: float, commit: str, renew: Callable[[], Awaitable[None]]) -> None:
        self._loop = asyncio.get_running_loop()
        self._every = every
        self._commit = commit
        self._renew = renew
        self._task: asyncio.Task[None] | None = None
        self._under_way = commit_under_way(commit)
        self._phases: list[Phase] = []
        self._renewal = self._due = 0.0  # when it is renewed, and when the timer rings
        self._timer: asyncio.TimerHandle

    def __enter__(self) -> Self:
        self._under_way.__enter__()
        self._renewal = self._due = self._loop.time() + self._every
        self._timer = self._loop.call_at(self._due, self._ring)
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
        self._under_way.__exit__(None, None, None)

    def phase(self, until: float) -> Phase:
        """A block that is cancelled, and raises TimeoutError, where it is not over by this time of the event loop."""
        return Phase(self, until)

    def enter(self, phase: Phase) -> None:
        """End this phase when its time is over."""
        self._phases.append(phase)
        if phase.until < self._due:
            self._timer.cancel()
            self._due = phase.until
            self._timer = self._loop.call_at(self._due, self._ring)

    def leave(self, phase: Phase) -> None:
        """Watch it no more."""
        self._phases.remove(phase)

    def _ring(self) -> None:
        now = self._loop.time()
        if self._renewal <= now:
            self._renewal = now + self._every
            if self._task is None or self._task.done():
                self._task = self._loop.create_task(self._try())
        for phase in [phase for phase in self._phases if phase.until <= now]:
            self._phases.remove(phase)
            phase.end()
        self._due = min([self._renewal, *[phase.until for phase in self._phases]])
        self._timer = self._loop.call_at(self._due, self._ring)

    async def _try(self) -> None:
        try:
            await self._renew()
        except HoldallError as error:
            _log.info("the lease of commit %s was not renewed: %s", self._commit, error)


class Phase:
    """A part of a commit that one task may carry out ``until`` a time of the event loop; see ``asyncio.timeout``."""

    __slots__ = ("_cancelled", "_is_over", "_lease", "_task", "until")

    def __init__(self, lease: Lease, until: float) -> None:
        self.until = until
        self._lease = lease
        self._is_over = False
        self._task: asyncio.Task[Any]
        self._cancelled: int

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task, self._cancelled = task, task.cancelling()
        self._lease.enter(self)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if not self._is_over:
            self._lease.leave(self)
        elif self._task.uncancel() <= self._cancelled and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def end(self) -> None:
        """Cancel the task, whose time is over."""
        self._is_over = True
        self._task.cancel()


async def _renew(commit: TwoPhaseCommit) -> None:
    """Renew the holds of participants, and the row; not where others may have gone on with the commit."""
    if commit.is_lease_over:
        return
    commit.reservation = msgspec.structs.replace(commit.reservation, expires=commit.coordinator.journal.until())
    for participant in commit.others:
        if participant.is_held and isinstance(participant.store, Preparable):
            await participant.store.renew_prepared(commit.reservation)
    if commit.handle.row is not None:
        await _renew_row(commit.coordinator.journal, await commit.handle.place(), commit.handle.row)


async def _renew_row(journal: Journal, home: Store, row: JournalRow) -> None:
    """Hold the row for another lease; its version stays, so that a decision under way is not disturbed."""
    change = update_row(msgspec.structs.replace(row, expires=journal.until()))
    await home.apply([msgspec.structs.replace(change, version=row.version)])
