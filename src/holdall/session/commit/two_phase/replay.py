"""Rolling a decided commit forward from its row, by somebody else than its owner and perhaps by a later program."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from holdall.errors import Conflict, HoldallError, StaleVersion, StateError
from holdall.session.commit.calls.undo_calls import current_row, is_undoable
from holdall.session.commit.failpoint import Failpoint, reached
from holdall.session.commit.two_phase.adapt import adapted
from holdall.session.commit.two_phase.coordinator import Coordinator
from holdall.session.commit.two_phase.evidence import shows_loss
from holdall.session.commit.two_phase.idempotent_apply import apply_once, is_refusal, until_answered
from holdall.session.commit.two_phase.same_store import require_same_store
from holdall.session.journal.log_record import LogRecord, Operation, Part
from holdall.session.journal.markers import has_marker, remove_markers
from holdall.session.journal.owner import this_owner
from holdall.session.journal.row import JournalRow
from holdall.store import Change, Hold, Preparable, Reservation, Store, Verb

__all__ = ["Replay", "hold_again", "is_written", "obstacle", "remove_markers_of", "replay", "unknown_part"]

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


class Replay(msgspec.Struct):
    """How far a decided commit came.

    ``is_over`` unless a part waits: for its store, or for a program that can write the part. ``is_lost`` if a part was
    let go of by hand, and is not written.
    """

    is_over: bool = True
    is_lost: bool = False


class PartLost(Exception):
    """A decided part that its store holds no more, and has not written."""


async def replay(coordinator: Coordinator, commit: str, record: LogRecord) -> Replay:
    """Write every part that is left, noting in the record which are done, and what refused the others or is amiss."""
    result = Replay()
    for part in record.parts:
        if part.is_done or part.error:
            continue
        try:
            reached(Failpoint.REPLAYING)
            async with asyncio.timeout(_PART_SECONDS):
                await _write(coordinator, commit, part)
            reached(Failpoint.REPLAYED)
            part.is_done = True
            coordinator.journal.waits.pop((commit, part.store), None)
        except PartLost as error:
            part.error, result.is_lost = str(error), True
        except (TimeoutError, HoldallError) as error:
            if _is_refused(error):
                part.error = str(error)
            else:
                result.is_over = False
                reason = str(error) or f"no answer in {_PART_SECONDS:g} s"
                coordinator.journal.waits[commit, part.store] = reason
                _log.warning("store %r could not write its part of commit %s now: %s", part.store, commit, reason)
    return result


def _is_refused(error: Exception) -> bool:
    """Whether a record stands in the way for good.

    A program or a schema of another version, or a store that is in other hands for now, refuses nothing: it is the
    helper that cannot write the part.
    """
    return isinstance(error, Conflict) and is_refusal(error)


async def hold_again(
    coordinator: Coordinator, home: Store, row: JournalRow, parts: Sequence[Part]
) -> tuple[JournalRow, bool]:
    """Let stores that refused their parts of a claimed commit vote anew.

    Returns the row that says what is held, and whether a part has to wait, for its store or for another program. The
    row is written before any part is: from then on, a part that is not held was written.
    """
    journal, is_changed, waits = coordinator.journal, False, False
    for part in parts:
        store = coordinator.store_named(part.store)
        if not isinstance(store, Preparable) or await store.hold() is Hold.NONE:
            continue
        place = journal.place_of(home)
        reservation = Reservation(
            row.id, journal.application, await journal.identity(home), place, this_owner(), journal.until()
        )
        try:
            await require_same_store(coordinator, part)
            await store.prepare(reservation, _changes(coordinator, part))
            part.is_held = is_changed = True
        except HoldallError as error:
            part.error = str(error)
            waits = waits or not _is_refused(error)
    if not is_changed:
        return row, waits
    moved = journal.next(row, row.state, row.record)
    await journal.update(home, moved)
    return moved, waits


async def is_written(coordinator: Coordinator, commit: str, part: Part) -> bool:
    """Whether a part of a decided commit was written, as its store has it."""
    store = coordinator.store_named(part.store)
    if part.is_done or part.error or store is None:
        return part.is_done
    await require_same_store(coordinator, part)
    if part.is_held and isinstance(store, Preparable):
        if any(reservation.commit == commit for reservation in await store.prepared()):
            return False
        return not await shows_loss(coordinator, part)
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
    await require_same_store(coordinator, part)
    if part.is_held and isinstance(store, Preparable):
        held = store

        async def attempt() -> bool:
            return await held.commit_prepared(commit, _changes(coordinator, part))

        if not await until_answered(attempt) and await shows_loss(coordinator, part):
            raise PartLost(
                f"store {part.store!r} holds this part no more and has not written it: somebody let go of it by hand;"
                " retry writes it, compensate undoes the others"
            )
        if any(reservation.commit == commit for reservation in await held.prepared()):
            await held.roll_back_prepared(commit)  # records that were only compared, which no log tells
        return
    if await has_marker(store, commit, part.store):
        return
    for item in part.operations:
        await _require_not_superseded(coordinator, item)
    await apply_once(store, commit, _changes(coordinator, part))


def obstacle(coordinator: Coordinator, commit: str, part: Part) -> str:
    """Why this process cannot write a part, in words; empty where it can, as far as it knows."""
    try:
        _changes(coordinator, part)
    except StateError as error:
        return str(error)
    return coordinator.journal.waits.get((commit, part.store), "")


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
