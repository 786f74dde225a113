"""Changes of a batch field by field, as the third stored form of an outbox: the same fields of several records.

A bundle of columns is ``[3, kind, fields, number, keys, old, new, user, request, commit, at]``: the number of its first
event, and a list for each field in ``old`` and in ``new``. A bundle of format 2 takes its place once any is delivered.
"""

from __future__ import annotations

from operator import eq

import msgspec

from holdall.events.body import EVENT_FORMAT, encode_plain, encode_tail
from holdall.model import EventKind, State, old_of, state_of
from holdall.query import Key, Value
from holdall.session import Batch
from holdall.session.journal.packing import PLAIN, decode_packed, encode_packed, pack
from holdall.store import Verb

__all__ = ["ChangedColumns", "bodies_in", "changed_columns", "holds_columns"]

_ITEMS = 11
_HEAD = bytes([0x90 | _ITEMS, EVENT_FORMAT])  # the list of eleven, and the first of them


class ChangedColumns(msgspec.Struct, frozen=True):
    """The changes of a batch: the keys of its records, and for each of the fields the values before and after."""

    fields: tuple[str, ...]
    keys: list[Key]
    old: list[list[Value]]
    new: list[list[Value]]

    def encoded(self, number: int, tail: bytes, start: int, stop: int) -> bytes:
        """The bytes of a bundle of the events from ``start`` to before ``stop``, the first of which has this number."""
        keys = [key if key.__class__ is int else pack(key) for key in self.keys[start:stop]]
        old, new = [each[start:stop] for each in self.old], [each[start:stop] for each in self.new]
        items = EventKind.CHANGED.value, self.fields, number, keys, old, new
        return _HEAD + encode_packed(items)[1:] + tail  # up to 15 items are announced by one byte

    def body(self, place: int, tail: bytes) -> bytes:
        """The bytes of the body of the event at this place."""
        old = {name: values[place] for name, values in zip(self.fields, self.old, strict=True)}
        new = {name: values[place] for name, values in zip(self.fields, self.new, strict=True)}
        return encode_plain(EventKind.CHANGED, self.keys[place], self.fields, old, new, tail)


def changed_columns(batch: Batch) -> ChangedColumns | None:
    """The columns of a batch that changes each field that it writes in all of its records; else None.

    All values are plain, none of the fields is secret, and no change deletes or restores a record.
    """
    binding, records = batch.binding, batch.records
    if batch.verb is not Verb.UPDATE or binding.declaration.deletion is not None:
        return None
    by_name, version = binding.declaration.by_name, binding.declaration.version
    counted = None if version is None else version.name
    fields = tuple([name for name in batch.fields if name != counted])
    if not fields or not binding.direct_fields.issuperset(fields) or not binding.secrets.isdisjoint(fields):
        return None
    if None in batch.keys or State.NEW in map(state_of, records):  # such a change closes a circle of references
        return None
    before, old, new = list(map(old_of, records)), [], []
    for name in fields:
        now = list(map(by_name[name].get, records))
        try:
            was = [each[name] for each in before]
        except KeyError:
            return None
        if not (PLAIN.issuperset(map(type, was)) and PLAIN.issuperset(map(type, now))) or any(map(eq, was, now)):
            return None
        old.append(was)
        new.append(now)
    return ChangedColumns(fields, batch.keys, old, new)


def holds_columns(stored: bytes) -> bool:
    """Whether these bytes of a row are a bundle of columns."""
    return stored.startswith(_HEAD)


def bodies_in(stored: bytes) -> list[tuple[int, bytes]]:
    """The numbers and bodies of the events in a bundle of columns. Raises errors of many kinds for a damaged one."""
    _, kind, fields, number, keys, old, new, user, request_id, commit, at = decode_packed(stored)
    tail, names = encode_tail(user, request_id, commit, at), tuple(fields)
    found = []
    for place, (key, was, now) in enumerate(zip(keys, zip(*old, strict=True), zip(*new, strict=True), strict=True)):
        before, after = dict(zip(names, was, strict=True)), dict(zip(names, now, strict=True))
        found.append((number + place, encode_plain(EventKind(kind), key, names, before, after, tail)))
    return found
