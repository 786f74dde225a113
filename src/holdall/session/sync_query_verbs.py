"""The verbs of a sync session that answer one query each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import overload

from holdall.query import AnyQuery, Query, Statement, Value
from holdall.session.context import Q
from holdall.session.estimating import Estimate
from holdall.session.references.explanation import Explanation
from holdall.session.session import Session
from holdall.session.waiting import Wait
from holdall.store import LockMode, Row

__all__ = ["SyncQueryVerbs"]


class SyncQueryVerbs:
    """The part of :class:`SyncSession` for answers to queries. Example: :class:`SyncSession`."""

    _session: Session
    _call: Wait

    @overload
    def first(self, query: Query[Q], *, lock: LockMode | str | None = ..., fresh: bool = ...) -> Q | None: ...
    @overload
    def first(self, query: Statement, *, lock: LockMode | str | None = ..., fresh: bool = ...) -> Value | None: ...
    def first(
        self, query: Query[Value] | Statement, *, lock: LockMode | str | None = None, fresh: bool = False
    ) -> Value:
        """Return the first record that a query means, or None. Example: :class:`Reading`."""
        return self._call(lambda: self._session.first(query, lock=lock, fresh=fresh))

    @overload
    def one(self, query: Query[Q], *, lock: LockMode | str | None = ..., fresh: bool = ...) -> Q: ...
    @overload
    def one(self, query: Statement, *, lock: LockMode | str | None = ..., fresh: bool = ...) -> Value: ...
    def one(self, query: Query[Value] | Statement, *, lock: LockMode | str | None = None, fresh: bool = False) -> Value:
        """Return the only record that a query means; raises NotFound, or QueryError. Example: :class:`Reading`."""
        return self._call(lambda: self._session.one(query, lock=lock, fresh=fresh))

    def count(self, query: AnyQuery | Statement) -> int:
        """Return the number of records that meet a condition. Example: :class:`Reading`."""
        return self._call(lambda: self._session.count(query))

    def estimate(self, query: AnyQuery | Statement) -> Estimate:
        """Return about how many records meet a condition. Example: :class:`Estimate`."""
        return self._call(lambda: self._session.estimate(query))

    def exists(self, query: AnyQuery | Statement) -> bool:
        """Return whether any record meets a query. Example: :class:`Reading`."""
        return self._call(lambda: self._session.exists(query))

    @overload
    def stream(self, query: Query[Q], *, batch: int = ...) -> Iterator[Q]: ...
    @overload
    def stream(self, query: Statement, *, batch: int = ...) -> Iterator[Value]: ...
    def stream(self, query: Query[Value] | Statement, *, batch: int = 500) -> Iterator[Value]:
        """Give the records of a query one by one, ``batch`` rows in memory. Example: :class:`Reading`."""
        records: Value = self._session.stream(query, batch=batch)
        try:
            while True:
                chunk: list[Value] = self._call(lambda: _take(records, batch))
                yield from chunk
                if len(chunk) < batch:
                    return
        finally:
            self._call(records.aclose)

    def rows(self, query: AnyQuery | Statement) -> list[Row]:
        """Return rows of a query with ``only(...)`` as they cross the border of a store. Example: :class:`Reading`."""
        return self._call(lambda: self._session.rows(query))

    def explain(self, query: AnyQuery | Statement, analyze: bool = False) -> Explanation:
        """Return how a query is answered, with its store's own plan. Example: :class:`Reading`."""
        return self._call(lambda: self._session.explain(query, analyze))


async def _take(records: Value, number: int) -> list[Value]:
    chunk: list[Value] = []
    async for record in records:
        chunk.append(record)
        if len(chunk) == number:
            break
    return chunk
