"""A new record under the key of one that is to be removed: the stored record becomes it, and keeps its place.

So nothing that refers to the key is ever without its target, and its version goes on counting. The new
record is written whole: see ``IdentityMap.collect``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

from holdall.model import (
    Declaration,
    Field,
    Record,
    Reference,
    SessionLink,
    State,
    items_of,
    record_in,
    replace_items,
    state_of,
    track_of,
)
from holdall.query import Key, Kind, Value
from holdall.session.binding import Binding
from holdall.session.identity import IdentityMap
from holdall.session.references.cascade_plan import key_in

__all__ = ["succeed"]


def succeed(records: IdentityMap, link: SessionLink, binding: Binding, key: Key, record: Record) -> bool:
    """Let the record stand for the one of this key that is to be removed; False where there is none.

    References of the session that lead to the removed one lead to the new one. Records with streams, which would stay,
    and those of hand-written code, which may tell the two acts apart, do not succeed each other.
    """
    gone = records.find(binding.model, key)
    if (
        gone is None
        or state_of(gone) is not State.DELETED
        or binding.record_access is not None
        or binding.schema.streams
    ):
        return False
    declaration, track = binding.declaration, track_of(gone)
    old = _replaced(declaration, gone, (track.old if track is not None else None) or {}, record)
    records.discard(gone)
    records.mark_clean(record, key)
    records.succeeded.append((record, gone, track))
    if id(gone) in records.mended:
        records.mended.add(id(record))
    records.states.move(record, State.DIRTY, old)
    _lead_on(records, gone, record)
    return True


def restore(records: IdentityMap) -> None:
    """Take back every succession since the last commit: the removed record is there again, still to be removed."""
    while records.succeeded:
        record, gone, track = records.succeeded.pop()
        if records.holds(record):
            records.discard(record)
            records.states.put_back(gone, track)
            records.of(type(gone))[records.stored_key(gone)] = gone
            _lead_on(records, record, gone)


def _lead_on(records: IdentityMap, gone: object, record: Record) -> None:
    """Let references that hold the one hold the other, as the key they store stays the same."""
    for holder in records.all():
        for field in type(holder).__holdall__.outgoing:
            replace_items(field, holder, partial(_led, field, gone, record))


def _led(field: Field, gone: object, record: Record, item: object) -> Value:
    is_held = item.__class__ is Reference and record_in(item) is gone
    return Reference(field.target, record=record) if is_held else item


def _replaced(declaration: Declaration, gone: object, edited: dict[str, Value], record: Record) -> dict[str, Value]:
    """Return the stored values of the fields in which the two records differ; the new one gets the version, and its
    stamps.
    """
    now, old = datetime.now(UTC), dict[str, Value]()
    for field in declaration.stored:
        stored = edited.get(field.name, field.get(gone))
        if field is declaration.version:
            field.put(record, stored)
        elif field not in declaration.key:
            if field in declaration.stamps and field.get(record) is None:
                moment = now if field.kind is Kind.DATETIME else now.date()
                field.put(record, moment if field.options.auto_user is None else stored)
            if field.options.back is not None:  # who refers to the key still does; the record itself adds to them
                there = {key_in(item) for item in items_of(field, stored)}
                added = [item for item in items_of(field, field.get(record)) if key_in(item) not in there]
                field.put(record, (*stored, *added) if field.form is not None else added[0] if added else stored)
            if field.is_relation or _differ(field, stored, field.get(record)):
                old[field.name] = stored
    return old


def _differ(field: Field, one: object, other: object) -> bool:
    before, after = field.encode(one), field.encode(other)
    return before != after or repr(before) != repr(after)  # as 1 and True, and 1.0 and 1.00, are equal
