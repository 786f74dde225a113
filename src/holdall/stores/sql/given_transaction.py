"""A transaction on a connection of somebody else's engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy import exc

from holdall.errors import HoldallError, StoreUnavailable
from holdall.query import Value
from holdall.store import Answer, Outcome, Rows
from holdall.stores.sql.engine_raw import answered
from holdall.stores.sql.given_connections import Loan
from holdall.stores.sql.raw import RawStatement
from holdall.stores.sql.steps import Step, Work

__all__ = ["GivenTransaction", "held", "rows_by"]


class _Database(Protocol):
    """A database that carries works out on a connection. Raises our errors."""

    def translating(self) -> AbstractContextManager[None]: ...

    def carried_out(self, connection: sa.Connection, work: Work, done: list[Step]) -> list[Outcome]: ...


class GivenTransaction:
    """An open transaction: one statement at a time, in the order asked.

    ``lost`` is the error with which the server ended all of it, ``done`` the steps that were carried out.
    """

    def __init__(self, store: str, database: _Database, loan: Loan) -> None:
        self.lost: HoldallError | None = None
        self.done: list[Step] = []
        self._store = store
        self._database = database
        self._loan = loan
        self._turn = asyncio.Lock()

    def demand_there(self) -> None:
        """Raise the error with which the server ended the transaction, if it did."""
        if self.lost is not None:
            raise self.lost

    async def rows(self, sql: str, parameters: Value) -> Rows:
        """The rows of a reading statement, this transaction's own changes included."""
        async with self._turn:
            self.demand_there()
            with self._database.translating():
                return await self._loan.run(lambda connection: rows_by(connection, sql, parameters))

    async def answer(self, statement: RawStatement, limit: int) -> Answer:
        """The answer to a statement as its user wrote it."""
        async with self._turn:
            self.demand_there()
            with self._database.translating():
                return await self._loan.run(lambda connection: answered(connection, statement, limit))

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part of the transaction: an exception in its block undoes what was written in it."""
        async with self._turn:
            self.demand_there()
            before = len(self.done)
            with self._database.translating():
                part = await self._loan.run(lambda connection: connection.begin_nested())
        try:
            yield
        except BaseException:
            async with self._turn:
                del self.done[before:]
                if self.lost is None and not await self._loan.run(lambda _: _is_undone(part)):
                    self.lost = StoreUnavailable(self._store, "it has ended a transaction; open another")
            raise
        async with self._turn:
            self.demand_there()
            with self._database.translating():
                await self._loan.run(lambda _: part.commit())

    async def write(self, work: Work) -> list[Outcome]:
        """Carry out the work's steps; if one is refused, none of them lasts and the transaction goes on."""
        async with self._turn:
            self.demand_there()
            is_there = [True]
            done: list[Step] = []
            try:
                with self._database.translating():
                    outcomes = await self._loan.run(lambda connection: self._part(connection, work, done, is_there))
            except HoldallError as error:
                if not is_there[0]:
                    self.lost = error
                raise
            self.done.extend(done)
            return outcomes

    def _part(self, connection: sa.Connection, work: Work, done: list[Step], is_there: list[bool]) -> list[Outcome]:
        part = connection.begin_nested()
        try:
            outcomes = self._database.carried_out(connection, work, done)
        except Exception:
            is_there[0] = _is_undone(part)
            raise
        part.commit()
        return outcomes


def _is_undone(part: sa.NestedTransaction) -> bool:
    """Whether the savepoint was still there to go back to."""
    try:
        part.rollback()
    except exc.SQLAlchemyError:
        return False
    return True


@asynccontextmanager
async def held(loan: Loan, manager: Callable[[sa.Connection], AbstractContextManager[None]]) -> AsyncIterator[None]:
    """Within the block the connection is as the manager has it, and afterwards as it was.

    A thread goes on with what it began when it is broken off: what it enters then is left after it, in the same thread.
    """
    stack = ExitStack()
    try:
        await loan.run(lambda connection: stack.enter_context(manager(connection)))
        yield
    finally:
        await loan.run(lambda _: stack.close())


def rows_by(connection: sa.Connection, sql: str, parameters: Value) -> Rows:
    """The rows of a reading statement; None for parameters leaves every % as it is. Raises SQLAlchemy's errors."""
    if parameters is None:
        return list(map(tuple, connection.exec_driver_sql(sql, execution_options={"no_parameters": True})))
    return list(map(tuple, connection.exec_driver_sql(sql, parameters)))
