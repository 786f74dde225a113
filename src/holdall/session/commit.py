"""Carrying out a plan: changes made from records, applied store by store, and the records settled afterwards."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from holdall.errors import CommitAborted, CommitPartial, CommitUnknown, HoldallError, StoreTimeout, StoreUnavailable
from holdall.model import Reference, State, Track, Tracker, set_track, track_of
from holdall.session.identity import IdentityMap
from holdall.session.plan import Entry, Plan, Step
from holdall.session.result import CommitResult, Guarantee, Task, TaskState
from holdall.store import Change, KeyOf, Outcome, Verb

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
        return CommitResult(guarantee, duration, lambda: _tasks(steps, outcomes, durations, failure))


async def run_plan(plan: Plan, records: IdentityMap, tracker: Tracker) -> CommitResult:
    """Apply the plan.

    Raises CommitAborted where nothing lasting happened, CommitPartial where some of it did, CommitUnknown where the
    connection broke while a store was committing. The records are settled accordingly in every case.
    """
    progress = _Progress(plan)
    _take_off(plan)
    try:
        for step in plan.steps:
            begun = time.perf_counter()
            outcomes = await step.store.apply(_changes(step))
            progress.durations.append(time.perf_counter() - begun)
            progress.outcomes.append(outcomes)
            _settle(step, outcomes, records, tracker)
    except BaseException as error:
        _put_back(plan.steps[len(progress.outcomes) :])
        if not isinstance(error, HoldallError):
            raise
        progress.failure = error
        raise _failure(progress, error) from error
    result = progress.result(plan.guarantee)
    refused = [outcome.error for outcomes in progress.outcomes for outcome in outcomes if outcome.error is not None]
    if refused:
        raise CommitPartial(f"{len(refused)} changes were refused: {refused[0]}", result) from refused[0]
    return result


def _failure(progress: _Progress, error: HoldallError) -> Exception:
    result = progress.result(progress.plan.guarantee)
    if progress.outcomes:
        return CommitPartial(f"{len(progress.outcomes)} of {len(progress.plan.steps)} steps were applied: {error}", result)
    lost = isinstance(error, StoreTimeout | StoreUnavailable) and getattr(error, "in_commit", False)
    if lost:
        return CommitUnknown(f"the answer to the commit was lost: {error}", result)
    return CommitAborted(f"nothing was written: {error}", result)


def _take_off(plan: Plan) -> None:
    """Let new records keep the first old value of fields that are edited while the commit is in flight."""
    for step in plan.steps:
        for entry in step.entries:
            record = entry.record
            if entry.verb is Verb.ADD:
                record._track.old = {}
            elif entry.verb is Verb.UPDATE:
                by_name = entry.binding.declaration.by_name
                entry.sent = tuple(by_name[name].get(record) for name in entry.fields)


def _put_back(steps: Sequence[Step]) -> None:
    """Undo ``_take_off`` for what was not applied."""
    for step in steps:
        for entry in step.entries:
            track = track_of(entry.record)
            if entry.verb is Verb.ADD and isinstance(track, Track):
                track.old = None
                if track.state is State.DELETED:  # removed while in flight, and never added
                    set_track(entry.record, Track(None, State.DISCARDED))


def _changes(step: Step) -> list[Change]:
    """The changes of a step; keys the store has yet to make stand as KeyOf."""
    pending: dict[int, int] = {}
    changes = []
    for position, entry in enumerate(step.entries):
        key: Any = entry.key
        if key is None:
            if entry.verb is Verb.ADD:
                pending[id(entry.record)] = position
            else:
                key = entry.record.__key__()
                if key is None:
                    key = KeyOf(pending[id(entry.record)])
        values = entry.binding.codec.reader(entry.fields)(entry.record)
        if entry.version is not None and entry.fields:
            values = _with_next_version(entry, values)
        if pending and entry.binding.declaration.relations:
            values = _with_pending_keys(entry, values, pending)
        changes.append(Change(entry.verb, entry.binding.collection, key, entry.fields, values, entry.version))
    return changes


def _with_next_version(entry: Entry, values: tuple[Any, ...]) -> tuple[Any, ...]:
    version = entry.binding.declaration.version
    assert version is not None
    assert entry.version is not None
    place = entry.fields.index(version.name)
    return (*values[:place], entry.version + 1, *values[place + 1 :])


def _with_pending_keys(entry: Entry, values: tuple[Any, ...], pending: dict[int, int]) -> tuple[Any, ...]:
    by_name = entry.binding.declaration.by_name
    changed = list(values)
    for place, name in enumerate(entry.fields):
        field = by_name[name]
        if field.is_relation:
            slot = field.get(entry.record)
            if field.form is None:
                changed[place] = _pending_key(slot, values[place], pending)
            else:
                pairs = zip(slot, values[place], strict=True)
                changed[place] = tuple(_pending_key(item, key, pending) for item, key in pairs)
    return tuple(changed)


def _pending_key(slot: Any, key: Any, pending: dict[int, int]) -> Any:
    if key is None and slot.__class__ is Reference and id(slot._record) in pending:
        return KeyOf(pending[id(slot._record)])
    return key


def _settle(step: Step, outcomes: Sequence[Outcome], records: IdentityMap, tracker: Tracker) -> None:
    for entry, outcome in zip(step.entries, outcomes, strict=True):
        if outcome.error is not None:
            _put_back((Step(step.store, (entry,)),))
        elif entry.verb is Verb.ADD:
            _settle_added(entry, outcome, records, tracker)
        elif entry.verb is Verb.UPDATE:
            _settle_updated(entry, records)
        else:
            records.discard(entry.record)


def _settle_added(entry: Entry, outcome: Outcome, records: IdentityMap, tracker: Tracker) -> None:
    record = entry.record
    if outcome.key is not None:
        parts = outcome.key if isinstance(outcome.key, tuple) else (outcome.key,)
        for field, part in zip(entry.binding.declaration.key, parts, strict=True):
            if field.get(record) is None:
                field.put(record, part)
    track = record._track
    if track.state is State.DELETED:  # removed while in flight: it is there now, and goes at the next commit
        records.new.pop(id(record), None)
        records.of(type(record))[record.__key__()] = record
        records.deleted[id(record)] = record
        track.old = None
        return
    edited = track.old
    records.mark_clean(record)
    if edited:
        set_track(record, Track(tracker, State.DIRTY, edited))
        records.dirty[id(record)] = record


def _settle_updated(entry: Entry, records: IdentityMap) -> None:
    """What was sent is now the old value; fields edited while in flight stay changed."""
    record = entry.record
    track = track_of(record)
    old = dict(track.old) if track is not None and track.old else {}
    declaration = entry.binding.declaration
    for name, sent in zip(entry.fields, entry.sent, strict=True):
        field = declaration.by_name[name]
        if entry.version is not None and field is declaration.version:
            field.put(record, entry.version + 1)
        elif field.get(record) is sent or field.encode(field.get(record)) == field.encode(sent):
            old.pop(name, None)
        else:
            old[name] = sent
    if track is None or track.state in (State.DELETED, State.DISCARDED):
        if isinstance(track, Track):
            track.old = old or None
        return
    if old:
        set_track(record, Track(track.tracker, State.DIRTY, old))
        records.dirty[id(record)] = record
    else:
        records.mark_clean(record)


def _tasks(
    steps: Sequence[Step], outcomes: Sequence[Sequence[Outcome]], durations: Sequence[float], failure: Exception | None
) -> tuple[Task, ...]:
    tasks = []
    for number, step in enumerate(steps):
        is_done = number < len(outcomes)
        for place, entry in enumerate(step.entries):
            error: Exception | None = outcomes[number][place].error if is_done else None
            state = TaskState.APPLIED if is_done and error is None else TaskState.NOT_RUN
            if error is not None:
                state = TaskState.FAILED
            elif number == len(outcomes) and getattr(failure, "position", place) in (place, None):
                state, error = TaskState.FAILED, failure
            tasks.append(_task(entry, step, state, durations[number] if is_done else 0.0, error))
    return tuple(tasks)


def _task(entry: Entry, step: Step, state: TaskState, duration: float, error: Exception | None) -> Task:
    version = entry.version
    if state is TaskState.APPLIED and entry.verb is not Verb.REMOVE and entry.binding.declaration.version is not None:
        version = 1 if version is None else version + 1
    return Task(
        record=entry.record,
        verb=entry.verb,
        collection=entry.binding.collection,
        key=entry.record.__key__(),
        store=step.store.name,
        state=state,
        version=version,
        duration=duration,
        error=error,
    )
