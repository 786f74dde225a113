"""Records that get other keys, and all that refers to them: each is written anew under its key and removed under the
old one, in one commit.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from holdall.errors import StateError, Unsupported
from holdall.model import (
    Field,
    NestedReference,
    Record,
    Reference,
    State,
    items_of,
    record_in,
    replace_items,
    state_of,
    track_of,
)
from holdall.query import Key, Value
from holdall.session.binding import Binding, Relationship
from holdall.session.bindings import Bindings
from holdall.session.identity import IdentityMap
from holdall.session.references.cascade_changes import CascadeChanges
from holdall.session.references.cascade_plan import CascadePlan, key_in, old_value
from holdall.session.references.related_reader import RelatedReader
from holdall.session.references.stub import field_names, fill
from holdall.store import CommitClass, Exceeding, Expected, Row, Verb

__all__ = ["KeyMoves", "demand_moves"]


class _Move(msgspec.Struct, eq=False):
    """A record that gets a new key, and the key under which its store has it."""

    binding: Binding
    record: Any
    old_key: Any
    is_asked: bool = True  # and not only for a reference in its key


class KeyMoves:
    """The part of one commit that is for the records whose keys were changed.

    Nothing in the session changes before ``begin``.
    """

    def __init__(self, records: IdentityMap, bindings: Bindings) -> None:
        self._records = records
        self._bindings = bindings
        self._moves: list[_Move] = []
        self._by_record: dict[int, _Move] = {}
        self._by_key: dict[tuple[Binding, Any], _Move] = {}
        for record in records.rekeyed.values():
            binding, old_key = bindings.of_model(type(record)), records.stored_key(record)
            if records.holds(record) and state_of(record) is State.DIRTY and record.__key__() != old_key:
                if not records.claim(binding.model, record.__key__(), record):
                    raise StateError(f"this session already holds another {binding.collection} with this key")
                self._add(_Move(binding, record, old_key))

    def _add(self, move: _Move) -> None:
        self._moves.append(move)
        self._by_record[id(move.record)] = move
        self._by_key[move.binding, move.old_key] = move

    def new_keys(self, binding: Binding) -> set[Key]:
        """The keys that records of a collection are to get."""
        return {move.record.__key__() for move in self._moves if move.binding is binding}

    async def follow(self, found: CascadePlan, asking: RelatedReader) -> None:
        """Have all that refers to the records, by their old keys, refer to them under the new ones.

        Raises StateError for a record that gets another key and goes with one that is removed.
        """
        for move in self._moves:
            if found.is_removed(move.binding, move.old_key):
                name = move.binding.collection
                raise StateError(
                    f"a {name} that goes with what is removed gets another key: commit one of the two first"
                )
        for move in self._moves:  # which grows, by records whose own keys hold references
            if isinstance(move.binding.store, Exceeding):
                await move.binding.store.demand_whole(move.binding.collection)
            for relationship in move.binding.bound_by:
                if not relationship.source.is_read_only:
                    await self._lead_on(found, asking, relationship, move)
            for relationship in move.binding.inversely_stored:
                for back in relationship.stored_inverses:
                    await self._name_anew(found, asking, relationship, back, move)

    async def _lead_on(
        self, found: CascadePlan, asking: RelatedReader, relationship: Relationship, move: _Move
    ) -> None:
        source, field = relationship.source, relationship.field
        is_key = field in source.declaration.key
        names, parts = field_names(source, is_changed=True, is_whole=is_key), len(source.schema.key)
        async for rows in asking.referring(relationship, [move.old_key], names):
            for row in rows:
                key = row[0] if parts == 1 else row[:parts]
                if found.is_removed(source, key):
                    continue
                record = found.record(source, key, names, row)
                if is_key:
                    self._move_too(found, source, record, key, field, names, row)
                elif any(self._is_of(field, item, move) for item in items_of(field, found.value(record, field))):
                    self._change(found, source, record, key, field)

    def _change(self, found: CascadePlan, binding: Binding, record: Record, key: Key, field: Field) -> None:
        """Have a record that was read changed in a reference, or a list of them."""
        root, track = field.root, track_of(record)
        value = found.value(record, root)
        if state_of(record) in (State.UNBOUND, State.CLEAN):
            found.system_changes.add(id(record))
        if track is not None and track.old is not None and root.name in track.old:
            track.old[root.name] = self._stored(field, track.old[root.name])
        else:
            if not found.is_changed(record, field):
                root.put(record, self._stored(field, root.get(record)))
            if field.form is None or field.root is not field:
                found.assume(record, field)
        found.change(record, key, root, _changed(field, value, partial(self._led_item, field)))

    def _move_too(
        self,
        found: CascadePlan,
        binding: Binding,
        record: Record,
        key: Key,
        field: Field,
        names: tuple[str, ...],
        row: Row,
    ) -> None:
        """Have a record get another key, as the reference in its key leads to one that does."""
        if id(record) in self._by_record:
            return
        demand_moves(binding, f"{field.name} is a part of its key")
        if state_of(record) is State.UNBOUND:
            fill(binding, record, names, row, found.fields_changed(record))
            found.note_derived(record, key)
        self._add(_Move(binding, record, key, is_asked=False))

    async def _name_anew(
        self, found: CascadePlan, asking: RelatedReader, relationship: Relationship, back: Field, move: _Move
    ) -> None:
        """Have stored lists of what refers to a record name the one that moves by its new key."""
        target, field = relationship.target, relationship.field
        slots = (old_value(move.record, field), found.value(move.record, field))
        keys = {self._key_of(field, item) for slot in slots for item in items_of(field, slot)} - {None}
        keys = {key for key in keys if not found.is_removed(target, key)}
        names = field_names(target, is_changed=True)
        rows = await asking.rows_of(target, [key for key in keys if found.known(target, key) is None], names)
        for key in keys:
            owner = found.known(target, key)
            if owner is None and key in rows:
                owner = found.record(target, key, names, rows[key])
            if owner is None or id(owner) in self._by_record:
                continue  # one that moves itself is written whole
            if any(self._is_of(back, item, move) for item in items_of(back, found.value(owner, back))):
                self._change(found, target, owner, key, back)

    def _is_of(self, field: Field, item: object, move: _Move) -> bool:
        record = record_in(item) if item.__class__ is Reference else None
        return record is move.record if record is not None else self._target(field, item) is move

    def _target(self, field: Field, item: object) -> _Move | None:
        """The move of the record that an item leads to by its old key."""
        binding = self._bindings.of_model(field.target()) if field.target is not None else None
        return None if binding is None else self._by_key.get((binding, key_in(item)))

    def _key_of(self, field: Field, item: Value) -> Key:
        """The key under which the store has what an item leads to."""
        record = record_in(item) if item.__class__ is Reference else None
        move = None if record is None else self._by_record.get(id(record))
        return key_in(item) if move is None else move.old_key

    def _stored(self, field: Field, value: Value) -> Value:
        """A value of the field that keeps a reference, with the keys that its store has."""
        return _changed(field, value, lambda item: item if (key := self._key_of(field, item)) is None else key)

    def _led_item(self, field: Field, item: Value) -> Value:
        is_held = item.__class__ is Reference and record_in(item) is not None
        move = None if is_held else self._target(field, item)
        return item if move is None else Reference(field.target, record=move.record)

    def begin(self, induced: CascadeChanges) -> None:
        """Make the records new under their keys, each with one that stands in for what is removed."""
        twins = [(move, self._twin(move)) for move in self._moves]
        records = self._records
        for record in [*records.new.values(), *records.dirty.values(), *[move.record for move in self._moves]]:
            for field in type(record).__holdall__.outgoing:
                replace_items(field, record, partial(self._led_item, field))
        for move, twin in twins:
            induced.move(move.record, move.old_key, twin)
            if (expected := self._expected(move.binding, twin)) is not None:
                records.assumptions[id(twin)] = twin, expected

    def _twin(self, move: _Move) -> Record:
        """A record as the store has the one that moves."""
        declaration = move.binding.declaration
        slots = {field: old_value(move.record, field) for field in declaration.stored}
        for field in declaration.outgoing:
            slots[field.root] = self._stored(field, slots[field.root])
        parts = move.old_key if len(declaration.key) > 1 else (move.old_key,)
        for field, part in zip(declaration.key, parts, strict=True):
            decode = field.type.decode if field.type is not None else None
            slots[field] = part if decode is None else decode(part)
        return declaration.create(*[slots[field] for field in declaration.stored])

    def _expected(self, binding: Binding, twin: Record) -> Expected | None:
        """The values that the store must still have of a record that is written whole; a version says the same."""
        declaration = binding.declaration
        if declaration.version is not None or not binding.can_expect:
            return None
        fields = [field for field in declaration.stored if field not in declaration.key]
        names = tuple([field.name for field in fields])
        return Expected(names, tuple([field.encode(field.get(twin)) for field in fields])) if fields else None


def _changed(field: Field, value: Value, change: Callable[[Value], Value]) -> Value:
    """A value of the field that keeps a reference with what ``change`` gives for each item of that."""
    if isinstance(field, NestedReference):
        return field.replaced(value, change, in_place=False)
    items = tuple([change(item) for item in items_of(field, value)])
    return items if field.form is not None else items[0] if items else None


def demand_moves(binding: Binding, reason: str) -> None:
    """Raise ReadOnly or Unsupported where records of a collection cannot get other keys in one step."""
    binding.demand_writable()
    name, store = binding.collection, binding.store
    if binding.record_access is not None:
        for verb in (Verb.ADD, Verb.REMOVE):
            binding.record_access.demand(verb, name)
        if binding.store_keys:
            raise Unsupported(store.name, f"changes of the keys of {name}", "hand-written code makes them")
    elif store.capabilities.commit not in (CommitClass.TX, CommitClass.BATCH):
        raise Unsupported(store.name, f"changes of the keys of {name}", f"{reason}, and it takes one call at a time")
    if binding.schema.streams:
        raise Unsupported(store.name, f"changes of the keys of {name}", "its streams lie under them")
