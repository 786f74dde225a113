"""Holding a part of a commit over several stores in a folder: prepared, written or let go of in one change of files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from holdall.store import Change, Fence, Footprint, Outcome, Reservation, footprint_of
from holdall.stores.yaml.files import Folder
from holdall.stores.yaml.journal import Journal
from holdall.stores.yaml.part import draft_part
from holdall.stores.yaml.reservations import Reservations
from holdall.stores.yaml.view import Shelf

__all__ = ["Preparing"]


class Preparing:
    """The methods of ``Preparable``, used under the store's exclusive lock. Methods raise OSError."""

    def __init__(self, store: str, folder: Folder, journal: Journal, reserved: Reservations) -> None:
        self._store = store
        self._folder = folder
        self._journal = journal
        self._reserved = reserved

    def prepare(
        self, shelves: Mapping[str, Shelf], reservation: Reservation, changes: Sequence[Change]
    ) -> list[Outcome]:
        """Hold what the changes touch once it is seen that they could be written now."""
        self._reserved.has(reservation.commit)  # if it does, it is in a form that is known
        try:
            others = self._reserved.waiting(but=reservation.commit)
            part = draft_part(self._store, self._folder, shelves, changes, others)
            schemas = {name: shelf.schema for name, shelf in shelves.items()}
            footprint = footprint_of(changes, schemas, part.outcomes)
            self._journal.rehearse(part.edits)
            edit = self._reserved.hold(reservation, footprint, part.growth)
            self._journal.change([*part.counters, edit])
        except Exception:
            self.roll_back(reservation.commit)  # what it held before
            raise
        return part.outcomes

    def commit(self, shelves: Mapping[str, Shelf], commit: str, changes: Sequence[Change]) -> bool:
        """Write the changes and let go of what the commit holds; False where it holds nothing."""
        if not self._reserved.has(commit):
            return False
        part = draft_part(self._store, self._folder, shelves, changes)
        self._journal.change([*part.counters, *part.edits, self._reserved.let_go(commit)])
        return True

    def fence(self, reservation: Reservation, fence: Fence) -> None:
        """Set a fence around a collection."""
        self._reserved.has(reservation.commit)  # if it does, it is in a form that is known
        self._journal.change([self._reserved.hold(reservation, Footprint(fence=fence), {})])

    def roll_back(self, commit: str) -> None:
        """Let go of what the commit holds, if anything."""
        if self._reserved.has(commit):
            self._journal.change([self._reserved.let_go(commit)])

    def renew(self, reservation: Reservation) -> None:
        """Keep this reservation in the place of the one that its commit holds."""
        edit = self._reserved.renew(reservation)
        if edit is not None:
            self._journal.change([edit])
