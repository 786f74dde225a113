"""Connections to one PostgreSQL server from one event loop: a bounded free-list, last in first out.

Each connection keeps the statements it has prepared. asyncpg's own pool wraps and resets a connection on every use,
which costs as much as a short query; here a connection is reset only after something went wrong on it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import asyncpg

from holdall.stores.sql.postgres_guards import Guards, learn_guards

__all__ = ["PostgresConnection", "PostgresPool"]


class PostgresConnection:
    """A connection and the statements prepared on it.

    ``guards`` is what it has learned about single statements, None until somebody asked; ``is_reserving`` whether it
    has seen a table of reservations, ``is_holding`` whether there were any when it last looked.
    """

    __slots__ = ("_last", "_most", "_prepared", "_statements", "guards", "is_holding", "is_reserving", "raw")

    def __init__(self, raw: asyncpg.Connection, most: int) -> None:
        self.raw = raw
        self.guards: Guards | None = None
        self.is_holding = False
        self.is_reserving = False
        self._last: Any = None
        self._most = most
        self._prepared = 0
        self._statements: dict[str, Any] = {}

    async def fetch(self, sql: str, parameters: Any) -> list[asyncpg.Record]:
        """The records of a statement, which is prepared once. Raises asyncpg's errors."""
        statement = self._statements.get(sql)
        if statement is None:
            statement = await self.prepared(sql)
        self._last = statement
        rows: list[asyncpg.Record] = await statement.fetch(*parameters)
        return rows

    @property
    def written(self) -> int:
        """How many rows the last statement has written."""
        return int(self._last.get_statusmsg().rpartition(" ")[2])

    async def learned(self) -> Guards:
        """What there is to know before a single statement is a whole commit. Raises asyncpg's errors."""
        if self.guards is None:
            self.guards = await learn_guards(self.fetch)
            self.is_reserving = self.guards.is_reserving
        return self.guards

    async def prepared(self, sql: str) -> Any:
        """The prepared statement of this text."""
        statement = self._statements.get(sql)
        if statement is None:
            # without a name, and without asyncpg's own cache, the server would parse it anew each time
            self._prepared += 1
            statement = await self.raw.prepare(sql, name=f"holdall_{self._prepared}")
            if len(self._statements) >= self._most:
                del self._statements[next(iter(self._statements))]
            self._statements[sql] = statement
        return statement

    def forget(self) -> None:
        """Prepare every statement and learn everything anew, for instance because tables have changed."""
        self._statements.clear()
        self.guards = None
        self.is_reserving = False


class PostgresPool:
    """The connections of one event loop: ``connect`` opens one, at most ``most`` are open, waiters take turns.

    ``courtesy`` is how long, in seconds, a connection may take to be reset or closed before it is broken off.
    """

    def __init__(self, connect: Callable[[], Awaitable[PostgresConnection]], most: int, courtesy: float = 5.0) -> None:
        self._connect = connect
        self._most = most
        self._courtesy = courtesy
        self._open = 0
        self._free: list[PostgresConnection] = []
        self._waiters: deque[asyncio.Future[PostgresConnection | None]] = deque()
        self._resetting: dict[asyncio.Task[None], PostgresConnection] = {}
        self._is_closed = False

    def take_now(self) -> PostgresConnection | None:
        """An idle connection, if there is one that is alive."""
        free = self._free
        while free:
            connection = free.pop()
            if not connection.raw.is_closed():
                return connection
            self._open -= 1
        return None

    async def take(self, patience: float) -> PostgresConnection:
        """An idle or new connection, or the next one to be given back. Raises TimeoutError after so many seconds."""
        connection = self.take_now()
        if connection is not None:
            return connection
        if self._open >= self._most:
            handed = await self._wait(patience)
            if handed is not None:
                return handed
        else:
            self._open += 1
        try:
            return await self._connect()
        except BaseException:
            self._vacate()
            raise

    def give(self, connection: PostgresConnection) -> None:
        """Take back a connection that is as it was when it was taken."""
        if self._is_closed or connection.raw.is_closed():
            self.drop(connection)
            return
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        self._free.append(connection)

    def give_dirty(self, connection: PostgresConnection) -> None:
        """Take back a connection on which something was broken off: it is reset, in the background, or dropped."""
        if connection.raw.is_closed():
            self._vacate()
            return
        task = asyncio.get_running_loop().create_task(self._reset(connection))
        self._resetting[task] = connection
        task.add_done_callback(self._resetting.pop)

    def drop(self, connection: PostgresConnection) -> None:
        """End a connection that is of no more use."""
        connection.raw.terminate()
        self._vacate()

    def forget(self) -> None:
        """Prepare every statement of the idle connections anew, because tables have changed."""
        for connection in self._free:
            connection.forget()

    async def close(self) -> None:
        """Close idle connections now, the others when they are given back."""
        self._is_closed = True
        free, self._free = self._free, []
        closing = [connection.raw.close(timeout=self._courtesy) for connection in free]
        resetting = dict(self._resetting)
        for task, connection in resetting.items():
            task.cancel()
            connection.raw.terminate()
        await asyncio.gather(*closing, *resetting, return_exceptions=True)

    def abandon(self) -> None:
        """Let go of connections whose loop has ended."""
        free, self._free = self._free, []
        for connection in free:
            with suppress(Exception):
                connection.raw.terminate()

    async def _wait(self, patience: float) -> PostgresConnection | None:
        """A connection somebody gave back, or None for the right to open one."""
        waiter: asyncio.Future[PostgresConnection | None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(patience):
                return await waiter
        except BaseException:
            if waiter.done() and not waiter.cancelled():
                handed = waiter.result()
                if handed is None:
                    self._vacate()
                else:
                    self.give(handed)
            raise

    def _vacate(self) -> None:
        """One connection fewer: the first waiter may open another."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self._open -= 1

    async def _reset(self, connection: PostgresConnection) -> None:
        try:
            async with asyncio.timeout(self._courtesy):
                if connection.raw.is_in_transaction():
                    await connection.raw.execute("ROLLBACK")
                await connection.raw.reset()
        except BaseException:
            self.drop(connection)
            return
        self.give(connection)
