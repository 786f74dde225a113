"""A transaction on PostgreSQL, and how the steps of a work are carried out on a connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from holdall.errors import HoldallError, LockConflict
from holdall.query import Value
from holdall.store import Answer, Held, Outcome, Rows
from holdall.stores.sql.postgres_answer import answer_on
from holdall.stores.sql.postgres_connection import PostgresConnection
from holdall.stores.sql.postgres_driver import CONNECTION_LOST, DRIVER_ERRORS, OUTDATED, as_tuple
from holdall.stores.sql.postgres_guards import IS_RESERVING
from holdall.stores.sql.postgres_pieces import split
from holdall.stores.sql.postgres_reservations import (
    OutdatedGuards,
    PostgresReservations,
    is_table_there,
    nothing_reserved,
)
from holdall.stores.sql.postgres_steps import WroteFewer, run_step
from holdall.stores.sql.raw import RawStatement
from holdall.stores.sql.steps import Find, Insert, Look, Step, StillReferred, Work

__all__ = ["CONNECTION_LOST", "DRIVER_ERRORS", "OUTDATED", "PostgresTransaction", "as_tuple", "carry_out", "judged"]


class PostgresTransaction:
    """An open transaction: one statement at a time, in the order asked."""

    def __init__(
        self,
        store: str,
        translated: Callable[[BaseException, list[Step]], HoldallError],
        connection: PostgresConnection,
        reservations: PostgresReservations,
        *,
        has_snapshot: bool = False,
    ) -> None:
        self._has_snapshot = has_snapshot  # one for all statements, which does not see what came after
        self._depth = 0  # of savepoints
        self._store = store
        self._translated = translated
        self._connection = connection
        self._reservations = reservations
        self._turn = asyncio.Lock()
        self._done: list[Step] = []
        self._has_demanded_none = False  # reservations, as there was no table of them

    async def rows(self, sql: str, parameters: Sequence[Value]) -> Rows:
        """The rows of a reading statement, this transaction's own changes included."""
        async with self._turn:
            try:
                return list(map(as_tuple, await self._connection.fetch(sql, parameters)))
            except DRIVER_ERRORS as error:
                raise self._translated(error, []) from error

    async def answer(self, statement: RawStatement, limit: int) -> Answer:
        """The answer to a statement as its user wrote it."""
        async with self._turn:
            try:
                return await answer_on(self._connection, statement, limit)
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
                except OutdatedGuards:  # the table has come, and is known by now
                    done.clear()
                    outcomes = await self._part(work, done)
            except DRIVER_ERRORS as error:
                raise self._translated(error, done) from error
        self._done.extend(done)
        return outcomes

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part of the transaction: an exception in its block undoes what was written in it."""
        self._depth += 1
        name, done = f"point_{self._depth}", len(self._done)
        try:
            await self.execute(f"SAVEPOINT {name}")
            try:
                yield
            except BaseException:
                await self.execute(f"ROLLBACK TO {name}; RELEASE {name}")
                del self._done[done:]
                raise
            await self.execute(f"RELEASE {name}")
        finally:
            self._depth -= 1

    async def _part(self, work: Work, done: list[Step]) -> list[Outcome]:
        connection = self._connection
        if self._has_demanded_none and connection.is_reserving:
            # outside of the part, so that a reserver who waits for this transaction does so until its very end
            await self._reservations.lock(connection)
        try:
            held = await self._reservations.begin(connection, "SAVEPOINT part")
            self._has_demanded_none |= not connection.is_reserving
            outcomes = await judged(self._store, connection, work, held, done)
            if self._has_snapshot and not connection.is_reserving and await is_table_there(connection):
                connection.forget()
                raise LockConflict(self._store, "its first table of reservations came meanwhile; try again")
        except Exception:
            if not connection.raw.is_closed():
                await connection.raw.execute("ROLLBACK TO part")
            raise
        await connection.raw.execute("RELEASE part")
        return outcomes

    async def execute(self, statement: str) -> None:
        """Run a statement without parameters."""
        async with self._turn:
            try:
                await self._connection.raw.execute(statement)
            except DRIVER_ERRORS as error:
                raise self._translated(error, self._done) from error


async def judged(
    store: str, connection: PostgresConnection, work: Work, held: list[Held], done: list[Step]
) -> list[Outcome]:
    """Carry out a work in a transaction in which this is held. Raises Reserved if it touches any of it.

    Raises OutdatedGuards if there is a table of reservations of which the connection did not know.
    """
    work.demand_unreserved(store, held)
    only = "" if connection.is_reserving else nothing_reserved(is_reserving=False)
    outcomes = await carry_out(connection, work, done, only)
    # once more, as by now it is known which keys the sequences have made
    work.demand_unreserved(store, held, outcomes)
    return outcomes


async def carry_out(connection: PostgresConnection, work: Work, done: list[Step], only: str = "") -> list[Outcome]:
    """Carry out all steps, the first under the condition ``only``; each is put into ``done`` before it is sent."""
    steps = work()
    try:
        step = next(steps)
    except StopIteration as end:  # nothing is to be done
        nothing: list[Outcome] = end.value
        return nothing
    while True:
        reply = await _reply(connection, step, done, only)
        only = ""
        try:
            step = steps.send(reply)
        except StopIteration as end:
            outcomes: list[Outcome] = end.value
            return outcomes


async def _reply(connection: PostgresConnection, step: Step, done: list[Step], only: str) -> Any:
    """The reply of a step of any size."""
    made: list[Any] = []
    before = 0
    if isinstance(step, Insert) and step.returning and not await connection.returns_whole(step.table.key):
        step.returning = ()
        keys = await _reply(connection, step, done, only)
        return keys if isinstance(keys, int) else [(key,) for key in keys or ()]
    for piece in split(step):
        done.append(piece)
        reply = await _replied(connection, piece, only)
        only = ""
        if isinstance(reply, list):
            made.extend(reply)
        elif isinstance(reply, StillReferred):
            return StillReferred(before + reply.index)
        elif reply is not None:
            return before + reply
        before += len(piece.rows)
    return made if isinstance(step, Insert | Find | Look) else None


async def _replied(connection: PostgresConnection, piece: Step, only: str) -> Any:
    try:
        return await run_step(connection, piece, only)
    except WroteFewer as fewer:
        if fewer.written == 0 and await connection.raw.execute(IS_RESERVING) != "SELECT 0":
            connection.is_reserving = True
            raise OutdatedGuards from None
        return fewer.reply
