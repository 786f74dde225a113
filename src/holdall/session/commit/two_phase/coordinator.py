"""The part of the application that the protocol uses: its journal, its stores by name, its collections."""

from __future__ import annotations

import msgspec

from holdall.session.bindings import Bindings
from holdall.session.journal.finished import FinishedCommits
from holdall.session.journal.journal import Journal
from holdall.session.journal.owner import is_known_dead
from holdall.session.journal.row import JournalRow, now
from holdall.store import Reservation, Store

__all__ = ["Coordinator"]


class Coordinator(msgspec.Struct, frozen=True):
    """The application as the protocol sees it."""

    bindings: Bindings

    @property
    def journal(self) -> Journal:
        """Where commits of the application are decided."""
        return self.bindings.journal

    @property
    def finished(self) -> FinishedCommits:
        """The rows that are to go."""
        return self.bindings.journal.finished

    def store_named(self, name: str) -> Store | None:
        """The store of this name, or None."""
        return next((store for store in self.bindings.stores() if store.name == name), None)

    @staticmethod
    def is_abandoned(holder: JournalRow | Reservation) -> bool:
        """Whether others may go on with a commit: its owner is known to be dead, or nothing is known of him and the
        lease is over.

        Fences stay until the move of their collection takes them away.
        """
        if isinstance(holder, Reservation) and holder.is_fence:
            return False
        commit = holder.id if isinstance(holder, JournalRow) else holder.commit
        is_dead = is_known_dead(holder.owner, commit)
        return holder.expires <= now() if is_dead is None else is_dead
