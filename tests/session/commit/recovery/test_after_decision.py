"""What is left of a commit once it is decided, and who finishes it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from holdall import Holdall, Model, Session, State, field, state_of
from holdall.errors import CommitAborted, CommitPartial, CommitPending, Conflict, StateError, StoreUnavailable
from holdall.session import Compensate, JournalState, TaskState
from holdall.session.commit.plan.changes import changes_of
from holdall.session.commit.plan.log_operations import operations_of, record_of
from holdall.store import Change, CommitClass, Verb
from tests.support.bank import Account, Customer, Memo, Note, Slip, before_files, counts, is_over, opened
from tests.support.pending import commit_pending

pytestmark = pytest.mark.anyio

_AWAY = StoreUnavailable("files", "away")
_FASTER = Conflict("files", "another program was faster")


def _raise(error: Exception) -> Callable[[], Exception]:
    return lambda: error


async def _pending(app: Holdall, *records: Model) -> CommitPending:
    """Commit these, the files being away once it is decided."""
    away = before_files(app, _raise(_AWAY))
    async with app.session() as session:
        session.add_all(records)
        pending = await commit_pending(session)
    away.error = None
    return pending


async def test_files_learn_the_keys_that_the_database_makes(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, _):
        async with app.session() as session:
            account = session.add(Account(name="x"))
            session.add(Memo(code="m", account=account))
        async with app.session() as session:
            assert (await session.require(Memo, "m")).account.key == 1
        account = Account(name="y")
        await _pending(app, account, Memo(code="n", account=account))
        await app.recovery.run()
        async with app.session() as session:
            assert (await session.require(Memo, "n")).account.key == 2


async def test_recovery_finishes_what_is_decided(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, _):
        note = Note(code="a")
        error = await _pending(app, note, Account(name="x"))
        assert {task.record: task.state for task in error.tasks}[note] is TaskState.PENDING
        assert state_of(note) is State.CLEAN
        assert await counts(app) == [0, 1, 0]
        (left,) = await app.recovery.unfinished()
        assert (left.state, left.application, left.owner, left.reason) == (JournalState.DECIDED, "bank", "", "")
        assert await error.resolve() is None
        assert await counts(app) == [1, 1, 0]
        assert await is_over(app)
        assert await error.resolve() is None


async def test_whoever_meets_a_decided_part_finishes_it(tmp_path: Path) -> None:
    """An ordinary commit of the record that is still held writes after the decided part, and on top of it."""
    async with opened(tmp_path) as (app, _):
        async with app.session() as session:
            session.add(Note(code="a"))
        away = before_files(app, _raise(_AWAY))
        async with app.session() as session:
            (await session.require(Note, "a")).text = "decided"
            session.add(Account(name="x"))
            await commit_pending(session)
        away.error = None
        async with app.session() as session:
            (await session.require(Note, "a")).text = "stale"
            with pytest.raises(CommitAborted, match="changed or removed"):
                await session.commit()
            session.rollback()
        assert await is_over(app)
        async with app.session() as session:
            note = await session.require(Note, "a")
            assert (note.text, note.version) == ("decided", 2)


async def test_a_part_refused_after_the_decision_is_taken_back(tmp_path: Path) -> None:
    """Only somebody who does not respect reservations can be the cause: then nothing is left of the commit."""
    async with opened(tmp_path) as (app, _):
        async with app.session() as session:
            session.add(Account(name="old"))
        away = before_files(app, _raise(_FASTER))
        async with app.session() as session:
            old = await session.require(Account, 1)
            old.name = "new"
            note = session.add(Note(code="a"))
            account = session.add(Account(name="x"))
            with pytest.raises(CommitAborted, match="taken back") as caught:
                await session.commit()
            assert [state_of(note), state_of(account), account.id] == [State.NEW, State.NEW, None]
            assert {task.record: task.state for task in caught.value.tasks}[note] is TaskState.FAILED
            session.rollback()
        async with app.session() as session:
            (left,) = await session.query(Account.where())
            assert [left.name, left.version] == ["old", 3]
        away.error = None
        assert await is_over(app)
        async with app.session() as session:
            session.add(Note(code="a"))  # nothing is held


def _let_somebody_change_the_account(app: Holdall) -> None:
    """Let the files refuse, and somebody change at once what the database has written: nothing can be taken back."""
    database: Any = app.stores["main"]

    async def refuse(commit: str, changes: Any) -> bool:
        (row,) = await database.fetch(Account.where(Account.name == "x"))
        await database.apply([Change(Verb.UPDATE, "account", row[0], ("version",), (9,))])
        raise _FASTER

    app.stores["files"].commit_prepared = refuse  # type: ignore[attr-defined]


async def test_a_commit_that_cannot_be_taken_back_is_listed_and_retried(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, _):
        files: Any = app.stores["files"]
        _let_somebody_change_the_account(app)
        async with app.session() as session:
            note, account = session.add(Note(code="a")), session.add(Account(name="x"))
            with pytest.raises(CommitPartial) as caught:
                await session.commit()
            assert [state_of(note), state_of(account)] == [State.NEW, State.CLEAN]
            session.rollback()
        assert await files.prepared() == []  # it is listed, and in nobody's way
        (left,) = await app.recovery.unfinished()
        (error,) = [part.error for part in left.parts if part.store == "files"]
        assert "another program was faster" in error
        assert "could not be taken back" in error
        assert await caught.value.resolve() is not None  # what is listed stays so
        del files.commit_prepared
        async with app.session() as session:
            session.add(Note(code="a"))
        again = await caught.value.retry()
        assert again is not None
        (error,) = [part.error for part in again.parts if part.store == "files"]
        assert error.startswith("store 'files': another note already has this code")
        async with app.session() as session:
            session.remove(await session.require(Note, "a"))
        assert await caught.value.retry() is None
        assert await counts(app) == [1, 1, 0]


async def test_an_operator_compensates_a_decided_commit(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, _):
        async with app.session() as session:
            session.add(Account(name="old"))
        away = before_files(app, _raise(_AWAY))
        async with app.session() as session:
            (await session.require(Account, 1)).name = "new"
            session.add_all([Account(name="second"), Note(code="a")])
            pending = await commit_pending(session)
        away.error = None
        assert pending.result.commit is not None
        assert await app.recovery.compensate(pending.result.commit) is None
        async with app.session() as session:
            (left,) = await session.query(Account.where())
            assert [left.name, left.version] == ["old", 3]
            session.add(Note(code="a"))
        assert await is_over(app)


async def test_a_commit_over_three_stores_is_compensated_where_it_was_written(tmp_path: Path) -> None:
    """What is left of it is written first; then all of it is undone by a commit of its own."""
    async with opened(tmp_path, slips="more") as (app, _):
        away = before_files(app, _raise(_AWAY))
        async with app.session() as session:
            session.add_all([Account(name="x"), Note(code="a"), Slip()])
            pending = await commit_pending(session)
            assert await session.count(Slip.where()) == 1
        away.error = None
        assert pending.result.commit is not None
        assert await app.recovery.compensate(pending.result.commit) is None
        async with app.session() as session:
            assert await session.count(Slip.where()) == 0
        assert await counts(app) == [0, 0, 0]
        assert await is_over(app)


async def test_two_that_recover_do_it_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, _):
        await _pending(app, Note(code="a"), Account(name="x"))
        told = await asyncio.gather(*[app.recovery.run() for _ in range(4)])
        assert sum(one.finished for one in told) == 1
        assert await counts(app) == [1, 1, 0]


async def test_commits_side_by_side_each_forget_their_own(tmp_path: Path) -> None:
    async with opened(tmp_path, lease=60) as (app, _):

        async def one(number: int) -> None:
            for turn in range(5):
                async with app.session() as session:
                    session.add(Note(code=f"{number}-{turn}"))
                    session.add(Account(name=f"{number}-{turn}"))

        await asyncio.gather(*map(one, range(6)))
        assert await counts(app) == [30, 30, 0]
        assert await is_over(app)


async def test_without_a_database_the_local_journal_decides(tmp_path: Path) -> None:
    async with opened(tmp_path, CommitClass.IDEMP, Compensate.INVERSE) as (app, _):
        async with app.session() as session:
            session.add(Note(code="a"))
            session.add(Customer(name="c"))
            await session.commit()
        assert (tmp_path / "journal" / "local.db").exists()
        assert await counts(app) == [1, 0, 1]
        assert await is_over(app)
        async with app.session() as session:
            session.add_all([Note(code="a"), Customer(name="d")])
            with pytest.raises(CommitAborted):
                await session.commit()
            session.rollback()
        assert await counts(app) == [1, 0, 1]
        assert await is_over(app)


class Page(Model):
    code: str = field(pk=True)


def _over(folder: Path, *names: str, application: str = "files") -> Holdall:
    app = Holdall(application, journal=f"sqlite:///{folder}/journal.db")
    for name in names:
        app.add_store(name, f"yaml:{folder}/{name}")
        app.add(Note if name == "one" else Page, store=name)
    return app


async def _leave_one(folder: Path, away: str) -> CommitPending:
    """Leave a commit over two folders behind that is decided, one of them having been away."""
    app = _over(folder, "one", "two")
    await app.create()

    async def fail(commit: str, changes: Any) -> bool:
        raise StoreUnavailable(away, "away")

    app.stores[away].commit_prepared = fail  # type: ignore[attr-defined]
    session = Session(app.bindings)
    session.add_all([Note(code="a"), Page(code="a")])
    pending = await commit_pending(session)
    await app.close()
    return pending


@pytest.mark.parametrize("other", ["lacks a store", "is another application"])
async def test_who_cannot_finish_a_commit_leaves_it_alone(tmp_path: Path, other: str) -> None:
    await _leave_one(tmp_path, "two")
    stranger = _over(tmp_path, "two") if other == "lacks a store" else _over(tmp_path, "one", "two", application="crm")
    told = await stranger.recovery.run()
    assert (told.undone, told.finished, told.listed) == (0, 0, 0)
    (left,) = await stranger.recovery.unfinished()
    assert left.state is JournalState.DECIDED
    assert ("store 'one'" if other == "lacks a store" else "application 'files'") in left.reason
    with pytest.raises(StateError, match="left alone"):
        await stranger.recovery.compensate(left.commit)
    async with stranger.session() as session:
        session.add(Page(code="a"))
        with pytest.raises(CommitAborted, match="held by commit"):
            await session.commit(timeout=0.2)
        session.rollback()
    await stranger.close()
    whole = _over(tmp_path, "one", "two")
    assert (await whole.recovery.run()).finished == 1
    both = [await Session(whole.bindings).get(model, "a") is not None for model in (Note, Page)]
    assert both == [True, True]
    await whole.close()


async def test_steps_of_one_store_are_one_part_of_the_journal(tmp_path: Path) -> None:
    async with opened(tmp_path, slips="main") as (app, _):
        session = Session(app.bindings)
        account = session.add(Account(name="x"))
        customer = session.add(Customer(name="c", account=account))
        session.add(Slip(customer=customer))
        steps = session.plan().steps
        assert [step.store.name for step in steps] == ["main", "remote", "main"]
        operations = [operations_of(step, changes_of(step), lambda place: None) for step in steps]
        record = record_of("bank", steps, operations)
        assert [(part.store, len(part.operations)) for part in record.parts] == [("main", 2), ("remote", 1)]
        session.rollback()
