"""Carrying out a plan: changes made from records, applied store by store, and the records settled afterwards."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from itertools import repeat
from typing import Any

from holdall.errors import CommitAborted, CommitPartial, CommitUnknown, HoldallError, StoreTimeout, StoreUnavailable
from holdall.model import Field, Reference, State, Track, Tracker, set_track, track_of
from holdall.session.identity import IdentityMap
from holdall.session.plan import Batch, Plan, Step
from holdall.session.result import CommitResult, Guarantee
from holdall.session.tasks import make_tasks
from holdall.store import APPLIED, Change, KeyOf, Outcome, Verb

__all__ = ["run_plan"]


class _Progress:
    """What happened so far, step by step."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.started = time.perf_counter()
        self.outcomes: list[Sequence[Outcome]] = []
        self.durations: list[float] = []
        self.failure: Exception | None = None

    def result(self, guarantee: Guarantee) -> CommitResult:
        """The result as it stands now."""
        steps, outcomes, durations, failure = self.plan.steps, list(self.outcomes), list(self.durations), self.failure
        duration = time.perf_counter() - self.started
        return CommitResult(guarantee, duration, lambda: make_tasks(steps, outcomes, durations, failure))


async def run_plan(plan: Plan, records: IdentityMap, tracker: Tracker) -> CommitResult:
    """Apply the plan.

    Raises CommitAborted where nothing lasting happened, CommitPartial where some of it did, CommitUnknown where the
    connection broke while a store was committing. The records are settled accordingly in every case; those edited
    meanwhile stay changed.
    """
    progress = _Progress(plan)
    tracker.edited = {}
    try:
        for step in plan.steps:
            begun = time.perf_counter()
            changes = _changes(step)
            outcomes = await step.store.apply(changes)
            progress.durations.append(time.perf_counter() - begun)
            progress.outcomes.append(outcomes)
            _settle(step, changes, outcomes, records, tracker)
    except HoldallError as error:
        progress.failure = error
        raise _failure(progress, error) from error
    finally:
        tracker.edited = None
        _discard_unborn(plan.steps[len(progress.outcomes) :], records)
    result = progress.result(plan.guarantee)
    refused = [outcome.error for outcomes in progress.outcomes for outcome in outcomes if outcome.error is not None]
    if refused:
        raise CommitPartial(f"{len(refused)} changes were refused: {refused[0]}", result) from refused[0]
    return result


def _failure(progress: _Progress, error: HoldallError) -> Exception:
    result = progress.result(progress.plan.guarantee)
    if progress.outcomes:
        return CommitPartial(
            f"{len(progress.outcomes)} of {len(progress.plan.steps)} steps were applied: {error}", result
        )
    if isinstance(error, StoreUnavailable | StoreTimeout) and error.is_outcome_unknown:
        return CommitUnknown(f"the answer to the commit was lost: {error}", result)
    return CommitAborted(f"nothing was written: {error}", result)


def _discard_unborn(steps: Sequence[Step], records: IdentityMap) -> None:
    """Discard new records that were removed while their addition was in flight and did not happen."""
    for step in steps:
        for batch in step.batches:
            if batch.verb is Verb.ADD:
                for record in batch.records:
                    if record._track.state is State.DELETED:
                        records.discard(record)


# --- from records to changes ----------------------------------------------------------------------------------------


def _changes(step: Step) -> list[Change]:
    """The changes of a step; keys the store has yet to make stand as KeyOf."""
    changes: list[Change] = []
    pending: dict[int, int] = {}
    for batch in step.batches:
        keys, values = batch.keys, _values(batch)
        if step.is_linked:
            keys = [_key_now(record, key, batch.verb, pending) for record, key in zip(batch.records, keys, strict=True)]
            values = _with_pending_keys(batch, values, pending)
            if batch.verb is Verb.ADD and None in keys:
                start = len(changes)
                pending.update((id(record), start + place) for place, record in enumerate(batch.records))
                values = _with_pending_keys(batch, values, pending)
        name, versions = batch.binding.collection, batch.versions or repeat(None)
        changes.extend(map(Change, repeat(batch.verb), repeat(name), keys, repeat(batch.fields), values, versions))
    return changes


def _values(batch: Batch) -> list[tuple[Any, ...]]:
    if batch.verb is Verb.REMOVE:
        return [()] * len(batch.records)
    if batch.versions is None:
        return list(map(batch.binding.codec.reader(batch.fields), batch.records))
    rows = map(batch.binding.codec.reader(batch.fields[:-1]), batch.records)
    return [(*row, version + 1) for row, version in zip(rows, batch.versions, strict=True)]


def _key_now(record: Any, key: Any, verb: Verb, pending: dict[int, int]) -> Any:
    """A record's key as it is by now: made by an earlier step, or to be made by an earlier change of this one."""
    if key is None and verb is not Verb.ADD:
        key = record.__key__()
        return KeyOf(pending[id(record)]) if key is None else key
    return key


def _with_pending_keys(batch: Batch, rows: list[tuple[Any, ...]], pending: dict[int, int]) -> list[tuple[Any, ...]]:
    """The rows with KeyOf wherever a reference's record has yet to get its key."""
    by_name = batch.binding.declaration.by_name
    places = [(place, by_name[name]) for place, name in enumerate(batch.fields) if by_name[name].is_relation]
    if not places or not pending:
        return rows
    changed = []
    for record, row in zip(batch.records, rows, strict=True):
        values = list(row)
        for place, field in places:
            slot = field.get(record)
            if field.form is None:
                values[place] = _pending_key(slot, values[place], pending)
            else:
                pairs = zip(slot, values[place], strict=True)
                values[place] = tuple(_pending_key(item, key, pending) for item, key in pairs)
        changed.append(tuple(values))
    return changed


def _pending_key(slot: Any, key: Any, pending: dict[int, int]) -> Any:
    if key is None and slot.__class__ is Reference and id(slot._record) in pending:
        return KeyOf(pending[id(slot._record)])
    return key


# --- from outcomes to records ---------------------------------------------------------------------------------------


def _settle(
    step: Step, changes: list[Change], outcomes: Sequence[Outcome], records: IdentityMap, tracker: Tracker
) -> None:
    start = 0
    for batch in step.batches:
        end = start + len(batch.records)
        part = outcomes[start:end]
        sent = changes[start:end]
        start = end
        if any(outcome is not APPLIED and outcome.error is not None for outcome in part):
            for place, outcome in enumerate(part):
                if outcome.error is None:
                    one = _only(batch, place)
                    _settle_batch(one, sent[place : place + 1], [outcome], records, tracker)
            continue
        _settle_batch(batch, sent, part, records, tracker)


def _only(batch: Batch, place: int) -> Batch:
    versions = None if batch.versions is None else batch.versions[place : place + 1]
    return Batch(
        batch.binding, batch.verb, [batch.records[place]], [batch.keys[place]], fields=batch.fields, versions=versions
    )


def _settle_batch(
    batch: Batch, sent: list[Change], outcomes: Sequence[Outcome], records: IdentityMap, tracker: Tracker
) -> None:
    if batch.verb is Verb.REMOVE:
        for record in batch.records:
            records.discard(record)
        return
    if batch.verb is Verb.ADD and None in batch.keys:
        _take_keys(batch, outcomes)
    version = batch.binding.declaration.version
    if batch.versions is not None and version is not None:
        deque(map(version.put, batch.records, [number + 1 for number in batch.versions]), maxlen=0)
    edited = tracker.edited or {}
    if not edited and not batch.binding.declaration.mutable:
        records.mark_all_clean(batch.binding.model, batch.records, batch.keys)
        return
    read = batch.binding.codec.reader(batch.fields)
    for record, key, change in zip(batch.records, batch.keys, sent, strict=True):
        if id(record) in edited or (batch.binding.declaration.mutable and read(record) != change.values):
            _settle_edited(batch, record, change, read(record), records, tracker)
        else:
            records.mark_all_clean(batch.binding.model, [record], [key])


def _take_keys(batch: Batch, outcomes: Sequence[Outcome]) -> None:
    fields = batch.binding.declaration.key
    batch.keys = [outcome.key for outcome in outcomes]
    if len(fields) == 1:
        deque(map(fields[0].put, batch.records, batch.keys), maxlen=0)
        return
    for record, key in zip(batch.records, batch.keys, strict=True):
        for field, part in zip(fields, key, strict=True):
            field.put(record, part)


def _settle_edited(
    batch: Batch, record: Any, change: Change, now: tuple[Any, ...], records: IdentityMap, tracker: Tracker
) -> None:
    """What was sent is now the old value of what was edited while in flight."""
    track = track_of(record)
    was_deleted = track is not None and track.state is State.DELETED
    if track is None or track.state is State.DISCARDED:
        return
    old = dict(track.old or {})
    for name, sent, current in zip(batch.fields, change.values, now, strict=True):
        field = batch.binding.declaration.by_name[name]
        if current == sent or isinstance(sent, KeyOf) or field is batch.binding.declaration.version:
            old.pop(name, None)
        else:
            old[name] = _slot_value(field, sent)
    records.mark_clean(record)
    if was_deleted:
        set_track(record, Track(tracker, State.DELETED, old or None))
        records.deleted[id(record)] = record
    elif old:
        set_track(record, Track(tracker, State.DIRTY, old))
        records.dirty[id(record)] = record


def _slot_value(field: Field, sent: Any) -> Any:
    decode = field.type.decode if field.type is not None else None
    return sent if decode is None or sent is None else decode(sent)
