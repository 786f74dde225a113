"""Rounds of recovery: everything that nobody holds any more is brought to its end, now and again."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection

import msgspec

from holdall.errors import HoldallError, Unsupported
from holdall.session.cancelling import heed_cancellation
from holdall.session.commit.recovery.without_row import unknown_form
from holdall.session.commit.two_phase.coordinator import Coordinator
from holdall.session.commit.two_phase.replay import unknown_part
from holdall.session.commit.two_phase.settle import Settled, settle_reservation, settle_row
from holdall.session.journal.journal import Journal
from holdall.session.journal.markers import sweep_markers
from holdall.session.journal.row import JournalRow, JournalState
from holdall.store import CommitClass, Preparable, Store

__all__ = ["Recovered", "reason_to_leave", "recovering", "rows_of", "run_round", "sweep"]

_log = logging.getLogger("holdall.recovery")

_MARKERS_LAST = dt.timedelta(hours=24)


class Recovered(msgspec.Struct):
    """The result of one round of recovery, in numbers of commits. ``held`` are those that others may still be working
    on.

    Example: :class:`Recovery`.
    """

    finished: int = 0
    undone: int = 0
    listed: int = 0
    pending: int = 0
    held: int = 0

    def count(self, settled: Settled) -> None:
        """Take note of one commit."""
        match settled:
            case Settled.FINISHED:
                self.finished += 1
            case Settled.UNDONE:
                self.undone += 1
            case Settled.LISTED:
                self.listed += 1
            case Settled.PENDING:
                self.pending += 1
            case Settled.BUSY:
                self.held += 1
            case Settled.FOREIGN:
                pass


async def run_round(coordinator: Coordinator) -> Recovered:
    """One round over everything that nobody holds any more.

    One home, store or row that cannot be reached or read stops nothing else: it is logged, and left.
    """
    told, journal, looked_at = Recovered(), coordinator.journal, set[str]()
    for home in await journal.homes():
        try:
            async for row in rows_of(journal, home, JournalState.LISTED, JournalState.ABORTED):
                looked_at.add(row.id)
                await _settle(coordinator, home, row, told)
            for tombstone in await journal.tombstones(home):
                await journal.remove(home, tombstone)
        except HoldallError as error:
            _log.warning("the journal of %s was not recovered: %s", journal.place_of(home), error)
    for store in coordinator.bindings.stores():
        if isinstance(store, Preparable):
            await _settle_reservations(coordinator, store, told, looked_at)
    return told


async def _settle(coordinator: Coordinator, home: Store, row: JournalRow, told: Recovered) -> None:
    journal, reason = coordinator.journal, reason_to_leave(coordinator, row)
    if reason:
        _name_once(journal, row.id, f"in {journal.place_of(home)} is left alone: {reason}")
    elif not coordinator.is_abandoned(row):
        told.held += 1
    else:
        try:
            told.count(await settle_row(coordinator, home, row))
        except HoldallError as error:
            told.pending += 1
            _log.warning("commit %s was not recovered: %s", row.id, str(error) or type(error).__name__)


async def _settle_reservations(
    coordinator: Coordinator, store: Store, told: Recovered, looked_at: Collection[str]
) -> None:
    assert isinstance(store, Preparable)
    try:
        for reservation in await store.prepared():
            if reservation.commit in looked_at or reservation.is_fence:
                continue
            if unknown := unknown_form(store, reservation):
                _name_once(coordinator.journal, reservation.commit, f"is left alone: {unknown}")
                continue
            if not coordinator.is_abandoned(reservation):
                told.held += 1
            else:
                told.count(await settle_reservation(coordinator, store, reservation))
    except HoldallError as error:
        _log.warning("what store %r holds for commits was not settled: %s", store.name, error)


def _name_once(journal: Journal, commit: str, told: str) -> None:
    """Log a commit that is left alone, once in this process, as it may stay there for long."""
    if commit not in journal.named:
        journal.named.add(commit)
        _log.warning("commit %s %s", commit, told)


async def sweep(coordinator: Coordinator) -> int:
    """Remove markers that were left behind without a row; returns how many."""
    count = 0
    stores = coordinator.bindings.stores()
    for store in stores if len(stores) > 1 else []:
        if isinstance(store, Preparable) and store.capabilities.commit is not CommitClass.TX:
            continue  # it never had any
        if store.capabilities.is_durable and store.capabilities.commit in (CommitClass.TX, CommitClass.BATCH):
            try:
                count += await sweep_markers(store, _MARKERS_LAST)
            except (HoldallError, Unsupported) as error:
                _log.warning("markers in store %r were not swept: %s", store.name, error)
    return count


async def rows_of(journal: Journal, home: Store, *left_out: JournalState) -> AsyncIterator[JournalRow]:
    """Every row of a journal but those in these states."""
    after = ""
    while rows := await journal.rows(home, *left_out, after=after):
        for row in rows:
            yield row
        after = rows[-1].id


def reason_to_leave(coordinator: Coordinator, row: JournalRow) -> str:
    """Why this application must leave the row alone; empty where it may go on."""
    if row.problem:
        return row.problem
    if row.record.application != coordinator.journal.application:
        return f"it is of the application {row.record.application!r}"
    return unknown_part(coordinator, row.record)


async def recovering(
    run: Callable[[], Awaitable[Recovered]], clean: Callable[[], Awaitable[int]], every: float, lease: float
) -> None:
    """Recover now and at least every ``every`` seconds, for good; errors are logged, and the round is tried again.

    Where somebody held a commit, look again when his lease may be over.

    Example: :class:`Recovery`.
    """
    while True:
        pause = every
        try:
            told = await run()
            await clean()
            if told.finished or told.undone or told.listed or told.pending:
                _log.warning("recovery: %s", told)
            if told.held:
                pause = min(every, lease)
        except Exception:  # the loop must not end: commits would stay unfinished without a word
            _log.exception("recovery will try again in %s seconds", every)
        heed_cancellation()
        await asyncio.sleep(pause)
