"""Helping: a process that meets a commit whose owner is dead, or whose lease is over, brings that commit to its end.

Invariant: a helper first makes sure that the decision can no longer change, by the row that is there or by a tombstone,
and only then touches a participant (Peng and Dabek, *Percolator*, 2010: a lock left behind is settled by its primary).
"""

from __future__ import annotations

from enum import StrEnum

from holdall.errors import HoldallError, StaleVersion
from holdall.session.commit.calls.undo_calls import undo_calls
from holdall.session.commit.failpoint import Failpoint, reached
from holdall.session.commit.two_phase.coordinator import Coordinator
from holdall.session.commit.two_phase.lease import claim_of, require_claim
from holdall.session.commit.two_phase.replay import remove_markers_of, replay, unknown_part
from holdall.session.commit.two_phase.take_back import let_go_of_parts, let_go_where_possible, take_back
from holdall.session.journal.finished import sync_stores
from holdall.session.journal.log_record import CallState, LogRecord, Part
from holdall.session.journal.row import JournalRow, JournalState
from holdall.store import Preparable, Reservation, Store, Verb

__all__ = ["Settled", "settle_reservation", "settle_row"]


class Settled(StrEnum):
    """The result of helping."""

    FINISHED = "finished"  # it was decided, and all its parts are written
    UNDONE = "undone"  # it was not decided, or refused, and nothing of it is left
    LISTED = "listed"  # somebody must look at it
    PENDING = "pending"  # a store is away, or the program does not fit
    BUSY = "busy"  # somebody else has it in hand
    FOREIGN = "foreign"  # this application cannot know how to settle it


async def settle_reservation(coordinator: Coordinator, store: Store, reservation: Reservation) -> Settled:
    """Settle the commit that holds something in this store.

    Raises StoreUnavailable or StoreTimeout where its home, or the store, does not answer.
    """
    if not reservation.is_readable or reservation.application != coordinator.journal.application:
        return Settled.FOREIGN
    assert isinstance(store, Preparable)
    if not reservation.home:  # no journal was kept, so it ended with the process
        await store.roll_back_prepared(reservation.commit)
        return Settled.UNDONE
    home = await coordinator.journal.home_with(reservation.home)
    if home is None:
        return Settled.FOREIGN
    row = await coordinator.journal.bury(home, reservation.commit)
    if row is None or row.state is JournalState.ABORTED or _was_refused(row, store):
        reached(Failpoint.CLAIMED)
        await store.roll_back_prepared(reservation.commit)
        return Settled.UNDONE
    if not coordinator.is_abandoned(row):
        return Settled.BUSY
    return await settle_row(coordinator, home, row)


def _was_refused(row: JournalRow, store: Store) -> bool:
    """Whether the commit is listed, as this store has refused its part: that part holds nothing any more."""
    refused = [part.store for part in row.record.parts if part.error and not part.is_held]
    return row.state is JournalState.LISTED and store.name in refused


async def settle_row(coordinator: Coordinator, home: Store, row: JournalRow) -> Settled:
    """Claim the commit of a row, and bring it to its end."""
    journal = coordinator.journal
    if row.problem or row.record.application != journal.application or unknown_part(coordinator, row.record):
        return Settled.FOREIGN
    if row.state not in (JournalState.BEGUN, JournalState.DECIDED, JournalState.UNDOING):
        return Settled.LISTED
    state = JournalState.DECIDED if row.state is JournalState.DECIDED else JournalState.UNDOING
    try:
        claimed = journal.next(row, state, row.record)
        await journal.update(home, claimed)
        reached(Failpoint.CLAIMED)
        with claim_of(journal, home, claimed):
            if state is JournalState.DECIDED:
                settled = await _finish(coordinator, home, claimed)
            else:
                settled = await undo(coordinator, home, claimed)
        reached(Failpoint.RECOVERED)
        return settled
    except StaleVersion:
        return Settled.BUSY


async def undo(coordinator: Coordinator, home: Store, row: JournalRow) -> Settled:
    """Undo the calls of a claimed commit that is not decided, let go of its parts, and forget it."""
    journal = coordinator.journal

    async def still_held() -> None:
        await require_claim(journal, home, row)

    is_over = await undo_calls(row.record, coordinator.bindings, still_held=still_held)
    await let_go_of_parts(coordinator, row.id, row.record.parts)
    left = any(item.state is CallState.ORPHANED for part in row.record.parts for item in part.operations)
    if is_over and not left:
        await journal.remove(home, row)
        return Settled.UNDONE
    state = JournalState.LISTED if is_over else JournalState.UNDOING
    await journal.update(home, journal.next(row, state, row.record, is_held=False))
    return Settled.LISTED if is_over else Settled.PENDING


async def _finish(coordinator: Coordinator, home: Store, row: JournalRow) -> Settled:
    """Roll a claimed, decided commit forward; where a part is refused for good, take the others back."""
    journal, record = coordinator.journal, row.record
    result = await replay(coordinator, row.id, record)
    if result.is_over and not any(part.error for part in record.parts):
        stores = [coordinator.store_named(part.store) for part in record.parts]
        await sync_stores([store for store in stores if store is not None])
        await journal.remove(home, row)
        await remove_markers_of(coordinator, row)
        return Settled.FINISHED
    if result.is_over and not result.is_lost and await was_taken_back(coordinator, home, row):
        return Settled.UNDONE
    if not result.is_over:
        await journal.update(home, journal.next(row, JournalState.DECIDED, record, is_held=False))
        return Settled.PENDING
    refused = without_hold(record)
    await journal.update(home, journal.next(row, JournalState.LISTED, record, is_held=False))
    await let_go_of_parts(coordinator, row.id, refused)
    return Settled.LISTED


def without_hold(record: LogRecord) -> list[Part]:
    """The parts that their stores refused, noted in the record as no longer held: they are to be in nobody's way."""
    refused = [part for part in record.parts if part.error and not part.by_call]
    for part in refused:
        part.is_held = False
    return refused


async def was_taken_back(coordinator: Coordinator, home: Store, row: JournalRow, *, seconds: float = 20.0) -> bool:
    """Whether everything that a refused commit wrote could be undone.

    Not where it made calls, nor where it changed or removed records without a version: nobody can tell whether the old
    values that it has seen were still there when it wrote. Such commits are listed.
    """
    if any(part.by_call or (part.is_done and _is_blind(part)) for part in row.record.parts):
        return False
    try:
        await undo_parts(coordinator, home, row, seconds=seconds)
    except HoldallError as error:
        for part in row.record.parts:
            part.error = part.error and f"{part.error}; it could not be taken back: {error}"
        return False
    return True


def _is_blind(part: Part) -> bool:
    return any(item.verb is not Verb.ADD and item.version is None for item in part.operations)


async def undo_parts(coordinator: Coordinator, home: Store, row: JournalRow, *, seconds: float = 20.0) -> JournalRow:
    """Undo the parts that are written and let go of the others; as ``take_back``."""
    done = [part for part in row.record.parts if part.is_done and not part.by_call]
    after = await take_back(coordinator, home, row, done, seconds=seconds)
    await let_go_where_possible(coordinator, row.id, row.record.parts)
    return after
