"""Both ends of a reference say the same: what was asked at the other end, and who gives way to another."""

from __future__ import annotations

from functools import partial
from typing import Any

from holdall.errors import FieldError, StateError
from holdall.model import (
    BackEdit,
    NestedReference,
    Record,
    Reference,
    State,
    items_of,
    leads_to,
    old_of,
    record_in,
    refers_to,
    replace_items,
    state_of,
    track_of,
)
from holdall.query import Key, Value
from holdall.session.binding import Relationship
from holdall.session.references.cascade_plan import CascadePlan, fields_for, key_in, old_value
from holdall.session.references.related_reader import RelatedReader

__all__ = ["apply_inverse_edits", "changed_references", "displace_previous", "link_new_keys"]


def link_new_keys(found: CascadePlan) -> None:
    """Let references by key to new records of the session lead to these, so that they are written after them."""
    new = {
        (type(record), key): record for record in found.records.new.values() if (key := record.__key__()) is not None
    }
    for record in [*found.records.new.values(), *found.records.dirty.values()]:
        for relationship in found.bindings.of_model(type(record)).relationships:
            replace_items(relationship.field, record, partial(_met, relationship, new))


def _met(relationship: Relationship, new: dict[tuple[type[Any], Key], Record], item: object) -> Record:
    record = None if item.__class__ is Reference else new.get((relationship.target.model, item))
    return item if record is None else Reference(relationship.field.target, record=record)


async def apply_inverse_edits(found: CascadePlan, asking: RelatedReader) -> None:
    """Turn what was written at other ends into changes of the references themselves."""
    for edit in list(found.records.backs.edits.values()):
        track = track_of(edit.owner)
        if track is not None and track.link is not None:
            relationship = _bond_of(found, edit.owner, edit.name)
            await _answer(found, asking, relationship, edit)


def _bond_of(found: CascadePlan, owner: Record, name: str) -> Relationship:
    binding = found.bindings.of_model(type(owner))
    field = binding.declaration.by_name[name]
    return next(relationship for relationship in binding.bound_by if field in relationship.backs)


async def _answer(found: CascadePlan, asking: RelatedReader, relationship: Relationship, edit: BackEdit) -> None:
    """Let the records asked for refer to the owner, and others no more."""
    for record in edit.written:
        if state_of(record) is State.UNBOUND and refers_to(relationship.field, record, edit.owner):
            place = f"{type(edit.owner).__name__}.{edit.name}"
            raise StateError(f"{place} holds a {type(record).__name__} not of this session; add it first")
    own_key = edit.owner.__key__()
    await _point(found, asking, relationship, edit.owner, edit.name, list(edit.added))
    if edit.removed:
        await _release(found, asking, relationship, edit)
    if edit.kept is None or own_key is None or state_of(edit.owner) is State.NEW:
        return
    kept = {key_in(item) for item in edit.kept}
    names, parts = fields_for(relationship, is_changed=True), len(relationship.source.schema.key)
    async for rows in asking.referring(relationship, [own_key], names):
        for row in rows:
            key = row[0] if parts == 1 else row[:parts]
            if (
                key not in kept
                and not found.is_removed(relationship.source, key)
                and not _was_told(found, relationship, key)
            ):
                _let_go(found, relationship, edit, found.record(relationship.source, key, names, row), key)


def _was_told(found: CascadePlan, relationship: Relationship, key: Key) -> bool:
    """Whether the record is at hand, so that all that was asked of it is done to it; see ``catch_up``."""
    return (
        relationship.field.may_be_emptied
        and not relationship.field.frozen
        and found.records.find(relationship.source.model, key) is not None
    )


async def _point(
    found: CascadePlan, asking: RelatedReader, relationship: Relationship, owner: Record, name: str, items: list[Value]
) -> None:
    """Let these refer to the owner."""
    absent = []
    for item in items:
        record = record_in(item) if item.__class__ is Reference else found.known(relationship.source, item)
        if record is None:
            absent.append(key_in(item))
        elif item.__class__ is Reference or not _is_decided(relationship, owner, record, leads=False):
            _take_in(found, relationship, owner, name, record, key_in(item))
    names = fields_for(relationship, is_changed=True)
    rows = await asking.rows_of(relationship.source, absent, names) if absent else {}
    for key in absent:
        if key in rows:
            record = found.record(relationship.source, key, names, rows[key])
            _take_in(found, relationship, owner, name, record, key)
        else:
            message = "refers to a record that does not exist"
            found.errors.append((owner, FieldError(name, "reference", message)))


async def _release(found: CascadePlan, asking: RelatedReader, relationship: Relationship, edit: BackEdit) -> None:
    """Let those removed refer to the owner no more, nor to anybody else where they had been added to it before."""
    names = fields_for(relationship, is_changed=True)
    absent = [key for key in edit.removed if found.known(relationship.source, key) is None]
    rows = await asking.rows_of(relationship.source, absent, names) if absent else {}
    for key, was_added in edit.removed.items():
        record = found.known(relationship.source, key)
        if record is None and key in rows:
            record = found.record(relationship.source, key, names, rows[key])
        if record is not None and not found.is_removed(relationship.source, key):
            is_at_hand = found.records.find(relationship.source.model, key) is record  # it was told at once
            _let_go(found, relationship, edit, record, key, is_anybodys=was_added and not is_at_hand)


def _take_in(
    found: CascadePlan, relationship: Relationship, owner: Record, name: str, record: Record, key: Key
) -> None:
    value = found.value(record, relationship.field)
    reference: Any = Reference(relationship.field.target, record=owner)
    field = relationship.field
    if any(leads_to(item, owner) for item in items_of(field, value)):
        return
    slot = reference if field.form is None else (*value, reference)
    refusal = field.refusal(found.value(record, field.root), slot) if isinstance(field, NestedReference) else None
    if refusal is not None:
        place = f"{relationship.name} {refusal}"
        found.errors.append((owner, FieldError(name, "nested", place)))
    else:
        found.change(record, key, field, slot)


def _is_decided(relationship: Relationship, owner: Record, record: Record, *, leads: bool) -> bool:
    """Whether the record's own reference was written since, so that it leads to the owner now, or does not.

    An edit left for the commit at another end concerned a record that was not at hand: its own changes came later.
    """
    track = track_of(record)
    before = relationship.field.get(record) if track is None else old_value(record, relationship.field)
    now = relationship.field.get(record)
    did, does = (any(leads_to(item, owner) for item in items_of(relationship.field, slot)) for slot in (before, now))
    if does is not leads:
        return False
    if relationship.field.form is None and not leads:
        return track is not None and relationship.field.root.name in (track.old or ())
    return did is not leads


def _let_go(
    found: CascadePlan,
    relationship: Relationship,
    edit: BackEdit,
    record: Record,
    key: Key,
    *,
    is_anybodys: bool = False,
) -> None:
    """Let the record refer to the owner no more; where it ``is_anybodys``, to nobody."""
    if _is_decided(relationship, edit.owner, record, leads=True):
        return
    value = found.value(record, relationship.field)
    if relationship.field.form is not None and relationship.field.may_be_emptied:
        left = tuple([item for item in value if not leads_to(item, edit.owner)])
        if len(left) < len(value):
            found.change(record, key, relationship.field, left)
    elif is_anybodys or any(leads_to(item, edit.owner) for item in items_of(relationship.field, value)):
        if relationship.field.form is None and relationship.field.nullable and relationship.is_single:
            found.displace_previous(record, key, relationship.field)
        elif relationship.field.nullable:
            found.assume(record, relationship.field)
            found.change(record, key, relationship.field, None)
        else:
            message = (
                f"leaves out a {relationship.source.collection} that cannot be without its {relationship.field.name}"
            )
            found.errors.append((edit.owner, FieldError(edit.name, "required", message)))


async def displace_previous(found: CascadePlan, asking: RelatedReader) -> None:
    """Where only one may refer to a record, the one that did so far gives way to the one that does now."""
    for binding in found.bindings:
        for relationship in binding.inversely_stored:
            if relationship.is_single:
                await _give_way(found, asking, relationship)


async def _give_way(found: CascadePlan, asking: RelatedReader, relationship: Relationship) -> None:
    takers: dict[tuple[str, Key], Record] = {}
    for record, _, after in changed_references(found, relationship):
        if after is None:
            continue
        target = record_in(after) if after.__class__ is Reference and key_in(after) is None else None
        mark = ("new", id(target)) if target is not None else ("key", key_in(after))
        if takers.setdefault(mark, record) is not record:
            message = f"is the same as that of another {relationship.source.collection} in this commit"
            found.errors.append((record, FieldError(relationship.field.name, "unique", message)))
    keys = [key for kind, key in takers if kind == "key"]
    if not keys:
        return
    names, parts = fields_for(relationship, is_changed=True), len(relationship.source.schema.key)
    async for rows in asking.referring(relationship, keys, names):
        for row in rows:
            key = row[0] if parts == 1 else row[:parts]
            record = found.record(relationship.source, key, names, row)
            is_changed = found.is_changed(record, relationship.field)
            target = (
                key_in(found.value(record, relationship.field))
                if is_changed
                else row[names.index(relationship.field.name)]
            )
            taker = takers.get(("key", target))
            if taker is None or taker is record or found.is_removed(relationship.source, key):
                continue
            if relationship.field.nullable:
                found.displace_previous(record, key, relationship.field)
            else:
                message = f"is taken by a {relationship.source.collection} that cannot be without it"
                found.errors.append((taker, FieldError(relationship.field.name, "unique", message)))


def changed_references(found: CascadePlan, relationship: Relationship) -> list[tuple[Any, Any, Any]]:
    """The records whose reference will be another: each with what it was and what it will be."""
    model, field = relationship.source.model, relationship.field
    removed = {id(record) for record in found.removed.get(relationship.source, {}).values()}
    seen: dict[int, tuple[Any, Any, Any]] = {}
    for record in found.records.new.values():
        if type(record) is model:
            seen[id(record)] = (record, old_value(record, field), found.value(record, field))
    for record in found.records.dirty.values():
        if type(record) is model and field.root.name in old_of(record):
            seen[id(record)] = (record, old_value(record, field), found.value(record, field))
    for record, before, after in found.changed(relationship.source, field):
        seen[id(record)] = (record, before, after)
    return [item for number, item in seen.items() if number not in removed]
