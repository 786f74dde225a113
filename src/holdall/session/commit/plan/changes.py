"""From records to changes: what a step of the plan tells its store."""

from __future__ import annotations

from itertools import repeat

from holdall.errors import StateError
from holdall.model import Field, Model, Record, Reference, old_of, record_in
from holdall.query import Key, Value
from holdall.session.commit.plan.plan import Batch, Role, Step
from holdall.store import Damaged, Feature, KeyOf, Members, Run, Runs, Verb

__all__ = ["Awaited", "changes_of", "resolved", "resolved_value"]


class Awaited:
    """Stands for the key of a record that another step of the commit is to add."""

    __slots__ = ("record",)

    def __init__(self, record: Record) -> None:
        self.record = record


def changes_of(step: Step, *, as_difference: bool = False, is_alone: bool = False) -> Runs:
    """The changes of a step, a run for each batch; keys the store has yet to make stand as KeyOf.

    Keys that other steps, or other calls of this one, are to make are put in by ``resolved``. If ``as_difference``,
    lists of references tell what came and went, where the store can take this. Only if the step ``is_alone``, keys may
    stay untold: a commit over several stores is taken up again by them.
    """
    runs: list[Run] = []
    count = 0
    pending: dict[int, int] = {}
    for batch in step.batches:
        keys, name, fields = batch.keys, batch.binding.collection, batch.fields
        if not step.is_linked and batch.verb is Verb.UPDATE:
            columns = _columns(batch)
            for place, field in _lists(batch) if as_difference else ():
                columns[place] = list(map(_members, repeat(field), batch.records, columns[place]))
            run = Run(batch.verb, name, fields, keys, versions=batch.versions, columns=columns, expected=batch.expected)
            runs.append(run)
            continue
        values = _values(batch)
        if step.is_linked:
            if batch.verb is Verb.ADD and None in keys and step.role is not Role.CALLS:
                places = enumerate(batch.records, count)
                pending.update((id(record), place) for place, record in places if record.__key__() is None)
            keys = [_key_now(batch, place, pending) for place in range(len(keys))]
            values = _with_pending_keys(batch, values, pending)
            if as_difference and batch.verb is Verb.UPDATE:
                for place, field in _lists(batch):
                    values = [
                        (*row[:place], _members(field, record, row[place]), *row[place + 1 :])
                        for record, row in zip(batch.records, values, strict=True)
                    ]
        count += len(keys)
        run = Run(batch.verb, name, fields, keys, values, batch.versions, expected=batch.expected)
        run.origins, run.is_untold = batch.origins, batch.is_untold and is_alone
        runs.append(run)
    return Runs(runs, is_linked=step.is_linked and any(_awaits(run) for run in runs))


def _lists(batch: Batch) -> list[tuple[int, Field]]:
    """The places of lists of references that may be sent as what came and went."""
    if not batch.binding.declaration.references or Feature.MEMBERS not in batch.binding.store.capabilities.features:
        return []
    by_name = batch.binding.declaration.by_name
    return [(place, by_name[name]) for place, name in enumerate(batch.fields) if by_name[name].form is not None]


def _members(field: Field, record: Record, keys: tuple[Key, ...]) -> tuple[Value, ...]:
    """The keys with those that were there before, unless these could not be read or were put in another order."""
    old = old_of(record)
    if field.name not in old or isinstance(old[field.name], Damaged):
        return keys
    members = Members.of(keys, field.encode(old[field.name]))
    return members if members.is_in_order else keys


def _awaits(run: Run) -> bool:
    """Whether a key that is yet to be made has a stand-in among the keys or values."""
    return any(map(_stands_in, run.keys)) or any(map(_stands_in, run.rows))


def _stands_in(value: Value) -> bool:
    kind = value.__class__
    return kind is KeyOf or kind is Awaited or ((kind is tuple or kind is Members) and any(map(_stands_in, value)))


def _values(batch: Batch) -> list[tuple[Value, ...]]:
    if batch.verb is Verb.REMOVE or batch.is_check:
        return [()] * len(batch.records)
    if batch.versions is None:
        return list(map(batch.binding.codec.reader(batch.fields), batch.records))
    rows = map(batch.binding.codec.reader(batch.fields[:-1]), batch.records)
    return [(*row, version + 1) for row, version in zip(rows, batch.versions, strict=True)]


def _columns(batch: Batch) -> list[list[Value]]:
    """The values of an update, which is mostly of few fields, field by field: stores take them with their keys."""
    if batch.is_check:
        return []
    if batch.versions is None:
        return batch.binding.codec.columns(batch.fields, batch.records)
    columns = batch.binding.codec.columns(batch.fields[:-1], batch.records)
    return [*columns, [version + 1 for version in batch.versions]]


def _key_now(batch: Batch, place: int, pending: dict[int, int]) -> Key:
    """Return a record's current key, or the ``KeyOf`` that stands for it."""
    key, record = batch.keys[place], batch.records[place]
    if key is None:
        key = record.__key__()
    if key is None and batch.verb is not Verb.ADD:
        return KeyOf(pending[id(record)]) if id(record) in pending else Awaited(record)
    if key is None:
        fields = batch.binding.declaration.key
        parts = tuple([_pending_key(field.get(record), field.encode(field.get(record)), pending) for field in fields])
        if None not in parts:
            return parts if len(parts) > 1 else parts[0]
    return key


def _with_pending_keys(batch: Batch, rows: list[tuple[Value, ...]], pending: dict[int, int]) -> list[tuple[Key, ...]]:
    """The rows with what stands for it wherever a reference's record has yet to get its key."""
    by_name = batch.binding.declaration.by_name
    if batch.awaits:
        return _with_awaited(rows, [place for place, name in enumerate(batch.fields) if name in batch.awaits], pending)
    places = [(place, by_name[name]) for place, name in enumerate(batch.fields) if by_name[name].is_relation]
    if not places or batch.verb is Verb.REMOVE:
        return rows
    return [_with_pending_key(record, row, places, pending) for record, row in zip(batch.records, rows, strict=True)]


def _with_awaited(rows: list[tuple[Value, ...]], places: list[int], pending: dict[int, int]) -> list[tuple[Key, ...]]:
    """The rows with the keys of the records that stand in their place."""
    found = []
    for row in rows:
        values = list(row)
        for place in places:
            record = values[place]
            if isinstance(record, Model):
                key = record.__key__()
                is_near = key is None and id(record) in pending
                values[place] = KeyOf(pending[id(record)]) if is_near else Awaited(record) if key is None else key
        found.append(tuple(values))
    return found


def _with_pending_key(
    record: Record, row: tuple[Value, ...], places: list[tuple[int, Field]], pending: dict[int, int]
) -> tuple[Key, ...]:
    values = list(row)
    for place, field in places:
        slot = field.get(record)
        if field.form is None:
            values[place] = _pending_key(slot, values[place], pending)
        else:
            pairs = zip(slot, values[place], strict=True)
            values[place] = tuple([_pending_key(item, key, pending) for item, key in pairs])
    return tuple(values)


def _pending_key(slot: object, key: Key, pending: dict[int, int]) -> Key:
    if key is None and slot.__class__ is Reference and record_in(slot) is not None:
        return KeyOf(pending[id(record_in(slot))]) if id(record_in(slot)) in pending else Awaited(record_in(slot))
    return key


def resolved(changes: Runs) -> Runs:
    """The changes with the keys that were made meanwhile."""
    if not changes.is_linked:
        return changes
    return Runs(
        [
            Run(
                run.verb,
                run.collection,
                run.fields,
                list(map(resolved_value, run.keys)),
                list(map(resolved_value, run.rows)),
                run.versions,
                expected=run.expected,
                origins=run.origins,
            )
            for run in changes.runs
        ],
        is_linked=True,
    )


def resolved_value(value: object) -> Value:
    """A key or a row with the keys that were made meanwhile. Raises StateError for one that never came to be."""
    if value.__class__ is Awaited:
        key = value.record.__key__()
        if key is None:
            raise StateError(f"the {type(value.record).__name__} that it refers to was not written")
        return key
    if value.__class__ is tuple:
        return tuple(map(resolved_value, value))
    if value.__class__ is Members:
        return value.mapped(resolved_value)
    return value
