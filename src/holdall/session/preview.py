"""A plan that is only looked at: whatever planning puts into records is taken out again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from holdall.model import Declaration, Field, Record, track_of
from holdall.query import Generated
from holdall.session.bindings import Bindings
from holdall.session.identity import IdentityMap
from holdall.session.references.cascade_changes import CascadeChanges
from holdall.session.references.key_moves import KeyMoves

__all__ = ["moved", "unmade"]


@contextmanager
def unmade(records: IdentityMap) -> Iterator[None]:
    """Within the block moments, versions and keys may be put into new and changed records; afterwards they are gone."""
    before = [
        (record, field, field.get(record), _is_old(record, field))
        for group in (records.new, records.dirty)
        for record in group.values()
        for field in _made(type(record).__holdall__)
    ]
    try:
        yield
    finally:
        for record, field, value, is_old in before:
            field.put(record, value)
            track = track_of(record)
            if track is not None and track.old is not None and not is_old:
                track.old.pop(field.name, None)


@contextmanager
def moved(records: IdentityMap, bindings: Bindings) -> Iterator[None]:
    """Within the block records whose keys were changed are to be written under the new ones, unless they are already;
    what refers to them stays aside.
    """
    if not records.rekeyed or records.moving:
        yield
        return
    changes = CascadeChanges(records)
    try:
        KeyMoves(records, bindings).begin(changes)
        yield
    finally:
        changes.end()
        records.assumptions.clear()


def _made(declaration: Declaration) -> list[Field]:
    """The fields that planning writes."""
    keys = [field for field in declaration.key if field.generated is Generated.CLIENT]
    version = [] if declaration.version is None else [declaration.version]
    return [*declaration.stamps, *version, *keys]


def _is_old(record: Record, field: Field) -> bool:
    track = track_of(record)
    return track is not None and track.old is not None and field.name in track.old
