"""A plan that is only looked at: whatever planning puts into records is taken out again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from holdall.model import Declaration, Field, Record, track_of
from holdall.query import Generated
from holdall.session.identity import IdentityMap

__all__ = ["unmade"]


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


def _made(declaration: Declaration) -> list[Field]:
    """The fields that planning writes."""
    keys = [field for field in declaration.key if field.generated is Generated.CLIENT]
    version = [] if declaration.version is None else [declaration.version]
    return [*declaration.stamps, *version, *keys]


def _is_old(record: Record, field: Field) -> bool:
    track = track_of(record)
    return track is not None and track.old is not None and field.name in track.old
