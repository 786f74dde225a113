"""From the steps of a plan to what the journal keeps of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from holdall.model import State, old_of, state_of
from holdall.query import Value
from holdall.session.commit.plan.changes import Awaited
from holdall.session.commit.plan.plan import Batch, Role, Step
from holdall.session.damage import damaged_fields
from holdall.session.journal.log_record import CallState, LogRecord, Operation, Part
from holdall.store import Change, Damaged, KeyOf, Members, Outcome, Runs, Verb

__all__ = ["operations_of", "record_of"]


def operations_of(
    step: Step,
    changes: Runs,
    token: Callable[[int], str | None],
    outcomes: Sequence[Outcome | None] | None = None,
    unknown: set[int] | None = None,
    earlier: Sequence[Operation] | None = None,
    known: Sequence[Change] | None = None,
) -> list[Operation]:
    """The operations of a step; values that are not known before other steps are done stand as None.

    With the outcomes of calls, each operation also tells how far it came; ``earlier`` are the operations as they were
    when the commit began, whose old values no edit in flight has touched. ``known`` are the changes with the keys that
    were made meanwhile.
    """
    found: list[Operation] = []
    for batch, run in zip(step.batches, changes.runs, strict=True):
        own = [batch.binding.schema.key[0]] if len(batch.binding.schema.key) == 1 else []
        for index, (sent_key, row) in enumerate(zip(run.keys, run.rows, strict=True)):
            place = len(found)
            if known is not None:
                sent_key, row = known[place].key, known[place].values
            key = batch.keys[index] if batch.keys[index] is not None else _known(sent_key)
            fields, values = batch.fields, _known(row) if changes.is_linked else row
            old: tuple[Value, ...] | None = None
            if batch.verb is not Verb.ADD:
                old = _old(batch, index, fields, values) if earlier is None else earlier[place].old
            elif key is not None and own and own[0] not in fields:
                fields, values = (*own, *fields), (key, *values)
            if batch.verb is Verb.REMOVE:
                fields = batch.binding.all_fields
            version = batch.versions[index] if batch.versions is not None else None
            state = CallState.PLANNED if outcomes is None else _state(place, outcomes, unknown)
            made = Operation(
                batch.verb, batch.binding.collection, key, fields, values, version, token(place), old, state
            )
            made.origin = None if run.origins is None else run.origins[index]
            found.append(made)
    return found


def record_of(application: str, steps: Sequence[Step], operations: Sequence[list[Operation]]) -> LogRecord:
    """The record of a commit: a part for each store that writes all its steps at once, and one for its calls."""
    parts: dict[tuple[str, bool], Part] = {}
    for step, found in zip(steps, operations, strict=True):
        by_call = step.role is Role.CALLS
        place = 0
        for batch in step.batches:
            name = batch.binding.store.name
            part = parts.setdefault((name, by_call), Part(name, [], by_call=by_call))
            if not batch.is_check:  # which has done what it is for once the commit is decided
                part.operations.extend(found[place : place + len(batch.records)])
            place += len(batch.records)
    return LogRecord(list(parts.values()), application)


def _state(place: int, outcomes: Sequence[Outcome | None], unknown: set[int] | None) -> CallState:
    outcome = outcomes[place]
    if outcome is None:
        return CallState.REFUSED  # never sent
    if outcome.error is None:
        return CallState.APPLIED
    return CallState.PLANNED if unknown and place in unknown else CallState.REFUSED


def _old(batch: Batch, index: int, fields: tuple[str, ...], values: tuple[Value, ...]) -> tuple[Value, ...] | None:
    """The values that the fields of a stored record had, or all values of one that is removed; None where one cannot
    be read.
    """
    record = batch.records[index]
    declaration = batch.binding.declaration
    before = old_of(record)
    if batch.verb is Verb.UPDATE and state_of(record) is State.NEW:  # added without these references just before
        return tuple([() if declaration.by_name[name].form is not None else None for name in fields])
    if any(isinstance(value, Damaged) for value in before.values()):
        return None
    if batch.verb is Verb.REMOVE and damaged_fields(record):
        return None
    match batch.verb:
        case Verb.REMOVE:
            now = batch.binding.codec.reader(batch.binding.all_fields)(record)
            fields, values = batch.binding.all_fields, now
        case Verb.UPDATE:
            version = declaration.version
            if version is not None and batch.versions is not None and not batch.is_check:
                values = (*values[:-1], batch.versions[index])
    by_name = declaration.by_name
    return tuple(
        [
            by_name[name].encode(before[name]) if name in before else value
            for name, value in zip(fields, values, strict=True)
        ]
    )


def _known(value: object) -> Value:
    """The value, with None for every key that is yet to be made, or is of another change of the same step."""
    if value.__class__ is tuple:
        return tuple(map(_known, value))
    if value.__class__ is Members:
        return value.mapped(_known)
    if isinstance(value, Awaited):
        return value.record.__key__()
    return None if isinstance(value, KeyOf) else value
