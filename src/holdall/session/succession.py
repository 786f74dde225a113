"""A new record under the key of one that is to be removed: the stored record becomes it, and keeps its place.

So nothing that refers to the key is ever without its target, and its version goes on counting.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from holdall.model import Declaration, Field, State, Track, Tracker, set_track, state_of, track_of
from holdall.query import Kind
from holdall.session.binding import Binding
from holdall.session.identity import IdentityMap

__all__ = ["succeed"]


def succeed(records: IdentityMap, tracker: Tracker, binding: Binding, key: Any, record: Any) -> bool:
    """Let the record stand for the one of this key that is to be removed; False where there is none.

    Records with streams, which would stay, and those of hand-written code, which may tell the two acts apart, do not
    succeed each other.
    """
    gone = records.find(binding.model, key)
    if gone is None or state_of(gone) is not State.DELETED or binding.recordwise is not None or binding.schema.streams:
        return False
    declaration, track = binding.declaration, track_of(gone)
    old = _replaced(declaration, gone, (track.old if track is not None else None) or {}, record)
    records.discard(gone)
    records.mark_clean(record, key)
    if old:
        set_track(record, Track(tracker, State.DIRTY, old))
        records.dirty[id(record)] = record
    return True


def _replaced(declaration: Declaration, gone: Any, edited: dict[str, Any], record: Any) -> dict[str, Any]:
    """What is stored of the fields in which the two records differ; the new one gets the version, and its stamps."""
    now, old = datetime.now(UTC), dict[str, Any]()
    for field in declaration.stored:
        stored = edited.get(field.name, field.get(gone))
        if field is declaration.version:
            field.put(record, stored)
        elif field not in declaration.key:
            if field in declaration.stamps and field.get(record) is None:
                field.put(record, now if field.kind is Kind.DATETIME else now.date())
            if field.is_relation or _differ(field, stored, field.get(record)):
                old[field.name] = stored
    return old


def _differ(field: Field, one: Any, other: Any) -> bool:
    before, after = field.encode(one), field.encode(other)
    return before != after or repr(before) != repr(after)  # as 1 and True, and 1.0 and 1.00, are equal
