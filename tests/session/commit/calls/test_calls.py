"""Commits of one store that takes one record at a time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from holdall import Holdall, Model, State, field, state_of
from holdall.dao import DAO
from holdall.errors import CommitAborted, CommitPartial, CommitUnknown, StoreError, StoreTimeout
from holdall.session import Guarantee, Strategy, TaskState
from holdall.store import CommitClass, Outcome
from tests.support.bank import Account, Customer, Note, Slip, counts, is_over, opened, refuse
from tests.support.remote_store import Remote

pytestmark = pytest.mark.anyio


async def test_calls_to_one_store_run_side_by_side_and_are_told_in_the_order_they_ended(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, remote):
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


@pytest.mark.parametrize("strategy", Strategy)
async def test_what_a_strategy_does_after_a_refusal(tmp_path: Path, strategy: Strategy) -> None:
    async with opened(tmp_path) as (app, remote):
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


async def test_a_call_that_can_carry_several_changes_does(tmp_path: Path) -> None:
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


async def test_the_only_call_whose_answer_is_lost_is_unknown(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, remote):
        remote.after = lambda change: StoreTimeout("remote", "silence", is_outcome_unknown=True)
        async with app.session() as session:
            session.add(Customer(name="c"))
            with pytest.raises(CommitUnknown):
                await session.commit()
            session.rollback()
        assert await counts(app) == [0, 0, 1]


@pytest.mark.parametrize("size", [1, 10])
@pytest.mark.parametrize(
    "error, is_unknown",
    [
        (StoreError("remote", "no"), False),
        (KeyError("a bug after the call"), True),
        (ValueError("an answer that cannot be read"), True),
        (asyncio.CancelledError(), True),  # of a task within the store, as nobody cancels the commit
    ],
    ids=lambda value: type(value).__name__,
)
async def test_what_an_error_of_a_call_says_of_it(
    tmp_path: Path, error: BaseException, is_unknown: bool, size: int
) -> None:
    app = Holdall("bank", journal=f"sqlite:///{tmp_path / 'local.db'}")
    remote = Remote("remote", CommitClass.IDEMP, size=size)
    app.add_store("remote", remote)
    app.add(Note, Account, Customer, Slip, store="remote")
    remote.before = lambda change: error
    async with app.session() as session:
        customers = session.add_all([Customer(name="a"), Customer(name="b")])
        with pytest.raises(CommitUnknown if is_unknown else CommitAborted) as caught:
            await session.commit()
        state = TaskState.UNKNOWN if is_unknown else TaskState.FAILED
        assert {task.state for task in caught.value.tasks} == {state}
        session.rollback()
        assert {state_of(record) for record in customers} == {State.DISCARDED}


@pytest.mark.parametrize("answers", [[], [Outcome(key=1)] * 3])
async def test_a_store_that_answers_another_number_of_changes_leaves_them_unknown(
    tmp_path: Path, answers: list[Outcome]
) -> None:
    async with opened(tmp_path) as (app, remote):

        async def apply(changes: object) -> list[Outcome]:
            return answers

        remote.apply = apply  # type: ignore[method-assign]
        async with app.session() as session:
            session.add(Customer(name="a"))
            with pytest.raises(CommitUnknown):
                await session.commit()
            session.rollback()


async def test_a_change_whose_key_never_came_is_refused_and_not_sent(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, remote), app.session() as session:
        bad = session.add(Customer(name="bad"))
        slip = session.add(Slip(customer=bad))
        remote.before = lambda change: KeyError("after the call") if "bad" in change.values else None
        with pytest.raises(CommitUnknown) as caught:
            await session.commit(strategy=Strategy.CONTINUE_ON_ERROR)
        states = {task.record: task.state for task in caught.value.tasks}
        assert states == {bad: TaskState.UNKNOWN, slip: TaskState.FAILED}
        assert len(remote.log) == 1
        session.rollback()


class Letter(Model):
    id: int = field(pk=True)


class Letters(DAO[Letter]):
    commit = CommitClass.IDEMP

    def __init__(self) -> None:
        self.sent: list[int] = []

    async def add(self, letter: Letter) -> None:
        self.sent.append(letter.id)


async def test_a_dao_beside_a_store_that_takes_several_changes_at_once(tmp_path: Path) -> None:
    app = Holdall("bank", journal=f"sqlite:///{tmp_path / 'local.db'}")
    remote, letters = Remote("remote", CommitClass.IDEMP, size=10), Letters()
    app.add_store("remote", remote)
    app.add(Note, Account, Customer, Slip, store="remote")
    app.add_dao(letters)
    async with app.session() as session:
        session.add_all([Customer(name="a"), Customer(name="b")])
        session.add_all([Letter(id=1), Letter(id=2)])
    assert remote.calls == 1
    assert letters.sent == [1, 2]
    await app.close()
