"""Changes that a commit makes besides those asked for: put into the session, and taken back if the commit fails."""

from __future__ import annotations

from typing import Any

from holdall.model import Field, Record, State, track_of
from holdall.query import Key, Value
from holdall.session.identity import IdentityMap

__all__ = ["CascadeChanges"]


class CascadeChanges:
    """Removals and changes made on behalf of references.

    Records that stand in for unknown ones are of no use afterwards; the session's own are as they were, unless the
    commit has settled them.
    """

    def __init__(self, records: IdentityMap) -> None:
        self._records = records
        self._before: dict[int, tuple[Value, Value, dict[Field, Value]]] = {}  # record, its track, its slots
        self._tracks: dict[int, Any] = {}  # what the tracks were made
        self._stubs: list[tuple[Record, Record]] = []

    def remove(self, record: Record, key: Key) -> None:
        """Have the record removed by the commit."""
        before = self._remember(record)
        self._move(record, State.DELETED, before.old if before is not None else None)
        if before is None:  # filed, so that it is found by its key when it goes
            self._stubs.append((record, key))
            self._records.of(type(record))[key] = record

    def change(self, record: Record, key: Key, field: Field, value: object) -> None:
        """Have the field changed by the commit."""
        before = self._remember(record)
        self._before[id(record)][2].setdefault(field, field.get(record))
        if before is None and id(record) not in self._tracks:
            self._stubs.append((record, key))
        track = track_of(record)
        if track is None or track.state in (State.CLEAN, State.DIRTY):
            old = dict((track.old if track is not None else None) or {})
            old.setdefault(field.name, field.get(record))
            self._move(record, State.DIRTY, old)
        field.put(record, value)

    def end(self) -> None:
        """Take back what the commit did not settle."""
        for number, (record, track, slots) in self._before.items():
            if number in self._tracks and track_of(record) is not self._tracks[number]:
                continue
            if number not in self._tracks and track_of(record) is not track:
                continue
            for field, value in slots.items():
                field.put(record, value)
            if number in self._tracks and track is not None:
                self._records.states.put_back(record, track)
        for record, key in self._stubs:
            known = self._records.of(type(record))
            if known.get(key) is record:
                del known[key]
            self._records.states.move(record, State.DISCARDED)

    def _remember(self, record: Record) -> Any:
        """The record's track as it was before anything was done here."""
        known = self._before.get(id(record))
        if known is None:
            known = self._before[id(record)] = (record, track_of(record), {})
        return known[1]

    def _move(self, record: Record, to: State, old: dict[str, Value] | None) -> None:
        self._tracks[id(record)] = self._records.states.move(record, to, old)
