"""Taking back a decided commit: everything it wrote is undone by a commit of its own, or nothing is.

Needed where somebody who does not respect reservations refused a part after the decision, and where an operator
compensates. The undoing is an ordinary commit over the stores to undo; its decision moves the row of the first commit
to a tombstone in the same transaction, so that who lost the claim undoes nothing (Garcia-Molina and Salem, *Sagas*,
1987: a compensation must itself be recoverable).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import msgspec

from holdall.errors import HoldallError, StateError
from holdall.session.commit.plan.uuid7 import uuid7_hex
from holdall.session.commit.two_phase.abort import release
from holdall.session.commit.two_phase.coordinator import Coordinator
from holdall.session.commit.two_phase.decide import InDoubt, decide
from holdall.session.commit.two_phase.lease import lease_of
from holdall.session.commit.two_phase.participants import TwoPhaseCommit, begin
from holdall.session.commit.two_phase.prepare import prepare
from holdall.session.commit.two_phase.roll_forward import End, roll_forward
from holdall.session.commit.two_phase.same_store import require_same_store
from holdall.session.journal.log_record import LogRecord, Operation, Part, inverse
from holdall.session.journal.row import JournalRow, JournalState, update_row
from holdall.store import Change, Preparable, Store

__all__ = ["let_go_of_parts", "let_go_where_possible", "take_back"]

_log = logging.getLogger("holdall.recovery")


async def take_back(
    coordinator: Coordinator, place: Store, row: JournalRow, done: Sequence[Part], *, seconds: float
) -> JournalRow:
    """Undo these parts of a commit whose row in ``place`` this process holds; returns what takes the row's place.

    That is a tombstone, or a row that says which calls are still to be undone.

    Raises StateError where old values are not known or a store is not, Conflict where a record was changed since, and
    whatever else refuses the undoing; then nothing is undone.
    """
    stores = [await _store(coordinator, part) for part in done]
    home = None if coordinator.journal.is_local(place) else place
    over = [*stores, *([home] if home is not None and all(store is not home for store in stores) else [])]
    is_kept = any(store is not home for store in stores)
    undo = await begin(coordinator, uuid7_hex(), over, home=place, is_kept=is_kept)
    after = _row_after(coordinator, row)
    with lease_of(undo):
        try:
            record = await _prepare(undo, list(zip(done, stores, strict=True)))
            await decide(
                undo,
                record,
                deferred=_of_home(coordinator, done, home),
                beside=[update_row(after)],
                seconds=seconds,
            )
        except InDoubt as error:
            raise StateError(f"no store answers whether commit {row.id} was taken back; try again later") from error
        except BaseException:
            await release(undo)
            raise
        ends = await roll_forward(undo, seconds=seconds)
        if all(end.end is End.APPLIED for end in ends):
            await undo.handle.forget(undo.stores, undo.marked)
        elif undo.is_kept:
            await undo.handle.leave(record, JournalState.DECIDED)
    return after


def _row_after(coordinator: Coordinator, row: JournalRow) -> JournalRow:
    calls = [part for part in row.record.parts if part.by_call]
    if not calls:
        return coordinator.journal.tombstone(row)
    return coordinator.journal.next(row, JournalState.UNDOING, LogRecord(calls, row.record.application))


async def let_go_of_parts(coordinator: Coordinator, commit: str, parts: Sequence[Part]) -> None:
    """Let go of the parts of a commit that is undone, where they are still held."""
    for part in parts:
        store = coordinator.store_named(part.store)
        if not part.by_call and isinstance(store, Preparable):
            await store.roll_back_prepared(commit)


async def let_go_where_possible(coordinator: Coordinator, commit: str, parts: Sequence[Part]) -> None:
    """Let go of the parts of a commit whose row says how it ended.

    A part in a store that cannot be asked now is let go of by the next commit that meets it.
    """
    for part in parts:
        try:
            await let_go_of_parts(coordinator, commit, [part])
        except HoldallError as error:
            _log.warning("store %r still holds its part of the ended commit %s: %s", part.store, commit, error)


async def _prepare(undo: TwoPhaseCommit, parts: list[tuple[Part, Store]]) -> LogRecord:
    """Let all but the home store vote on the undoing; the record of it."""
    record = LogRecord([], undo.coordinator.journal.application, is_decided=True)
    for part, store in reversed(parts):
        changes = _inverses(undo.coordinator, part)
        operations = [_operation(change) for change in changes]
        is_home = store is undo.home
        participant = undo.participant(store)
        is_held = not is_home and participant.mode.votes
        record.parts.append(
            Part(part.store, operations, is_done=is_home, is_held=is_held, identity=participant.identity)
        )
        if not is_home:
            await prepare(undo, participant, changes)
    return record


def _of_home(coordinator: Coordinator, done: Sequence[Part], home: Store | None) -> list[Change]:
    if home is None:
        return []
    return [change for part in reversed(done) if part.store == home.name for change in _inverses(coordinator, part)]


def _inverses(coordinator: Coordinator, part: Part) -> list[Change]:
    changes = []
    for operation in reversed(part.operations):
        schema = coordinator.bindings.of_name(operation.collection).schema
        change = inverse(operation, schema.version)
        if change is None:
            raise StateError(f"the old values of a record of {operation.collection} are not known, so it stays")
        changes.append(msgspec.structs.replace(change, token=None))
    return changes


def _operation(change: Change) -> Operation:
    return Operation(change.verb, change.collection, change.key, change.fields, change.values, change.version)


async def _store(coordinator: Coordinator, part: Part) -> Store:
    store = coordinator.store_named(part.store)
    if store is None:
        raise StateError(f"the journal names a store {part.store!r} that this application does not have; add it")
    await require_same_store(coordinator, part)
    return store
