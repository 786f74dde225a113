"""The verbs of a session that answer one query each, be it one of models or a Select of what they adopt."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import overload

from holdall.query import AnyQuery, Query, Statement, Value
from holdall.session.context import Q, SessionContext
from holdall.session.estimating import Estimate, estimated
from holdall.session.reading import Reading
from holdall.session.references.explanation import Explanation
from holdall.store import LockMode, Row

__all__ = ["QueryVerbs"]


class QueryVerbs:
    """The part of :class:`Session` for answers to queries. Example: :class:`Reading`."""

    context: SessionContext
    _reading: Reading

    @overload
    async def first(self, query: Query[Q], *, lock: LockMode | str | None = ..., fresh: bool = ...) -> Q | None: ...
    @overload
    async def first(
        self, query: Statement, *, lock: LockMode | str | None = ..., fresh: bool = ...
    ) -> Value | None: ...
    async def first(
        self, query: Query[Value] | Statement, *, lock: LockMode | str | None = None, fresh: bool = False
    ) -> Value:
        """Return the first record of a query, or None; ``lock``, ``fresh`` as ``query``. Example: :class:`Reading`."""
        return await self._reading.first(query, lock, fresh)

    @overload
    async def one(self, query: Query[Q], *, lock: LockMode | str | None = ..., fresh: bool = ...) -> Q: ...
    @overload
    async def one(self, query: Statement, *, lock: LockMode | str | None = ..., fresh: bool = ...) -> Value: ...
    async def one(
        self, query: Query[Value] | Statement, *, lock: LockMode | str | None = None, fresh: bool = False
    ) -> Value:
        """Return the only record of a query as ``first``; raises NotFound, QueryError. Example: :class:`Reading`."""
        return await self._reading.one(query, lock, fresh)

    async def count(self, query: AnyQuery | Statement) -> int:
        """Return the number of records that meet a condition, whatever limit and offset. Example: :class:`Reading`."""
        return await self.context.reader.count(self.context.bindings.asked(query))

    async def estimate(self, query: AnyQuery | Statement) -> Estimate:
        """Return about how many records meet a condition, at a cost that is bounded. Example: :class:`Estimate`."""
        return await estimated(self.context.reader, self.context.bindings.asked(query))

    async def exists(self, query: AnyQuery | Statement) -> bool:
        """Return whether the stores hold any record that a query means. Example: :class:`Reading`."""
        return await self._reading.exists(query)

    @overload
    def stream(self, query: Query[Q], *, batch: int = ...) -> AsyncIterator[Q]: ...
    @overload
    def stream(self, query: Statement, *, batch: int = ...) -> AsyncIterator[Value]: ...
    def stream(self, query: Query[Value] | Statement, *, batch: int = 500) -> AsyncIterator[Value]:
        """Give the records of a query one by one, and keep ``batch`` rows in memory. Example: :class:`Reading`."""
        return self.context.reader.stream(self.context.bindings.asked(query), batch)

    async def rows(self, query: AnyQuery | Statement) -> list[Row]:
        """Return rows of a query with ``only(...)`` as they cross the border of a store. Example: :class:`Reading`."""
        return await self._reading.rows(query)

    async def explain(self, query: AnyQuery | Statement, analyze: bool = False) -> Explanation:
        """Return how a query is answered, with its store's plan; run to ``analyze`` it. Example: :class:`Reading`."""
        return await self.context.reader.explain(self.context.bindings.asked(query), analyze=analyze)
