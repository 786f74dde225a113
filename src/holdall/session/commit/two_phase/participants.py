"""The participants of a commit over several stores, and how each holds its part until the decision.

The state of one commit is plain data, passed from phase to phase; each phase is a function in a file of its own.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import cast

import msgspec

from holdall.errors import StateError
from holdall.session.commit.plan.modes import Mode
from holdall.session.commit.two_phase.coordinator import Coordinator
from holdall.session.commit.two_phase.open_transactions import OpenTransactions
from holdall.session.commit.two_phase.seats import seats_of
from holdall.session.journal.handle import JournalHandle
from holdall.session.journal.owner import this_owner
from holdall.session.journal.row import now
from holdall.store import Change, Preparable, Reservation, Store

__all__ = ["Participant", "TwoPhaseCommit", "begin"]


_LONGEST = 1e8
"""Seconds, some years: a commit that may take for ever is held for so long."""


class Participant(msgspec.Struct):
    """One store that a commit writes, and the changes it was given so far."""

    store: Store
    mode: Mode
    sent: Sequence[Change] = ()
    identity: str = ""  # what tells it from another store of its name; empty where none is known
    is_held: bool = False  # something may be held there
    is_open: bool = False  # a transaction is open there

    @property
    def holder(self) -> Preparable:
        """The store, where its mode says that it votes."""
        return cast(Preparable, self.store)


class TwoPhaseCommit(msgspec.Struct):
    """The state of one commit over several stores.

    ``home`` is the store that decides, or None where the local journal does; ``others`` are the participants that are
    written after the decision. ``reservation`` is what participants are
    told. The commit is to be decided within ``seconds``. Without ``is_kept`` no journal is written, as only one of the
    stores outlives the process.
    """

    id: str
    coordinator: Coordinator
    home: Store | None
    is_kept: bool
    participants: dict[int, Participant]
    others: list[Participant]
    transactions: OpenTransactions
    handle: JournalHandle
    reservation: Reservation
    seconds: float = 0.0

    @property
    def lasting(self) -> Reservation:
        """The reservation for those that cannot renew it: it expires when the commit must long be decided."""
        longer = dt.timedelta(seconds=min(self.seconds, _LONGEST))
        return msgspec.structs.replace(self.reservation, expires=self.reservation.expires + longer)

    @property
    def is_lease_over(self) -> bool:
        """Whether the lease is over, so that others may have taken the commit for abandoned."""
        return now() >= self.reservation.expires

    def participant(self, store: Store) -> Participant:
        """The participant of this store. Raises StateError where the store takes no part."""
        found = self.participants.get(id(store))
        if found is None:
            raise StateError(f"the store {store.name!r} takes no part in commit {self.id}")
        return found

    @property
    def stores(self) -> list[Store]:
        """The stores that are written after the decision."""
        return [item.store for item in self.others]

    @property
    def marked(self) -> list[Store]:
        """The stores in which a marker may be left."""
        return [item.store for item in self.others if not item.mode.votes and item.store.capabilities.is_durable]


async def begin(
    coordinator: Coordinator,
    commit: str,
    stores: Sequence[Store],
    *,
    home: Store | None = None,
    is_kept: bool | None = None,
    seconds: float = 0.0,
) -> TwoPhaseCommit:
    """The state of a commit over these stores, before anything is sent, which it is to be decided within ``seconds``.

    ``home`` forces the store that decides, ``is_kept`` whether a journal is written.

    Raises StoreUnavailable or StoreTimeout where the home's journal cannot be read.
    """
    journal = coordinator.journal
    seats = await seats_of(journal, stores, home, is_kept)
    kept = seats.is_kept
    participants = {
        id(store): Participant(store, mode, identity=await journal.identity_of(store) if kept else "")
        for store, mode in seats.modes
    }
    others = [item for item in participants.values() if item.mode is not Mode.HOME]
    handle = JournalHandle(journal, coordinator.finished, commit, seats.home, is_kept=kept)
    decider, place = "", "no journal"
    if kept and seats.has_votes:
        store = await handle.place()
        decider, place = await journal.identity(store), journal.place_of(store)
    expires = _whole_seconds(journal.until())
    reservation = Reservation(commit, journal.application, decider, place, this_owner(), expires)
    transactions = OpenTransactions()
    return TwoPhaseCommit(
        commit, coordinator, seats.home, kept, participants, others, transactions, handle, reservation, seconds
    )


def _whole_seconds(moment: dt.datetime) -> dt.datetime:
    """Rounded up, as some stores keep no more."""
    return moment.replace(microsecond=0) + dt.timedelta(seconds=1)
