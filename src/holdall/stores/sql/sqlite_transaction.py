"""An open transaction of a SQLite database, on the connection of its writer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias, TypeVar

import apsw

from holdall.query import Value
from holdall.store import Outcome, Rows
from holdall.stores.sql.sqlite_jobs import Channel
from holdall.stores.sql.sqlite_work import SqliteWorks
from holdall.stores.sql.steps import Step, Work

__all__ = ["SqliteTransaction"]

T = TypeVar("T")

Ask: TypeAlias = Callable[[Channel, Callable[[apsw.Connection], Any]], Awaitable[Any]]
"""Runs something in the transaction of a channel; raises our errors."""


class SqliteTransaction:
    """An open transaction on the writer's connection."""

    def __init__(self, works: SqliteWorks, channel: Channel, ask: Ask) -> None:
        self._works = works
        self._channel = channel
        self._ask_of = ask
        self._done: list[Step] = []

    async def rows(self, sql: str, parameters: Sequence[Value]) -> Rows:
        """The rows of a reading statement, this transaction's own changes included."""
        return await self._ask(lambda connection: connection.execute(sql, parameters).fetchall())

    async def write(self, work: Work) -> list[Outcome]:
        """Carry out the work's steps; if one is refused, none of them lasts and the transaction goes on."""
        return await self._ask(lambda connection: self._works.part(connection, work, self._done))

    async def commit(self) -> None:
        """Make it last. Raises ReferenceViolation if a reference would be left without its target."""
        await self._ask(lambda connection: self._works.commit(connection, self._done))

    async def _ask(self, work: Callable[[apsw.Connection], T]) -> T:
        answer: T = await self._ask_of(self._channel, work)
        return answer
