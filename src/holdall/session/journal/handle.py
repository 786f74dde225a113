"""The row of one commit: what the commit writes into its home's journal, from its beginning to its end.

Invariant: who has lost the claim writes nothing more. Every write here is fenced by the version of the row that this
commit wrote last; a StaleVersion means that a helper has the commit in hand.
"""

from __future__ import annotations

from holdall.errors import StaleVersion, StateError
from holdall.session.journal.finished import FinishedCommits
from holdall.session.journal.journal import Journal
from holdall.session.journal.log_record import LogRecord
from holdall.session.journal.row import JournalRow, JournalState, add_row, now, update_row
from holdall.store import Change, Store

__all__ = ["JournalHandle"]


class JournalHandle:
    """A commit's row. Without ``is_kept`` nothing is written, as only one of the stores outlives the process."""

    def __init__(
        self, journal: Journal, finished: FinishedCommits, commit: str, home: Store | None, *, is_kept: bool
    ) -> None:
        self.journal = journal
        self.commit = commit
        self.home = home
        self.is_kept = is_kept
        self.row: JournalRow | None = None
        self.is_in_doubt = False  # nobody has answered yet whether the decision took place
        self._finished = finished
        self._next: JournalRow | None = None

    async def place(self) -> Store:
        """The store that has the row."""
        return self.home or await self.journal.local()

    async def begin(self, record: LogRecord) -> None:
        """Write, before the first call, what is about to be done; once, however often the commit is tried."""
        if self.is_kept and self.row is None:
            row = self.journal.first(self.commit, JournalState.BEGUN, record)
            await self.journal.add(await self.place(), row)
            self.row = row

    def decision(self, record: LogRecord) -> Change:
        """The change that decides the commit once it lasts. Call ``confirm`` when it does."""
        if self.row is None:
            self._next = self.journal.first(self.commit, JournalState.DECIDED, record)
            return add_row(self._next)
        self._next = self.journal.next(self.row, JournalState.DECIDED, record)
        return update_row(self._next)

    def confirm(self) -> None:
        """Take note that the decision lasts."""
        self.row = self._next or self.row

    async def settle_doubt(self) -> bool | None:
        """Find out whether the decision lasts although its answer was lost; if it does not, forbid it for good.

        Returns whether it lasts; None where there is no row, or a tombstone, and the lease is over: then it did not
        last, or one helper has finished and forgotten it before another one left the tombstone. Raises StateError where
        the row tells nothing any more, StoreUnavailable or StoreTimeout where nobody answers.
        """
        self.is_in_doubt = True
        place = await self.place()
        if self.row is None:
            found = await self.journal.bury(place, self.commit)
            if found is None or found.state is JournalState.ABORTED:
                self.is_in_doubt = False
                return None if self._next is None or self._next.expires <= now() else False
        else:
            row = self.journal.next(self.row, JournalState.UNDOING, self.row.record)
            try:
                await self.journal.update(place, row)
            except StaleVersion:
                found = await self.journal.read(place, self.commit)
            else:
                self.row, self.is_in_doubt = row, False
                return False
        if found is None:
            raise StateError(f"commit {self.commit} was finished or undone by somebody else: look at the records")
        self.is_in_doubt = False
        is_decided = found.state in (JournalState.DECIDED, JournalState.LISTED)
        self.row = self._next if is_decided else None if found.state is JournalState.ABORTED else found
        return is_decided

    async def undo(self, record: LogRecord) -> None:
        """Decide against the commit, for good, before anything is undone."""
        await self._move(record, JournalState.UNDOING, is_held=True)

    async def leave(self, record: LogRecord, state: JournalState) -> None:
        """Leave the commit to recovery, or to an operator who reads the list."""
        await self._move(record, state, is_held=False)

    async def _move(self, record: LogRecord, state: JournalState, *, is_held: bool) -> None:
        if self.row is not None:
            row = self.journal.next(self.row, state, record, is_held=is_held)
            await self.journal.update(await self.place(), row)
            self.row = row

    async def forget(self, stores: list[Store], marked: list[Store]) -> None:
        """Nothing is left to do in ``stores``: the row goes soon, and with it the markers in those that are marked."""
        if self.row is not None:
            self._finished.add(await self.place(), self.row, stores, marked)
            self.row = None
