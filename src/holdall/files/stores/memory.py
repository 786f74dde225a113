"""Contents in memory: for tests, and gone with the program."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

from holdall.errors import FileMissing
from holdall.files.keys import demand_key, new_key

__all__ = ["MemoryFiles"]

_PIECE = 1 << 20


class MemoryFiles:
    """Keeps contents in memory.

    >>> async def example() -> bytes:
    ...     async def content():
    ...         yield b"good morning"
    ...     files = MemoryFiles("notes")
    ...     key = await files.write(content())
    ...     return b"".join([piece async for piece in files.read(key, 5)])
    >>> import asyncio
    >>> asyncio.run(example())
    b'morning'
    """

    is_shared = False

    def __init__(self, name: str) -> None:
        self.name = name
        self._contents: dict[str, tuple[bytes, datetime]] = {}

    async def write(self, content: AsyncIterator[bytes], key: str | None = None) -> str:
        """Keep the content and return its key."""
        key = new_key() if key is None else demand_key(self.name, key)
        whole = b"".join([piece async for piece in content])
        self._contents[key] = whole, datetime.now(UTC)
        return key

    async def read(self, key: str, start: int = 0, stop: int | None = None) -> AsyncIterator[bytes]:
        """Give the bytes in a range; raises FileMissing where there is no content."""
        found = self._contents.get(demand_key(self.name, key))
        if found is None:
            raise FileMissing(self.name)
        end = len(found[0]) if stop is None else min(stop, len(found[0]))
        for place in range(start, end, _PIECE):
            yield found[0][place : min(place + _PIECE, end)]

    async def size(self, key: str) -> int | None:
        """Return the size in bytes; None where there is no content."""
        found = self._contents.get(key)
        return None if found is None else len(found[0])

    async def delete(self, key: str, before: datetime | None = None) -> bool:
        """Delete the content, unless it was written later."""
        found = self._contents.get(key)
        if found is None or (before is not None and found[1] >= before):
            return False
        del self._contents[key]
        return True

    async def keys(self, before: datetime) -> AsyncIterator[str]:
        """Give the keys of contents that were written before a moment."""
        for key, (_, written) in list(self._contents.items()):
            if written < before:
                yield key

    async def sweep(self, before: datetime) -> int:
        """Remove nothing: an interrupted write leaves nothing."""
        return 0

    async def close(self) -> None:
        """Do nothing: the contents stay for as long as the program has the store."""
