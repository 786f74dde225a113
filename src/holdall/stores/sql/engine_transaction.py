"""A transaction behind SQLAlchemy's async engine, and how the steps of a work are carried out on a connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager

from sqlalchemy import exc
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncTransaction

from holdall.errors import HoldallError, StoreUnavailable
from holdall.query import Value
from holdall.store import Answer, Outcome, Rows
from holdall.stores.sql.engine_raw import answer_by
from holdall.stores.sql.engine_steps import run_steps
from holdall.stores.sql.raw import RawStatement
from holdall.stores.sql.steps import Work

__all__ = ["AS_IT_IS", "EngineTransaction", "carry_out", "rows_of"]

AS_IT_IS = {"no_parameters": True}
"""The driver looks for no parameters, and a % is a %."""


class EngineTransaction:
    """An open transaction: one statement at a time, in the order asked.

    ``lost`` is the error with which the server ended all of it, as MariaDB does with the victim of a deadlock.
    """

    def __init__(
        self, store: str, translating: Callable[[], AbstractContextManager[None]], connection: AsyncConnection
    ) -> None:
        self.lost: HoldallError | None = None
        self._store = store
        self._translating = translating
        self._connection = connection
        self._turn = asyncio.Lock()

    async def rows(self, sql: str, parameters: Value) -> Rows:
        """The rows of a reading statement, this transaction's own changes included."""
        async with self._turn:
            self.demand_there()
            with self._translating():
                return await rows_of(self._connection, sql, parameters)

    async def answer(self, statement: RawStatement, limit: int) -> Answer:
        """The answer to a statement as its user wrote it."""
        async with self._turn:
            self.demand_there()
            with self._translating():
                return await answer_by(self._connection, statement, limit)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part of the transaction: an exception in its block undoes what was written in it."""
        async with self._turn:
            self.demand_there()
            with self._translating():
                part = await self._connection.begin_nested()
        try:
            yield
        except BaseException:
            async with self._turn:
                if self.lost is None and not await _is_undone(part):
                    self.lost = StoreUnavailable(self._store, "it has ended a transaction; open another")
            raise
        async with self._turn:
            self.demand_there()
            with self._translating():
                await part.commit()

    def demand_there(self) -> None:
        """Raise the error with which the server ended the transaction, if it did."""
        if self.lost is not None:
            raise self.lost

    async def write(self, work: Work) -> list[Outcome]:
        """Carry out the work's steps; if one is refused, none of them lasts and the transaction goes on.

        If the server has ended the transaction, this and every further work raises why.
        """
        async with self._turn:
            self.demand_there()
            is_there = True
            try:
                with self._translating():
                    part = await self._connection.begin_nested()
                    try:
                        outcomes = await carry_out(self._connection, work)
                    except Exception:
                        is_there = await _is_undone(part)
                        raise
                    await part.commit()
                    return outcomes
            except HoldallError as error:
                if not is_there:
                    self.lost = error
                raise


async def _is_undone(part: AsyncTransaction) -> bool:
    """Whether the savepoint was still there to go back to."""
    try:
        await part.rollback()
    except exc.SQLAlchemyError:
        return False
    return True


async def rows_of(connection: AsyncConnection, sql: str, parameters: Value) -> Rows:
    """The rows of a reading statement. Raises SQLAlchemy's errors."""
    if parameters is None:
        result = await connection.exec_driver_sql(sql, execution_options=AS_IT_IS)
    else:
        result = await connection.exec_driver_sql(sql, parameters)
    return list(map(tuple, result))


async def carry_out(connection: AsyncConnection, work: Work) -> list[Outcome]:
    """Carry out the work's steps. Raises StepRefused and SQLAlchemy's errors."""
    return await connection.run_sync(run_steps, work)
