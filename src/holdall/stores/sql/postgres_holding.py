"""A PostgreSQL database's part of a commit over several stores, where the server keeps no prepared transactions.

The part is tried, taken back and held as a row; then written, or let go of. While it is tried all other Holdall writers
of the database wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from holdall.errors import HoldallError, LockConflict
from holdall.store import Outcome, Reservation
from holdall.stores.sql.errors import deciding
from holdall.stores.sql.postgres_access import PostgresAccess
from holdall.stores.sql.postgres_connection import PostgresConnection
from holdall.stores.sql.postgres_reservations import FLUSH, PostgresReservations, is_reservation_table
from holdall.stores.sql.postgres_transaction import DRIVER_ERRORS, OUTDATED, carry_out
from holdall.stores.sql.steps import FenceWork, Step, Work

__all__ = ["PostgresHolding"]

T = TypeVar("T")

_PAUSE = 0.02  # seconds between two looks at who is still writing
_TRIES = 3


class PostgresHolding:
    """Holds works of one store by rows. Raises our errors."""

    def __init__(self, access: PostgresAccess, reservations: PostgresReservations) -> None:
        self._access = access
        self._reservations = reservations
        self._is_ready = False

    async def prepare(self, reservation: Reservation, work: Work) -> list[Outcome]:
        """Try the work, take it back, and hold what it touches."""
        outcomes = await self._with_table(lambda connection, done: self._prepare(connection, reservation, work, done))
        if isinstance(outcomes, HoldallError):
            raise outcomes
        return outcomes

    async def fence(self, reservation: Reservation, work: FenceWork) -> list[Outcome]:
        """Hold a fence; return when all have ended who write without having seen it, but for prepared transactions."""
        await self._with_table(lambda connection, _: self._fence(connection, reservation, work))
        return []

    async def commit(self, commit: str, work: Work) -> bool:
        """Write what is held and let go of it, in a commit that ``sync`` makes last; False where nothing is held."""

        async def write(connection: PostgresConnection, done: list[Step]) -> bool:
            is_held = await self._reservations.begin_writing(connection, commit)
            if is_held:
                await carry_out(connection, work, done)
            await self._end(connection, done)
            return is_held

        return await self._run(write)

    async def sync(self) -> None:
        """Wait for the disk, for whatever was committed without."""

        async def flush(connection: PostgresConnection, done: list[Step]) -> None:
            await connection.raw.execute(FLUSH)

        await self._run(flush)

    async def roll_back(self, commit: str) -> None:
        """Let go of all that is held under this commit in the database."""
        await self._finish(lambda connection: self._reservations.let_go(connection, commit))

    async def renew(self, reservation: Reservation) -> None:
        """Let it expire when the reservation says."""
        await self._finish(lambda connection: self._reservations.renew(connection, reservation))

    async def listed(self) -> list[Reservation]:
        """All that is held."""
        found: list[Reservation] = []

        async def read(connection: PostgresConnection) -> None:
            found.extend(await self._reservations.listed(connection))

        await self._finish(read)
        return found

    async def create(self) -> None:
        """Make the table, and wait until nobody writes who may not have seen it."""

        async def make(connection: PostgresConnection, done: list[Step]) -> None:
            await self._reservations.create(connection)
            waiting = await self._reservations.unaware(connection)
            await self._ended(waiting, lambda: self._reservations.writing(connection))

        await self._run(make)
        self._is_ready = True

    async def drop(self) -> None:
        """Drop the table, and all that is held by it."""

        async def drop(connection: PostgresConnection, done: list[Step]) -> None:
            await self._reservations.drop(connection)

        await self._run(drop)
        self._is_ready = False

    async def _ended(self, waiting: frozenset[str], going_on: Callable[[], Awaitable[frozenset[str]]]) -> None:
        """Wait until none of these transactions is among those that go on."""
        deadline = asyncio.get_running_loop().time() + (self._access.options.lock_timeout or 60.0)
        while waiting:
            if asyncio.get_running_loop().time() > deadline:
                told = "a transaction that is kept open may write past reservations, and nothing was applied"
                raise LockConflict(self._access.store, told)
            await asyncio.sleep(_PAUSE)
            waiting &= await going_on()

    async def _fence(self, connection: PostgresConnection, reservation: Reservation, work: FenceWork) -> None:
        rows = self._reservations
        earlier = await rows.put_fence(connection, reservation, work.footprint())
        connection.is_reserving = True
        try:
            await self._ended(await rows.looked(connection), lambda: rows.looked(connection))
            await connection.raw.execute(FLUSH)
        except BaseException:
            if not connection.raw.is_closed():
                await rows.put_back(connection, reservation.commit, earlier)
            raise

    async def _prepare(
        self, connection: PostgresConnection, reservation: Reservation, work: Work, done: list[Step]
    ) -> list[Outcome] | HoldallError:
        """An error is given, not raised, as the transaction has something to commit: that the commit holds nothing."""
        rows, store = self._reservations, self._access.store
        held = await rows.begin_reserving(connection, reservation.commit)
        try:
            with self._access.translating(done):
                work.demand_unreserved(store, held)
                outcomes = await carry_out(connection, work, done)
                work.demand_unreserved(store, held, outcomes)
            with deciding(), self._access.translating(done):
                await rows.put(connection, reservation, work.footprint(outcomes))
        except HoldallError as error:
            if connection.raw.is_closed():
                raise
            await connection.raw.execute("ROLLBACK TO tried")
            await rows.take(connection, reservation.commit)
            await self._end(connection, done)
            return error
        return outcomes

    async def _end(self, connection: PostgresConnection, done: list[Step]) -> None:
        with deciding(), self._access.translating(done):
            await connection.raw.execute("COMMIT")

    async def _finish(self, act: Callable[[PostgresConnection], Awaitable[None]]) -> None:
        """Do something with the rows, in one transaction, if there is a table."""

        async def work(connection: PostgresConnection, done: list[Step]) -> None:
            if await self._reservations.begin_settling(connection):
                await act(connection)
            await self._end(connection, done)

        await self._run(work)

    async def _with_table(self, act: Callable[[PostgresConnection, list[Step]], Awaitable[T]]) -> T:
        if not self._is_ready:
            await self.create()
        try:
            return await self._run(act)
        except HoldallError as error:
            if error.__cause__ is None or not is_reservation_table(error.__cause__):
                raise
        await self.create()  # somebody has dropped it
        return await self._run(act)

    async def _run(self, act: Callable[[PostgresConnection, list[Step]], Awaitable[T]]) -> T:
        for _ in range(_TRIES):
            done: list[Step] = []
            try:
                async with self._access.connected() as connection:
                    try:
                        return await act(connection, done)
                    except OUTDATED:
                        connection.forget()
                        raise
                    except DRIVER_ERRORS as error:
                        raise self._access.translated(error, done) from error
            except OUTDATED:
                continue
        raise LockConflict(self._access.store, "its tables are being changed, and nothing was applied; try again")
