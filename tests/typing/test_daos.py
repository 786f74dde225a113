"""What type checkers must say of DAOs and query functions; run by mypy and pyright, not by pytest."""

from __future__ import annotations

from typing import assert_type

from holdall import Holdall, Model, Session, field
from holdall.dao import DAO, QueryCall, query


class Employee(Model):
    id: int = field(pk=True, generated=True, default=None)
    name: str


class EmployeeDAO(DAO[Employee]):
    async def get(self, *, id: int) -> Employee | None:  # noqa: A002
        return Employee(id=id, name="Ann")

    async def add(self, record: Employee) -> None:
        record.id = 3
        assert_type(await self.session.get(Employee, 1), Employee | None)


@query
async def by_company(session: Session, company: int, *, older_than: int = 0) -> list[Employee]:
    return []


@query
async def by_name(name: str, *, session: Session) -> tuple[Employee, ...]:
    return ()


async def uses(app: Holdall) -> None:
    assert_type(by_company(3, older_than=4), QueryCall[Employee])
    assert_type(by_name("Ann"), QueryCall[Employee])
    async with app.session() as session:
        assert_type(await session.query(by_company(3)), list[Employee])
        assert_type(await session.query(by_name("Ann"), force=True), list[Employee])
        assert_type(await session.query(Employee.where()), list[Employee])
        assert_type(session.get_dao(Employee), DAO[Employee])
        assert_type(await session.register_query(by_company(3), []), list[Employee])
