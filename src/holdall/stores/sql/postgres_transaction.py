"""A transaction on PostgreSQL, and how the steps of a work are carried out on a connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

import asyncpg

from holdall.errors import HoldallError, LockConflict
from holdall.store import Outcome, Rows, demand_unreserved
from holdall.stores.sql.postgres_pool import PostgresConnection
from holdall.stores.sql.postgres_reservations import OutdatedGuards, PostgresReservations
from holdall.stores.sql.postgres_steps import run_step, split
from holdall.stores.sql.steps import Insert, Step, Work

__all__ = ["DRIVER_ERRORS", "OUTDATED", "PostgresTransaction", "as_tuple", "carry_out"]

as_tuple = itemgetter(slice(None))  # a record's values as a tuple, in half the time of tuple()

OUTDATED = (asyncpg.InvalidCachedStatementError, asyncpg.exceptions.OutdatedSchemaCacheError)
DRIVER_ERRORS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,  # TimeoutError among them
    OverflowError,
    UnicodeError,
)


class PostgresTransaction:
    """An open transaction: one statement at a time, in the order asked."""

    def __init__(
        self,
        store: str,
        translated: Callable[[BaseException, list[Step]], HoldallError],
        connection: PostgresConnection,
        reservations: PostgresReservations,
    ) -> None:
        self._store = store
        self._translated = translated
        self._connection = connection
        self._reservations = reservations
        self._turn = asyncio.Lock()
        self._done: list[Step] = []
        self._has_looked = True  # at reservations, before each work

    async def rows(self, sql: str, parameters: Sequence[Any]) -> Rows:
        """The rows of a reading statement, this transaction's own changes included."""
        async with self._turn:
            try:
                return list(map(as_tuple, await self._connection.fetch(sql, parameters)))
            except DRIVER_ERRORS as error:
                raise self._translated(error, []) from error

    async def write(self, work: Work) -> list[Outcome]:
        """Carry out the work's steps; if one is refused, none of them lasts and the transaction goes on.

        Raises Reserved if another commit holds anything they touch.
        """
        done: list[Step] = []
        async with self._turn:
            try:
                try:
                    outcomes = await self._part(work, done)
                except Exception:
                    if not self._connection.raw.is_closed():
                        await self._connection.raw.execute("ROLLBACK TO part")
                    raise
                await self._connection.raw.execute("RELEASE part")
            except DRIVER_ERRORS as error:
                raise self._translated(error, done) from error
        self._done.extend(done)
        return outcomes

    async def commit(self) -> None:
        """Make it last."""
        async with self._turn:
            try:
                await self._reservations.end(self._connection, has_looked=self._has_looked)
            except OutdatedGuards as error:
                self._connection.forget()
                told = "a commit over several stores began to hold records while this was open; nothing was applied"
                raise LockConflict(self._store, told) from error
            except DRIVER_ERRORS as error:
                raise self._translated(error, self._done) from error

    async def _part(self, work: Work, done: list[Step]) -> list[Outcome]:
        held = await self._reservations.begin(self._connection, "SAVEPOINT part")
        self._has_looked &= self._connection.is_reserving
        demand_unreserved(self._store, work.changes, work.schemas, held)
        steps = work()
        outcomes = await carry_out(self._connection, steps, next(steps), done)
        # once more, as by now it is known which keys the sequences have made
        demand_unreserved(self._store, work.changes, work.schemas, held, outcomes)
        return outcomes

    async def execute(self, statement: str) -> None:
        """Run a statement without parameters."""
        async with self._turn:
            try:
                await self._connection.raw.execute(statement)
            except DRIVER_ERRORS as error:
                raise self._translated(error, self._done) from error


async def carry_out(connection: PostgresConnection, steps: Any, step: Step, done: list[Step]) -> list[Outcome]:
    """Carry out the first step and those that follow; each is put into ``done`` before it is sent."""
    while True:
        reply = await _reply(connection, step, done)
        try:
            step = steps.send(reply)
        except StopIteration as end:
            outcomes: list[Outcome] = end.value
            return outcomes


async def _reply(connection: PostgresConnection, step: Step, done: list[Step]) -> Any:
    """The reply of a step of any size."""
    made: list[Any] = []
    before = 0
    for piece in split(step):
        done.append(piece)
        reply = await run_step(connection, piece)
        if isinstance(reply, list):
            made.extend(reply)
        elif reply is not None:
            return before + reply
        before += len(piece.rows)
    return made if isinstance(step, Insert) else None
