"""A handle on a commit that did not end as asked, for the caller of that commit or an operator."""

from __future__ import annotations

from holdall.errors import NotFound, StateError
from holdall.session.commit.recovery.recovery import Recovery
from holdall.session.commit.recovery.unfinished import Unfinished
from holdall.session.commit.two_phase.coordinator import Coordinator
from holdall.session.journal.handle import JournalHandle

__all__ = ["UnfinishedCommit"]


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
        """Find out how the commit ended, and finish it; None once it is over. Raises StateError where no journal was
        kept, as one of the stores alone outlives the process.
        """
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
        """Try again the changes that were refused; None once the commit is over."""
        return await Recovery(self._coordinator.bindings).retry(self.commit)

    async def compensate(self) -> Unfinished | None:
        """Undo everything that the commit wrote; None once that is done."""
        return await Recovery(self._coordinator.bindings).compensate(self.commit)

    async def accept(self) -> None:
        """Leave everything as it is, and take the commit off the list."""
        await Recovery(self._coordinator.bindings).accept(self.commit)
