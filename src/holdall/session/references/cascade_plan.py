"""The further changes that a commit needs: gathered from the stores before anything is done, then put into the session
at once.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from holdall.errors import FieldError, Refusal
from holdall.model import Field, NestedReference, Record, Reference, State, slot_of, state_of, track_of
from holdall.query import Key, Value
from holdall.session.binding import Binding, Relationship
from holdall.session.bindings import Bindings
from holdall.session.identity import IdentityMap
from holdall.session.references.assumptions import Assumptions
from holdall.session.references.cascade_changes import CascadeChanges
from holdall.session.references.stub import field_names, stub
from holdall.store import Row

__all__ = ["CascadePlan", "key_in"]


class CascadePlan:
    """Nothing in the session changes before ``induce``.

    ``removed`` holds by collection and key everything the commit will remove. ``system_changes`` are records changed
    only to keep their lists of what refers to them, for which no right is needed.
    """

    def __init__(self, records: IdentityMap, bindings: Bindings) -> None:
        self.records = records
        self.bindings = bindings
        self.removed: dict[Binding, dict[Key, Any]] = {}
        self.deleted: dict[Binding, dict[Key, Any]] = {}  # what stays, but is deleted from now on
        self.restored: dict[Binding, dict[Key, Any]] = {}  # what is no longer
        self.refusals: list[Refusal] = []
        self.errors: list[tuple[Any, FieldError]] = []  # each with the record it is about
        self.system_changes: set[int] = set()
        self.consequences: set[int] = set()  # what nobody asked for, but the rules of references bring along
        self.given: set[tuple[int, Field]] = set()  # references given up for others, by the id of the record
        self.changed_in_bulk: set[tuple[int, Field]] = set()
        self.assumptions = Assumptions()
        self._removals: list[tuple[Any, Any]] = []
        self._values: dict[int, tuple[Record, Key, dict[Field, Value]]] = {}
        self._stubs: dict[tuple[Binding, Any], Record] = {}
        self._stand_ins: list[tuple[Any, Any]] = []
        for record in records.deleted.values():
            binding = bindings.of_model(type(record))
            self.removed.setdefault(binding, {})[records.stored_key(record)] = record

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be done besides what was asked."""
        return not self._removals and not self._values

    def is_removed(self, binding: Binding, key: Key) -> bool:
        """Whether the record with this key will be gone."""
        return key in self.removed.get(binding, ())

    def is_going(self, binding: Binding, key: Key) -> bool:
        """Whether the record with this key will be gone, or deleted where it stays."""
        return self.is_removed(binding, key) or key in self.deleted.get(binding, ())

    def record(self, binding: Binding, key: Key, names: tuple[str, ...], row: Row) -> Record:
        """The session's own record of a row, else one that stands in for it."""
        held = self.held(binding, key)
        if held is not None:
            return held
        found = self._stubs.get((binding, key))
        if found is None:
            found = self._stubs[binding, key] = stub(binding, names, row)
        return found

    def held(self, binding: Binding, key: Key) -> Record:
        """The session's record that is stored under this key."""
        found = self.records.find(binding.model, key)
        return None if found is None or state_of(found) is State.NEW else found

    def known(self, binding: Binding, key: Key) -> Record:
        """The session's record with this key or what stands in for it already, else None."""
        return self.held(binding, key) or self._stubs.get((binding, key))

    def remove(self, binding: Binding, key: Key, record: Record) -> None:
        """Have the commit remove a record."""
        self.removed.setdefault(binding, {})[key] = record
        self._removals.append((record, key))

    def follow(self, record: Record) -> None:
        """Note a record that the commit changes or removes only for what its reference says of a removal."""
        if state_of(record) in (State.UNBOUND, State.CLEAN):
            self.consequences.add(id(record))

    def change(self, record: Record, key: Key, field: Field, value: object) -> None:
        """Have the commit change a field; for a reference inside a value, that value, which is written whole."""
        if isinstance(field, NestedReference):
            self.assume(record, field)
            value = field.with_slot(self.value(record, field.root), value)
            field = field.root
        self._values.setdefault(id(record), (record, key, {}))[2][field] = value

    def assume(self, record: Record, field: Field) -> None:
        """Go by the stored value of a reference, as it is known here."""
        binding, root = self.bindings.of_model(type(record)), field.root
        self.assumptions.add(binding, record, root, old_value(record, root))

    def note_derived(self, record: Record, key: Key) -> None:
        """Have a stand-in worked out anew where the commit is refused for it."""
        self._stand_ins.append((record, key))

    def fields_changed(self, record: Record) -> Collection[Field]:
        """The fields of a record that the commit changes."""
        planned = self._values.get(id(record))
        return () if planned is None else planned[2].keys()

    def displace_previous(self, record: Record, key: Key, field: Field) -> None:
        """Have the commit empty a reference, for another record that is to have it."""
        self.assume(record, field)
        self.change(record, key, field, None)
        self.given.add((id(record), field))

    def derived(self) -> dict[tuple[str, Any], Any]:
        """By collection and key, the records that nobody but the commit itself changes, so that it may do so anew.

        They only stand in, or go with others, or keep their lists of what refers to them, or have members come and go
        as was asked at other ends, or give way to others.
        """
        mine = self.given | self.changed_in_bulk
        gone = [item for item in self._removals if state_of(item[0]) in (State.UNBOUND, State.CLEAN)]
        changed = [
            (record, key)
            for record, key, values in self._values.values()
            if id(record) in self.system_changes
            or state_of(record) is State.UNBOUND
            or (
                state_of(record) is State.CLEAN
                and all(field.form is not None or (id(record), field) in mine for field in values)
            )
        ]
        pairs = [*gone, *changed, *self._stand_ins]
        return {(self.bindings.of_model(type(record)).collection, key): record for record, key in pairs}

    def value(self, record: Record, field: Field) -> Value:
        """Return the value that the slot will hold."""
        if field.root is not field:
            return slot_of(field, self.value(record, field.root))
        planned = self._values.get(id(record))
        if planned is not None and field in planned[2]:
            return planned[2][field]
        return field.get(record)

    def is_changed(self, record: Record, field: Field) -> bool:
        """Whether the session or the commit itself changes the field; else the current value in the store counts."""
        field, track, planned = field.root, track_of(record), self._values.get(id(record))
        return (planned is not None and field in planned[2]) or (track is not None and field.name in (track.old or ()))

    def changed(self, binding: Binding, field: Field) -> list[tuple[Value, Value, Value]]:
        """The records this changes the field of: each with the slot as it was stored and as it will be."""
        return [
            (record, old_value(record, field), self.value(record, field))
            for record, _, values in self._values.values()
            if field.root in values and type(record) is binding.model
        ]

    def planned(self) -> list[tuple[Any, set[str]]]:
        """The records this changes, each with the names of the fields."""
        return [(record, {field.name for field in values}) for record, _, values in self._values.values()]

    def induce(self) -> CascadeChanges:
        """Do all of it to the session's records."""
        induced = CascadeChanges(self.records)
        gone = {id(record) for group in self.removed.values() for record in group.values()}
        for record, key, values in self._values.values():
            if id(record) not in gone:
                for field, value in values.items():
                    induced.change(record, key, field, value)
        for record, key in self._removals:
            induced.remove(record, key)
        return induced


def old_value(record: Record, field: Field) -> Value:
    """The slot as the store has it; None for a new record."""
    if field.root is not field:
        return slot_of(field, old_value(record, field.root))
    track = track_of(record)
    if track is not None and track.state is State.NEW:
        return () if field.form is not None else None
    old = track.old if track is not None else None
    return old[field.name] if old and field.name in old else field.get(record)


def key_in(item: object) -> Key:
    """The key in what a slot holds."""
    return item.key if item.__class__ is Reference else item


def fields_for(relationship: Relationship, *, is_changed: bool) -> tuple[str, ...]:
    """Return the fields to read of the records that hold a relationship."""
    return field_names(relationship.source, is_changed=is_changed)
