"""What type checkers must refuse of DAOs and query functions; see ``refused_models``."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from holdall import Model, Session, field
from holdall.dao import DAO, query


class Employee(Model):
    id: int = field(pk=True)


class Company(Model):
    id: int = field(pk=True)


class WrongDAO(DAO[Employee]):
    async def add(self, record: Company) -> None:  # type: ignore[override]
        pass

    async def get(self, *, id: int) -> Company | None:  # type: ignore[override]  # noqa: A002
        return None


@query
async def by_company(session: Session, company: int) -> list[Employee]:
    return []


def asking() -> None:
    by_company("x")  # type: ignore[arg-type]
    by_company()  # type: ignore[call-arg]
    by_company(1, session=None)  # type: ignore[call-arg]


async def running(session: Session) -> None:
    await session.query(Employee.where(), force=True)  # type: ignore[call-overload]
    session.register_dao(WrongDAO)  # type: ignore[arg-type]
