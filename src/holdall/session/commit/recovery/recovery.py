"""Recovery: what commits over several stores left behind is listed, and brought to an end by name."""

from __future__ import annotations

import datetime as dt

from holdall.errors import HoldallError, NotFound, StateError
from holdall.session.bindings import Bindings
from holdall.session.commit.recovery.rounds import Recovered, reason_to_leave, rows_of, run_round, sweep
from holdall.session.commit.recovery.standing import Standing, standings_of
from holdall.session.commit.recovery.unfinished import Unfinished
from holdall.session.commit.recovery.without_row import ACCEPTABLE_BY_FORCE, without_row
from holdall.session.commit.two_phase.coordinator import Coordinator
from holdall.session.commit.two_phase.lease import claim_of
from holdall.session.commit.two_phase.replay import hold_again, obstacle, replay
from holdall.session.commit.two_phase.settle import (
    settle_row,
    undo,
    undo_parts,
)
from holdall.session.commit.two_phase.take_back import let_go_where_possible
from holdall.session.journal.journal import Journal
from holdall.session.journal.log_record import CallState, LogRecord
from holdall.session.journal.row import JournalRow, JournalState
from holdall.store import Preparable, Store

__all__ = ["Recovery"]


class Recovery:
    """Goes over the journals and reservations of an application; any number of processes may do so at once.

    One home, store or row that cannot be reached or read stops nothing else: it is logged, and left.

    >>> app = Holdall("library")
    >>> app.add_store("main", "memory:")
    >>> async def example():
    ...     return await app.recovery.run(), await app.recovery.unfinished(), await app.recovery.sweep()
    >>> import asyncio
    >>> asyncio.run(example())
    (Recovered(finished=0, undone=0, listed=0, pending=0, held=0), [], 0)
    """

    def __init__(self, bindings: Bindings) -> None:
        self._bindings = bindings
        self._coordinator = Coordinator(bindings)

    @property
    def _journal(self) -> Journal:
        return self._bindings.journal

    async def run(self) -> Recovered:
        """Make one round over all commits that no living process holds; return how many were finished, undone, listed
        or left.
        """
        await self._begin()
        return await run_round(self._coordinator)

    async def sweep(self) -> int:
        """Remove markers that were left behind without a row; return how many."""
        return await sweep(self._coordinator)

    async def unfinished(self) -> list[Unfinished]:
        """List every commit that is not over, those that other processes have under way included.

        A store that is away leaves its parts unknown; a journal that cannot be read is listed in place of its commits.
        """
        found = []
        away: dict[str, str] = {}
        await self._begin()
        for home in await self._journal.homes():
            try:
                async for row in rows_of(self._journal, home, JournalState.ABORTED):
                    shown = await self._shown(home, row, away)
                    if not _is_over(shown):
                        found.append(shown)
            except HoldallError as error:
                place = self._journal.place_of(home)
                reason = f"the journal of {place} cannot be read: {error}"
                found.append(
                    Unfinished("", JournalState.UNKNOWN, dt.datetime.now(dt.UTC), (), home=place, reason=reason)
                )
        found.extend(await without_row(self._coordinator, {item.commit for item in found}))
        return found

    # --- by name ----------------------------------------------------------------------------------------------------

    async def resolve(self, commit: str, *, force: bool = False) -> Unfinished | None:
        """Finish a commit now, whichever way it goes; None once it is over.

        A commit that is listed stays so: see ``retry``, ``compensate`` and ``accept``. Raises NotFound where it is over
        already, StateError where a living process holds it, unless ``force``.
        """
        home, row = await self._find(commit, force=force)
        if row.state is not JournalState.LISTED:
            await settle_row(self._coordinator, home, row)
        return await self._now(home, commit)

    async def retry(self, commit: str, *, force: bool = False) -> Unfinished | None:
        """Try again the changes that were refused or could not be undone; None once the commit is over. Raises as
        ``resolve``.
        """
        home, row = await self._find(commit, force=force)
        refused = [part for part in row.record.parts if part.error and not part.by_call]
        for part in row.record.parts:
            part.error = ""
            for item in part.operations:
                if item.state is CallState.ORPHANED:
                    item.state = CallState.APPLIED
        state = JournalState.DECIDED if row.record.is_decided else JournalState.UNDOING
        moved = self._journal.next(row, state, row.record)
        await self._journal.update(home, moved)
        moved, waits = await hold_again(self._coordinator, home, moved, refused)
        if waits:
            listed = self._journal.next(moved, JournalState.LISTED, moved.record, is_held=False)
            await self._journal.update(home, listed)
        else:
            await settle_row(self._coordinator, home, moved)
        return await self._now(home, commit)

    async def compensate(self, commit: str, *, force: bool = False) -> Unfinished | None:
        """Undo everything the commit wrote, in every store; None once that is done.

        A decided commit is finished first, so that nobody writes a part of it afterwards. Raises as ``resolve``,
        StateError where a store is away or old values are not known, Conflict where a record was changed since; then
        the commit stands as it was decided.
        """
        home, row = await self._find(commit, force=force)
        record = row.record
        state = JournalState.DECIDED if record.is_decided else JournalState.UNDOING
        claimed = self._journal.next(row, state, record)
        await self._journal.update(home, claimed)
        with claim_of(self._journal, home, claimed):
            if record.is_decided:
                claimed = await self._take_back(home, claimed)
            if claimed.state is not JournalState.ABORTED:
                _undo_all_calls(claimed.record)
                await undo(self._coordinator, home, claimed)
        return await self._now(home, commit)

    async def _take_back(self, home: Store, row: JournalRow) -> JournalRow:
        """Finish a decided commit, and undo what its stores have written; returns what takes the row's place."""
        record = row.record
        try:
            if not (await replay(self._coordinator, row.id, record)).is_over:
                left = [part for part in record.parts if not part.is_done and not part.error]
                reasons = "; ".join([obstacle(self._coordinator, row.id, part) for part in left])
                raise StateError(f"commit {row.id} cannot be taken back now, as it cannot be finished first: {reasons}")
            return await undo_parts(self._coordinator, home, row)
        except HoldallError:
            is_refused = any(part.error for part in record.parts)
            state = JournalState.LISTED if is_refused else JournalState.DECIDED
            await self._journal.update(home, self._journal.next(row, state, record, is_held=False))
            raise

    async def accept(self, commit: str, *, force: bool = False) -> None:
        """Leave everything as it is and forget the commit.

        Raises as ``resolve``, and StateError for a commit that is not listed, as that can still be finished or undone.
        With ``force`` such a commit is forgotten too, and what one holds whose journal was lost, or whose row cannot be
        read, is let go of.
        """
        lost = [item for item in await without_row(self._coordinator) if item.commit == commit] if force else []
        if lost:
            if not lost[0].reason.endswith(ACCEPTABLE_BY_FORCE):
                raise StateError(f"commit {commit} cannot be accepted here: {lost[0].reason}")
            for store in self._bindings.stores():
                if isinstance(store, Preparable):
                    await store.roll_back_prepared(commit)
            return
        home, row = await self._find(commit, force=force, reads_all=not force)
        if row.is_damaged:
            await self._journal.remove(home, row)
            for store in self._bindings.stores():
                if isinstance(store, Preparable):
                    await store.roll_back_prepared(commit)
            return
        if row.state is not JournalState.LISTED and not force:
            raise StateError(
                f"commit {commit} is {row.state.value} and can still end in all stores alike: resolve it, or compensate"
                " it; accepted by force, it stays as it is in each of them"
            )
        await self._journal.update(home, self._journal.tombstone(row))
        await let_go_where_possible(self._coordinator, commit, row.record.parts)

    # --- rows -------------------------------------------------------------------------------------------------------

    async def _begin(self) -> None:
        self._bindings.configure()  # recovery may be the first that anyone asks for
        await self._journal.tidy()

    async def _find(self, commit: str, *, force: bool, reads_all: bool = True) -> tuple[Store, JournalRow]:
        await self._begin()
        away: HoldallError | None = None
        for home in await self._journal.homes():
            try:
                row = await self._journal.read(home, commit)
            except HoldallError as error:
                away = error
                continue
            if row is None or row.state is JournalState.ABORTED:
                continue
            reason = reason_to_leave(self._coordinator, row)
            if reason and (reads_all or not row.is_damaged):
                raise StateError(f"commit {commit} must be left alone: {reason}")
            if not force and not self._coordinator.is_abandoned(row):
                raise StateError(
                    f"commit {commit} is held by a living process until {row.expires:%H:%M:%S} UTC; wait, or force it"
                )
            return home, row
        if away is not None:
            raise away
        raise NotFound("unfinished commit", commit)

    async def _shown(self, home: Store, row: JournalRow, away: dict[str, str]) -> Unfinished:
        owner = "" if self._coordinator.is_abandoned(row) else row.owner
        return Unfinished(
            row.id,
            row.state,
            row.expires,
            tuple(row.record.parts),
            row.record.application,
            self._journal.place_of(home),
            owner,
            reason_to_leave(self._coordinator, row),
            await standings_of(self._coordinator, row, away),
        )

    async def _now(self, home: Store, commit: str) -> Unfinished | None:
        row = await self._journal.read(home, commit)
        over = row is None or row.state is JournalState.ABORTED
        return None if over or row is None else await self._shown(home, row, {})


def _is_over(item: Unfinished) -> bool:
    """Whether all of it is written and only its row is left."""
    is_decided = item.state is JournalState.DECIDED and not item.reason
    return is_decided and all(part.standing is Standing.WRITTEN for part in item.standings)


def _undo_all_calls(record: LogRecord) -> None:
    """Take for applied what may have been, so that it is undone."""
    for part in record.parts:
        for item in part.operations if part.by_call else ():
            if item.state in (CallState.ORPHANED, CallState.PLANNED):
                item.state = CallState.APPLIED
