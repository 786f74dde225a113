"""The effects of a plan on records, as events see them: which one is created, changed or deleted, from what to what."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec

from holdall.model import (
    UNENCODABLE,
    EventKind,
    Field,
    Record,
    Reference,
    State,
    is_soft_deleted,
    old_of,
    record_in,
    state_of,
    turns_deletion,
)
from holdall.query import Key, Value
from holdall.session.binding import Binding
from holdall.session.commit.plan.plan import Batch
from holdall.session.journal.packing import PLAIN
from holdall.store import Damaged, Verb

__all__ = ["Occurrence", "occurrences_of"]

_NOT_READ: Value = object()
_KINDS = {Verb.ADD: EventKind.CREATED, Verb.UPDATE: EventKind.CHANGED, Verb.REMOVE: EventKind.DELETED}


class Occurrence(msgspec.Struct, eq=False):
    """One record that a commit creates, changes or deletes; ``version`` is the one that it will have.

    Values are border values as they are when they are first asked for, with a record in the place of its key while that
    is yet to be made; a field that cannot be read is left out. A change whose values are all known to be ``PLAIN`` once
    they were read ``is_plain``.

    Example: :class:`Listening`.
    """

    binding: Binding
    kind: EventKind
    record: Record
    key: Key
    fields: tuple[str, ...]  # of a change: those that it writes
    version: int | None = None
    is_plain: bool = False
    _old: dict[str, Value] | None = None
    _new: dict[str, Value] | None = None
    _changed: tuple[str, ...] | None = None

    @property
    def old(self) -> dict[str, Value]:
        """The stored values: of a change in the fields that differ, of a removal in all."""
        if self._old is not None:
            return self._old
        if self.kind is EventKind.CHANGED:
            return self._compare()[0]
        is_new = self.kind is EventKind.CREATED
        self._old = {} if is_new else self._values(self.binding.all_fields, old_of(self.record))
        return self._old

    @property
    def new(self) -> dict[str, Value]:
        """The values to be stored: of a change in the fields that differ, of a new record in all."""
        if self._new is not None:
            return self._new
        if self.kind is EventKind.CHANGED:
            return self._compare()[1]
        self._new = {} if self.kind is EventKind.DELETED else self._values(self.fields, {})
        return self._new

    @property
    def changed(self) -> tuple[str, ...]:
        """The fields that a change gives other values; all of a record that is created or deleted."""
        if self._changed is not None:
            return self._changed
        return self._compare()[2] if self.kind is EventKind.CHANGED else self.fields

    @property
    def is_nothing(self) -> bool:
        """Whether a change gives no field another value, as one by a query may for some of its records."""
        return self.kind is EventKind.CHANGED and not self.changed

    def _compare(self) -> tuple[dict[str, Value], dict[str, Value], tuple[str, ...]]:
        """Read a change: the fields that differ, before and after, where that can be read."""
        by_name: dict[str, Field] = self.binding.declaration.by_name
        record, before, direct = self.record, old_of(self.record), self.binding.direct_fields
        old: dict[str, Value] = {}
        new: dict[str, Value] = {}
        changed: list[str] = []
        is_plain = True
        for name in self.fields:
            field = by_name[name]
            now = field.get(record)
            was = before.get(name, now)
            if name not in direct or now.__class__ not in PLAIN or was.__class__ not in PLAIN:
                was, now, is_plain = self._value(field, was), self._value(field, now), False
            if was.__class__ is now.__class__ and was is not _NOT_READ and was == now:
                continue
            changed.append(name)
            if was is not _NOT_READ:
                old[name] = was
            if now is not _NOT_READ:
                new[name] = now
        self._old, self._new, self._changed, self.is_plain = old, new, (different := tuple(changed)), is_plain
        return old, new, different

    @property
    def whole(self) -> dict[str, Value]:
        """All fields as they will be stored, or were before a removal."""
        if self.kind is EventKind.DELETED:
            return self.old
        found = self._values(self.binding.all_fields, {})
        version = self.binding.declaration.version
        if version is not None and self.version is not None:
            found[version.name] = self.version
        return found

    def _values(self, names: Iterable[str], before: dict[str, Value]) -> dict[str, Value]:
        found: dict[str, Value] = {}
        by_name: dict[str, Field] = self.binding.declaration.by_name
        for name in names:
            field = by_name[name]
            value = self._value(field, before[name] if name in before else field.get(self.record))
            if value is not _NOT_READ:
                found[name] = value
        return found

    def _value(self, field: Field, slot: Value) -> Value:
        """The border value of a slot, or ``_NOT_READ``."""
        if slot.__class__ is Damaged:
            return _NOT_READ
        if slot is None or field.type is None or field.type.encode is not None:
            try:
                value = field.encode(slot)
            except UNENCODABLE:
                return _NOT_READ
            if value is None and field.name in self.binding.store_keys:
                return self.record
            return _with_keys_to_come(field, slot, value) if field.is_relation else value
        return slot


def _with_keys_to_come(field: Field, slot: Value, value: Value) -> Value:
    """The keys of a reference, with the record where one is yet to be made."""
    if field.form is None:
        return record_in(slot) if value is None and slot.__class__ is Reference and record_in(slot) else value
    pairs = zip(slot, value, strict=True)
    return tuple([record_in(item) if key is None else key for item, key in pairs])


def occurrences_of(batches: Iterable[Batch], is_watched: Callable[[Binding], bool]) -> Iterator[Occurrence]:
    """The effects of these batches on records of watched collections.

    A change that closes a circle of references belongs to the creation of its record, and one that writes nothing but
    a version is none. One that deletes a record which stays is its removal, and that which restores it its creation.
    """
    for batch in batches:
        binding = batch.binding
        if not is_watched(binding) or batch.is_check:
            continue
        version, deletion = binding.declaration.version, binding.declaration.deletion
        kind, counted = _KINDS[batch.verb], None if version is None else version.name
        fields = binding.all_fields if kind is EventKind.CREATED else batch.fields
        if kind is EventKind.CHANGED:
            fields = tuple([name for name in fields if name != counted])
            if not fields:
                continue
        for place, record in enumerate(batch.records):
            if kind is EventKind.CHANGED and state_of(record) is State.NEW:
                continue
            number: int | None
            if batch.versions is not None:
                number = batch.versions[place] + 1
            else:
                number = None if version is None else version.get(record) or 0
            now, shown = kind, fields
            if deletion is not None and kind is EventKind.CHANGED and turns_deletion(record, old_of(record)):
                now = EventKind.DELETED if is_soft_deleted(record) else EventKind.CREATED
                shown = binding.all_fields
            yield Occurrence(binding, now, record, batch.keys[place], shown, number)
