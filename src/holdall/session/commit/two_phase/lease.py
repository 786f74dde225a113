"""The lease of a commit under way: renewed for as long as the commit lives, so that only the dead are helped.

A lease says when to try, never who is right: that is decided by the row in the home's journal.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from functools import partial

import msgspec

from holdall.errors import HoldallError, StaleVersion
from holdall.session.commit.two_phase.participants import TwoPhaseCommit
from holdall.session.journal.journal import Journal
from holdall.session.journal.owner import commit_under_way
from holdall.session.journal.row import JournalRow, update_row
from holdall.session.journal.schema import JOURNAL
from holdall.store import Preparable, Store

__all__ = ["claim_of", "lease_of", "require_claim"]

_log = logging.getLogger("holdall.commit")

_PARTS = 3  # renewals in the time of one lease


def lease_of(commit: TwoPhaseCommit) -> AbstractContextManager[None]:
    """Within the block the commit is under way: its reservations and its row are renewed before they expire."""
    return _Renewal(commit.coordinator.journal.lease / _PARTS, commit.id, partial(_renew, commit))


def claim_of(journal: Journal, home: Store, row: JournalRow) -> AbstractContextManager[None]:
    """Within the block a helper's claim on this row is renewed; a row that was moved on meanwhile is left alone."""
    return _Renewal(journal.lease / _PARTS, row.id, partial(_renew_row, journal, home, row))


async def require_claim(journal: Journal, home: Store, row: JournalRow | None) -> None:
    """Raise StaleVersion where somebody else has moved the row on: a process that has lost the claim writes nothing
    more.
    """
    if row is None:
        return
    found = await journal.read(home, row.id)
    if found is None or found.version != row.version:
        raise StaleVersion(home.name, JOURNAL.name, row.id)


class _Renewal:
    """Within its block the commit is under way, and renewed at an interval, in seconds.

    The block costs one timer where it ends before the first renewal.
    """

    __slots__ = ("_commit", "_every", "_loop", "_renew", "_task", "_timer", "_under_way")

    def __init__(self, every: float, commit: str, renew: Callable[[], Awaitable[None]]) -> None:
        self._loop = asyncio.get_running_loop()
        self._every = every
        self._commit = commit
        self._renew = renew
        self._task: asyncio.Task[None] | None = None
        self._under_way = commit_under_way(commit)
        self._timer: asyncio.TimerHandle

    def __enter__(self) -> None:
        self._under_way.__enter__()
        self._timer = self._loop.call_later(self._every, self._begin)

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
        self._under_way.__exit__(None, None, None)

    def _begin(self) -> None:
        self._timer = self._loop.call_later(self._every, self._begin)
        if self._task is None or self._task.done():
            self._task = self._loop.create_task(self._try())

    async def _try(self) -> None:
        try:
            await self._renew()
        except HoldallError as error:
            _log.info("the lease of commit %s was not renewed: %s", self._commit, error)


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
