"""Contents that programs give: bytes, text, paths, files that are open, and iterators, all read as pieces of bytes."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from pathlib import Path
from types import AsyncGeneratorType
from typing import Protocol, TypeAlias, runtime_checkable

from holdall.errors import StateError
from holdall.query import Value

__all__ = ["PIECE", "Content", "Readable", "is_content", "pieces_of", "size_of"]

PIECE = 1 << 20
"""Bytes that are written, or read, at a time."""


@runtime_checkable
class Readable(Protocol):
    """A file that is open, or an upload of a web framework: ``read(size)`` gives bytes, or an awaitable of them."""

    def read(self, size: int, /) -> Value:
        """Return at most ``size`` bytes; none at the end."""


Content: TypeAlias = bytes | bytearray | memoryview | str | Path | Readable | AsyncIterable[bytes] | Iterable[bytes]
"""All that a file can be given as its content. Text is kept as UTF-8; a file on disk is given as a Path."""


def is_content(given: object) -> bool:
    """Whether this can be the content of a file."""
    if isinstance(given, bytes | bytearray | memoryview | str | Path | AsyncIterable | Readable):
        return True
    return isinstance(given, Iterable) and not isinstance(given, dict)


def size_of(content: Content) -> int | None:
    """The size in bytes, where it is known before the content is read."""
    if isinstance(content, str):
        return len(content.encode())
    return len(content) if isinstance(content, bytes | bytearray) else None


async def pieces_of(content: Content) -> AsyncIterator[bytes]:
    """Give the content in pieces of any size. Raises StateError for what is no bytes, OSError for a path."""
    if isinstance(content, AsyncGeneratorType):  # before protocols: to ask for one takes longer than a small content
        async for piece in content:
            yield _demand_bytes(piece)
    elif isinstance(content, str):
        yield content.encode()
    elif isinstance(content, bytes | bytearray | memoryview):
        yield bytes(content)
    elif isinstance(content, Path):
        opened = await asyncio.to_thread(content.open, "rb")
        try:
            while piece := await asyncio.to_thread(opened.read, PIECE):
                yield piece
        finally:
            opened.close()
    elif isinstance(content, Readable):
        while piece := await _read(content):
            yield _demand_bytes(piece)
    elif isinstance(content, AsyncIterable):
        async for piece in content:
            yield _demand_bytes(piece)
    else:
        for piece in content:
            yield _demand_bytes(piece)


async def _read(opened: Readable) -> Value:
    """Read a piece: where that waits, by itself; where it would block, in a thread."""
    if inspect.iscoroutinefunction(opened.read):
        return await opened.read(PIECE)
    return await asyncio.to_thread(opened.read, PIECE)


def _demand_bytes(piece: object) -> bytes:
    if isinstance(piece, bytes):
        return piece
    if isinstance(piece, bytearray | memoryview):
        return bytes(piece)
    raise StateError(f"the content of a file comes in pieces of bytes, not {type(piece).__name__}: open it with 'rb'")
