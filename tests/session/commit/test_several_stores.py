"""Commits over several stores: what they promise, and what is left when a store refuses, hangs or falls silent."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from holdall import Holdall, State, state_of
from holdall.errors import (
    CommitAborted,
    CommitPartial,
    Conflict,
    DeclarationError,
    NotFound,
    StateError,
    StoreTimeout,
    StoreUnavailable,
)
from holdall.session import Compensate, Guarantee, JournalState, TaskState
from holdall.store import Change, CommitClass, Verb
from tests.support.bank import Account, Customer, Note, Slip, counts, is_over, opened, refuse

pytestmark = pytest.mark.anyio


async def test_everything_is_written_and_the_journal_forgets(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, _):
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


async def test_keys_go_round_all_stores(tmp_path: Path) -> None:
    """A slip needs the customer's key, the customer the account's, and each is made by its own store."""

    async with opened(tmp_path, slips="main") as (app, _), app.session() as session:
        account = session.add(Account(name="x"))
        customer = session.add(Customer(name="c", account=account))
        slip = session.add(Slip(customer=customer))
        await session.commit()
        assert [slip.customer.key, customer.account.key] == [customer.id, account.id] == [1, 1]


async def test_a_refusal_of_the_database_is_known_before_any_call(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, remote):
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


async def test_a_stale_note_is_seen_before_any_call(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, remote):
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


async def test_a_refused_call_undoes_those_that_went_well(tmp_path: Path) -> None:
    async with opened(tmp_path, CommitClass.IDEMP, Compensate.INVERSE) as (app, remote):
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


@pytest.mark.parametrize("kind", [CommitClass.IDEMP, CommitClass.ONCE])
async def test_what_cannot_be_undone_is_listed(tmp_path: Path, kind: CommitClass) -> None:
    async with opened(tmp_path, kind) as (app, remote):
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


async def test_an_orphan_can_be_undone_later(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, remote):
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


async def test_a_lost_answer_is_never_repeated_and_always_listed(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, remote):
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


async def test_a_lost_answer_of_a_repeatable_call_is_found_out_and_undone(tmp_path: Path) -> None:
    async with opened(tmp_path, CommitClass.IDEMP, Compensate.INVERSE) as (app, remote):
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


@pytest.mark.parametrize("name, orphans", [("other", 0), ("mine", 1)])
async def test_what_was_there_before_is_not_undone(tmp_path: Path, name: str, orphans: int) -> None:
    """An addition that never arrived, of a key that somebody has: it is his record, or nobody knows whose."""

    async with opened(tmp_path, CommitClass.IDEMP, Compensate.INVERSE) as (app, remote):
        his, mine = Customer(name=name), Customer(name="mine")
        his.id = mine.id = 7
        async with app.session() as session:
            session.add(his)
        lost = [StoreTimeout("remote", "silence", is_outcome_unknown=True)]
        remote.before = lambda change: lost.pop() if lost else None
        async with app.session() as session:
            session.add(Account(name="x"))
            session.add(mine)
            with pytest.raises(CommitPartial if orphans else CommitAborted):
                await session.commit()
            session.rollback()
        async with app.session() as session:
            assert (await session.require(Customer, 7)).name == name
        assert sum(len(left.orphans) for left in await app.recovery.unfinished()) == orphans


async def test_a_store_that_is_away_is_undone_by_recovery(tmp_path: Path) -> None:
    async with opened(tmp_path, CommitClass.IDEMP, Compensate.INVERSE) as (app, remote):
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


async def test_being_cancelled_before_the_decision_aborts(tmp_path: Path) -> None:
    async with opened(tmp_path, CommitClass.IDEMP, Compensate.INVERSE) as (app, remote):
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


async def test_a_phase_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, remote):
        async with app.session() as session:
            session.add(Account(name="x"))
            session.add(Customer(name="c"))
            remote.pause = 30
            with pytest.raises(CommitPartial, match=r"0\.05 seconds"):
                await session.commit(timeout=0.05)
            session.rollback()
        (left,) = await app.recovery.unfinished()
        assert len(left.orphans) == 1
        assert (await counts(app))[1] == 0


async def test_edits_made_meanwhile_are_kept(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, remote):
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


def test_a_dao_is_not_undone_by_guessing() -> None:
    app = Holdall("bank")
    app.add_store("dao", "dao:")
    with pytest.raises(DeclarationError, match="function of yours"):
        app.add(Note, store="dao", compensation=Compensate.INVERSE)
