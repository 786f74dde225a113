"""What type checkers must say of contexts and services; run by mypy and pyright, not by pytest."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, assert_type

from holdall import Context, Dal, Holdall, Meta, Model, Service, Session, SyncContext, SyncService, User, field
from holdall.app import SyncSession
from holdall.service import awaited, waited


class Book(Model):
    id: int = field(pk=True)


class Fines(Service):
    async def charge(self, cents: int, *, by: str = "") -> int:
        assert_type(self.session, Session)
        assert_type(self.context, Context)
        assert_type(self.dal, Dal)
        return cents


class Loans(Service):
    fines = Fines()

    async def lend(self, book: int) -> Book:
        return await self.session.require(Book, book)


class Shelf(SyncService):
    def put(self, book: int) -> Book:
        assert_type(self.session, SyncSession)
        assert_type(self.context, SyncContext)
        return self.session.require(Book, book)


class Library:
    loans: Loans
    shelf: Shelf


app = Holdall("library")


@app.resource
async def pool(context: Context) -> AsyncIterator[list[int]]:
    assert_type(context.user, User)
    assert_type(context.meta, Meta)
    yield [1]


@app.resource("locks")
def lock(context: SyncContext) -> Iterator[str]:
    yield "locked"


async def uses() -> list[int]:
    async with app.dal(Library, user=User("ann"), meta={"ip": "::1"}) as dal:
        assert_type(dal, Library)
        assert_type(await dal.loans.lend(1), Book)
        assert_type(await dal.loans.fines.charge(1, by="ann"), int)
        assert_type(await awaited(dal.shelf.put)(1), Book)
    async with app.dal() as plain:
        assert_type(plain, Dal)
        assert_type(await plain.loans.lend(1), Any)
    async with app.context() as context:
        assert_type(await context.resource(pool), list[int])
        assert_type(await context.resource(lock), str)
        assert_type(context.dal_as(Library), Library)
        assert_type(app.active_context, Context | None)
        return await context.resource(pool)


def uses_sync() -> str:
    with app.sync.dal(Library) as dal:
        assert_type(dal.shelf.put(1), Book)
        assert_type(waited(dal.loans.lend)(1), Book)
    with app.sync.context() as context:
        assert_type(context.session, SyncSession)
        assert_type(context.resource(pool), list[int])
        return context.resource(lock)
