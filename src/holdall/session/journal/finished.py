"""Rows and markers of commits that are over: removed soon, in batches, beside the commits that follow.

Invariant: nothing grows without bound, and tidying spoils no other commit. Removal is never part of another commit's
transaction; a row that somebody else has moved or removed is his, and so are its markers; a marker goes after its row,
as it alone says that a part was applied. A row goes only once every part would survive a power failure.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

import msgspec

from holdall.errors import HoldallError, StaleVersion
from holdall.session.journal.markers import remove_markers
from holdall.session.journal.row import JournalRow, remove_row
from holdall.store import Deferring, Store

__all__ = ["FinishedCommits", "sync_stores"]

_log = logging.getLogger("holdall.recovery")

_SOON = 0.25  # seconds
_BATCH = 200  # rows removed together
_MOST = 10_000  # rows waiting; what is beyond is left to recovery


class _Finished(msgspec.Struct, frozen=True):
    row: JournalRow
    stores: tuple[Store, ...]
    marked: tuple[Store, ...]


class FinishedCommits:
    """Commits of this process whose rows are to go."""

    def __init__(self) -> None:
        self._waiting: dict[int, tuple[Store, list[_Finished]]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    def add(self, home: Store, row: JournalRow, stores: list[Store], marked: list[Store]) -> None:
        """Remove this row soon, once the commit lasts in ``stores``; then its markers in those that are ``marked``."""
        rows = self._waiting.setdefault(id(home), (home, []))[1]
        if len(rows) < _MOST:
            rows.append(_Finished(row, tuple(stores), tuple(marked)))
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop, self._timer, self._task = loop, None, None
        if self._timer is None and self._task is None:
            self._timer = loop.call_later(_SOON, self._start)

    async def remove(self) -> None:
        """Wait for a removal that is under way, and remove the rows of commits that are over.

        Commits that cannot be reached are left to recovery.
        """
        if self._task is not None and self._loop is asyncio.get_running_loop():
            await asyncio.wait([self._task])
        await self._remove()

    async def _remove(self) -> None:
        """Remove the rows of commits that are over; those that end meanwhile wait, so that many rows go together."""
        waiting, self._waiting = self._waiting, {}
        for home, finished in waiting.values():
            for start in range(0, len(finished), _BATCH):
                try:
                    await _remove_rows(home, finished[start : start + _BATCH])
                except HoldallError as error:
                    _log.info("rows of finished commits stay until recovery removes them: %s", error)
                    break

    async def close(self) -> None:
        """Remove what is over and start nothing more."""
        self._stop_timer()
        await self.remove()
        self._stop_timer()  # set anew by a removal that was under way

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _start(self) -> None:
        self._timer = None
        assert self._loop is not None
        self._task = self._loop.create_task(self._remove_in_background())

    async def _remove_in_background(self) -> None:
        try:
            await self._remove()
        except Exception:
            _log.exception("finished commits could not be removed")
        finally:
            self._task = None
            if self._waiting and self._loop is not None:
                self._timer = self._loop.call_later(_SOON, self._start)


async def sync_stores(stores: Iterable[Store]) -> None:
    """Wait for the disk, where stores did not when they wrote parts: before that their commit must not be forgotten."""
    for store in stores:
        if isinstance(store, Deferring):
            await store.sync()


async def _remove_rows(home: Store, finished: list[_Finished]) -> None:
    await sync_stores({id(store): store for item in finished for store in item.stores}.values())
    left = list(finished)
    while left:
        try:
            await home.apply([remove_row(item.row) for item in left])
            break
        except StaleVersion as error:
            if error.position is None:
                left = await _one_by_one(home, left)
                break
            del left[error.position]
    by_store: dict[int, tuple[Store, list[str]]] = {}
    for item in left:
        for store in item.marked:
            by_store.setdefault(id(store), (store, []))[1].append(item.row.id)
    for store, commits in by_store.values():
        await remove_markers(store, commits)


async def _one_by_one(home: Store, finished: list[_Finished]) -> list[_Finished]:
    """Remove each row alone; those that were removed."""
    removed = []
    for item in finished:
        try:
            await home.apply([remove_row(item.row)])
        except StaleVersion:
            continue
        removed.append(item)
    return removed
