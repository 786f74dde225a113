"""Query functions: values that a session runs once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from holdall import ANONYMOUS, State, state_of
from holdall.dao import QueryCall, query
from holdall.errors import DeclarationError, Forbidden, QueryError, StateError
from holdall.session import Session
from tests.support.firm_of_daos import Company, Employee, Remote, by_company, firm

pytestmark = pytest.mark.anyio


@pytest.fixture
def remote() -> Remote:
    remote = Remote()
    remote.companies = {1: {"name": "Initech"}}
    remote.employees = {
        3: {"name": "Cid", "age": 20, "company": 1},
        1: {"name": "Ann", "age": 40, "company": 1},
        2: {"name": "Bob", "age": 30, "company": 1},
    }
    return remote


def test_calls_are_equal_by_function_and_bound_arguments() -> None:
    @query
    async def others(session: Session, company: object, older_than: int = 0) -> list[Employee]:
        return []

    assert by_company(3) == by_company(company=3, older_than=0)
    assert hash(by_company(3)) == hash(by_company(company=3))
    assert (
        len({by_company(3), by_company(4), by_company(3, 1), by_company(True), others(3), others(True), others(1)}) == 7
    )
    assert others([1, {"a": {2}}]) == others([1, {"a": {2}}])
    assert others([1, {"a": {2}}]) != others([1, {"a": {3}}])
    assert others([1]) != others((1,))
    assert by_company(3) != 3
    assert repr(by_company(3)) == "by_company(company=3, older_than=0)"


def test_what_cannot_be_compared_is_refused() -> None:
    @query
    async def of(session: Session, company: object) -> list[Employee]:
        return []

    with pytest.raises(QueryError, match="of: the company given"):
        of([bytearray(b"x")])
    with pytest.raises(TypeError):
        of()  # type: ignore[call-arg]


def test_a_query_is_a_coroutine_function() -> None:
    with pytest.raises(DeclarationError, match="async def"):

        @query  # type: ignore[arg-type]
        def plain(session: Session) -> list[Employee]:
            return []


async def test_a_call_runs_in_a_session_only() -> None:
    with pytest.raises(StateError, match=r"await session.query\(by_company"):
        await by_company(3)


async def test_it_runs_once_and_gives_the_records_of_the_session(remote: Remote) -> None:
    async with firm(remote).session() as s:
        bob = await s.require(Employee, 2)
        bob.name = "Robert"
        found = await s.query(by_company(1))
        assert [employee.name for employee in found] == ["Ann", "Robert", "Cid"]
        assert found[1] is bob
        assert [state_of(employee) for employee in found] == [State.CLEAN, State.DIRTY, State.CLEAN]
        assert found[0] is await s.get(Employee, 1)
        found.clear()
        assert len(await s.query(by_company(company=1))) == 3
        assert await s.query(by_company(None)) == []
        assert await s.query(by_company(None)) == []
        s.rollback()
    assert remote.calls == [("get", "employee", 2), ("search", 1, 0), ("search", None, 0)]


async def test_who_asks_at_the_same_time_shares_one_run(remote: Remote) -> None:
    async with firm(remote).session() as s:
        one, other = await asyncio.gather(s.query(by_company(1)), s.query(by_company(1)))
    assert one == other
    assert remote.calls == [("search", 1, 0)]


async def test_force_asks_again_and_renews_what_nobody_changed(remote: Remote) -> None:
    async with firm(remote).session() as s:
        ann, bob, cid = await s.query(by_company(1))
        bob.name = "Robert"
        for key in (1, 2):
            remote.employees[key] = {"name": "New", "age": 50, "company": 1}
        del remote.employees[3]
        assert await s.query(by_company(1)) == [ann, bob, cid]
        assert await s.query(by_company(1), force=True) == [ann, bob]
        assert (ann.name, ann.age, state_of(ann)) == ("New", 50, State.CLEAN)
        assert (bob.name, bob.age, state_of(bob)) == ("Robert", 30, State.DIRTY)
        assert await s.query(by_company(1)) == [ann, bob]
        s.rollback()


async def test_removed_records_are_left_out(remote: Remote) -> None:
    async with firm(remote).session() as s:
        ann, _, cid = await s.query(by_company(1))
        s.remove(ann)
        assert await s.query(by_company(1), force=True) == await s.query(by_company(1))
        assert cid in await s.query(by_company(1))
        assert ann not in await s.query(by_company(1))
        s.rollback()
        assert ann in await s.query(by_company(1))
        s.reset()
        assert len(await s.query(by_company(1))) == 3
    assert remote.calls.count(("search", 1, 0)) == 3


async def test_what_a_query_writes_is_no_change(remote: Remote) -> None:
    @query
    async def stamped(*, session: Session) -> list[Employee]:
        ann = await session.require(Employee, 1)
        ann.stamp = "seen"
        ann.age += 1
        return [ann, Employee(id=8, name="Hal", company=Company(id=1, name="Initech"))]

    async with firm(remote).session() as s:
        ann, hal = await s.query(stamped())
        assert (ann.stamp, ann.age, state_of(ann), state_of(hal)) == ("seen", 41, State.CLEAN, State.CLEAN)
        assert hal.company.record is await s.get(Company, 1)
    assert remote.calls == [("get", "employee", 1)]


async def test_a_failed_run_is_not_remembered(remote: Remote) -> None:
    remote.fails["search 0"] = OSError("planted")
    async with firm(remote).session() as s:
        with pytest.raises(OSError, match="planted"):
            await s.query(by_company(1))
        remote.fails.clear()
        assert len(await s.query(by_company(1))) == 3


async def test_a_query_that_asks_for_itself_is_refused(remote: Remote) -> None:
    @query
    async def circle(*, session: Session) -> list[Employee]:
        return await session.query(circle())

    async with firm(remote).session() as s:
        with pytest.raises(StateError, match=r"circle\(\) is needed to make circle\(\) itself"):
            await asyncio.wait_for(s.query(circle()), 5)


async def test_what_is_no_record_is_refused(remote: Remote) -> None:
    @query
    async def wrong(*, session: Session) -> list[Any]:
        return [{"id": 3}]

    async with firm(remote).session() as s:
        with pytest.raises(StateError, match="wrong gave a dict"):
            await s.query(wrong())


async def test_rights_hold_for_what_is_given(remote: Remote) -> None:
    async with firm(remote).session(ANONYMOUS) as s:
        with pytest.raises(Forbidden):
            await s.query(by_company(1))


async def test_results_given_by_hand(remote: Remote) -> None:
    async with firm(remote).session() as s:
        call: QueryCall[Employee] = by_company(1)
        ann = Employee(id=1, name="Ann")
        assert await s.register_query(call, [ann]) == [ann]
        assert await s.register_query(call, []) == [ann]
        assert await s.query(call) == [ann]
        assert state_of(ann) is State.CLEAN
        assert await s.register_query(call, [], force=True) == []
        assert await s.query(call) == []
    assert remote.calls == []


def test_the_same_without_async(remote: Remote) -> None:
    app = firm(remote)
    with app.sync.session() as s:
        ann, bob, _ = s.query(by_company(1))
        assert s.register_query(by_company(9), [bob]) == [bob]
        assert s.query(by_company(9)) == [bob]
        assert s.wait(ann.company) is s.get(Company, 1)
        remote.employees[1]["name"] = "Anna"
        s.query(by_company(1), force=True)
        assert ann.name == "Anna"
    app.sync.close()
