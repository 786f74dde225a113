"""One connection to a PostgreSQL server, or to a pooler before it, and the statements prepared on it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from secrets import token_hex
from time import monotonic
from typing import Any

import asyncpg
from asyncpg.protocol import NO_TIMEOUT

from holdall.query import Value
from holdall.store import Deadlines, end_transport, has_news
from holdall.stores.sql.postgres_driver import records_of
from holdall.stores.sql.postgres_guards import Guards, learn_guards

__all__ = ["BEGIN", "PostgresConnection"]

BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"

_FORGETFUL = 3  # so many statements forgotten on one connection are the work of a pooler


class PostgresConnection:
    """A connection and the statements prepared on it.

    ``most`` of them are kept; where that is 0, none is prepared. ``deadlines`` are those of statements. ``begin``
    begins a transaction, and says there what the connection could not be told when it was opened. ``guards`` is what it
    has learned about single statements, None until somebody asked; ``is_reserving`` whether it has seen a table of
    reservations, ``is_holding`` whether there were any when it last looked.

    A transaction pooler gives each transaction another connection of the server. So the names of statements are the
    only ones of their kind, and one that the server does not know is sent again without a name, in one message with
    its values; nothing has been done then.
    """

    __slots__ = (
        "_deadlines", "_forgotten", "_last", "_most", "_name", "_prepared", "_statements", "begin", "born", "guards",
        "idle_since", "is_holding", "is_reserving", "raw",
    )  # fmt: skip

    def __init__(self, raw: asyncpg.Connection, most: int, deadlines: Deadlines, begin: str = BEGIN) -> None:
        self.raw = raw
        self._deadlines = deadlines
        self.begin = begin
        self.guards: Guards | None = None
        self.is_holding = False
        self.is_reserving = False
        self.born = self.idle_since = monotonic()
        self._forgotten = 0
        self._last: Any = None
        self._most = most
        self._name = f"holdall_{token_hex(8)}"  # short of the 63 bytes that a name may have
        self._prepared = 0
        self._statements: dict[str, Any] = {}

    async def fetch(self, sql: str, parameters: Value) -> list[asyncpg.Record]:
        """The records of a statement, which is prepared once. Raises asyncpg's errors.

        Within a transaction, that of a statement the server does not know is one of them: it has ended all of it.
        """
        statement = self._last = self._statements.get(sql) or await self.prepared(sql)
        deadline = self._deadlines.enter()  # asyncpg would begin and cancel a timer of the event loop each time
        try:
            return await records_of(statement, parameters, NO_TIMEOUT)
        except asyncio.CancelledError:
            if not self._deadlines.has_ended(deadline):
                raise
            raise TimeoutError from None
        except asyncpg.InvalidSQLStatementNameError:
            self._forgotten += 1
            if self._forgotten >= _FORGETFUL:
                self._most = 0
            self.forget()
            if self.raw.is_in_transaction():
                raise
        finally:
            self._deadlines.leave(deadline)
        statement = self._last = await self.raw.prepare(sql, name="")
        return await self._deadlines.within(records_of(statement, parameters, NO_TIMEOUT))

    @property
    def written(self) -> int:
        """How many rows the last statement has written."""
        return int(self._last.get_statusmsg().rpartition(" ")[2])

    @property
    def is_bounded(self) -> bool:
        """Whether a statement outside of a transaction waits for locks only as long as the options say."""
        return self.begin is BEGIN

    async def learned(self) -> Guards:
        """Learn the facts that must be known before a single statement is a whole commit. Raises asyncpg's errors."""
        if self.guards is None:
            self.guards = await learn_guards(self.fetch)
            self.is_reserving = self.guards.is_reserving
        return self.guards

    async def returns_whole(self, table: str) -> bool:
        """Whether rows of this table are as a statement has returned them. Raises asyncpg's errors."""
        guards = await self.learned()
        return table not in guards.tables and table not in guards.followed

    async def prepared(self, sql: str) -> Any:
        """The prepared statement of this text."""
        if not self._most:
            return await self.raw.prepare(sql, name="")  # asyncpg sends it again with its values, in one message
        statement = self._statements.get(sql)
        if statement is None:
            # without a name, and without asyncpg's own cache, the server would parse it anew each time
            self._prepared += 1
            statement = await self.raw.prepare(sql, name=f"{self._name}_{self._prepared}")
            if len(self._statements) >= self._most:
                del self._statements[next(iter(self._statements))]
            self._statements[sql] = statement
        return statement

    async def answers(self, patience: float) -> bool:
        """Whether the server answers within ``patience`` seconds."""
        try:
            await self.raw.execute("SELECT", timeout=patience)
        except Exception:
            return False
        return True

    async def end_transaction(self) -> None:
        """Roll back whatever is open. Raises asyncpg's errors.

        The driver learns of a transaction from the answer to the statement that began it. Where such a statement was
        broken off, its answer is still to come: the next statement waits for it, even if that statement is refused, as
        in a transaction that has failed.
        """
        if not self.raw.is_in_transaction():
            with suppress(asyncpg.InFailedSQLTransactionError):
                await self.raw.execute("SELECT")
        if self.raw.is_in_transaction():
            await self.raw.execute("ROLLBACK")

    def abandon(self) -> None:
        """End a connection whose event loop has ended."""
        with suppress(Exception):  # asyncpg takes its loop to run
            self.raw.terminate()
        end_transport(self.raw._transport)

    @property
    def has_news(self) -> bool:
        """Whether the server has said something that nobody asked for, perhaps that it is gone."""
        return has_news(self.raw._transport)

    def forget(self) -> None:
        """Prepare every statement and learn everything anew, for instance because tables have changed."""
        self._statements.clear()
        self.guards = None
        self.is_reserving = False
