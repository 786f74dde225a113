"""Streams of a record: bytes that its store keeps beside it and that grow at their end, outside any commit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

from holdall.errors import StateError
from holdall.model.gateway import gateway_of
from holdall.model.tracking import Record, track_of

__all__ = ["Stream", "StreamAttribute", "stream"]


def stream(*, init: Literal[False] = False) -> Any:
    """Declare a stream in a class body: ``log: Stream = stream()``. Example: :class:`Stream`."""
    return None


class Stream:
    """The handle that reading ``job.log`` gives, of a record that is stored.

    Appended items are stored at once, in one piece, and no rollback takes them back. Every call raises StateError for a
    record that is not stored.

    >>> class Job(Model):
    ...     id: int = field(pk=True)
    ...     log: Stream = stream()
    >>> app = Holdall("jobs")
    >>> app.add_store("main", "memory:")
    >>> app.add(Job, store="main")
    >>> async def example() -> tuple[int, bytes, int]:
    ...     async with app.session() as session:
    ...         job = session.add(Job(id=1))
    ...         await session.commit()
    ...         return await job.log.append(b"started"), await job.log.read(0, 5), await job.log.length()
    >>> import asyncio
    >>> asyncio.run(example())
    (7, b'start', 7)
    """

    __slots__ = ("_name", "_record")

    def __init__(self, record: Record, name: str) -> None:
        self._record = record
        self._name = name

    async def append(self, data: bytes) -> int:
        """Append these bytes and return the length of the stream thereafter, in bytes. Raises StaleVersion where the
        record is gone.
        """
        if not isinstance(data, bytes):
            raise StateError(f"a stream takes bytes, not {type(data).__name__}")
        async with self._place(is_append=True) as (store, collection, key):
            length: int = await store.append(collection, key, self._name, data)
        return length

    async def read(self, start: int = 0, stop: int | None = None) -> bytes:
        """Read the bytes from position ``start`` to before ``stop``, or to the end."""
        async with self._place(is_append=False) as (store, collection, key):
            data: bytes = await store.read(collection, key, self._name, start, stop)
        return data

    async def length(self) -> int:
        """Return the length of the stream, in bytes."""
        async with self._place(is_append=False) as (store, collection, key):
            length: int = await store.length(collection, key, self._name)
        return length

    def __repr__(self) -> str:
        return f"Stream({type(self._record).__name__}.{self._name})"

    @asynccontextmanager
    async def _place(self, *, is_append: bool) -> AsyncIterator[tuple[Any, str, Any]]:
        """The store, collection and key, by the record's own session or else one for this act."""
        track = track_of(self._record)
        session = track.session if track is not None else None
        if session is not None:
            yield session.stream_place(self._record, is_append=is_append)
            return
        async with gateway_of(type(self._record)) as act:
            yield act.session.context.stream_place(self._record, is_append=is_append)


class StreamAttribute:
    """Stands on a model for a stream; it has no slot."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, record: Record, owner: object) -> Any:
        return self if record is None else Stream(record, self._name)

    def __set__(self, record: Record, value: object) -> None:
        raise AttributeError(f"{self._name} is a stream: append to it")
