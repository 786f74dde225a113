"""What is left of a commit once it is decided, and who finishes it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from holdall import Holdall, State, state_of
from holdall.errors import (
    CommitAborted,
    CommitPartial,
    CommitPending,
    Conflict,
    StoreUnavailable,
)
from holdall.session import Compensate, TaskState
from holdall.store import CommitClass

from .bank import Account, Customer, Memo, Note, before_files, counts, is_over, played
from .remote import Remote


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
