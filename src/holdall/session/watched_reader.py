"""A session's reader whose reads happen in a block: told to an instrument, or allowed to go to replicas.

Sessions for which neither holds have the plain reader.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractContextManager
from typing import TypeAlias, TypeVar, cast

from holdall.model import Record
from holdall.query import AnyQuery, Key
from holdall.session.binding import Binding
from holdall.session.instrument import Act
from holdall.session.reader import Reader
from holdall.store import Rows, reading_replicas

__all__ = ["Around", "ReplicaReader", "WatchedReader"]

T = TypeVar("T")

Around: TypeAlias = Callable[[str, str], AbstractContextManager[Act]]
"""A block around a read: its verb and its collection."""


class _End:
    pass


_END = _End()


class WatchedReader(Reader, eq=False, kw_only=True):
    """The same reads, each in a block."""

    around: Around

    async def get(self, binding: Binding, key: Key) -> Record:
        """The record with this key, or None."""
        with self.around("get", binding.collection) as act:
            found = await super().get(binding, key)
            act.ended(0 if found is None else 1)
        return found

    async def query(self, query: AnyQuery) -> list[Record]:
        """The records the query means, or rows of the fields it asks for."""
        with self.around("query", query.collection) as act:
            found = await super().query(query)
            act.ended(len(found))
        return found

    async def rows(self, query: AnyQuery) -> Rows:
        """The rows of a query, nothing decoded."""
        with self.around("rows", query.collection) as act:
            found = await super().rows(query)
            act.ended(len(found))
        return found

    async def count(self, query: AnyQuery) -> int:
        """How many records meet the query's condition."""
        with self.around("count", query.collection) as act:
            found = await super().count(query)
            act.ended(1)
        return found


class ReplicaReader(WatchedReader, eq=False, kw_only=True):
    """Reads that may go to replicas, but for stores that were ``written`` by this session."""

    written: set[str]

    def stream(self, query: AnyQuery, batch: int) -> AsyncIterator[Record]:
        """The records of a query, of any number."""
        return self._among_replicas(super().stream(query, batch))

    def stream_rows(self, query: AnyQuery, batch: int) -> AsyncIterator[Rows]:
        """The whole rows of these records."""
        return self._among_replicas(super().stream_rows(query, batch))

    async def _among_replicas(self, items: AsyncIterator[T]) -> AsyncGenerator[T]:
        stream = cast("AsyncGenerator[T]", items)
        try:
            while True:
                with reading_replicas(self.written):  # not around the yield, where others go on in this context
                    item = await anext(stream, _END)
                if isinstance(item, _End):
                    return
                yield item
        finally:
            await stream.aclose()
