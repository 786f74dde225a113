"""Values that can be changed in place: their encoded snapshots, compared when it matters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from holdall.model import UNENCODABLE, WITHHELD, Field, Record, State, state_of, track_of
from holdall.query import Kind, Value

__all__ = ["Watcher"]

_Snapshot = Value
"""A value, encoded; None for one that cannot be, as something was put into it that its type does not allow.

What is kept as anything but JSON stands here as it is, in a tuple, as it cannot be changed in place itself.
"""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder()


class Watcher(msgspec.Struct, eq=False):
    """Remembers, for each record whose mutable values were handed out, what these values were."""

    _snapshots: dict[int, tuple[Any, dict[str, _Snapshot]]] = {}

    @property
    def is_watching(self) -> bool:
        """Whether any value was handed out."""
        return bool(self._snapshots)

    def watch(self, record: Record) -> None:
        """Take a snapshot of the record's mutable values that have none; a new record's are taken once it is stored."""
        snapshots = self._snapshots.setdefault(id(record), (record, {}))[1]
        track = track_of(record)
        if track is not None and track.state is not State.NEW:
            for field in record.__holdall__.mutable:
                is_known = field.name in snapshots or field.name in (track.old or {})
                if not is_known and field.get(record) is not WITHHELD:  # which nobody can change
                    snapshots[field.name] = _snapshot(field, record)

    def collect(self) -> list[tuple[Record, dict[str, Value]]]:
        """The records whose values were changed in place, deleted ones too, each with its old values.

        One that cannot be encoded any more was changed: the checks of a commit refuse it and say where it is wrong.
        """
        changed: list[tuple[Record, dict[str, Value]]] = []
        for record, snapshots in self._snapshots.values():
            track = track_of(record)
            if track is None or track.state not in (State.CLEAN, State.DIRTY, State.DELETED):
                continue
            old = dict(track.old or {})
            by_name = type(record).__holdall__.by_name
            for name, before in snapshots.items():
                field = by_name[name]
                value = old.get(name, field.get(record))
                if value is WITHHELD:  # lent while the last commit was written, and taken back
                    continue
                now = _encoded(field, value)
                if now is None or now != before:
                    old[name] = value if before is None else _restore(field, before)
            if old != (track.old or {}):
                changed.append((record, old))
        return changed

    def renew(self, records: Iterable[Record] | None = None) -> None:
        """Take these snapshots anew, or all; values handed out before may still be changed."""
        if not self._snapshots:
            return
        held = [record for record, _ in self._snapshots.values()]
        if records is not None:
            held = [self._snapshots[id(record)][0] for record in records if id(record) in self._snapshots]
        for record in held:
            del self._snapshots[id(record)]
            track = track_of(record)
            if track is not None and track.session is not None:
                self.watch(record)

    def forget(self, record: Record, name: str) -> None:
        """The field has another value now, which is no change."""
        if id(record) in self._snapshots:
            self._snapshots[id(record)][1].pop(name, None)

    def release(self, records: Iterable[Record]) -> None:
        """Forget those of these records that nobody changed."""
        for record in records:
            if state_of(record) is State.CLEAN:
                self._snapshots.pop(id(record), None)


def _snapshot(field: Field, record: Record) -> _Snapshot:
    return _encoded(field, field.get(record))


def _encoded(field: Field, value: object) -> _Snapshot:
    try:
        border = field.encode(value)
        return _encoder.encode(border) if field.kind is Kind.JSON else (border,)
    except UNENCODABLE:
        return None


def _restore(field: Field, snapshot: _Snapshot) -> Value:
    value = _decoder.decode(snapshot) if field.kind is Kind.JSON else snapshot[0]
    decode = field.type.decode if field.type is not None else None
    return value if decode is None or value is None else decode(value)
