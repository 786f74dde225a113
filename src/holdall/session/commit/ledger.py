"""What one commit over several stores writes into the journal while it goes on."""

from __future__ import annotations

import msgspec

from holdall.errors import StaleVersion, StateError, UniqueViolation
from holdall.session.commit.entry import Entry
from holdall.session.commit.journal import Journal, JournalRow, JournalState, added, moved, removed
from holdall.store import Change, Store

__all__ = ["Ledger"]


class Ledger:
    """The row of one commit. Without ``is_kept`` nothing is written, as only one of the stores outlives the process."""

    def __init__(self, journal: Journal, commit: str, home: Store | None, *, is_kept: bool) -> None:
        self.journal = journal
        self.commit = commit
        self.home = home
        self.is_kept = is_kept
        self.is_in_doubt = False  # nobody knows whether the decision took place
        self._row: JournalRow | None = None
        self._next: JournalRow | None = None
        self._taken: list[JournalRow] = []

    async def place(self) -> Store:
        """The store that has the row."""
        return self.home or await self.journal.local()

    async def begin(self, entry: Entry) -> None:
        """Say, before the first call, what is about to be done."""
        if self.is_kept:
            self._row = self.journal.row(self.commit, JournalState.BEGUN, entry)
            await self.journal.add(await self.place(), self._row)

    def decision(self, entry: Entry, place: Store) -> list[Change]:
        """The changes that decide the commit once they last; rows of commits that are over go with them."""
        self._taken = self.journal.take_over(place)
        if self._row is None:
            self._next = self.journal.row(self.commit, JournalState.DECIDED, entry)
            return [added(self._next), *map(removed, self._taken)]
        self._next = self.journal.moved(_with(self._row, entry), JournalState.DECIDED)
        return [moved(self._next), *map(removed, self._taken)]

    def decided(self) -> None:
        """Take note that the decision lasts."""
        self._row, self._taken = self._next or self._row, []

    async def undecided(self) -> None:
        """Take note that the decision did not take place: what it was to remove is still there."""
        for row in self._taken:
            self.journal.forget(await self.place(), row)
        self._taken = []

    async def was_decided(self) -> bool:
        """Whether the decision took place, although its answer was lost; if not, it cannot any more.

        The row is claimed: that succeeds only where the decision is not there, and the decision cannot come after it.
        Raises StateError where the row tells nothing any more, StoreUnavailable or StoreTimeout where nobody answers.
        """
        self.is_in_doubt = True
        place, tried = await self.place(), self._next
        assert tried is not None
        try:
            if self._row is None:
                claim = self.journal.row(self.commit, JournalState.UNDOING, Entry([]))
                await self.journal.add(place, claim)
                self._row = claim
            else:
                self._row = await self.journal.move(place, self._row, JournalState.UNDOING)
            self.is_in_doubt = False
            return False
        except (UniqueViolation, StaleVersion):
            found = await self.journal.read(place, self.commit)
        if found is None:
            raise StateError(f"commit {self.commit} was finished or undone by somebody else: look at the records")
        is_decided = found.state in (JournalState.DECIDED, JournalState.LISTED)
        self._row = tried if is_decided else found
        self.is_in_doubt = False
        return is_decided

    async def undoing(self, entry: Entry) -> None:
        """Decide against the commit, for good, before anything is undone."""
        await self._move(entry, JournalState.UNDOING, is_held=True)

    async def leave(self, entry: Entry, state: JournalState) -> None:
        """Leave the commit to recovery, or to whoever looks at the list."""
        await self._move(entry, state, is_held=False)

    async def _move(self, entry: Entry, state: JournalState, *, is_held: bool) -> None:
        if self._row is not None:
            row = _with(self._row, entry)
            self._row = await self.journal.move(await self.place(), row, state, is_held=is_held)

    async def forget(self) -> None:
        """Nothing is left to do."""
        if self._row is not None:
            self.journal.forget(await self.place(), self._row)
            self._row = None


def _with(row: JournalRow, entry: Entry) -> JournalRow:
    return msgspec.structs.replace(row, entry=entry)
