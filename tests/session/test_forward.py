"""What is left of a commit once it is decided, and who finishes it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from holdall import Holdall, Model, Session, State, field, state_of
from holdall.errors import (
    CommitAborted,
    CommitPartial,
    CommitPending,
    CommitUnknown,
    Conflict,
    StoreUnavailable,
)
from holdall.session import Compensate, TaskState
from holdall.session.commit.changes import changes_of
from holdall.session.commit.forward import roll_forward
from holdall.session.commit.operations import entry_of, operations_of
from holdall.store import Change, CommitClass, Verb

from .bank import Account, Customer, Memo, Note, Slip, before_files, counts, is_over, opened, played
from .remote import Remote
from .stand_ins import Failing, put_before


def test_files_learn_the_keys_that_the_database_makes(tmp_path: Path) -> None:
    async def scene(app: Holdall, remote: Remote) -> None:
        async with app.session() as session:
            account = session.add(Account(name="x"))
            session.add(Memo(code="m", account=account))
        async with app.session() as session:
            assert (await session.require(Memo, "m")).account.key == 1
        away = before_files(app, lambda: StoreUnavailable("files", "away"))
        async with app.session() as session:
            session.add(Memo(code="n", account=session.add(Account(name="y"))))
            with pytest.raises(CommitPending):
                await session.commit(budget=0.2)
        away.error = None
        await app.recovery.run()
        async with app.session() as session:
            assert (await session.require(Memo, "n")).account.key == 2

    played(tmp_path, scene)


def test_what_is_decided_is_finished_by_recovery(tmp_path: Path) -> None:
    async def scene(app: Holdall, remote: Remote) -> None:
        await counts(app)
        away = before_files(app, lambda: StoreUnavailable("files", "away"))
        async with app.session() as session:
            note = session.add(Note(code="a"))
            session.add(Account(name="x"))
            with pytest.raises(CommitPending) as caught:
                await session.commit(budget=0.2)
            states = {task.record: task.state for task in caught.value.tasks}
            assert states[note] is TaskState.PENDING
            assert state_of(note) is State.CLEAN
        assert await counts(app) == [0, 1, 0]
        away.error = None
        assert await caught.value.resolve() is None
        assert await counts(app) == [1, 1, 0]
        assert await is_over(app)
        assert await caught.value.resolve() is None

    played(tmp_path, scene)


def test_a_part_refused_after_the_decision_is_listed_and_can_be_retried(tmp_path: Path) -> None:
    async def scene(app: Holdall, remote: Remote) -> None:
        await counts(app)
        away = before_files(app, lambda: Conflict("files", "somebody was faster"))
        async with app.session() as session:
            note = session.add(Note(code="a"))
            account = session.add(Account(name="x"))
            with pytest.raises(CommitPartial) as caught:
                await session.commit()
            assert [state_of(note), state_of(account)] == [State.NEW, State.CLEAN]
            session.rollback()
        again = await caught.value.retry()
        assert again is not None
        assert [part.error for part in again.parts if part.store == "files"] == ["store 'files': somebody was faster"]
        away.error = None
        assert await caught.value.retry() is None
        assert await counts(app) == [1, 1, 0]

    played(tmp_path, scene)


def test_a_part_refused_after_the_decision_can_be_compensated(tmp_path: Path) -> None:
    async def scene(app: Holdall, remote: Remote) -> None:
        async with app.session() as session:
            account = session.add(Account(name="old"))
        before_files(app, lambda: Conflict("files", "somebody was faster"))
        async with app.session() as session:
            account = await session.require(Account, 1)
            account.name = "new"
            session.add(Account(name="second"))
            session.add(Note(code="a"))
            with pytest.raises(CommitPartial) as caught:
                await session.commit()
            session.rollback()
        assert await caught.value.compensate() is None
        async with app.session() as session:
            (left,) = await session.query(Account.where())
            assert [left.name, left.version] == ["old", 3]
        assert await is_over(app)

    played(tmp_path, scene)


def test_newer_data_is_not_overwritten_by_a_late_replay(tmp_path: Path) -> None:
    async def scene(app: Holdall, remote: Remote) -> None:
        async with app.session() as session:
            session.add(Note(code="a"))
        away = before_files(app, lambda: StoreUnavailable("files", "away"))
        async with app.session() as session:
            (await session.require(Note, "a")).text = "decided"
            session.add(Account(name="x"))
            with pytest.raises(CommitPending):
                await session.commit(budget=0.2)
        away.error = None
        async with app.session() as session:
            (await session.require(Note, "a")).text = "newer"
        assert (await app.recovery.run()).listed == 1
        async with app.session() as session:
            assert (await session.require(Note, "a")).text == "newer"

    played(tmp_path, scene)


def test_two_that_recover_do_it_once(tmp_path: Path) -> None:
    async def scene(app: Holdall, remote: Remote) -> None:
        await counts(app)
        away = before_files(app, lambda: StoreUnavailable("files", "away"))
        async with app.session() as session:
            session.add(Note(code="a"))
            session.add(Account(name="x"))
            with pytest.raises(CommitPending):
                await session.commit(budget=0.2)
        away.error = None
        told = await asyncio.gather(*[app.recovery.run() for _ in range(4)])
        assert sum(one.finished for one in told) == 1
        assert await counts(app) == [1, 1, 0]

    played(tmp_path, scene)


def test_commits_side_by_side_each_forget_their_own(tmp_path: Path) -> None:
    async def scene(app: Holdall, remote: Remote) -> None:
        async def one(number: int) -> None:
            for turn in range(5):
                async with app.session() as session:
                    session.add(Note(code=f"{number}-{turn}"))
                    session.add(Account(name=f"{number}-{turn}"))

        await asyncio.gather(*map(one, range(6)))
        assert await counts(app) == [30, 30, 0]
        assert await is_over(app)

    played(tmp_path, scene, lease=60)


def test_without_a_database_the_local_journal_decides(tmp_path: Path) -> None:
    async def scene(app: Holdall, remote: Remote) -> None:
        async with app.session() as session:
            session.add(Note(code="a"))
            session.add(Customer(name="c"))
            await session.commit()
        assert (tmp_path / "journal" / "local.db").exists()
        assert await counts(app) == [1, 0, 1]
        assert await is_over(app)
        before_files(app, lambda: Conflict("files", "no"))
        async with app.session() as session:
            session.add(Note(code="b"))
            session.add(Customer(name="d"))
            with pytest.raises(CommitAborted):
                await session.commit()
            session.rollback()
        assert await counts(app) == [1, 0, 1]
        assert await is_over(app)

    played(tmp_path, scene, CommitClass.IDEMP, Compensate.INVERSE)


def test_a_part_is_not_refused_for_having_been_done(tmp_path: Path) -> None:
    """Its answer was lost, or recovery was faster: what it added is there, what it changed has its new version."""

    async def scene(app: Holdall, remote: Remote) -> None:
        app.bindings.settle()
        store = app.stores["files"]
        fields = ("code", "text", "version")
        first = [Change(Verb.ADD, "note", "a", fields, ("a", "", 1))]
        then = [
            Change(Verb.ADD, "note", "b", fields, ("b", "", 1)),
            Change(Verb.UPDATE, "note", "a", ("text", "version"), ("more", 2), 1),
        ]
        for commit, changes in (("one", first), ("two", then), ("two", then), ("one", first)):
            assert [outcome.error for outcome in await roll_forward(store, commit, changes)] == [None] * len(changes)
        with pytest.raises(Conflict):
            await roll_forward(store, "three", then)
        assert await counts(app) == [2, 0, 0]

    played(tmp_path, scene)


class Page(Model):
    code: str = field(pk=True)


class Refusing:
    """A store that refuses a batch, after somebody else's recovery has claimed the commit that it is a part of."""

    def __init__(self, store: Any, rival: Holdall) -> None:
        self.store = store
        self.journal = rival.bindings.journal
        self.claimed = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    async def apply(self, changes: Any) -> Any:
        home = await self.journal.local()
        for row in await self.journal.rows(home):
            await self.journal.move(home, row, row.state)
            self.claimed += 1
        raise Conflict("one", "somebody was faster")


def test_a_decision_that_recovery_has_in_hand_is_not_taken_back(tmp_path: Path) -> None:
    """Only the journal knows of it, the first store refuses it, and somebody else has claimed it meanwhile."""

    async def main() -> None:
        app, rival = (Holdall("files", journal=f"sqlite:///{tmp_path}/journal.db", lease=0.001) for _ in range(2))
        for each in (app, rival):
            each.add_store("one", f"yaml:{tmp_path}/one")
            each.add_store("two", f"yaml:{tmp_path}/two")
            each.add(Note, store="one")
            each.add(Page, store="two")
        await app.create()
        refusing = put_before(app, Refusing(app.stores["one"], rival), "one")
        session = Session(app.bindings)
        session.add_all([Note(code="a"), Page(code="a")])
        with pytest.raises(CommitUnknown):
            await session.commit()
        assert refusing.claimed == 1
        session.rollback()
        await asyncio.sleep(0.01)  # its claim is over
        await rival.recovery.run()
        assert await is_over(rival)
        assert [await Session(rival.bindings).get(model, "a") is not None for model in (Note, Page)] == [True, True]
        await app.close()
        await rival.close()

    asyncio.run(main())


def test_a_program_that_lacks_a_store_undoes_nothing_of_what_it_finds(tmp_path: Path) -> None:
    """It cannot see what was done there: the commit is listed, and finished by one that has all stores."""

    def over(*names: str) -> Holdall:
        app = Holdall("files", journal=f"sqlite:///{tmp_path}/journal.db", lease=0.001)
        for name in names:
            app.add_store(name, f"yaml:{tmp_path}/{name}")
            app.add(Note if name == "one" else Page, store=name)
        return app

    async def main() -> None:
        app, lacking = over("one", "two"), over("two")
        await app.create()
        put_before(app, Failing(app.stores["two"], StoreUnavailable("two", "away")), "two")
        session = Session(app.bindings)
        session.add_all([Note(code="a"), Page(code="a")])
        with pytest.raises(CommitPending) as caught:
            await session.commit(budget=0.2)
        await app.close()
        told = await lacking.recovery.run()
        assert (told.undone, told.finished, told.listed) == (0, 0, 1)
        await lacking.close()
        whole = over("one", "two")
        (left,) = await whole.recovery.unfinished()
        assert await whole.recovery.retry(left.commit) is None
        both = [await Session(whole.bindings).get(model, "a") is not None for model in (Note, Page)]
        assert both == [True, True]
        assert caught.value.tasks
        await whole.close()

    asyncio.run(main())


def test_steps_of_one_store_are_one_part_of_the_journal(tmp_path: Path) -> None:
    """It has one marker: a part of its own for the second step would be taken for done."""

    async def main() -> None:
        async with opened(tmp_path, slips="main") as (app, _):
            session = Session(app.bindings)
            account = session.add(Account(name="x"))
            customer = session.add(Customer(name="c", account=account))
            session.add(Slip(customer=customer))
            steps = session.plan().steps
            assert [step.store.name for step in steps] == ["main", "remote", "main"]
            operations = [operations_of(step, changes_of(step), lambda place: None) for step in steps]
            entry = entry_of(steps, operations)
            assert [(part.store, len(part.operations)) for part in entry.parts] == [("main", 2), ("remote", 1)]
            session.rollback()

    asyncio.run(main())
