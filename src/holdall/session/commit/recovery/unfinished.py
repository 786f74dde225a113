"""A commit that is not over, as the list of such commits shows it."""

from __future__ import annotations

import datetime as dt

import msgspec

from holdall.session.commit.recovery.standing import PartStanding
from holdall.session.journal.log_record import CallState, Operation, Part
from holdall.session.journal.row import JournalState

__all__ = ["Unfinished"]


class Unfinished(msgspec.Struct, frozen=True):
    """A commit that is not over: its id, how it stands, and every operation that may still matter.

    ``standings`` says of each part, in their order, whether its store has it. ``application`` is the one that made the
    commit, ``home`` says where its row is, ``owner`` names the process that holds it, empty where nobody does.
    ``reason`` says why nobody here can go on with it, empty where somebody can. ``commit`` is empty where the journal
    at ``home`` cannot be read, so that nobody knows what it lists.

    ``str(unfinished)`` is shown by ``holdall commits``. Example: :class:`Recovery`.
    """

    commit: str
    state: JournalState
    expires: dt.datetime
    parts: tuple[Part, ...]
    application: str = ""
    home: str = ""
    owner: str = ""
    reason: str = ""
    standings: tuple[PartStanding, ...] = ()

    @property
    def orphans(self) -> tuple[Operation, ...]:
        """The calls that had or may have had an effect, and that nothing undoes."""
        return tuple(
            item
            for part in self.parts
            for item in part.operations
            if item.state is CallState.ORPHANED or (part.by_call and item.state is CallState.PLANNED)
        )
