"""Works on PostgreSQL: one statement is a transaction by itself where that is safe, all others run in one."""

from __future__ import annotations

from holdall.errors import LockConflict, StoreUnavailable
from holdall.store import Outcome
from holdall.stores.sql.errors import deciding, is_read_only
from holdall.stores.sql.postgres_access import PostgresAccess
from holdall.stores.sql.postgres_combined import REFUSED, Combined, combined
from holdall.stores.sql.postgres_connection import PostgresConnection
from holdall.stores.sql.postgres_insertion import demand_nothing_written, is_alone_safe
from holdall.stores.sql.postgres_pieces import ROWS
from holdall.stores.sql.postgres_reservations import (
    OutdatedGuards,
    PostgresReservations,
    is_reservation_table,
    nothing_reserved,
)
from holdall.stores.sql.postgres_steps import WroteFewer, has_triggers_of, run_step
from holdall.stores.sql.postgres_transaction import CONNECTION_LOST, DRIVER_ERRORS, OUTDATED, judged
from holdall.stores.sql.steps import Insert, Step, Steps, Update, Work
from holdall.stores.sql.watching import WatchedWork, shown_whole

__all__ = ["PostgresWorks"]

_TRIES = 3


class PostgresWorks:
    """Carries out the works of one store. Raises our errors."""

    def __init__(self, access: PostgresAccess, reservations: PostgresReservations) -> None:
        self._access = access
        self._reservations = reservations

    async def write(self, work: Work, ending: str | None = None) -> list[Outcome]:
        """Carry out a work in one transaction, which ends by the statement ``ending``, or else is committed.

        Where the connection was lost before that, or the server takes no writes, another connection has a try.
        """
        for number in range(_TRIES):
            try:
                async with self._access.connected() as connection:
                    return await self._tried(connection, work, ending)
            except (*OUTDATED, OutdatedGuards):
                continue
            except StoreUnavailable as error:
                is_elsewhere = is_read_only(error) or isinstance(error.__cause__, CONNECTION_LOST)
                if number or error.is_outcome_unknown or not is_elsewhere:
                    raise
        raise LockConflict(self._access.store, "its tables are being changed, and nothing was applied; try again")

    async def _tried(self, connection: PostgresConnection, work: Work, ending: str | None) -> list[Outcome]:
        done: list[Step] = []
        try:
            if ending is None:
                outcomes = await self._alone(connection, work, done)
                if outcomes is not None:
                    return outcomes
            return await self._together(connection, work, ending or "COMMIT", done)
        except OutdatedGuards:
            raise
        except OUTDATED:
            connection.forget()
            raise
        except DRIVER_ERRORS as error:
            if is_reservation_table(error):
                connection.forget()
                raise OutdatedGuards from error
            raise self._access.translated(error, done) from error

    async def _alone(self, connection: PostgresConnection, work: Work, done: list[Step]) -> list[Outcome] | None:
        """Run a single statement that is the whole commit and return its outcomes; None where the work takes more, or
        where the statement did nothing.
        """
        if not connection.is_bounded:
            return None
        steps = Work.__call__(work)  # not shown one by one
        step = next(steps)
        guards = await connection.learned()
        if not is_alone_safe(connection, guards):
            return None
        only = nothing_reserved(connection.is_reserving)
        if not step.is_only or (type(step) is Update and len(step.rows) > 1):
            return await self._combined(connection, combined(step, steps, only, guards), work, done)
        if not _is_atomic(step) or step.table.key in guards.tables:
            return None
        if isinstance(step, Insert) and step.returning:
            if step.table.key in guards.followed:
                return None
            only = f"{only} AND NOT {has_triggers_of(step)}"  # so that what comes back is what stands there
        if isinstance(work, WatchedWork):
            steps = work()
            next(steps)
        done.append(step)
        with deciding(), self._access.translating(done):
            try:
                return _last(steps, await run_step(connection, step, only))
            except WroteFewer as fewer:
                written = fewer.written
        await demand_nothing_written(self._access, connection, step, written)
        done.clear()
        return None

    async def _combined(
        self, connection: PostgresConnection, whole: Combined | None, work: Work, done: list[Step]
    ) -> list[Outcome] | None:
        """Run all steps as one statement and return the outcomes; None where that did nothing."""
        if whole is None:
            return None
        done.append(next((step for step in whole.steps if not isinstance(step, Insert)), whole.steps[0]))  # may wait
        with deciding(), self._access.translating(done):
            try:
                with shown_whole(work, whole.sql, whole.parameters, whole.rows):
                    (found,) = await connection.fetch(whole.sql, whole.parameters)
            except REFUSED:
                done.clear()
                return None
        return whole.outcomes_with(found[1] if len(found) > 1 else ())

    async def _together(
        self, connection: PostgresConnection, work: Work, ending: str, done: list[Step]
    ) -> list[Outcome]:
        """All steps in one transaction. Raises Reserved if another commit holds anything they touch."""
        held = await self._reservations.begin(connection)
        outcomes = await judged(self._access.store, connection, work, held, done)
        with deciding(), self._access.translating(done):
            await connection.raw.execute(ending)
        return outcomes


def _is_atomic(step: Step) -> bool:
    """Whether the step is the whole work, and one statement that is known to apply wholly or not at all."""
    if isinstance(step, Insert):
        return step.is_only and step.given is None and bool(step.columns) and len(step.rows) <= ROWS
    return step.is_only and len(step.rows) == 1


def _last(steps: Steps, reply: object) -> list[Outcome]:
    try:
        steps.send(reply)
    except StopIteration as end:
        outcomes: list[Outcome] = end.value
        return outcomes
    raise AssertionError("a work of one step had another")
