"""PostgreSQL by asyncpg: statements prepared once on each connection of an own free-list."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager

from holdall.errors import StoreUnavailable, Unsupported
from holdall.query import Value
from holdall.store import Hold, Isolation, Outcome, PoolFigures, Reservation, Rows
from holdall.stores.sql.altering import lent_by, postgres_engine
from holdall.stores.sql.database import Insertion, found_in_catalogue
from holdall.stores.sql.dialect import Dialect
from holdall.stores.sql.errors import deciding
from holdall.stores.sql.given_connections import Connections
from holdall.stores.sql.inspection import FoundTable
from holdall.stores.sql.postgres_access import PostgresAccess
from holdall.stores.sql.postgres_connecting import PostgresOptions
from holdall.stores.sql.postgres_connection import PostgresConnection
from holdall.stores.sql.postgres_holding import PostgresHolding
from holdall.stores.sql.postgres_insertion import PostgresInsertion
from holdall.stores.sql.postgres_prepared import Act, PostgresPrepared
from holdall.stores.sql.postgres_raw import PostgresRaw
from holdall.stores.sql.postgres_reservations import PostgresReservations
from holdall.stores.sql.postgres_steps import statement_of
from holdall.stores.sql.postgres_transaction import (
    CONNECTION_LOST,
    DRIVER_ERRORS,
    OUTDATED,
    PostgresTransaction,
    as_tuple,
)
from holdall.stores.sql.postgres_work import PostgresWorks
from holdall.stores.sql.steps import FenceWork, Insert, Work
from holdall.stores.sql.tables import Tables

__all__ = ["PostgresDatabase"]

_LEVELS: dict[Isolation | None, str] = {
    Isolation.REPEATABLE_READ: "REPEATABLE READ",
    Isolation.SNAPSHOT: "REPEATABLE READ",  # which is one here
    Isolation.SERIALIZABLE: "SERIALIZABLE",
}
_DEFINING = 0x484F4C44  # the advisory lock of those who define tables
_TURN = f"SET LOCAL lock_timeout = '60s'; SELECT pg_advisory_xact_lock({_DEFINING}); SET LOCAL lock_timeout TO DEFAULT"


class PostgresDatabase:
    """One PostgreSQL database. Each event loop that uses it gets connections of its own."""

    is_durable = True
    text_of = staticmethod(statement_of)

    def __init__(self, store: str, url: str, tables: Tables, options: PostgresOptions) -> None:
        self._store = store
        self.inspected_rows = options.inspected_rows
        self._access = PostgresAccess(store, url, tables, options)
        self._reservations = PostgresReservations(store)
        self.raw = PostgresRaw(self._access)
        self._works = PostgresWorks(self._access, self._reservations)
        self._rows = PostgresHolding(self._access, self._reservations)
        self._prepared = PostgresPrepared(store, self.rows, self._run, self._works.write)

    def pool(self) -> PoolFigures:
        """The connections of all event loops."""
        return self._access.figures

    async def learned(self, dialect: Dialect) -> Dialect:
        """The dialect, lowering text under the best collation the server has."""
        probe = dialect.lower_probe
        return dialect if probe is None else dialect.lowering(await self.rows(probe, ()))

    async def rows(self, sql: str, parameters: Sequence[Value]) -> Rows:
        """The rows of a reading statement, which is asked once more where its connection was lost."""
        pool, is_again = self._access.pool(), False
        while True:
            try:
                connection = pool.take_now() or await pool.take()
                try:
                    try:
                        records = await connection.fetch(sql, parameters)
                    except OUTDATED:
                        connection.forget()
                        records = await connection.fetch(sql, parameters)
                except BaseException:
                    pool.give_dirty(connection)
                    raise
            except DRIVER_ERRORS as error:
                if is_again or isinstance(error, TimeoutError) or not isinstance(error, CONNECTION_LOST):
                    raise self._access.translated(error, []) from error
                pool.renew()
                is_again = True
            else:
                pool.give(connection)
                return list(map(as_tuple, records))

    async def batches(self, sql: str, parameters: Sequence[Value], size: int) -> AsyncGenerator[Rows]:
        """The rows of a reading statement, at most ``size`` at a time, from one snapshot.

        Asked once more where the connection was lost before the first of them came.
        """
        for is_first_try in (True, False):
            has_begun = False
            try:
                async with aclosing(self._batches(sql, parameters, size)) as reading:
                    async for rows in reading:
                        has_begun = True
                        yield rows
            except StoreUnavailable as error:
                if not is_first_try or has_begun or not isinstance(error.__cause__, CONNECTION_LOST):
                    raise
            else:
                return

    async def _batches(self, sql: str, parameters: Sequence[Value], size: int) -> AsyncGenerator[Rows]:
        async with self._access.connected() as connection:
            try:
                async with connection.raw.transaction(readonly=True):
                    # in the transaction, so that a pooler prepares it on the connection that has the cursor
                    cursor = await (await connection.raw.prepare(sql, name="")).cursor(*parameters)
                    while records := await cursor.fetch(size):
                        yield list(map(as_tuple, records))
            except DRIVER_ERRORS as error:
                raise self._access.translated(error, []) from error

    async def write(self, work: Work) -> list[Outcome]:
        """Carry out the work's steps in one transaction; a single statement is one by itself."""
        return await self._works.write(work)

    def insertion(self, step: Insert) -> Insertion:
        """The insertion of rows by a statement that is a transaction by itself."""
        return PostgresInsertion(self._access, step)

    async def hold(self) -> Hold:
        """As prepared transactions, where the server is set to keep any; else by rows that every writer looks at."""
        return await self._prepared.hold()

    def cost_of(self, hold: Hold) -> int:
        """To hold by rows is dear: the part is written, taken back and written again, and others wait for it."""
        return {Hold.NONE: 0, Hold.PREPARED: 1, Hold.RESERVED: 2}[hold]

    @property
    def lock_patience(self) -> float:
        """The lock timeout, of which the server is asked for a part at a time."""
        return self._access.lock_patience

    async def prepare(self, reservation: Reservation, work: Work) -> list[Outcome]:
        """Carry out the work and leave it prepared, or take it back and hold what it touches."""
        hold = await self.hold()
        if hold is Hold.NONE:
            missing = "set max_prepared_transactions above zero, or let its user create the table holdall_reservation"
            raise Unsupported(self._store, "commits over several stores", missing)
        if isinstance(work, FenceWork):
            return await self._rows.fence(reservation, work)
        return await (self._rows if hold is Hold.RESERVED else self._prepared).prepare(reservation, work)

    async def commit_prepared(self, commit: str, work: Work) -> bool:
        """Commit what the server has prepared, or write what is held by a row."""
        if await self.hold() is not Hold.PREPARED and await self._rows.commit(commit, work):
            return True
        # the other way as well: the setting may have been another one when this was prepared
        return await self._prepared.commit(commit) or await self._rows.commit(commit, work)

    async def sync(self) -> None:
        """Make writes of parts that were held by rows survive a crash of the server; all others do so at once."""
        if await self.hold() is not Hold.PREPARED:
            await self._rows.sync()

    async def roll_back_prepared(self, commit: str) -> None:
        """Let go of it, however it is held."""
        await self._prepared.roll_back(commit)
        await self._rows.roll_back(commit)

    async def renew_prepared(self, reservation: Reservation) -> None:
        """Let what a row holds expire later; of what is prepared the server keeps only the name."""
        await self._rows.renew(reservation)

    async def prepared(self) -> list[Reservation]:
        """All that is held in this database."""
        found = {item.commit: item for item in (*await self._prepared.listed(), *await self._rows.listed())}
        return list(found.values())

    async def create_own(self) -> None:
        """Create the table of what is held, where it takes one."""
        if await self.hold() is Hold.RESERVED:
            await self._rows.create()

    async def drop_own(self) -> None:
        """Drop that table, and all that is held by it."""
        await self._rows.drop()

    async def _run(self, act: Act) -> None:
        async with self._access.connected() as connection:
            with deciding(), self._access.translating([]):
                await act(connection)

    @asynccontextmanager
    async def transaction(self, isolation: Isolation | None = None) -> AsyncIterator[PostgresTransaction]:
        """A transaction of one's own, READ COMMITTED unless it is to be of another level."""
        access, level = self._access, _LEVELS.get(isolation)

        async def begin(connection: PostgresConnection) -> None:
            if level is None:
                await connection.raw.execute(connection.begin)
            else:
                await self._reservations.begin_at(connection, level)

        async with access.connected(begin) as connection:
            transaction = PostgresTransaction(
                self._store, access.translated, connection, self._reservations, has_snapshot=level is not None
            )
            yield transaction
            with deciding():
                await transaction.execute("COMMIT")

    async def execute(self, statements: Sequence[str]) -> None:
        """Run statements that define tables, in one transaction, while nobody else does so by this package."""
        async with self.transaction() as transaction:
            await transaction.execute(_TURN)
            for statement in statements:
                await transaction.execute(statement)
        self._access.pool().forget()

    async def found(self, tables: Tables) -> dict[str, FoundTable]:
        """The tables that are there."""
        return await found_in_catalogue(self, tables)

    def altering(self) -> AbstractAsyncContextManager[Connections]:
        """Connections of an engine made for it."""
        return lent_by(self._store, postgres_engine(self._access.plain))

    async def close(self) -> None:
        """Close this loop's connections; those of loops that have ended are let go of."""
        await self._access.close()
