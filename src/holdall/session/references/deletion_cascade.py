"""Deletions after which records stay, and restorations: who refers to them goes along, comes back, or forbids it."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from holdall.errors import FieldError
from holdall.model import Field, OnDelete, Record, items_of, turns_deletion
from holdall.policy import User
from holdall.query import And, Compare, Condition, Key, Kind, Op, Value
from holdall.session.binding import Binding, Relationship
from holdall.session.references.cascade import children, restrict
from holdall.session.references.cascade_plan import CascadePlan, key_in, old_value
from holdall.session.references.related_reader import RelatedReader

__all__ = ["follow_deletions"]


async def follow_deletions(found: CascadePlan, asking: RelatedReader, user: User) -> None:
    """Follow references with CASCADE from what is deleted to what stays as well, and from what is restored to what was
    deleted in the same commit.

    Notes a refusal for what is deleted and still referred to, by a reference with RESTRICT, and an error for what is
    restored and refers to what is deleted.
    """
    _gather(found)
    pending = [(binding, key, record) for binding, group in found.deleted.items() for key, record in group.items()]
    while pending:
        pending = await _next_deleted(found, asking, pending)
    for binding, group in found.deleted.items():
        for relationship in binding.bound_by:
            if relationship.on_delete is OnDelete.RESTRICT:
                await restrict(found, asking, relationship, list(group), user, relationship.source.living)
    pending = [(binding, key, record) for binding, group in found.restored.items() for key, record in group.items()]
    while pending:
        pending = await _next_restored(found, asking, pending)
    await _demand_living(found, asking)


def _gather(found: CascadePlan) -> None:
    """Note what the session and its bulk changes delete and restore."""
    for record in found.records.dirty.values():
        deletion = type(record).__holdall__.deletion
        if deletion is not None and turns_deletion(record, {deletion.name: old_value(record, deletion)}):
            _note(found, record, found.records.stored_key(record), deletion.get(record))
    for binding in found.bindings:
        deletion = binding.declaration.deletion
        for record, before, after in found.changed(binding, deletion) if deletion is not None else ():
            if (before is None) is not (after is None):
                _note(found, record, record.__key__(), after)


def _note(found: CascadePlan, record: Record, key: Key, moment: Value) -> None:
    groups = found.restored if moment is None else found.deleted
    groups.setdefault(found.bindings.of_model(type(record)), {})[key] = record


_Pending = list[tuple[Binding, Key, Record]]


async def _next_deleted(found: CascadePlan, asking: RelatedReader, pending: _Pending) -> _Pending:
    following: _Pending = []
    for binding in dict.fromkeys(each for each, _, _ in pending):
        own = {key: record for each, key, record in pending if each is binding}
        keys, deletion = list(own), binding.declaration.deletion
        moment = None if deletion is None else found.value(own[keys[0]], deletion)
        for relationship in _taking_along(binding):
            following += await _turn(found, asking, relationship, keys, relationship.source.living, moment)
    return following


async def _next_restored(found: CascadePlan, asking: RelatedReader, pending: _Pending) -> _Pending:
    following: _Pending = []
    for binding, key, record in pending:
        deletion = binding.declaration.deletion
        moment = None if deletion is None else old_value(record, deletion)
        if not isinstance(moment, date):
            continue  # it cannot be read, or was never deleted
        for relationship in _taking_along(binding):
            wanted = _at(relationship.source, moment, binding)
            following += await _turn(found, asking, relationship, [key], wanted, None)
    return following


def _taking_along(binding: Binding) -> list[Relationship]:
    return [each for each in binding.bound_by if each.on_delete is OnDelete.CASCADE and each.is_followed_softly]


async def _turn(
    found: CascadePlan,
    asking: RelatedReader,
    relationship: Relationship,
    keys: list[Key],
    wanted: Condition,
    moment: Value,
) -> _Pending:
    """Delete, or restore, those that refer to these keys and are wanted."""
    source, following = relationship.source, _Pending()
    groups = (found.restored if moment is None else found.deleted).setdefault(source, {})
    deletion = _deletion_of(source)
    async for key, row, names in children(found, asking, relationship, keys, is_changed=True, wanted=wanted):
        if found.is_removed(source, key) or key in groups:
            continue
        record = found.record(source, key, names, row)
        found.change(record, key, deletion, moment)
        found.follow(record)
        found.assume(record, relationship.field)
        groups[key] = record
        following.append((source, key, record))
    return following


def _deletion_of(binding: Binding) -> Field:
    found = binding.declaration.deletion
    assert found is not None  # it is followed softly
    return found


def _at(source: Binding, moment: date, binding: Binding) -> Condition:
    """That a record was deleted at this moment, as its store and that of the other collection tell moments."""
    deletion = _deletion_of(source)
    path, step = (deletion.name,), source.store.capabilities.limits.moment_step
    if deletion.kind is Kind.DATE:
        return Compare(path, Op.EQ, moment.date() if isinstance(moment, datetime) else moment)
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day)  # noqa: DTZ001 - as the store has it
        end = moment + timedelta(days=1)
    else:
        end = moment + timedelta(microseconds=max(step, binding.store.capabilities.limits.moment_step))
        moment = moment.replace(microsecond=moment.microsecond // step * step)
    return And((Compare(path, Op.GE, moment), Compare(path, Op.LT, end)))


async def _demand_living(found: CascadePlan, asking: RelatedReader) -> None:
    """Note an error for what is restored and refers to what is deleted, unless that may stay away."""
    for binding, group in found.restored.items():
        for relationship in binding.relationships:
            target = relationship.target
            if target.declaration.deletion is None or relationship.on_delete is OnDelete.UNLINK:
                continue
            field = relationship.field
            wanted = {
                record_key: [key_in(item) for item in items_of(field, found.value(record, field))]
                for record_key, record in group.items()
            }
            keys = {key for several in wanted.values() for key in several if key is not None}
            away = keys - found.restored.get(target, {}).keys() - await asking.existing(target, keys, is_living=True)
            message = f"refers to a record of {target.collection} that is deleted: restore that first"
            for record_key, several in wanted.items():
                if not away.isdisjoint(several):
                    found.errors.append((group[record_key], FieldError(field.name, "reference", message)))
