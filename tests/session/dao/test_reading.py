"""Getting records through DAOs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from holdall import ANONYMOUS, Everyone, Holdall, Model, Policy, Ref, State, expr, field, state_of
from holdall.dao import DAO, SessionState
from holdall.errors import CorruptRecord, Forbidden, NotFound, StateError, Unsupported
from holdall.testing.client import Client
from tests.support.firm_of_daos import Company, CompanyDAO, Employee, EmployeeDAO, Remote, firm

pytestmark = pytest.mark.anyio


@pytest.fixture
def remote() -> Remote:
    remote = Remote()
    remote.companies = {1: {"name": "Initech"}, 2: {"name": "Hooli"}}
    remote.employees = {
        1: {"name": "Ann", "age": 40, "company": 1},
        2: {"name": "Bob", "age": 30, "company": 1, "boss": 1},
    }
    return remote


async def test_a_record_is_got_once_and_is_clean(remote: Remote) -> None:
    async with firm(remote).session() as s:
        ann = await s.require(Employee, id=1)
        assert (ann.name, state_of(ann)) == ("Ann", State.CLEAN)
        assert await s.get(Employee, 1) is ann
        assert await s.get(Employee, 7) is None
        with pytest.raises(NotFound):
            await s.require(Employee, 7)
    assert remote.calls == [("get", "employee", 1), ("get", "employee", 7), ("get", "employee", 7)]


async def test_gets_at_the_same_time_make_one_call_each_key(remote: Remote) -> None:
    async with firm(remote).session() as s:
        ann, bob, again = await asyncio.gather(s.get(Employee, 1), s.get(Employee, 2), s.get(Employee, 1))
    assert ann is again
    assert ann is not bob
    assert sorted(remote.calls) == [("get", "employee", 1), ("get", "employee", 2)]


async def test_references_load_through_their_dao(remote: Remote) -> None:
    async with firm(remote).session() as s:
        bob = await s.require(Employee, 2)
        boss, company = await bob.boss, await bob.company
        assert boss is not None
        assert company is not None
        assert company.name == "Initech"
        assert bob.boss.name == "Ann"
        assert await boss.company is company
    assert [call[1:] for call in remote.calls] == [("employee", 2), ("employee", 1), ("company", 1)]


async def test_a_reference_to_nothing(remote: Remote) -> None:
    remote.employees[1]["company"] = 9
    async with firm(remote).session() as s:
        ann = await s.require(Employee, 1)
        with pytest.raises(NotFound):
            await ann.company


class Eager(EmployeeDAO):
    """Makes what its records refer to along with them, or asks the session for it."""

    async def get(self, *, id: int) -> Employee | None:  # noqa: A002
        employee = await super().get(id=id)
        if employee is not None and employee.boss:
            employee.boss = await self.session.get(Employee, employee.boss.key)
        if employee is not None and employee.company:
            key = employee.company.key
            employee.company = Company(id=key, name=self.remote.companies[key]["name"])
        return employee


def eager(remote: Remote) -> Holdall:
    app = Holdall("firm")
    app.add_dao(Eager(remote), CompanyDAO(remote))
    return app


async def test_records_made_along_with_another_are_taken_too(remote: Remote) -> None:
    async with eager(remote).session() as s:
        bob = await s.require(Employee, 2)
        ann = await s.require(Employee, 1)
        assert bob.boss.loaded
        assert bob.boss == ann
        assert bob.company.loaded
        company = await s.require(Company, 1)
        assert bob.company.record is company
        assert ann.company.record is company
        assert state_of(company) is State.CLEAN
    assert remote.calls == [("get", "employee", 2), ("get", "employee", 1)]


async def test_a_record_that_cannot_be_taken_leaves_nothing_behind(remote: Remote) -> None:
    class Careless(EmployeeDAO):
        async def get(self, *, id: int) -> Employee | None:  # noqa: A002
            employee = await super().get(id=id)
            if employee is not None and remote.fails:
                employee.company = Company(name="without a key")
            return employee

    app = Holdall("firm")
    app.add_dao(Careless(remote), CompanyDAO(remote))
    remote.fails["nothing"] = ValueError()
    async with app.session() as s:
        with pytest.raises(StateError, match="has no key"):
            await s.get(Employee, 1)
        remote.fails.clear()
        ann = await s.require(Employee, 1)
        assert state_of(ann) is State.CLEAN


async def test_a_dao_that_needs_what_it_is_making_is_refused(remote: Remote) -> None:
    remote.employees[1]["boss"] = 2
    async with eager(remote).session() as s:
        with pytest.raises(StateError, match="is needed to make"):
            await asyncio.wait_for(s.get(Employee, 2), 5)
        both = await asyncio.wait_for(asyncio.gather(s.get(Employee, 1), s.get(Employee, 2), return_exceptions=True), 5)
        assert any(isinstance(item, StateError) for item in both)


async def test_who_waits_goes_on_where_the_first_was_cancelled(remote: Remote) -> None:
    class Slow(EmployeeDAO):
        async def get(self, *, id: int) -> Employee | None:  # noqa: A002
            found = await super().get(id=id)
            await gate.wait()
            return found

    gate = asyncio.Event()
    app = Holdall("firm")
    app.add_dao(Slow(remote), CompanyDAO(remote))
    async with app.session() as s:
        first = asyncio.create_task(s.get(Employee, 1))
        second = asyncio.create_task(s.get(Employee, 1))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        gate.set()
        found = await second
        assert found is not None
        assert found is await s.get(Employee, 1)
    assert first.cancelled()
    assert remote.calls == [("get", "employee", 1)] * 2


async def test_what_a_dao_raises_comes_as_it_is_to_all_who_ask(remote: Remote) -> None:
    remote.fails["get 1"] = ZeroDivisionError("planted")
    async with firm(remote).session() as s:
        found = await asyncio.gather(s.get(Employee, 1), s.get(Employee, 1), return_exceptions=True)
        assert [type(item) for item in found] == [ZeroDivisionError] * 2
        remote.fails.clear()
        assert await s.get(Employee, 1) is not None


@pytest.mark.parametrize("given", [Employee(id=5, name="Eve"), Company(id=1, name="Initech"), Employee(name="Eve")])
async def test_a_wrong_record_is_refused(given: Any) -> None:
    class Wrong(DAO[Employee]):
        async def get(self, *, id: int) -> Any:  # noqa: A002
            return given

    app = Holdall("firm")
    app.add_dao(Wrong(), CompanyDAO(Remote()))
    async with app.session() as s:
        with pytest.raises(CorruptRecord, match="its DAO gave"):
            await s.get(Employee, 1)
        assert state_of(given) is State.UNBOUND


async def test_a_record_of_another_session_is_refused(remote: Remote) -> None:
    class Keeping(EmployeeDAO):
        async def get(self, *, id: int) -> Employee | None:  # noqa: A002
            return kept

    app = Holdall("firm")
    app.add_dao(Keeping(remote), CompanyDAO(remote))
    kept = Employee(id=1, name="Ann")
    async with app.session() as one, app.session() as other:
        assert await one.get(Employee, 1) is kept
        with pytest.raises(StateError, match="of another session"):
            await other.get(Employee, 1)


async def test_refresh(remote: Remote) -> None:
    async with firm(remote).session() as s:
        ann = await s.require(Employee, 1)
        ann.name = "Anna"
        remote.employees[1]["age"] = 41
        await s.refresh(ann)
        assert (ann.name, ann.age, state_of(ann)) == ("Ann", 41, State.CLEAN)
        del remote.employees[1]
        with pytest.raises(NotFound):
            await s.refresh(ann)


async def test_keys_of_several_fields_come_by_name() -> None:
    class Seat(Model):
        row: str = field(pk=True)
        number: int = field(pk=True)

    class SeatDAO(DAO[Seat]):
        async def get(self, *, row: str, number: int) -> Seat | None:
            return Seat(row=row, number=number)

    app = Holdall("hall")
    app.add_dao(SeatDAO())
    async with app.session() as s:
        assert (await s.require(Seat, number=3, row="A")).number == 3


async def test_the_session_of_a_dao_is_there_while_it_acts(remote: Remote) -> None:
    seen: list[Any] = []

    class Looking(EmployeeDAO):
        async def get(self, *, id: int) -> Employee | None:  # noqa: A002
            seen.extend([self.session, self.session.state])
            return await super().get(id=id)

    dao = Looking(remote)
    app = Holdall("firm")
    app.add_dao(dao, CompanyDAO(remote))
    async with app.session() as s:
        await s.get(Employee, 1)
        assert seen == [s, SessionState.GET]
        assert s.state is SessionState.STANDBY
    with pytest.raises(StateError, match=r"Looking\.session"):
        _ = dao.session


async def test_queries_are_refused_by_name(remote: Remote) -> None:
    async with firm(remote).session() as s:
        with pytest.raises(Unsupported, match="@query"):
            await s.query(Employee.where(Employee.age > 30))
        with pytest.raises(Unsupported, match="counting"):
            await s.count(Employee.where())
    assert remote.calls == []


async def test_queries_by_key_alone_are_gets(remote: Remote) -> None:
    async with firm(remote).session() as s:
        ann = await s.one(Employee.where(Employee.id == 1))
        assert await s.first(Employee.where(Employee.id == 9)) is None
        assert await s.exists(Employee.where(Employee.id == 2))
        both = await s.query(Employee.where(expr(Employee.id).in_([2, 1, 9])))
        assert [employee.name for employee in both] == ["Bob", "Ann"]
        assert both[1] is ann
        assert await s.query(Employee.where(expr(Employee.id).in_([2, 1])).limit(1).offset(1)) == [ann]
        names: list[Any] = await s.query(Employee.where(Employee.id == 1).only(Employee.name, Employee.company))
        assert names == [("Ann", 1)]
        for refused in (
            Employee.where(Employee.id == 1, Employee.age > 3),
            Employee.where(Employee.id > 1),
            Employee.where(expr(Employee.id).in_([2, 1])).sort(Employee.name),
            Employee.where(Employee.id == 1).only(Employee.company.name),
        ):
            with pytest.raises(Unsupported):
                await s.query(refused)
    assert [call[2] for call in remote.calls if call[1] == "employee"] == [1, 9, 2, 9]


async def test_records_are_served_over_http(remote: Remote) -> None:
    app = Holdall("firm")
    app.add_dao(CompanyDAO(remote), EmployeeDAO(remote), policy=Policy(read=Everyone, write=Everyone))
    async with Client(app.asgi()) as http:
        answer = await http.request("GET", "/employee/1")
        assert (answer.status, answer.json()["name"]) == (200, "Ann")
        assert (await http.request("GET", "/employee/9")).status == 404
        assert (await http.request("GET", "/employee")).status == 422
        answer = await http.request("POST", "/company", json={"name": "Acme"})
        assert (answer.status, answer.json()["id"]) == (201, 101)
        answer = await http.request("PATCH", "/employee/1", json={"name": "ann marie"})
        assert (answer.status, answer.json()["name"]) == (200, "Ann Marie")
        assert (await http.request("DELETE", "/employee/1")).status == 204
    assert 1 not in remote.employees


async def test_policies_hold(remote: Remote) -> None:
    async with firm(remote).session(ANONYMOUS) as s:
        with pytest.raises(Forbidden):
            await s.get(Employee, 1)
    assert remote.calls == []


async def test_what_a_dao_writes_while_reading_is_no_change(remote: Remote) -> None:
    """The fields of records that are there already, frozen ones and those with changes, too."""

    class Renewing(EmployeeDAO):
        async def get(self, *, id: int) -> Employee | None:  # noqa: A002
            ann = await self.session.require(Employee, 1) if id != 1 else None
            if ann is not None:
                ann.stamp, ann.name, ann.age = "seen", "Ann of the store", 99
                await gate.wait()
            return await super().get(id=id)

    gate = asyncio.Event()
    app = Holdall("firm")
    app.add_dao(Renewing(remote), CompanyDAO(remote))
    async with app.session() as s:
        ann = await s.require(Employee, 1)
        ann.name = "Anna"
        reading = asyncio.create_task(s.get(Employee, 2))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert (ann.stamp, ann.name, state_of(ann)) == ("seen", "Ann of the store", State.CLEAN)
        ann.age = 41  # by somebody else, while the DAO is at work
        assert (state_of(ann), ann.is_field_modified("age")) == (State.DIRTY, True)
        gate.set()
        await reading
        s.rollback()
        assert (ann.name, ann.age) == ("Ann of the store", 99)


async def test_a_model_may_refer_to_another_store(remote: Remote) -> None:
    class Desk(Model):
        id: int = field(pk=True)
        owner: Ref[Employee | None] = field(default=None)

    app = firm(remote)
    app.add_store("main", "memory:")
    app.add(Desk, store="main")
    async with app.session() as s:
        s.add(Desk(id=1, owner=2))
    async with app.session() as s:
        desk = await s.require(Desk, 1)
        owner = await desk.owner
        assert owner is not None
        assert owner.name == "Bob"
