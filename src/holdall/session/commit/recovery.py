"""Finishing what commits over several stores left behind: repeating what was decided, undoing what was not."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import msgspec

from holdall.errors import Conflict, HoldallError, NotFound, StaleVersion, StateError, StoreTimeout, StoreUnavailable
from holdall.session.commit.entry import CallState, Operation, Part, inverse
from holdall.session.commit.failpoint import Failpoint, reached
from holdall.session.commit.forward import roll_forward
from holdall.session.commit.journal import Journal, JournalRow, JournalState, is_marked, sweep_markers
from holdall.session.commit.undo import current_row, is_undoable, undo_calls
from holdall.store import CommitClass, Store, Verb

if TYPE_CHECKING:
    from holdall.session.binding import Bindings

__all__ = ["Recovered", "Recovery", "Unfinished", "recovering"]

_log = logging.getLogger("holdall.recovery")

_MARKERS_LAST = dt.timedelta(hours=24)
_PART_SECONDS = 20.0


class Recovered(msgspec.Struct):
    """What one round of recovery did, in commits."""

    finished: int = 0
    undone: int = 0
    listed: int = 0
    pending: int = 0


class Unfinished(msgspec.Struct, frozen=True):
    """A commit that is not over: its name, how it stands, and every operation that may still matter."""

    commit: str
    state: JournalState
    expires: dt.datetime
    parts: tuple[Part, ...]

    @property
    def orphans(self) -> tuple[Operation, ...]:
        """The calls that had or may have had an effect, and that nothing undoes."""
        return tuple(
            item
            for part in self.parts
            for item in part.operations
            if item.state is CallState.ORPHANED or (part.by_call and item.state is CallState.PLANNED)
        )


class Recovery:
    """Goes over the journals of a Holdall. Any number of processes may do so at once: each row is claimed first."""

    def __init__(self, journal: Journal, bindings: Bindings) -> None:
        self._journal = journal
        self._bindings = bindings

    async def run(self) -> Recovered:
        """One round over everything that nobody holds any more."""
        told = Recovered()
        async for home, row in self._rows(is_expired=True):
            await self._recover(home, row, told)
        return told

    async def sweep(self) -> int:
        """Remove markers of commits long over; tells how many."""
        stores = [
            store
            for store in self._bindings.stores()
            if store.capabilities.is_durable and store.capabilities.commit in (CommitClass.TX, CommitClass.BATCH)
        ]
        return sum([await sweep_markers(store, _MARKERS_LAST) for store in stores]) if len(stores) > 1 else 0

    async def unfinished(self) -> list[Unfinished]:
        """Every commit that is not over, those of other processes that are under way included."""
        return [_unfinished(row) async for _, row in self._rows(is_expired=False)]

    async def _rows(self, *, is_expired: bool) -> AsyncIterator[tuple[Store, JournalRow]]:
        """Every row of every home, page by page; without those that are over."""
        await self._journal.tidy()
        for home in await self._journal.homes():
            after = ""
            while rows := await self._journal.rows(home, after=after, is_expired=is_expired):
                for row in rows:
                    yield home, row
                after = rows[-1].id

    # --- by name ----------------------------------------------------------------------------------------------------

    async def resolve(self, commit: str) -> Unfinished | None:
        """Finish a commit now, whichever way it goes; None once it is over. Raises NotFound where it is over already.

        What is listed stays so: see ``retry``, ``compensate`` and ``accept``.
        """
        home, row = await self._find(commit)
        if row.state is not JournalState.LISTED:
            await self._recover(home, row, Recovered())
        return await self._now(home, commit)

    async def retry(self, commit: str) -> Unfinished | None:
        """Try again what was refused or could not be undone; None once the commit is over."""
        home, row = await self._find(commit)
        for part in row.entry.parts:
            part.error = ""
            for item in part.operations:
                if item.state is CallState.ORPHANED:
                    item.state = CallState.APPLIED
        state = JournalState.DECIDED if row.entry.is_decided else JournalState.UNDOING
        await self._recover(home, await self._journal.move(home, row, state), Recovered())
        return await self._now(home, commit)

    async def compensate(self, commit: str) -> Unfinished | None:
        """Undo everything the commit wrote, in every store; None once that is done."""
        home, row = await self._find(commit)
        row = await self._journal.move(home, row, JournalState.LISTED)
        for part in reversed(row.entry.parts):
            if part.by_call:
                for item in part.operations:
                    if item.state is CallState.ORPHANED or (item.state is CallState.PLANNED and row.entry.is_decided):
                        item.state = CallState.APPLIED
            elif part.is_done:
                await self._undo_part(commit, part)
        row.entry.is_decided = False
        await self._undo(home, row, Recovered())
        return await self._now(home, commit)

    async def accept(self, commit: str) -> None:
        """Leave everything as it is and forget the commit."""
        home, row = await self._find(commit)
        await self._journal.remove(home, row)

    async def _find(self, commit: str) -> tuple[Store, JournalRow]:
        await self._journal.tidy()
        for home in await self._journal.homes():
            row = await self._journal.read(home, commit)
            if row is not None:
                return home, row
        raise NotFound("unfinished commit", commit)

    async def _now(self, home: Store, commit: str) -> Unfinished | None:
        row = await self._journal.read(home, commit)
        return None if row is None else _unfinished(row)

    # --- one commit -------------------------------------------------------------------------------------------------

    async def _recover(self, home: Store, row: JournalRow, told: Recovered) -> None:
        try:
            row = await self._journal.move(home, row, row.state)
            reached(Failpoint.CLAIMED)
            if row.state is JournalState.DECIDED:
                await self._replay(home, row, told)
            else:
                await self._undo(home, row, told)
            reached(Failpoint.RECOVERED)
        except StaleVersion:
            return  # somebody else has it

    async def _undo(self, home: Store, row: JournalRow, told: Recovered) -> None:
        is_over = await undo_calls(row.entry, self._bindings)
        left = any(item.state is CallState.ORPHANED for part in row.entry.parts for item in part.operations)
        if is_over and not left:
            await self._journal.remove(home, row)
            told.undone += 1
            return
        await self._leave(home, row, JournalState.LISTED if is_over else JournalState.UNDOING, told)

    async def _leave(self, home: Store, row: JournalRow, state: JournalState, told: Recovered) -> None:
        """Let go of a commit that is not over, for the next round or for whoever looks at the list."""
        await self._journal.move(home, row, state, is_held=False)
        told.listed += state is JournalState.LISTED
        told.pending += state is not JournalState.LISTED

    async def _replay(self, home: Store, row: JournalRow, told: Recovered) -> None:
        is_over, is_local = True, home not in self._bindings.stores()
        for part in row.entry.parts:
            if part.is_done or part.error:
                continue
            try:
                reached(Failpoint.REPLAYING)
                async with asyncio.timeout(_PART_SECONDS):
                    await self._replay_part(row.id, part)
                reached(Failpoint.REPLAYED)
                part.is_done = True
            except (TimeoutError, StoreUnavailable, StoreTimeout):
                is_over = False
            except HoldallError as error:
                part.error = str(error)
                if is_local and is_over and isinstance(error, Conflict) and not await self._is_begun(row):
                    # nothing of it was written anywhere, so it can still be decided against
                    row.entry.is_decided = False
                    await self._undo(home, row, told)
                    return
        if is_over and not any(part.error for part in row.entry.parts):
            await self._journal.remove(home, row)
            told.finished += 1
            return
        await self._leave(home, row, JournalState.LISTED if is_over else JournalState.DECIDED, told)

    async def _is_begun(self, row: JournalRow) -> bool:
        """Whether any part of it that is rolled forward was done."""
        parts = [part for part in row.entry.parts if not part.by_call]
        return any([part.is_done or await is_marked(self._store(part), row.id, part.store) for part in parts])

    async def _replay_part(self, commit: str, part: Part) -> None:
        store = self._store(part)
        if await is_marked(store, commit, part.store):
            return
        for item in part.operations:
            await self._demand_not_superseded(item)
        await roll_forward(store, commit, [item.change for item in part.operations])

    async def _demand_not_superseded(self, item: Operation) -> None:
        """Raise StaleVersion where a record without a version was changed by somebody since."""
        binding = self._bindings.of_name(item.collection)
        if item.verb is not Verb.UPDATE or item.version is not None or item.old is None:
            return
        if not is_undoable(item, binding, await current_row(binding, item.key)):
            raise StaleVersion(binding.store.name, item.collection, item.key)

    async def _undo_part(self, commit: str, part: Part) -> None:
        changes = []
        for item in reversed(part.operations):
            change = inverse(item, self._bindings.of_name(item.collection).schema.version)
            if change is None:
                raise StateError(f"the old values of {item.collection} {item.key!r} are not known")
            changes.append(change)
        await roll_forward(self._store(part), f"{commit}-undo", changes)

    def _store(self, part: Part) -> Store:
        for store in self._bindings.stores():
            if store.name == part.store:
                return store
        raise StateError(f"the journal names a store {part.store!r} that this Holdall does not have; add it")


def _unfinished(row: JournalRow) -> Unfinished:
    return Unfinished(row.id, row.state, row.expires, tuple(row.entry.parts))


async def recovering(recovery: Recovery, every: float) -> None:
    """Recover now and every so many seconds, for good; what goes wrong is logged, and tried again next time."""
    while True:
        try:
            told = await recovery.run()
            await recovery.sweep()
            if told != Recovered():
                _log.warning("recovery: %s", told)
        except HoldallError as error:
            _log.warning("recovery will try again in %s seconds: %s", every, error)
        await asyncio.sleep(every)
