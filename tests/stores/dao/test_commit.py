"""Committing through DAOs: record by record, in dependency order, everything that was started awaited and reported."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from holdall import Holdall, Model, Ref, State, field, state_of
from holdall.dao import DAO, SessionState
from holdall.errors import (
    CommitAborted,
    CommitPartial,
    CommitUnknown,
    Conflict,
    StateError,
    StillReferenced,
    StoreError,
    Unsupported,
    ValidationError,
)
from holdall.session import Session, Strategy, TaskState
from tests.support.firm_of_daos import Company, CompanyDAO, Employee, EmployeeDAO, Remote, firm

pytestmark = pytest.mark.anyio


@pytest.fixture
def remote() -> Remote:
    remote = Remote()
    remote.companies = {1: {"name": "Initech"}, 2: {"name": "Hooli"}}
    remote.employees = {1: {"name": "Ann", "age": 40, "company": 1}, 2: {"name": "Bob", "age": 30, "company": 2}}
    return remote


async def test_additions_then_changes_then_removals(remote: Remote) -> None:
    async with firm(remote).session() as s:
        ann, bob = await s.require(Employee, 1), await s.require(Employee, 2)
        hooli = await s.require(Company, 2)
        remote.calls.clear()
        s.remove(hooli)
        s.remove(bob)
        acme = Company(name="Acme")
        cid = s.add(Employee(name="Cid", company=acme))
        s.add(acme)
        ann.company = acme
        assert cid.id is None
        result = await s.commit()
        assert (acme.id, cid.id, cid.stamp) == (101, 102, "made 102")
        assert [state_of(record) for record in (acme, cid, ann)] == [State.CLEAN] * 3
        assert [state_of(record) for record in (hooli, bob)] == [State.DISCARDED] * 2
        assert await s.get(Employee, 102) is cid
        assert [(str(task.verb), task.record) for task in result.tasks][:1] == [("add", acme)]
        assert [task.state for task in result.tasks] == [TaskState.APPLIED] * 5
        assert all(task.duration >= 0 and task.error is None for task in result.tasks)
        assert [task.answer for task in result.tasks] == [{"created": 101}, None, None, None, None]
        assert [task.started for task in result.tasks] == sorted(task.started for task in result.tasks)
    order = [call[::2] for call in remote.calls]
    assert order.index(("add", "Acme")) < min(order.index(("add", "Cid")), order.index(("update", "Ann")))
    assert order[-2:] == [("remove", "Bob"), ("remove", "Hooli")]
    assert remote.employees[1]["company"] == 101
    assert remote.employees[102] == {"name": "Cid", "age": 0, "company": 101, "boss": None}


async def test_what_the_dao_writes_as_it_writes_is_as_stored(remote: Remote) -> None:
    """And a list that was handed out before, and the key, by which the record is found at once."""

    class Tidy(CompanyDAO):
        async def add(self, company: Company) -> object:
            answer = await super().add(company)
            company.tags = sorted(company.tags)
            assert await self.session.get(Company, company.id) is company
            assert self.session.state is SessionState.COMMIT
            return answer

    app = Holdall("firm")
    app.add_dao(Tidy(remote), EmployeeDAO(remote))
    async with app.session() as s:
        ann = await s.require(Employee, 1)
        ann.name = "ann marie"
        acme = s.add(Company(name="Acme", tags=["b", "a"]))
        acme.tags.append("c")
        await s.commit()
        assert (ann.name, state_of(ann)) == ("Ann Marie", State.CLEAN)
        assert (acme.tags, state_of(acme)) == (["a", "b", "c"], State.CLEAN)
        acme.tags.append("d")
        assert s.plan().steps[0].batches[0].records == [acme]
        s.rollback()
        assert acme.tags == ["a", "b", "c"]


async def test_edits_in_flight_are_kept(remote: Remote) -> None:
    class Slow(EmployeeDAO):
        async def update(self, employee: Employee) -> None:
            reached.set()
            await gate.wait()
            await super().update(employee)
            employee.stamp = "updated"

    reached, gate = asyncio.Event(), asyncio.Event()
    app = Holdall("firm")
    app.add_dao(Slow(remote), CompanyDAO(remote))
    async with app.session() as s:
        ann = await s.require(Employee, 1)
        ann.age = 41
        committing = asyncio.create_task(s.commit())
        await reached.wait()
        assert s.state is SessionState.STANDBY
        ann.name = "Anna"
        gate.set()
        await committing
        assert (ann.is_field_modified("name"), ann.is_field_modified("age")) == (False, False)
        assert (ann.name, remote.employees[1]["name"]) == ("Anna", "Anna")  # the DAO wrote the newer one
        ann.age = 42
        reached.clear()
        gate.clear()
        committing = asyncio.create_task(s.commit())
        await reached.wait()
        gate.set()
        await asyncio.sleep(0)
        ann.age = 43
        await committing
        s.rollback()
        assert ann.age in (42, 43)
        assert remote.employees[1]["age"] == ann.age


@pytest.mark.parametrize("strategy", list(Strategy))
async def test_strategies(remote: Remote, strategy: Strategy) -> None:
    """A refused addition, one that needs it, one beside it, and a removal that comes later."""
    remote.fails["add Acme"] = Conflict("api", "taken")
    async with firm(remote).session(strategy=strategy) as s:
        bob = await s.require(Employee, 2)
        remote.calls.clear()
        acme, other = s.add(Company(name="Acme")), s.add(Company(name="Other"))
        cid = s.add(Employee(name="Cid", company=acme))
        s.remove(bob)
        with pytest.raises(CommitPartial) as caught:
            await s.commit()
        state = {id(task.record): task.state for task in caught.value.tasks}
        goes_on = strategy is Strategy.CONTINUE_ON_ERROR
        assert state[id(acme)] is TaskState.FAILED
        assert state[id(other)] is TaskState.APPLIED
        assert state[id(cid)] is (TaskState.FAILED if goes_on else TaskState.NOT_RUN)
        assert state[id(bob)] is (TaskState.APPLIED if goes_on else TaskState.NOT_RUN)
        assert isinstance(caught.value.tasks[0].error or caught.value.tasks[1].error, Conflict)
        assert (state_of(acme), state_of(other), state_of(cid)) == (State.NEW, State.CLEAN, State.NEW)
        remote.fails.clear()
        await s.commit()
        assert (state_of(acme), state_of(cid), state_of(bob)) == (State.CLEAN, State.CLEAN, State.DISCARDED)
    assert len(remote.calls) == len(set(remote.calls)) + 1  # nothing was sent twice but what was refused


async def test_tasks_without_an_exception(remote: Remote) -> None:
    remote.fails["add Acme"] = Conflict("api", "taken")
    async with firm(remote).session(strategy=Strategy.CONTINUE_ON_ERROR) as s:
        s.add_all([Company(name="Acme"), Company(name="Other")])
        result = await s.commit(raise_for_status=False)
        assert sorted(task.state.value for task in result.tasks) == ["applied", "failed"]
        with pytest.raises(CommitPartial, match="taken"):
            Session.raise_for_status(result)
        s.rollback()
        Session.raise_for_status(await s.commit(raise_for_status=False))


async def test_an_error_that_says_nothing_leaves_it_open(remote: Remote) -> None:
    remote.fails["add Acme"] = ConnectionResetError("gone")
    async with firm(remote).session() as s:
        acme = s.add(Company(name="Acme"))
        with pytest.raises(CommitUnknown) as caught:
            await s.commit()
        assert caught.value.tasks[0].state is TaskState.UNKNOWN
        with pytest.raises(StateError, match="the outcome of the last commit is unknown"):
            await s.commit()
        s.rollback()
        assert state_of(acme) is State.DISCARDED
    assert remote.calls == [("add", "company", "Acme")]


async def test_a_refused_commit_leaves_everything_to_be_tried_again(remote: Remote) -> None:
    remote.fails["update Anna"] = StoreError("api", "not now")
    async with firm(remote).session() as s:
        ann = await s.require(Employee, 1)
        ann.name = "Anna"
        with pytest.raises(CommitAborted):
            await s.commit()
        assert (state_of(ann), ann.is_field_modified("name")) == (State.DIRTY, True)
        remote.fails.clear()
        await s.commit()
        assert state_of(ann) is State.CLEAN
    assert remote.employees[1]["name"] == "Anna"


async def test_a_dao_that_leaves_no_key(remote: Remote) -> None:
    class Keyless(CompanyDAO):
        async def add(self, company: Company) -> object:
            return None

    app = Holdall("firm")
    app.add_dao(Keyless(remote), EmployeeDAO(remote))
    async with app.session() as s:
        s.add(Company(name="Acme"))
        with pytest.raises(Exception, match="the answer holds no key for the new"):
            await s.commit()
        s.rollback()


async def test_concurrent_calls_are_bounded(remote: Remote) -> None:
    class Counting(CompanyDAO):
        concurrent_changes = 3

        async def add(self, company: Company) -> object:
            running.append(company)
            most.append(len(running))
            await asyncio.sleep(0)
            answer = await super().add(company)
            running.remove(company)
            return answer

    running: list[Any] = []
    most: list[int] = []
    app = Holdall("firm")
    app.add_dao(Counting(remote), EmployeeDAO(remote))
    async with app.session() as s:
        s.add_all(Company(name=str(number)) for number in range(10))
    assert max(most) == 3
    assert len(remote.companies) == 12


async def test_keys_that_the_other_side_makes_may_be_text() -> None:
    class Ticket(Model):
        code: str = field(pk=True, generated=True, default=None)
        title: str

    class TicketDAO(DAO[Ticket]):
        async def add(self, ticket: Ticket) -> None:
            ticket.code = f"T-{ticket.title}"

    app = Holdall("desk")
    app.add_dao(TicketDAO())
    async with app.session() as s:
        one, two = s.add_all([Ticket(title="one"), Ticket(title="two")])
        await s.commit()
        assert await s.get(Ticket, "T-one") is one
        assert two.code == "T-two"
    app = Holdall("desk")
    app.add_store("main", "memory:")
    app.add(Ticket, store="main")
    with pytest.raises(Unsupported, match="generated str keys"):
        app.bindings.configure()


async def test_what_others_refer_to_is_looked_for(remote: Remote) -> None:
    """By the DAO, as far as it can tell; between DAOs of one store it is left to the other side."""

    class Desk(Model):
        id: int = field(pk=True)
        owner: Ref[Employee | None] = field(default=None)
        company: Ref[Company | None] = field(default=None)

    class Blind(DAO[Company]):
        pass

    app = Holdall("firm")
    app.add_dao(Blind(), EmployeeDAO(remote))
    app.add_store("main", "memory:")
    app.add(Desk, store="main")
    async with app.session() as s:
        s.add_all([Desk(id=1, owner=1, company=77), Desk(id=2, owner=9)])
        with pytest.raises(ValidationError, match="owner: refers to a record that does not exist"):
            await s.commit()
        s.rollback()
        s.add(Desk(id=1, owner=1, company=77))
        s.add(Employee(name="Eve", company=77))
    assert remote.calls == [("get", "employee", 1), ("get", "employee", 9), ("add", "employee", "Eve")]


async def test_a_removal_is_refused_while_records_here_refer_to_it(remote: Remote) -> None:
    async with firm(remote).session() as s:
        ann, initech = await s.require(Employee, 1), await s.require(Company, 1)
        remote.calls.clear()
        s.remove(initech)
        with pytest.raises(CommitAborted, match="refer to what is removed from company") as caught:
            await s.commit()
        assert isinstance(caught.value.__cause__, StillReferenced)
        ann.company = None
        await s.commit()
    assert remote.calls == [("update", "employee", "Ann"), ("remove", "company", "Initech")]


async def test_one_commit_over_daos_and_a_database(remote: Remote, tmp_path: Path) -> None:
    class Desk(Model):
        id: int = field(pk=True, generated=True, default=None)
        owner: Ref[Employee]

    app = Holdall("firm", journal=f"sqlite:///{tmp_path / 'journal.db'}")
    app.add_dao(CompanyDAO(remote), EmployeeDAO(remote))
    app.add_store("main", f"sqlite:///{tmp_path / 'desks.db'}")
    app.add(Desk, store="main")
    await app.create()
    async with app.session() as s:
        dee = s.add(Employee(name="dee", company=1))
        desk = s.add(Desk(owner=dee))
    assert (dee.id, dee.stamp, desk.owner.key) == (101, "made 101", 101)
    assert [state_of(record) for record in (dee, desk)] == [State.CLEAN] * 2

    remote.fails["add Eve"] = Conflict("api", "no more")
    async with app.session() as s:
        found = await s.require(Desk, desk.id)
        owner = await found.owner
        assert owner.name == "dee"
        eve = s.add(Employee(name="Eve", company=1))
        found.owner = eve
        with pytest.raises(CommitAborted):
            await s.commit()
        assert (state_of(eve), state_of(found)) == (State.NEW, State.DIRTY)
        remote.fails.clear()
        await s.commit()
        assert found.owner.key == eve.id
    assert [call for call in remote.calls if call[0] == "add"] == [
        ("add", "employee", name) for name in ("dee", "Eve", "Eve")
    ]
    await app.close()


async def test_what_a_dao_writes_into_another_record_is_stored_there(remote: Remote) -> None:
    class Counting(EmployeeDAO):
        async def add(self, employee: Employee) -> None:
            await super().add(employee)
            company = await employee.company
            assert company is not None
            company.tags = [*company.tags, employee.name]

    app = Holdall("firm")
    app.add_dao(CompanyDAO(remote), Counting(remote))
    async with app.session() as s:
        initech = await s.require(Company, 1)
        initech.name = "Initrode"
        s.add(Employee(name="Eve", company=initech))
        await s.commit()
        assert (initech.tags, state_of(initech)) == (["Eve"], State.CLEAN)
        initech.tags = ["Eve", "Dan"]
        await s.commit()
        assert state_of(initech) is State.CLEAN
    assert remote.companies[1] == {"name": "Initrode", "tags": ["Eve", "Dan"]}
