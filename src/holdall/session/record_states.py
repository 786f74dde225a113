"""Where each record of a session stands: a table of legal moves, and the one place that makes them.

A record's own writes are the exception: they make a clean record dirty where it is written (``holdall.model.write``),
and the identity map files it in ``dirty`` when it collects.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import is_
from typing import Any

import msgspec

from holdall.model import InstanceState, Record, SessionLink, State, set_track, state_of, track_all
from holdall.query import Value

__all__ = ["MOVES", "IllegalMove", "RecordStates"]

_STORED = frozenset({State.CLEAN, State.DIRTY, State.DELETED})
_LET_GO = frozenset({State.UNBOUND, State.DISCARDED})

MOVES: Mapping[State, frozenset[State]] = {
    State.UNBOUND: frozenset({State.NEW, State.CLEAN, State.DIRTY, State.DELETED, State.DISCARDED}),
    State.NEW: frozenset({State.NEW}) | _STORED | _LET_GO,  # deleted: removed while it is being added
    State.CLEAN: _STORED | _LET_GO,
    State.DIRTY: _STORED | _LET_GO,
    State.DELETED: _STORED | _LET_GO,
    State.DISCARDED: frozenset({State.DISCARDED}),  # of no further use; ``put_back`` takes a discarding back
}
"""The states that may follow each state."""


class IllegalMove(AssertionError):
    """A fault of the session itself: the table knows no such move."""


class RecordStates(msgspec.Struct, eq=False):
    """The states of one session's records.

    ``new``, ``dirty`` and ``deleted`` hold records by ``id()`` in the order they came. A record that is removed while
    it is being added stays in ``new`` until its commit has ended. All new records share one track.
    """

    link: SessionLink
    new: dict[int, Record] = {}
    dirty: dict[int, Record] = {}
    deleted: dict[int, Record] = {}
    _shared_new: InstanceState | None = None

    @property
    def _new(self) -> InstanceState:
        """The track of all new records."""
        if self._shared_new is None:
            self._shared_new = InstanceState(self.link, State.NEW)
        return self._shared_new

    def add(self, record: Record) -> None:
        """Make a record new that no session knows: ``move`` to NEW, for the most common move of all."""
        set_track(record, self._shared_new or self._new)
        self.new[id(record)] = record

    def add_all(self, records: list[Record]) -> None:
        """Make many records new that no session knows."""
        track_all(records, self._new)
        self.new.update(zip(map(id, records), records, strict=True))

    def track_rows(self, records: Iterable[Record]) -> None:
        """Make records new that a plan writes beside those of the session, which does not keep them."""
        for record in records:
            set_track(record, self._new)

    def move(self, record: Record, to: State, old: dict[str, Value] | None = None, ends: object = None) -> Any:
        """Bring a record into this state; returns what now tracks it.

        ``old`` is the first old value of each changed field, ``ends`` what was asked at other ends of references by a
        record that leaves. Raises IllegalMove.
        """
        before = state_of(record)
        if to not in MOVES[before]:
            raise IllegalMove(f"a {type(record).__name__} that is {before.value} cannot become {to.value}")
        return self.put_back(record, self._made(to, old, ends))

    def _made(self, to: State, old: dict[str, Value] | None, ends: Any) -> SessionLink | InstanceState:
        if to is State.CLEAN:
            return self.link
        if to is State.NEW and old is None:
            return self._new
        return InstanceState(None if to in _LET_GO else self.link, to, old, ends)

    def put_back(self, record: Record, track: SessionLink | InstanceState) -> SessionLink | InstanceState:
        """Have a record tracked as it was at another time, and file it accordingly."""
        number, to = id(record), track.state
        set_track(record, track)
        if to is State.DELETED and number in self.new:
            return track
        for state, group in ((State.NEW, self.new), (State.DIRTY, self.dirty), (State.DELETED, self.deleted)):
            if to is state:
                group[number] = record
            else:
                group.pop(number, None)
        return track

    def take(self, records: list[Record]) -> None:
        """Make records clean that were read just now: ``move`` to CLEAN, of many that no group holds."""
        track_all(records, self.link)

    def clean_all(self, records: list[Record]) -> None:
        """Make many records clean."""
        self.take(records)
        for group in (self.new, self.dirty, self.deleted):
            if len(group) == len(records) and all(map(is_, group.values(), records)):
                group.clear()
            elif group:
                for number in map(id, records):
                    group.pop(number, None)

    def forget(self, record: Record) -> None:
        """Take a record out of every group; its state stays."""
        for group in (self.new, self.dirty, self.deleted):
            group.pop(id(record), None)

    def clear(self) -> None:
        """Empty every group."""
        for group in (self.new, self.dirty, self.deleted):
            group.clear()
