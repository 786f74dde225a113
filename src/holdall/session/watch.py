"""Values that can be changed in place: their encoded snapshots, compared when it matters."""

from __future__ import annotations

from typing import Any

import msgspec

from holdall.model import Field, State, Track, set_track, track_of

__all__ = ["Watcher"]

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder()


class Watcher:
    """Remembers, for each record whose mutable values were handed out, what these values were."""

    def __init__(self) -> None:
        self._snapshots: dict[int, tuple[Any, dict[str, bytes]]] = {}

    def watch(self, record: Any) -> None:
        """Take a snapshot of the record's mutable values, unless there is one."""
        if id(record) not in self._snapshots:
            mutable = type(record).__holdall__.mutable
            self._snapshots[id(record)] = (record, {field.name: _snapshot(field, record) for field in mutable})

    def collect(self) -> list[Any]:
        """The records whose values were changed in place since their snapshot; their tracks now say so."""
        changed = []
        for record, snapshots in self._snapshots.values():
            track = track_of(record)
            if track is None or track.state not in (State.CLEAN, State.DIRTY):
                continue
            old = dict(track.old or {})
            by_name = type(record).__holdall__.by_name
            for name, before in snapshots.items():
                if name not in old and _snapshot(by_name[name], record) != before:
                    old[name] = _restore(by_name[name], before)
            if old and old.keys() != (track.old or {}).keys():
                set_track(record, Track(track.tracker, State.DIRTY, old))
                changed.append(record)
        return changed

    def clear(self) -> None:
        """Forget all snapshots; the next read takes a new one."""
        self._snapshots.clear()


def _snapshot(field: Field, record: Any) -> bytes:
    return _encoder.encode(field.encode(field.get(record)))


def _restore(field: Field, snapshot: bytes) -> Any:
    value = _decoder.decode(snapshot)
    decode = field.type.decode if field.type is not None else None
    return value if decode is None or value is None else decode(value)
