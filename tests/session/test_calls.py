"""Commits of one store that takes one record at a time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from holdall import Holdall, State, state_of
from holdall.errors import (
    CommitPartial,
    CommitUnknown,
    StoreTimeout,
)
from holdall.session import Guarantee, Strategy, TaskState
from holdall.store import CommitClass

from .bank import Account, Customer, Note, Slip, counts, is_over, played, refuse
from .remote import Remote


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
