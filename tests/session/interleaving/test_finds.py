"""What the checker has found, each mended and pinned without it."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence

import msgspec
import pytest

from holdall import Holdall, Model, field
from holdall.dao import DAO
from holdall.errors import CommitAborted, CommitUnknown, Reserved, StaleVersion, StoreTimeout
from holdall.session import TaskState
from holdall.session.commit.two_phase.coordinator import Coordinator
from holdall.session.journal.finished import FinishedCommits
from holdall.session.journal.journal import Journal
from holdall.session.journal.log_record import LogRecord
from holdall.session.journal.markers import has_marker, marker_of
from holdall.session.journal.owner import commit_under_way, this_owner
from holdall.session.journal.row import JournalRow, JournalState, add_row, now, update_row
from holdall.session.journal.schema import JOURNAL, MARKER
from holdall.store import Change, CommitClass, Hold, Outcome, Reservation, Store
from holdall.testing.lasting_memory import LastingBatch, LastingMemory, lasting_memory

pytestmark = pytest.mark.anyio


async def test_the_markers_of_a_commit_stay_as_long_as_its_row() -> None:
    """A helper has claimed the row and fell silent: without its marker the part would be applied again."""
    home, other = lasting_memory("home"), lasting_memory("other", CommitClass.TX, Hold.NONE)
    home.bind([JOURNAL])
    other.bind([MARKER])
    rows = [JournalRow(name, JournalState.DECIDED, "me", now(), LogRecord([])) for name in ("claimed", "free")]
    finished = FinishedCommits()
    for row in rows:
        await home.apply([add_row(row)])
        await other.apply([marker_of(row.id, "other")])
        finished.add(home, row, [other], [other])
    await home.apply([update_row(rows[0].moved(JournalState.DECIDED, "helper", now(), LogRecord([])))])
    await finished.close()
    assert await has_marker(other, "claimed", "other")
    assert not await has_marker(other, "free", "other")


class _Sluggish(LastingBatch):
    """Does not answer in time to the first request to let go, and carries it out after the next try has been held."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.late: list[str] = []
        self.is_first = True

    async def roll_back_prepared(self, commit: str) -> None:
        if self.is_first:
            self.is_first = False
            self.late.append(commit)
            raise StoreTimeout(self.name, "no answer in time", is_outcome_unknown=True)
        await super().roll_back_prepared(commit)

    async def commit_prepared(self, commit: str, changes: Sequence[Change]) -> bool:
        for name in self.late:
            await super().roll_back_prepared(name)
        return await super().commit_prepared(commit, changes)


class _Busy(LastingBatch):
    """Something of another commit is in the way, once."""

    is_busy = True

    async def prepare(self, reservation: Reservation, changes: Sequence[Change]) -> Sequence[Outcome]:
        if self.is_busy:
            self.is_busy = False
            raise Reserved(self.name, [msgspec.structs.replace(reservation, commit="another")])
        return await super().prepare(reservation, changes)


class Left(Model):
    id: int = field(pk=True)


class Right(Model):
    id: int = field(pk=True)


async def test_a_commit_is_not_repeated_while_a_request_to_let_go_of_it_is_on_its_way() -> None:
    """It would let go of what the next try holds, and the part would be taken for applied."""
    app = _app(_Sluggish("a"), _Busy("b"))
    async with app.session() as session:
        session.add(Left(id=1))
        session.add(Right(id=1))
        with pytest.raises(CommitAborted):
            await session.commit()
        session.rollback()
        assert [await session.get(Left, 1), await session.get(Right, 1)] == [None, None]
    await app.close()


class Bill(Model):
    id: int = field(pk=True)


class BillDAO(DAO[Bill]):
    async def add(self, bill: Bill) -> None:
        """Sent."""


async def test_a_commit_with_calls_is_tried_again_before_its_first_call() -> None:
    """Its row is there from the first try."""
    app = _app(LastingMemory("a"), _Busy("b"))
    app.add_dao(BillDAO())
    async with app.session() as session:
        session.add_all((Left(id=1), Right(id=1), Bill(id=1)))
        result = await session.commit()
    assert [task.state for task in result.tasks] == [TaskState.APPLIED] * 3
    await app.close()


async def test_a_commit_of_this_process_is_not_abandoned_while_it_lives() -> None:
    """However long it was kept from renewing its lease: an hour ago it was over."""
    app = _app(LastingMemory("a"), LastingMemory("b"))
    coordinator = Coordinator(app.bindings)
    row = JournalRow("c1", JournalState.DECIDED, this_owner(), now() - dt.timedelta(hours=1), LogRecord([], "bank"))
    with commit_under_way("c1"):
        with commit_under_way("c1"):  # a helper of its own, by force
            assert not coordinator.is_abandoned(row)
        assert not coordinator.is_abandoned(row)
    assert coordinator.is_abandoned(row)
    assert coordinator.is_abandoned(msgspec.structs.replace(row, owner=""))
    await app.close()


async def test_who_has_seen_a_row_does_not_claim_the_tombstone_that_came_after_it() -> None:
    """One helper has finished and forgotten the commit, another one has left a tombstone, a third one is slow."""
    home = lasting_memory("home")
    home.bind([JOURNAL])
    journal = Journal("bank", lambda: [home], "memory:", 15.0)
    seen = JournalRow("c1", JournalState.DECIDED, "me", now(), LogRecord([], "bank"))
    await journal.add(home, seen)
    await journal.remove(home, seen)
    assert await journal.bury(home, "c1") is None
    with pytest.raises(StaleVersion):
        await journal.update(home, journal.next(seen, JournalState.DECIDED, seen.record))


class _Silent(LastingMemory):
    """Carries a decision out, and is cancelled before it answers."""

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        outcomes = await super().apply(changes)
        if any(change.collection == "left" for change in changes):
            raise asyncio.CancelledError
        return outcomes


async def test_what_is_held_stays_where_the_decision_was_cancelled_on_its_way() -> None:
    """As at the end of a program: letting go would leave the commit decided and half-written."""
    stores = _Silent("a"), LastingBatch("b")
    app = _app(*stores)
    async with app.session() as session:
        session.add(Left(id=1))
        session.add(Right(id=1))
        with pytest.raises(CommitUnknown):
            await session.commit()
        session.rollback()
    assert len(await stores[1].prepared()) == 1
    await app.recovery.run()
    async with app.session() as session:
        assert await session.get(Left, 1) is not None
        assert await session.get(Right, 1) is not None
    await app.close()


def _app(left: Store, right: Store) -> Holdall:
    app = Holdall("bank", journal="memory:")
    app.add_store(left.name, left)
    app.add_store(right.name, right)
    app.add(Left, store=left.name)
    app.add(Right, store=right.name)
    return app
