"""From the steps of a plan to what the journal keeps of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from holdall.session.changes import Awaited
from holdall.session.entry import CallState, Entry, Operation, Part
from holdall.session.plan import Batch, Role, Step
from holdall.store import KeyOf, Outcome, Runs, Verb

__all__ = ["entry_of", "operations_of"]


def operations_of(
    step: Step,
    changes: Runs,
    token: Callable[[int], str | None],
    outcomes: Sequence[Outcome | None] | None = None,
    unknown: set[int] | None = None,
    earlier: Sequence[Operation] | None = None,
) -> list[Operation]:
    """The operations of a step; values that are not known before other steps are done stand as None.

    With the outcomes of calls, each operation also tells how far it came; ``earlier`` are the operations as they were
    when the commit began, whose old values no edit in flight has touched.
    """
    found: list[Operation] = []
    for batch, run in zip(step.batches, changes.runs, strict=True):
        own = [batch.binding.schema.key[0]] if len(batch.binding.schema.key) == 1 else []
        for index, (sent_key, row) in enumerate(zip(run.keys, run.rows, strict=True)):
            place = len(found)
            key = batch.keys[index] if batch.keys[index] is not None else _known(sent_key)
            fields, values = batch.fields, _known(row)
            if batch.verb is Verb.ADD and key is not None and own and own[0] not in fields:
                fields, values = (*own, *fields), (key, *values)
            old = _old(batch, index, fields, values) if earlier is None else earlier[place].old
            if batch.verb is Verb.REMOVE:
                fields = batch.binding.all_fields
            version = batch.versions[index] if batch.versions is not None else None
            state = _state(place, outcomes, unknown)
            found.append(
                Operation(batch.verb, batch.binding.collection, key, fields, values, version, token(place), old, state)
            )
    return found


def entry_of(steps: Sequence[Step], operations: Sequence[list[Operation]]) -> Entry:
    """The entry of a commit: a part for each step, or for each store that its calls go to."""
    parts: list[Part] = []
    for step, found in zip(steps, operations, strict=True):
        if step.role is not Role.CALLS:
            parts.append(Part(step.store.name, found))
            continue
        by_store: dict[str, Part] = {}
        place = 0
        for batch in step.batches:
            name = batch.binding.store.name
            part = by_store.setdefault(name, Part(name, [], by_call=True))
            part.operations.extend(found[place : place + len(batch.records)])
            place += len(batch.records)
        parts.extend(by_store.values())
    return Entry(parts)


def _state(place: int, outcomes: Sequence[Outcome | None] | None, unknown: set[int] | None) -> CallState:
    if outcomes is None:
        return CallState.PLANNED
    outcome = outcomes[place]
    if outcome is None:
        return CallState.REFUSED  # never sent
    if outcome.error is None:
        return CallState.APPLIED
    return CallState.PLANNED if unknown and place in unknown else CallState.REFUSED


def _old(batch: Batch, index: int, fields: tuple[str, ...], values: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """The values the fields had before, or all values of a record that is removed."""
    record = batch.records[index]
    declaration = batch.binding.declaration
    before = record._track.old or {}
    match batch.verb:
        case Verb.ADD:
            return None
        case Verb.REMOVE:
            now = batch.binding.codec.reader(batch.binding.all_fields)(record)
            fields, values = batch.binding.all_fields, now
        case Verb.UPDATE:
            version = declaration.version
            if version is not None and batch.versions is not None:
                values = (*values[:-1], batch.versions[index])
    by_name = declaration.by_name
    return tuple(
        [
            by_name[name].encode(before[name]) if name in before else value
            for name, value in zip(fields, values, strict=True)
        ]
    )


def _known(value: Any) -> Any:
    """The value, with None for every key that is yet to be made."""
    if value.__class__ is tuple:
        return tuple(map(_known, value))
    if isinstance(value, KeyOf | Awaited):
        return None
    return value
