"""Rolling a decided commit forward from its row, by somebody else than its owner and perhaps by a later program."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress

from holdall.errors import HoldallError, StaleVersion, StateError
from holdall.session.commit.calls.undo_calls import current_row, is_undoable
from holdall.session.commit.failpoint import Failpoint, reached
from holdall.session.commit.two_phase.adapt import adapted
from holdall.session.commit.two_phase.coordinator import Coordinator
from holdall.session.commit.two_phase.idempotent_apply import apply_once, is_refusal, until_answered
from holdall.session.journal.log_record import LogRecord, Operation, Part
from holdall.session.journal.markers import has_marker, remove_markers
from holdall.session.journal.owner import this_owner
from holdall.session.journal.row import JournalRow
from holdall.store import Change, Hold, Preparable, Reservation, Store, Verb

__all__ = ["hold_again", "is_written", "remove_markers_of", "replay", "unknown_part"]

_log = logging.getLogger("holdall.recovery")

_PART_SECONDS = 5.0


def unknown_part(coordinator: Coordinator, record: LogRecord) -> str:
    """The first store or collection of a commit that this application does not have, in words; empty if none."""
    collections = {binding.collection for binding in coordinator.bindings}
    for part in record.parts:
        if not part.by_call and coordinator.store_named(part.store) is None:
            return f"store {part.store!r} is not known to this application"
        for operation in part.operations:
            if operation.collection not in collections:
                return f"collection {operation.collection!r} is not known to this application"
    return ""


async def replay(coordinator: Coordinator, commit: str, record: LogRecord) -> bool:
    """Write every part that is left, noting in the record which are done and what refused the others.

    Returns False where a store is away, so that somebody has to go on later.
    """
    is_over = True
    for part in record.parts:
        if part.is_done or part.error:
            continue
        try:
            reached(Failpoint.REPLAYING)
            async with asyncio.timeout(_PART_SECONDS):
                await _write(coordinator, commit, part)
            reached(Failpoint.REPLAYED)
            part.is_done = True
        except (TimeoutError, HoldallError) as error:
            if is_refusal(error):
                part.error = str(error)
            else:
                is_over = False
                _log.warning("store %r could not write its part of commit %s now: %s", part.store, commit, error)
    return is_over


async def hold_again(coordinator: Coordinator, home: Store, row: JournalRow, parts: Sequence[Part]) -> JournalRow:
    """Let stores that refused their parts of a claimed commit vote anew; returns the row that says what is held.

    That is written before any part is: from then on, a part that is not held was written.
    """
    journal, is_changed = coordinator.journal, False
    for part in parts:
        store = coordinator.store_named(part.store)
        if not isinstance(store, Preparable) or await store.hold() is Hold.NONE:
            continue
        place = journal.place_of(home)
        reservation = Reservation(
            row.id, journal.application, await journal.identity(home), place, this_owner(), journal.until()
        )
        try:
            await store.prepare(reservation, _changes(coordinator, part))
            part.is_held = is_changed = True
        except HoldallError as error:
            part.error = str(error)
    if not is_changed:
        return row
    moved = journal.next(row, row.state, row.record)
    await journal.update(home, moved)
    return moved


async def is_written(coordinator: Coordinator, commit: str, part: Part) -> bool:
    """Whether a part of a decided commit was written, as its store has it."""
    store = coordinator.store_named(part.store)
    if part.is_done or part.error or store is None:
        return part.is_done
    if part.is_held and isinstance(store, Preparable):
        return all(reservation.commit != commit for reservation in await store.prepared())
    return await has_marker(store, commit, part.store)


async def remove_markers_of(coordinator: Coordinator, row: JournalRow) -> None:
    """Remove the markers of a commit whose row is gone."""
    for part in row.record.parts:
        store = coordinator.store_named(part.store)
        if store is None or part.by_call or part.is_held or not store.capabilities.is_durable:
            continue
        with suppress(HoldallError):
            await remove_markers(store, [row.id])


async def _write(coordinator: Coordinator, commit: str, part: Part) -> None:
    store = _store(coordinator, part)
    if part.is_held and isinstance(store, Preparable):
        held = store

        async def attempt() -> bool:
            return await held.commit_prepared(commit, _changes(coordinator, part))

        await until_answered(attempt)
        return
    if await has_marker(store, commit, part.store):
        return
    for item in part.operations:
        await _require_not_superseded(coordinator, item)
    await apply_once(store, commit, _changes(coordinator, part))


def _changes(coordinator: Coordinator, part: Part) -> list[Change]:
    return [adapted(item, coordinator.bindings.of_name(item.collection)) for item in part.operations]


async def _require_not_superseded(coordinator: Coordinator, item: Operation) -> None:
    """Raise StaleVersion where a record without a version was changed by somebody since."""
    binding = coordinator.bindings.of_name(item.collection)
    if item.verb is not Verb.UPDATE or item.version is not None or item.old is None:
        return
    if not is_undoable(item, binding, await current_row(binding, item.key)):
        raise StaleVersion(binding.store.name, item.collection, item.key)


def _store(coordinator: Coordinator, part: Part) -> Store:
    store = coordinator.store_named(part.store)
    if store is None:
        raise StateError(f"the journal names a store {part.store!r} that this application does not have; add it")
    return store
