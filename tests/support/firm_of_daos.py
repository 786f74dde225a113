"""Companies and employees in somebody else's hands, reached by DAOs that write down what they are asked."""

from __future__ import annotations

from typing import Any

from holdall import Frozen, Holdall, Model, Ref, field
from holdall.dao import DAO, query
from holdall.session import Session


class Company(Model):
    id: int = field(pk=True, generated=True, default=None, frozen=Frozen.ALWAYS)
    name: str
    tags: list[str] = field(default_factory=list)


class Employee(Model):
    id: int = field(pk=True, generated=True, default=None, frozen=Frozen.ALWAYS)
    name: str
    age: int = 0
    company: Ref[Company | None] = field(default=None)
    boss: Ref[Employee | None] = field(default=None)
    stamp: str = field(default="", frozen=Frozen.ALWAYS)


class Remote:
    """The other side: tables of plain values, a key counter, and the calls that came."""

    def __init__(self) -> None:
        self.companies: dict[int, dict[str, Any]] = {}
        self.employees: dict[int, dict[str, Any]] = {}
        self.calls: list[tuple[Any, ...]] = []
        self.fails: dict[str, Exception] = {}  # by verb and name, as in "add Ann"
        self.last = 100

    def called(self, *call: Any) -> None:
        self.calls.append(call)
        error = self.fails.get(f"{call[0]} {call[-1]}")
        if error is not None:
            raise error

    def next_key(self) -> int:
        self.last += 1
        return self.last


class CompanyDAO(DAO[Company]):
    def __init__(self, remote: Remote) -> None:
        self.remote = remote

    async def get(self, *, id: int) -> Company | None:  # noqa: A002 - the name of the key
        self.remote.called("get", "company", id)
        row = self.remote.companies.get(id)
        return None if row is None else Company(id=id, **row)

    async def add(self, company: Company) -> object:
        self.remote.called("add", "company", company.name)
        company.id = self.remote.next_key()
        self.remote.companies[company.id] = {"name": company.name, "tags": list(company.tags)}
        return {"created": company.id}

    async def update(self, company: Company) -> None:
        self.remote.called("update", "company", company.name)
        self.remote.companies[company.id].update(name=company.name, tags=list(company.tags))

    async def remove(self, company: Company) -> None:
        self.remote.called("remove", "company", company.name)
        del self.remote.companies[company.id]


class EmployeeDAO(DAO[Employee]):
    def __init__(self, remote: Remote) -> None:
        self.remote = remote

    async def get(self, *, id: int) -> Employee | None:  # noqa: A002 - the name of the key
        self.remote.called("get", "employee", id)
        row = self.remote.employees.get(id)
        return None if row is None else Employee(id=id, **row)

    async def add(self, employee: Employee) -> None:
        self.remote.called("add", "employee", employee.name)
        employee.id = self.remote.next_key()
        employee.stamp = f"made {employee.id}"
        self.remote.employees[employee.id] = self.row(employee)

    async def update(self, employee: Employee) -> None:
        self.remote.called("update", "employee", employee.name)
        employee.name = employee.name.title()
        self.remote.employees[employee.id] = self.row(employee)

    async def remove(self, employee: Employee) -> None:
        self.remote.called("remove", "employee", employee.name)
        del self.remote.employees[employee.id]

    def row(self, employee: Employee) -> dict[str, Any]:
        company, boss = employee.company.key, employee.boss.key
        return {"name": employee.name, "age": employee.age, "company": company, "boss": boss}

    async def search(self, company: int | None, older_than: int) -> list[Employee]:
        self.remote.called("search", company, older_than)
        return [
            Employee(id=key, **row)
            for key, row in sorted(self.remote.employees.items())
            if row.get("company") == company and row.get("age", 0) > older_than
        ]


@query
async def by_company(session: Session, company: int | None, older_than: int = 0) -> list[Employee]:
    dao = session.get_dao(Employee)
    assert isinstance(dao, EmployeeDAO)
    assert dao.session is session
    return await dao.search(company, older_than)


def firm(remote: Remote) -> Holdall:
    """The application over that other side."""
    app = Holdall("firm")
    app.add_dao(CompanyDAO(remote), EmployeeDAO(remote))
    return app
