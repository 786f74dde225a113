"""Commits over several stores: what they promise, and what is left when a store refuses, hangs or falls silent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from holdall import Holdall, Model, Ref, State, field, state_of
from holdall.errors import (
    CommitAborted,
    CommitPartial,
    CommitPending,
    CommitUnknown,
    Conflict,
    DeclarationError,
    NotFound,
    StateError,
    StoreTimeout,
    StoreUnavailable,
)
from holdall.session import Compensate, Guarantee, JournalState, Strategy, TaskState
from holdall.store import Change, CommitClass, Verb

from .remote import Remote


class Note(Model):
    code: str = field(pk=True)
    text: str = ""
    version: int = field(version=True)


class Account(Model):
    id: int = field(pk=True, generated=True)
    name: str = field(unique=True)
    note: Ref[Note | None] = field(default=None)
    version: int = field(version=True)


class Customer(Model):
    id: int = field(pk=True, generated=True)
    name: str
    account: Ref[Account | None] = field(default=None)


class Slip(Model):
    id: int = field(pk=True, generated=True)
    customer: Ref[Customer | None] = field(default=None)


class Memo(Model):
    """In files, and referring to what gets its key in a database."""

    code: str = field(pk=True)
    account: Ref[Account]


Scene = Callable[[Holdall, Remote], Awaitable[None]]


@asynccontextmanager
async def opened(
    folder: Path,
    kind: CommitClass = CommitClass.ONCE,
    compensation: Any = None,
    *,
    slips: str = "remote",
    lease: float = 0.2,
) -> AsyncIterator[tuple[Holdall, Remote]]:
    """Accounts in SQLite, notes in YAML, customers and slips behind somebody else's API."""
    app = Holdall("bank", journal=f"sqlite:///{folder / 'journal' / 'local.db'}", lease=lease)
    remote = Remote("remote", kind)
    app.add_store("main", f"sqlite:///{folder / 'main.db'}", synchronous="off")
    app.add_store("files", f"yaml:{folder / 'notes'}")
    app.add_store("remote", remote)
    app.add(Note, Memo, store="files")
    app.add(Account, store="main")
    app.add(Customer, store="remote", compensation=compensation)
    app.add(Slip, store=slips, compensation=compensation if slips == "remote" else None)
    try:
        await app.create()
        yield app, remote
    finally:
        await app.close()


def played(
    folder: Path,
    scene: Scene,
    kind: CommitClass = CommitClass.ONCE,
    compensation: Any = None,
    lease: float = 0.2,
) -> None:
    async def main() -> None:
        async with opened(folder, kind, compensation, lease=lease) as (app, remote):
            await scene(app, remote)

    asyncio.run(main())


async def counts(app: Holdall) -> list[int]:
    async with app.session() as session:
        return [
            await session.count(Note.where()),
            await session.count(Account.where()),
            await session.count(Customer.where()),
        ]


async def is_over(app: Holdall) -> bool:
    return not await app.recovery.unfinished()


def test_everything_is_written_and_the_journal_forgets(tmp_path: Path) -> None:
    async def scene(app: Holdall, remote: Remote) -> None:
        async with app.session() as session:
            note = session.add(Note(code="a"))
            account = session.add(Account(name="x", note=note))
            customer = session.add(Customer(name="c", account=account))
            plan = str(session.plan())
            assert "main (transaction)" in plan
            assert "remote (calls)" in plan
            assert "files (batch)" in plan
            result = await session.commit()
            assert result.guarantee is Guarantee.LISTED
            assert {task.state for task in result.tasks} == {TaskState.APPLIED}
            assert [account.id, customer.id, note.version] == [1, 1, 1]
            assert {state_of(record) for record in (note, account, customer)} == {State.CLEAN}
            note.text, account.name = "more", "y"
            session.remove(customer)
            await session.commit()
            assert [note.version, account.version] == [2, 2]
        assert await counts(app) == [1, 1, 0]
        assert await is_over(app)

    played(tmp_path, scene)


def test_keys_go_round_all_stores(tmp_path: Path) -> None:
    """A slip needs the customer's key, the customer the account's, and each is made by its own store."""

    async def main() -> None:
        async with opened(tmp_path, slips="main") as (app, _), app.session() as session:
            account = session.add(Account(name="x"))
            customer = session.add(Customer(name="c", account=account))
            slip = session.add(Slip(customer=customer))
            await session.commit()
            assert [slip.customer.key, customer.account.key] == [customer.id, account.id] == [1, 1]

    asyncio.run(main())


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


def test_a_refusal_of_the_database_is_known_before_any_call(tmp_path: Path) -> None:
    async def scene(app: Holdall, remote: Remote) -> None:
        async with app.session() as session:
            session.add(Account(name="x"))
        async with app.session() as session:
            note, customer = session.add(Note(code="a")), session.add(Customer(name="c"))
            twin = session.add(Account(name="x"))
            with pytest.raises(CommitAborted) as caught:
                await session.commit()
            assert isinstance(caught.value.__cause__, Conflict)
            assert remote.log == []
            assert {state_of(record) for record in (note, customer, twin)} == {State.NEW}
            assert twin.id is None
            twin.name = "y"
            await session.commit()
        assert await counts(app) == [1, 2, 1]
        assert await is_over(app)

    played(tmp_path, scene)


def test_a_stale_note_is_seen_before_any_call(tmp_path: Path) -> None:
    async def scene(app: Holdall, remote: Remote) -> None:
        async with app.session() as session:
            session.add(Note(code="a"))
        async with app.session() as session:
            note = await session.require(Note, "a")
            async with app.session() as other:
                (await other.require(Note, "a")).text = "theirs"
            note.text = "mine"
            session.add(Account(name="x"))
            session.add(Customer(name="c"))
            with pytest.raises(CommitAborted):
                await session.commit()
            session.rollback()
        assert remote.log == []
        assert await counts(app) == [1, 0, 0]

    played(tmp_path, scene)


def refuse(what: str) -> Callable[[Change], BaseException | None]:
    return lambda change: Conflict("remote", "no") if what in change.values else None


def test_a_refused_call_undoes_those_that_went_well(tmp_path: Path) -> None:
    async def scene(app: Holdall, remote: Remote) -> None:
        remote.before = refuse("bad")
        async with app.session() as session:
            session.add(Note(code="a"))
            account = session.add(Account(name="x"))
            good = session.add(Customer(name="good"))
            bad = session.add(Customer(name="bad", account=account))
            with pytest.raises(CommitAborted) as caught:
                await session.commit()
            states = {task.record: task.state for task in caught.value.tasks}
            assert states[good] is TaskState.COMPENSATED
            assert states[bad] is TaskState.FAILED
            assert states[account] is TaskState.ROLLED_BACK
            assert [good.id, state_of(good), account.id] == [None, State.NEW, None]
            bad.name = "better"
            result = await session.commit()
            assert result.guarantee is Guarantee.COMPENSATED
        assert await counts(app) == [1, 1, 2]
        assert await is_over(app)

    played(tmp_path, scene, CommitClass.IDEMP, Compensate.INVERSE)


@pytest.mark.parametrize("kind", [CommitClass.IDEMP, CommitClass.ONCE])
def test_what_cannot_be_undone_is_listed(tmp_path: Path, kind: CommitClass) -> None:
    async def scene(app: Holdall, remote: Remote) -> None:
        remote.before = refuse("bad")
        async with app.session() as session:
            session.add(Account(name="x"))
            good, bad = session.add(Customer(name="good")), session.add(Customer(name="bad"))
            with pytest.raises(CommitPartial) as caught:
                await session.commit()
            assert [good.id, state_of(good), state_of(bad)] == [1, State.CLEAN, State.NEW]
            session.rollback()
        (left,) = await app.recovery.unfinished()
        assert left.state is JournalState.LISTED
        assert [(item.collection, item.key) for item in left.orphans] == [("customer", 1)]
        assert caught.value.result.commit == left.commit
        await app.recovery.run()
        assert len(await app.recovery.unfinished()) == 1  # it stays listed until somebody decides
        await caught.value.accept()
        assert await is_over(app)
        assert await counts(app) == [0, 0, 1]

    played(tmp_path, scene, kind)


def test_an_orphan_can_be_undone_later(tmp_path: Path) -> None:
    async def scene(app: Holdall, remote: Remote) -> None:
        remote.before = refuse("bad")
        async with app.session() as session:
            session.add(Account(name="x"))
            session.add(Customer(name="good"))
            session.add(Customer(name="bad"))
            with pytest.raises(CommitPartial) as caught:
                await session.commit()
            session.rollback()
        app.bindings.of_model(Customer).compensation = Compensate.INVERSE
        assert await caught.value.compensate() is None
        assert await counts(app) == [0, 0, 0]
        with pytest.raises(NotFound):
            await caught.value.retry()

    played(tmp_path, scene)


def test_a_lost_answer_is_never_repeated_and_always_listed(tmp_path: Path) -> None:
    async def scene(app: Holdall, remote: Remote) -> None:
        remote.after = lambda change: StoreTimeout("remote", "silence", is_outcome_unknown=True)
        async with app.session() as session:
            session.add(Account(name="x"))
            customer = session.add(Customer(name="c"))
            with pytest.raises(CommitPartial) as caught:
                await session.commit()
            states = {task.record: task.state for task in caught.value.tasks}
            assert states[customer] is TaskState.UNKNOWN
            with pytest.raises(StateError, match="rollback"):
                await session.commit()
            session.rollback()
        assert len(remote.log) == 1
        (left,) = await app.recovery.unfinished()
        assert len(left.orphans) == 1
        assert await counts(app) == [0, 0, 1]

    played(tmp_path, scene)


def test_a_lost_answer_of_a_repeatable_call_is_found_out_and_undone(tmp_path: Path) -> None:
    async def scene(app: Holdall, remote: Remote) -> None:
        lost = [StoreTimeout("remote", "silence", is_outcome_unknown=True)]
        remote.after = lambda change: lost.pop() if lost and change.verb is Verb.ADD else None
        async with app.session() as session:
            session.add(Account(name="x"))
            session.add(Customer(name="c"))
            with pytest.raises(CommitAborted):
                await session.commit()
            session.rollback()
        assert await counts(app) == [0, 0, 0]
        assert await is_over(app)

    played(tmp_path, scene, CommitClass.IDEMP, Compensate.INVERSE)


def test_a_store_that_is_away_is_undone_by_recovery(tmp_path: Path) -> None:
    async def scene(app: Holdall, remote: Remote) -> None:
        away = [True]

        def before(change: Change) -> BaseException | None:
            if change.verb is Verb.REMOVE and away[0]:
                return StoreUnavailable("remote", "away")
            return Conflict("remote", "no") if "bad" in change.values else None

        remote.before = before
        async with app.session() as session:
            session.add(Account(name="x"))
            session.add(Customer(name="good"))
            session.add(Customer(name="bad"))
            with pytest.raises(CommitPartial):
                await session.commit()
            session.rollback()
        told = await app.recovery.run()
        assert [told.pending, told.undone] == [1, 0]
        away[0] = False
        told = await app.recovery.run()
        assert [told.pending, told.undone] == [0, 1]
        assert await counts(app) == [0, 0, 0]
        assert await is_over(app)

    played(tmp_path, scene, CommitClass.IDEMP, Compensate.INVERSE)


class Away:
    """Stands before a store and does not let a batch through while it is away."""

    def __init__(self, store: Any, error: Callable[[], Exception]) -> None:
        self.store = store
        self.error: Callable[[], Exception] | None = error
        self.name = store.name
        self.capabilities = store.capabilities

    def bind(self, schemas: Any) -> None:
        self.store.bind(schemas)

    async def fetch(self, query: Any) -> Any:
        return await self.store.fetch(query)

    async def count(self, query: Any) -> Any:
        return await self.store.count(query)

    async def apply(self, changes: Any) -> Any:
        if self.error is not None:
            raise self.error()
        return await self.store.apply(changes)

    async def close(self) -> None:
        await self.store.close()


def before_files(app: Holdall, error: Callable[[], Exception]) -> Away:
    away = Away(app.stores["files"], error)
    for model in (Note, Memo):
        app.bindings.of_model(model).store = away
    return away


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


def test_being_cancelled_before_the_decision_aborts(tmp_path: Path) -> None:
    async def scene(app: Holdall, remote: Remote) -> None:
        remote.pause = 0.05
        async with app.session() as session:
            account = session.add(Account(name="x"))
            customers = [session.add(Customer(name=f"c{number}")) for number in range(20)]
            running = asyncio.create_task(session.commit())
            await remote.called.wait()
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            assert len(remote.log) < 20
            assert {state_of(record) for record in (account, *customers)} == {State.NEW}
            session.rollback()
        assert await counts(app) == [0, 0, 0]
        assert await is_over(app)

    played(tmp_path, scene, CommitClass.IDEMP, Compensate.INVERSE)


def test_a_phase_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    async def scene(app: Holdall, remote: Remote) -> None:
        async with app.session() as session:
            session.add(Account(name="x"))
            session.add(Customer(name="c"))
            remote.pause = 30
            with pytest.raises(CommitPartial, match=r"0\.05 seconds"):
                await session.commit(budget=0.05)
            session.rollback()
        (left,) = await app.recovery.unfinished()
        assert len(left.orphans) == 1
        assert (await counts(app))[1] == 0

    played(tmp_path, scene)


def test_edits_made_meanwhile_are_kept(tmp_path: Path) -> None:
    async def scene(app: Holdall, remote: Remote) -> None:
        remote.pause = 0.02
        async with app.session() as session:
            account, customer = session.add(Account(name="x")), session.add(Customer(name="c"))
            note = session.add(Note(code="a"))
            running = asyncio.create_task(session.commit())
            await asyncio.sleep(0.01)
            account.name, customer.name, note.text = "x2", "c2", "n2"
            await running
            assert [state_of(record) for record in (account, customer, note)] == [State.DIRTY] * 3
            await session.commit()
        async with app.session() as session:
            assert (await session.require(Account, 1)).name == "x2"
            assert (await session.require(Customer, 1)).name == "c2"
            assert (await session.require(Note, "a")).text == "n2"

    played(tmp_path, scene)


# --- one store that takes one record at a time ------------------------------------------------------------------------


def test_calls_to_one_store_run_side_by_side_and_are_told_in_the_order_they_ended(tmp_path: Path) -> None:
    async def scene(app: Holdall, remote: Remote) -> None:
        remote.pause = 0.01
        async with app.session() as session:
            customers = [session.add(Customer(name=f"c{number}")) for number in range(10)]
            slips = [session.add(Slip(customer=customer)) for customer in customers]
            result = await session.commit()
            assert result.guarantee is Guarantee.PER_RECORD
            assert [slip.customer.key for slip in slips] == [customer.id for customer in customers]
            ends = [task.started + task.duration for task in result.tasks]
            assert ends == sorted(ends)
            assert all(task.duration >= 0.009 for task in result.tasks)
        assert remote.most_running == 4
        assert await is_over(app)
        assert not (tmp_path / "journal").exists()

    played(tmp_path, scene)


@pytest.mark.parametrize("strategy", Strategy)
def test_what_a_strategy_does_after_a_refusal(tmp_path: Path, strategy: Strategy) -> None:
    async def scene(app: Holdall, remote: Remote) -> None:
        remote.before = refuse("bad")
        remote.pause = 0.001
        async with app.session() as session:
            bad = session.add(Customer(name="bad"))
            waiting = session.add(Slip(customer=bad))
            others = [session.add(Customer(name=f"c{number}")) for number in range(12)]
            with pytest.raises(CommitPartial) as caught:
                await session.commit(strategy=strategy)
            states = {task.record: task.state for task in caught.value.tasks}
            assert states[bad] is TaskState.FAILED
            if strategy is Strategy.CONTINUE_ON_ERROR:
                assert states[waiting] is TaskState.FAILED
                assert {states[record] for record in others} == {TaskState.APPLIED}
            else:
                assert states[waiting] is TaskState.NOT_RUN
                assert TaskState.NOT_RUN in {states[record] for record in others}
            sent = len(remote.log)
            for record in others:
                assert state_of(record) is (State.CLEAN if states[record] is TaskState.APPLIED else State.NEW)
            bad.name = "better"
            await session.commit()
            left = [record for record, state in states.items() if state is not TaskState.APPLIED]
            assert len(remote.log) == sent + len(left)  # nothing is sent twice

    played(tmp_path, scene)


def test_a_call_that_can_carry_several_changes_does(tmp_path: Path) -> None:
    async def main() -> None:
        app = Holdall("bank", journal=f"sqlite:///{tmp_path / 'local.db'}")
        remote = Remote("remote", CommitClass.IDEMP, width=2, size=10)
        app.add_store("remote", remote)
        app.add(Note, Account, Customer, Slip, store="remote")
        remote.before = refuse("bad")
        async with app.session() as session:
            customers = [session.add(Customer(name=f"c{number}")) for number in range(25)]
            slips = [session.add(Slip(customer=customer)) for customer in customers]
            await session.commit()
            assert remote.calls == 6
            assert [slip.customer.key for slip in slips] == [customer.id for customer in customers]
            bad, good = session.add(Customer(name="bad")), session.add(Customer(name="good"))
            waiting = session.add(Slip(customer=bad))
            with pytest.raises(CommitPartial) as caught:
                await session.commit(strategy=Strategy.CONTINUE_ON_ERROR)
            states = {task.record: task.state for task in caught.value.tasks}
            assert [states[record] for record in (bad, good, waiting)] == [
                TaskState.FAILED,
                TaskState.APPLIED,
                TaskState.FAILED,
            ]
            session.rollback()

    asyncio.run(main())


def test_the_only_call_whose_answer_is_lost_is_unknown(tmp_path: Path) -> None:
    async def scene(app: Holdall, remote: Remote) -> None:
        remote.after = lambda change: StoreTimeout("remote", "silence", is_outcome_unknown=True)
        async with app.session() as session:
            session.add(Customer(name="c"))
            with pytest.raises(CommitUnknown):
                await session.commit()
            session.rollback()
        assert await counts(app) == [0, 0, 1]

    played(tmp_path, scene)


# --- without a transaction --------------------------------------------------------------------------------------------


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


def test_a_dao_is_not_undone_by_guessing() -> None:
    app = Holdall("bank")
    app.add_store("dao", "dao:")
    with pytest.raises(DeclarationError, match="function of yours"):
        app.add(Note, store="dao", compensation=Compensate.INVERSE)
