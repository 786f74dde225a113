"""From outcomes to records: what was applied is clean, what was edited meanwhile is changed against what was sent."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from holdall.errors import StateError, StoreError
from holdall.model import UNENCODABLE, Field, Record, SessionLink, State, old_of, state_of, track_of
from holdall.query import Key, Value
from holdall.session.commit.outcome.tasks import Report
from holdall.session.commit.plan.changes import Awaited
from holdall.session.commit.plan.plan import Batch, Step
from holdall.session.identity import IdentityMap
from holdall.store import APPLIED, Change, KeyOf, Outcome, Row, Run, Runs, Verb

__all__ = ["accept_calls", "accept_outcomes", "put_key", "require_outcomes", "take_keys", "untake_keys"]

_NO_VALUE = object()
_NOT_WRITTEN = Outcome(error=StateError("it was not written"))


def require_outcomes(step: Step, changes: Sequence[Change], outcomes: Sequence[Outcome]) -> None:
    """Raise StoreError where a store's answer is not what its contract says."""
    if len(outcomes) != len(changes):
        raise StoreError(step.store.name, f"it answered {len(changes)} changes with {len(outcomes)} outcomes")
    start = 0
    for batch in step.batches:
        end = start + len(batch.records)
        if batch.verb is Verb.ADD and None in batch.keys and not batch.is_untold:
            for change, outcome in zip(changes[start:end], outcomes[start:end], strict=True):
                if change.key is None and outcome.key is None and outcome.error is None:
                    raise StoreError(step.store.name, f"the answer holds no key for the new {change.collection}")
        start = end


def accept_outcomes(
    step: Step, changes: Runs, outcomes: Sequence[Outcome], records: IdentityMap, link: SessionLink
) -> None:
    """Take over the outcomes of a step; those whose change was refused stay as they are."""
    start = 0
    for batch, run in zip(step.batches, changes.runs, strict=True):
        end = start + len(batch.records)
        part = outcomes[start:end]
        start = end
        if batch.is_untold:
            continue
        if records.assigned_by_dao:
            run = _with_given(batch, run, records)
        if part.count(APPLIED) == len(part) or all(outcome.error is None for outcome in part):
            _accept_batch(batch, run, part, outcomes, records, link)
            continue
        for place, outcome in enumerate(part):
            if outcome.error is None:
                one = _only(batch, place)
                alone = Run(run.verb, run.collection, run.fields, one.keys, [run.rows[place]])
                _accept_batch(one, alone, [outcome], outcomes, records, link)
                batch.keys[place] = one.keys[0]


def accept_calls(report: Report, changes: Runs, records: IdentityMap, link: SessionLink) -> None:
    """Take over the calls that went well and stand; the others stay as they are."""
    outcomes = [
        _NOT_WRITTEN if outcome is None or place in report.undone else outcome
        for place, outcome in enumerate(report.outcomes or ())
    ]
    accept_outcomes(report.step, changes, outcomes, records, link)


def _with_given(batch: Batch, run: Run, records: IdentityMap) -> Run:
    """Return the changes as sent, with the values that DAOs wrote into their records since; a field that has its value
    is changed no more.
    """
    rows = []
    for record, row in zip(batch.records, run.rows, strict=True):
        given = records.assigned_by_dao.pop(id(record), {})
        track = track_of(record)
        old = track.old if track is not None else None
        for field in map(batch.binding.declaration.by_name.__getitem__, given if old else ()):
            if old is not None and field.encode(field.get(record)) == given[field.name]:
                old.pop(field.name, None)
        rows.append(tuple([given.get(name, value) for name, value in zip(batch.fields, row, strict=True)]))
    return Run(run.verb, run.collection, run.fields, run.keys, rows, run.versions)


def _only(batch: Batch, place: int) -> Batch:
    versions = None if batch.versions is None else [batch.versions[place]]
    record, key = batch.records[place], batch.keys[place]
    return Batch(batch.binding, batch.verb, [record], [key], batch.fields, versions, awaits=batch.awaits)


def _accept_batch(
    batch: Batch,
    run: Run,
    part: Sequence[Outcome],
    outcomes: Sequence[Outcome],
    records: IdentityMap,
    link: SessionLink,
) -> None:
    if batch.is_check:
        _accept_compared(batch, records, link)
        return
    if batch.verb is Verb.REMOVE:
        for record in batch.records:
            records.discard(record)
        return
    if None in batch.keys:
        _take_keys(batch, part)
    if batch.binding.has_server_values:
        _take_given(batch, part, records)
    if batch.awaits:
        _put_awaited(batch, run, outcomes)
    _accept_written(batch, run, outcomes, records, link)
    if batch.verb is Verb.ADD and len(batch.fields) < len(batch.binding.all_fields):
        _leave_for_later(batch, records)


def _put_awaited(batch: Batch, run: Run, outcomes: Sequence[Outcome]) -> None:
    """Put keys that were made into the rows in which records stood for them."""
    for place, name in enumerate(batch.fields):
        if name in batch.awaits:
            field = batch.binding.declaration.by_name[name]
            for record, row in zip(batch.records, run.rows, strict=True):
                field.put(record, _made(row[place], outcomes))


def _accept_compared(batch: Batch, records: IdentityMap, link: SessionLink) -> None:
    """Take records as stored that were to be written and had no value to send; those edited meanwhile stay changed."""
    edited = link.edited or {}
    places = [
        place
        for place, record in enumerate(batch.records)
        if state_of(record) is State.DIRTY and id(record) not in edited
    ]
    if places:
        changed, keys = [batch.records[place] for place in places], [batch.keys[place] for place in places]
        records.mark_all_clean(batch.binding.model, changed, keys, is_filed=True)


def _accept_written(
    batch: Batch, run: Run, outcomes: Sequence[Outcome], records: IdentityMap, link: SessionLink
) -> None:
    version = batch.binding.declaration.version
    if batch.versions is not None and version is not None:
        deque(map(version.put, batch.records, [number + 1 for number in batch.versions]), maxlen=0)
    edited, is_mutable = link.edited or {}, bool(batch.binding.declaration.mutable)
    if not edited and not is_mutable:
        records.mark_all_clean(batch.binding.model, batch.records, batch.keys, is_filed=batch.verb is Verb.UPDATE)
        return
    read, sent, names = partial(_values_now, batch), run.rows, set(batch.fields)
    for place, (record, key) in enumerate(zip(batch.records, batch.keys, strict=True)):
        is_as_sent = id(record) not in edited and (not is_mutable or read(record) == sent[place])
        if is_as_sent and old_of(record).keys() <= names:
            records.mark_all_clean(batch.binding.model, [record], [key])
            continue
        values = [_made(value, outcomes) for value in sent[place]]
        _accept_edited(batch, place, values, read(record), records, link)


def _leave_for_later(batch: Batch, records: IdentityMap) -> None:
    """Have records changed in the references they were added without, until the change that closes a circle is made."""
    later = [
        field
        for field in map(batch.binding.declaration.by_name.__getitem__, batch.binding.all_fields)
        if field.name not in batch.fields
        and field.name not in batch.binding.store_keys
        and field not in batch.binding.server_defaults
        and field.name not in batch.binding.server_computed
    ]
    for record in batch.records if later else ():
        state = state_of(record)
        if state in (State.CLEAN, State.DIRTY, State.DELETED):
            unsent = {field.name: () if field.form is not None else None for field in later}
            records.states.move(record, State.DIRTY if state is State.CLEAN else state, {**old_of(record), **unsent})


def _values_now(batch: Batch, record: Record) -> Row:
    """The border values of the fields that were sent as they are now; those edited to what has none stand as such."""
    codec = batch.binding.codec
    try:
        return codec.reader(batch.fields)(record)
    except UNENCODABLE:
        return tuple([_value_now(codec.reader((name,)), record) for name in batch.fields])


def _value_now(read: Callable[[Record], Row], record: Record) -> Value:
    try:
        return read(record)[0]
    except UNENCODABLE:
        return _NO_VALUE


def _take_keys(batch: Batch, outcomes: Sequence[Outcome]) -> None:
    """Put the keys the store made into their records; other keys are known from the records they refer to."""
    fields = batch.binding.declaration.key
    made = [outcome.key for outcome in outcomes]
    if len(fields) == 1 and None not in made:
        deque(map(fields[0].put, batch.records, made), maxlen=0)
        batch.keys = made
        return
    for index, key in enumerate(made):
        if batch.keys[index] is None:
            put_key(batch, index, key)


def put_key(batch: Batch, index: int, key: Key) -> None:
    """Put a key that was made into its record; None if the record has it by other ways.

    Raises StoreError where the store's answer has no key.
    """
    fields, record = batch.binding.declaration.key, batch.records[index]
    if key is not None:
        for field, part in zip(fields, key if len(fields) > 1 else (key,), strict=True):
            if not field.is_relation:
                field.put(record, part)
    batch.keys[index] = record.__key__()
    if batch.keys[index] is None:
        raise StoreError(batch.binding.store.name, f"the answer holds no key for the new {batch.binding.collection}")


def take_keys(step: Step, outcomes: Sequence[Outcome]) -> list[tuple[Batch, int]]:
    """Put the keys a store made into their records before the outcomes are accepted; see ``untake_keys``."""
    taken: list[tuple[Batch, int]] = []
    start = 0
    for batch in step.batches:
        end = start + len(batch.records)
        if batch.verb is Verb.ADD and None in batch.keys:
            taken.extend((batch, index) for index, key in enumerate(batch.keys) if key is None)
            _take_keys(batch, outcomes[start:end])
        start = end
    return taken


def untake_keys(taken: Sequence[tuple[Batch, int]]) -> None:
    """Take keys back that were made for records which were not written in the end."""
    for batch, index in taken:
        batch.keys[index] = None
        for field in batch.binding.declaration.key:
            if field.name in batch.binding.store_keys:
                field.put(batch.records[index], None)


def _take_given(batch: Batch, outcomes: Sequence[Outcome], records: IdentityMap) -> None:
    """Put what the store gave into the records; those of which it did not tell are read after the commit."""
    by_name, binding = batch.binding.declaration.by_name, batch.binding
    is_new = batch.verb is Verb.ADD
    if not (binding.server_computed or (is_new and any(f.name not in batch.fields for f in binding.server_defaults))):
        return
    for record, outcome in zip(batch.records, outcomes, strict=True):
        if outcome.given is None:
            records.untold[id(record)] = record
            continue
        for name, value in outcome.given.items():
            if name not in old_of(record):
                by_name[name].put(record, _slot_value(by_name[name], value))


def _made(value: object, outcomes: Sequence[Outcome]) -> Key:
    """A value that was sent, with the keys that were made meanwhile."""
    if isinstance(value, KeyOf):
        return outcomes[value.position].key
    if isinstance(value, Awaited):
        return value.record.__key__()
    if isinstance(value, tuple):
        return tuple([_made(item, outcomes) for item in value])
    return value


def _accept_edited(
    batch: Batch, place: int, sent: list[Any], now: tuple[Value, ...], records: IdentityMap, link: SessionLink
) -> None:
    """Make the values that were sent the old values of fields that were edited while the commit was under way."""
    record = batch.records[place]
    track = track_of(record)
    if track is None or track.state is State.DISCARDED:
        return
    old = dict(track.old or {})
    for name, before, current in zip(batch.fields, sent, now, strict=True):
        field = batch.binding.declaration.by_name[name]
        if current == before or field is batch.binding.declaration.version:
            old.pop(name, None)
        else:
            old[name] = _slot_value(field, before)
    records.mark_clean(record, batch.keys[place])
    if track.state is State.DELETED:
        records.states.move(record, State.DELETED, old or None)
    elif old:
        records.states.move(record, State.DIRTY, old)


def _slot_value(field: Field, sent: object) -> Value:
    decode = field.type.decode if field.type is not None else None
    return sent if decode is None or sent is None else decode(sent)
