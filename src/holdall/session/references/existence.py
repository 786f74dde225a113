"""That what is referred to exists: one question for each collection referred to, before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from holdall.errors import FieldError
from holdall.model import Field, Record, Reference, State, old_of, placed_items, record_in, state_of
from holdall.query import Key, Value
from holdall.session.binding import Binding
from holdall.session.references.cascade_plan import CascadePlan, old_value
from holdall.session.references.related_reader import RelatedReader

__all__ = ["demand_targets"]


async def demand_targets(
    found: CascadePlan, asking: RelatedReader, new_keys: Callable[[Binding], set[Key]] | None = None
) -> None:
    """Note an error for every new reference to a record that is not there or is about to go.

    Whether it is there is left to the store where that keeps both ends by itself. New records of the session are there,
    and those under ``new_keys``, which others are to get.
    """
    asked: dict[Binding, dict[Key, list[tuple[Any, str]]]] = {}
    for record, names in _changed(found):
        for relationship in found.bindings.of_model(type(record)).relationships:
            if names is None or relationship.field.root.name in names:
                field = relationship.field
                before = () if names is None else _keys(field, old_value(record, field.root))
                known = {key for key, _ in before}
                for key, path in _keys(field, found.value(record, field.root)):
                    if key in known:
                        if field.root is not field:  # it is written again, with the value that holds it
                            found.assume(record, field)
                        continue
                    if not relationship.is_guarded or found.is_going(relationship.target, key):
                        asked.setdefault(relationship.target, {}).setdefault(key, []).append((record, path))
    for target, places in asked.items():
        wanted = [key for key in places if not found.is_going(target, key)]
        new = _new_keys(found, target) if wanted else set()
        if new_keys is not None:
            new |= new_keys(target)
        new |= found.restored.get(target, {}).keys()
        there = await asking.existing(target, [key for key in wanted if key not in new], is_living=True)
        for key, holders in places.items():
            if key not in there and key not in new:
                is_going = found.is_going(target, key)
                message = f"refers to a record that {'is removed' if is_going else 'does not exist'}"
                found.errors += [(record, FieldError(path, "reference", message)) for record, path in holders]


def _changed(found: CascadePlan) -> list[tuple[Value, Value]]:
    """The records with new references, and the names of the changed fields; None for all.

    Records changed only because the other end of a reference was written are among them. Records that the commit
    removes are not: their references go with them.
    """
    records, bindings = found.records, found.bindings
    concerned = {
        binding.model for binding in bindings if (binding.relationships if found.removed else binding.unenforced)
    }
    gone = {id(record) for group in found.removed.values() for record in group.values()}
    new = [(record, None) for record in records.new.values() if type(record) in concerned]
    gone.update([id(record) for record, _ in new])
    changed: dict[int, tuple[Record, Any]] = {}
    for record in records.dirty.values():
        if type(record) in concerned and id(record) not in gone:
            changed[id(record)] = record, old_of(record)
    for record, names in found.planned():
        if type(record) in concerned and id(record) not in gone:
            edited = changed.get(id(record), (record, ()))[1]
            changed[id(record)] = record, names.union(edited)
    return [*new, *changed.values()]


def _keys(field: Field, value: Value) -> list[tuple[Key, str]]:
    """The keys a field refers to, but for records that are yet to be stored; each with its path."""
    return [
        (key, path)
        for item, path in placed_items(field, value)
        if not (item.__class__ is Reference and record_in(item) is not None and state_of(record_in(item)) is State.NEW)
        and (key := item.key if item.__class__ is Reference else item) is not None
    ]


def _new_keys(found: CascadePlan, target: Binding) -> set[Key]:
    return {record.__key__() for record in found.records.new.values() if type(record) is target.model} - {None}
