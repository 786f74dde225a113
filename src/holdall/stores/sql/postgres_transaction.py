"""A transaction on PostgreSQL, and how the steps of a work are carried out on a connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

import asyncpg

from holdall.errors import HoldallError
from holdall.store import Outcome, Rows
from holdall.stores.sql.postgres_pool import PostgresConnection
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
        self, translated: Callable[[BaseException, list[Step]], HoldallError], connection: PostgresConnection
    ) -> None:
        self._translated = translated
        self._connection = connection
        self._turn = asyncio.Lock()
        self._done: list[Step] = []

    async def rows(self, sql: str, parameters: Sequence[Any]) -> Rows:
        """The rows of a reading statement, this transaction's own changes included."""
        async with self._turn:
            try:
                return list(map(as_tuple, await self._connection.fetch(sql, parameters)))
            except DRIVER_ERRORS as error:
                raise self._translated(error, []) from error

    async def write(self, work: Work) -> list[Outcome]:
        """Carry out the work's steps; if one is refused, none of them lasts and the transaction goes on."""
        done: list[Step] = []
        async with self._turn:
            try:
                await self._connection.raw.execute("SAVEPOINT part")
                try:
                    steps = work()
                    outcomes = await carry_out(self._connection, steps, next(steps), done)
                except Exception:
                    if not self._connection.raw.is_closed():
                        await self._connection.raw.execute("ROLLBACK TO part")
                    raise
                await self._connection.raw.execute("RELEASE part")
            except DRIVER_ERRORS as error:
                raise self._translated(error, done) from error
        self._done.extend(done)
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
