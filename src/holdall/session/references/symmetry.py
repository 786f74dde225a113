"""Both ends of a reference say the same: what was asked at the other end, and who gives way to another."""

from __future__ import annotations

from functools import partial
from typing import Any

from holdall.errors import FieldError, StateError
from holdall.model import BackEdit, Reference, State, items_of, leads_to, refers_to, replace_items, state_of, track_of
from holdall.session.references.asking import Asking
from holdall.session.references.bond import Bond
from holdall.session.references.consequences import Consequences, fields_for, key_in, old_value

__all__ = ["answer_edits", "changed_references", "give_way", "knit"]


def knit(found: Consequences) -> None:
    """Let references by key to new records of the session lead to these, so that they are written after them."""
    new = {
        (type(record), key): record for record in found.records.new.values() if (key := record.__key__()) is not None
    }
    for record in [*found.records.new.values(), *found.records.dirty.values()]:
        for bond in found.bindings.of_model(type(record)).bonds:
            replace_items(bond.field, record, partial(_met, bond, new))


def _met(bond: Bond, new: dict[Any, Any], item: Any) -> Any:
    record = None if item.__class__ is Reference else new.get((bond.target.model, item))
    return item if record is None else Reference(bond.field.target, record=record)


async def answer_edits(found: Consequences, asking: Asking) -> None:
    """Turn what was written at other ends into changes of the references themselves."""
    for edit in list(found.records.backs.edits.values()):
        track = track_of(edit.owner)
        if track is not None and track.tracker is not None:
            bond = _bond_of(found, edit.owner, edit.name)
            await _answer(found, asking, bond, edit)


def _bond_of(found: Consequences, owner: Any, name: str) -> Bond:
    binding = found.bindings.of_model(type(owner))
    field = binding.declaration.by_name[name]
    return next(bond for bond in binding.bound_by if field in bond.backs)


async def _answer(found: Consequences, asking: Asking, bond: Bond, edit: BackEdit) -> None:
    """Let the records asked for refer to the owner, and others no more."""
    for record in edit.written:
        if state_of(record) is State.UNBOUND and refers_to(bond.field, record, edit.owner):
            place = f"{type(edit.owner).__name__}.{edit.name}"
            raise StateError(f"{place} holds a {type(record).__name__} not of this session; add it first")
    own_key = edit.owner.__key__()
    await _point(found, asking, bond, edit.owner, edit.name, list(edit.added))
    if edit.removed:
        await _release(found, asking, bond, edit)
    if edit.kept is None or own_key is None or state_of(edit.owner) is State.NEW:
        return
    kept = {key_in(item) for item in edit.kept}
    names, parts = fields_for(bond, is_changed=True), len(bond.source.schema.key)
    async for rows in asking.referring(bond, [own_key], names):
        for row in rows:
            key = row[0] if parts == 1 else row[:parts]
            if key not in kept and not found.is_removed(bond.source, key) and not _was_told(found, bond, key):
                _let_go(found, bond, edit, found.record(bond.source, key, names, row), key)


def _was_told(found: Consequences, bond: Bond, key: Any) -> bool:
    """Whether the record is at hand, so that all that was asked of it is done to it; see ``catch_up``."""
    return (
        bond.field.may_be_emptied and not bond.field.frozen and found.records.find(bond.source.model, key) is not None
    )


async def _point(found: Consequences, asking: Asking, bond: Bond, owner: Any, name: str, items: list[Any]) -> None:
    """Let these refer to the owner."""
    absent = []
    for item in items:
        record = item._record if item.__class__ is Reference else found.known(bond.source, item)
        if record is None:
            absent.append(key_in(item))
        elif item.__class__ is Reference or not _is_decided(bond, owner, record, leads=False):
            _take_in(found, bond, owner, record, key_in(item))
    names = fields_for(bond, is_changed=True)
    rows = await asking.rows_of(bond.source, absent, names) if absent else {}
    for key in absent:
        if key in rows:
            _take_in(found, bond, owner, found.record(bond.source, key, names, rows[key]), key)
        else:
            message = f"refers to a record of {bond.source.collection} that does not exist"
            found.errors.append((owner, FieldError(name, "reference", message)))


async def _release(found: Consequences, asking: Asking, bond: Bond, edit: BackEdit) -> None:
    """Let those removed refer to the owner no more, nor to anybody else where they had been added to it before."""
    names = fields_for(bond, is_changed=True)
    absent = [key for key in edit.removed if found.known(bond.source, key) is None]
    rows = await asking.rows_of(bond.source, absent, names) if absent else {}
    for key, was_added in edit.removed.items():
        record = found.known(bond.source, key)
        if record is None and key in rows:
            record = found.record(bond.source, key, names, rows[key])
        if record is not None and not found.is_removed(bond.source, key):
            is_at_hand = found.records.find(bond.source.model, key) is record  # it was told at once
            _let_go(found, bond, edit, record, key, is_anybodys=was_added and not is_at_hand)


def _take_in(found: Consequences, bond: Bond, owner: Any, record: Any, key: Any) -> None:
    value = found.value(record, bond.field)
    reference: Any = Reference(bond.field.target, record=owner)
    if bond.field.form is None:
        if not leads_to(value, owner):
            found.change(record, key, bond.field, reference)
    elif not any(leads_to(item, owner) for item in value):
        found.change(record, key, bond.field, (*value, reference))


def _is_decided(bond: Bond, owner: Any, record: Any, *, leads: bool) -> bool:
    """Whether the record's own reference was written since, so that it leads to the owner now, or does not.

    What is left for the commit at another end concerned a record that was not at hand: its own changes came later.
    """
    track = track_of(record)
    before = bond.field.get(record) if track is None else old_value(record, bond.field)
    now = bond.field.get(record)
    did, does = (any(leads_to(item, owner) for item in items_of(bond.field, slot)) for slot in (before, now))
    if does is not leads:
        return False
    if bond.field.form is None and not leads:
        return track is not None and bond.field.name in (track.old or ())
    return did is not leads


def _let_go(
    found: Consequences, bond: Bond, edit: BackEdit, record: Any, key: Any, *, is_anybodys: bool = False
) -> None:
    """Let the record refer to the owner no more; where it ``is_anybodys``, to nobody."""
    if _is_decided(bond, edit.owner, record, leads=True):
        return
    value = found.value(record, bond.field)
    if bond.field.form is not None:
        left = tuple([item for item in value if not leads_to(item, edit.owner)])
        if len(left) < len(value):
            found.change(record, key, bond.field, left)
    elif value is not None and (is_anybodys or leads_to(value, edit.owner)):
        if bond.field.nullable and bond.is_single:
            found.give_way(record, key, bond.field)
        elif bond.field.nullable:
            found.change(record, key, bond.field, None)
        else:
            message = f"leaves out a {bond.source.collection} that cannot be without its {bond.field.name}"
            found.errors.append((edit.owner, FieldError(edit.name, "required", message)))


async def give_way(found: Consequences, asking: Asking) -> None:
    """Where only one may refer to a record, the one that did so far gives way to the one that does now."""
    for binding in found.bindings:
        for bond in binding.mirrored_bonds:
            if bond.is_single:
                await _give_way(found, asking, bond)


async def _give_way(found: Consequences, asking: Asking, bond: Bond) -> None:
    takers: dict[Any, Any] = {}
    for record, _, after in changed_references(found, bond):
        if after is None:
            continue
        target = after._record if after.__class__ is Reference and key_in(after) is None else None
        mark = ("new", id(target)) if target is not None else ("key", key_in(after))
        if takers.setdefault(mark, record) is not record:
            message = f"is the same as that of another {bond.source.collection} in this commit"
            found.errors.append((record, FieldError(bond.field.name, "unique", message)))
    keys = [key for kind, key in takers if kind == "key"]
    if not keys:
        return
    names, parts = fields_for(bond, is_changed=True), len(bond.source.schema.key)
    async for rows in asking.referring(bond, keys, names):
        for row in rows:
            key = row[0] if parts == 1 else row[:parts]
            record = found.record(bond.source, key, names, row)
            is_changed = found.is_changed(record, bond.field)
            target = key_in(found.value(record, bond.field)) if is_changed else row[names.index(bond.field.name)]
            taker = takers.get(("key", target))
            if taker is None or taker is record or found.is_removed(bond.source, key):
                continue
            if bond.field.nullable:
                found.give_way(record, key, bond.field)
            else:
                message = f"is taken by a {bond.source.collection} that cannot be without it"
                found.errors.append((taker, FieldError(bond.field.name, "unique", message)))


def changed_references(found: Consequences, bond: Bond) -> list[tuple[Any, Any, Any]]:
    """The records whose reference will be another: each with what it was and what it will be."""
    model, field = bond.source.model, bond.field
    removed = {id(record) for record in found.removed.get(bond.source, {}).values()}
    seen: dict[int, tuple[Any, Any, Any]] = {}
    for record in found.records.new.values():
        if type(record) is model:
            seen[id(record)] = (record, old_value(record, field), found.value(record, field))
    for record in found.records.dirty.values():
        if type(record) is model and field.name in (record._track.old or ()):
            seen[id(record)] = (record, old_value(record, field), found.value(record, field))
    for record, before, after in found.changed(bond.source, field):
        seen[id(record)] = (record, before, after)
    return [item for number, item in seen.items() if number not in removed]
