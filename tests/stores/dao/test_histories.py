"""Any history of a session over DAOs that refuse now and then: in the end the other side has what was meant, once."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from holdall import Session, State, state_of
from holdall.errors import Conflict
from holdall.session import Strategy
from tests.support.firm_of_daos import Company, Employee, Remote, firm

_ACTS = st.one_of(
    st.tuples(st.just("hire"), st.integers(0, 9)),
    st.tuples(st.just("found"), st.integers(0, 9)),
    st.tuples(st.just("rename"), st.integers(0, 9)),
    st.tuples(st.just("move"), st.integers(0, 9), st.integers(0, 9)),
    st.tuples(st.just("dismiss"), st.integers(0, 9)),
    st.tuples(st.just("refuse"), st.sampled_from(["add", "update", "remove"]), st.integers(0, 30)),
    st.tuples(st.just("commit")),
    st.tuples(st.just("roll back")),
    st.tuples(st.just("leave")),
)


class History:
    """A session, and what the other side is to have in the end: by name, as names here are never used twice."""

    def __init__(self, strategy: Strategy) -> None:
        self.remote = Remote()
        self.strategy = strategy
        self.app = firm(self.remote)
        self.session = Session(self.app.bindings, strategy=strategy)
        self.records: list[Any] = []
        self.names = 0

    async def take(self, act: str, *arguments: Any) -> None:
        await getattr(self, act.replace(" ", "_"))(*arguments)

    def name(self) -> str:
        self.names += 1
        return f"N{self.names}"

    def pick(self, kind: type[Any], number: int) -> Any:
        there = [record for record in self.records if type(record) is kind and state_of(record) in _ALIVE]
        return there[number % len(there)] if there else None

    async def hire(self, number: int) -> None:
        company = self.pick(Company, number)
        self.records.append(self.session.add(Employee(name=self.name(), company=company)))

    async def found(self, _: int) -> None:
        self.records.append(self.session.add(Company(name=self.name())))

    async def rename(self, number: int) -> None:
        employee = self.pick(Employee, number)
        if employee is not None:
            employee.name = self.name()

    async def move(self, number: int, other: int) -> None:
        employee, company = self.pick(Employee, number), self.pick(Company, other)
        if employee is not None:
            employee.company = company

    async def dismiss(self, number: int) -> None:
        employee = self.pick(Employee, number)
        if employee is not None:
            self.session.remove(employee)

    async def refuse(self, verb: str, number: int) -> None:
        self.remote.fails[f"{verb} N{number}"] = Conflict("api", "not now")

    async def commit(self) -> None:
        await self.session.commit(raise_for_status=False)

    async def roll_back(self) -> None:
        self.session.rollback()

    async def leave(self) -> None:
        """A new session, after the last word of this one; the records are got again."""
        await self.finish()
        self.session = Session(self.app.bindings, strategy=self.strategy)
        keys = [(type(record), record.id) for record in self.records if state_of(record) is State.CLEAN]
        self.records = [await self.session.require(kind, key) for kind, key in keys]

    async def finish(self) -> None:
        self.remote.fails.clear()
        await self.session.commit()

    def check(self) -> None:
        assert not self.session.plan().steps
        alive = [record for record in self.records if state_of(record) is not State.DISCARDED]
        assert {state_of(record) for record in alive} <= {State.CLEAN}
        employees = {record.id: record for record in alive if type(record) is Employee}
        companies = {record.id: record for record in alive if type(record) is Company}
        assert {key: row["name"] for key, row in self.remote.companies.items()} == {
            key: company.name for key, company in companies.items()
        }
        assert {key: (row["name"], row["company"]) for key, row in self.remote.employees.items()} == {
            key: (employee.name, employee.company.key) for key, employee in employees.items()
        }


_ALIVE = (State.NEW, State.CLEAN, State.DIRTY)


@settings(max_examples=60)
@given(acts=st.lists(_ACTS, max_size=25), strategy=st.sampled_from(Strategy))
def test_any_history(acts: list[tuple[Any, ...]], strategy: Strategy) -> None:
    async def work() -> None:
        history = History(strategy)
        for act in acts:
            await history.take(*act)
        await history.finish()
        history.check()

    asyncio.run(work())
