"""Changes that a commit makes besides those asked for: put into the session, and taken back if the commit fails."""

from __future__ import annotations

from typing import Any

from holdall.model import Field, InstanceState, Record, State, track_of
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
        # records, what is removed, its key, whether the record stands in, what is expected of it
        self._moves: list[tuple[Record, Record, Key, bool, Any]] = []

    @property
    def stubs(self) -> set[int]:
        """The records, by ``id()``, that only stand in for stored ones."""
        return {id(record) for record, _ in self._stubs}

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

    def move(self, record: Any, key: Key, twin: Any) -> None:
        """Have the record, stored under this key, written anew under the one that it has now, and what the store has,
        which the twin says, removed.
        """
        states, declaration = self._records.states, type(record).__holdall__
        before, version = self._remember(record), declaration.version
        values = dict((before.old if before is not None else None) or {})
        values |= {field.name: field.get(twin) for field in (*declaration.key, version) if field is not None}
        if before is None:
            self._stubs.append((record, record.__key__()))
        if version is not None:
            self._before[id(record)][2].setdefault(version, version.get(record))
        self._tracks[id(record)] = states.put_back(record, InstanceState(states.link, State.NEW))
        self._records.of(type(record))[record.__key__()] = record
        self.remove(twin, key)
        self._records.moving[id(record)] = self._records.moving[id(twin)] = values
        self._records.origins[id(record)] = key
        guard = self._records.guards.pop(id(record), None)
        if guard is not None:
            self._records.guards[id(twin)] = twin, guard[1]
        self._moves.append((record, twin, key, before is None, guard))

    def end(self) -> None:
        """Take back what the commit did not settle."""
        settled = {id(record) for record, *_ in self._moves if track_of(record) is not self._tracks[id(record)]}
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
        for record, twin, key, is_stub, guard in self._moves:
            self._records.guards.pop(id(twin), None)
            if id(record) in settled:
                self._records.rekeyed.pop(id(record), None)
            elif not is_stub:
                self._put_back(record, key, guard)
        self._records.moving.clear()
        self._records.origins.clear()

    def _put_back(self, record: Any, key: Key, guard: Any) -> None:
        """Have a record that did not move found by the key that its store has."""
        known, now = self._records.of(type(record)), record.__key__()
        if id(record) not in self._records.rekeyed and known.get(now) is record:
            del known[now]
        known[key] = record
        if guard is not None:
            self._records.guards[id(record)] = guard

    def _remember(self, record: Record) -> Any:
        """The record's track as it was before anything was done here."""
        known = self._before.get(id(record))
        if known is None:
            known = self._before[id(record)] = (record, track_of(record), {})
        return known[1]

    def _move(self, record: Record, to: State, old: dict[str, Value] | None) -> None:
        self._tracks[id(record)] = self._records.states.move(record, to, old)
