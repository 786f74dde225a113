"""Finding values that were changed in place: encoded snapshots of a record's mutable fields, compared later."""

from __future__ import annotations

from typing import Any

import msgspec

from holdall.model.field import Field
from holdall.model.tracking import track_of

__all__ = ["changed_in_place", "snapshot"]


def snapshot(record: Any) -> tuple[bytes, ...]:
    """The mutable fields of a record as they are now, encoded, in the order of ``declaration.mutable``."""
    return tuple([msgspec.json.encode(field.get(record)) for field in record.__holdall__.mutable])


def changed_in_place(record: Any, before: tuple[bytes, ...]) -> dict[str, Any]:
    """The first old values of the mutable fields that differ from a snapshot, made anew from it.

    Also of a field that was changed in place before another value was assigned: the old value that its track keeps is
    then not the first one.
    """
    track = track_of(record)
    old = (track.old if track is not None else None) or {}
    found = {}
    for field, encoded in zip(record.__holdall__.mutable, before, strict=True):
        if msgspec.json.encode(old.get(field.name, field.get(record))) != encoded:
            found[field.name] = _decoded(field, encoded)
    return found


def _decoded(field: Field, encoded: bytes) -> Any:
    assert field.type is not None
    value = msgspec.json.decode(encoded)
    return value if value is None or field.type.decode is None else field.type.decode(value)
