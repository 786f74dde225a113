"""Handles on commits that did not end as asked, and the list of such commits."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import msgspec

from holdall.errors import NotFound, StateError
from holdall.session.commit.recovery.standing import PartStanding
from holdall.session.journal.log_record import CallState, Operation, Part
from holdall.session.journal.row import JournalState

if TYPE_CHECKING:
    from holdall.session.commit.two_phase.coordinator import Coordinator
    from holdall.session.journal.handle import JournalHandle

__all__ = ["Unfinished", "UnfinishedCommit"]


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


class UnfinishedCommit:
    """One commit over several stores, by its id: in the process that made it or, by ``app.recovery``, in any.

    Example: :class:`CommitError`.
    """

    def __init__(self, commit: str, coordinator: Coordinator, handle: JournalHandle | None) -> None:
        self.commit = commit
        self.was_applied: bool | None = None  # known once a commit in doubt is resolved
        self._coordinator = coordinator
        self._handle = handle

    async def resolve(self) -> Unfinished | None:
        """Find out how it ended, and finish it; None once it is over.

        Raises StateError where no journal was kept, as one of the stores alone outlives the process.
        """
        from holdall.session.commit.recovery.recovery import Recovery  # recovery uses what is here

        handle = self._handle
        if handle is None or not handle.is_kept:
            raise StateError("this commit has no journal: roll back, and load its records again")
        if handle.is_in_doubt:
            self.was_applied = await handle.settle_doubt()
        try:
            return await Recovery(self._coordinator.bindings).resolve(self.commit)
        except NotFound:
            return None

    async def retry(self) -> Unfinished | None:
        """Try again what was refused; None once it is over."""
        from holdall.session.commit.recovery.recovery import Recovery

        return await Recovery(self._coordinator.bindings).retry(self.commit)

    async def compensate(self) -> Unfinished | None:
        """Undo everything it wrote; None once that is done."""
        from holdall.session.commit.recovery.recovery import Recovery

        return await Recovery(self._coordinator.bindings).compensate(self.commit)

    async def accept(self) -> None:
        """Leave everything as it is."""
        from holdall.session.commit.recovery.recovery import Recovery

        await Recovery(self._coordinator.bindings).accept(self.commit)
