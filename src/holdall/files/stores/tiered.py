"""Work beside cold storage: contents last in the cold one, and are at hand in the other while they are used."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from datetime import datetime

from holdall.errors import FileMissing, StoreUnavailable
from holdall.files.contract import FileStore

__all__ = ["TieredFiles"]

_log = logging.getLogger("holdall.files")


class TieredFiles:
    """Keeps each content in ``cold``, and a copy in ``work`` that may be dropped and is loaded when it is read.

    >>> from holdall.files import MemoryFiles, TieredFiles
    >>> files = TieredFiles("covers", MemoryFiles("work"), MemoryFiles("cold"))
    >>> async def example() -> None:
    ...     async def content():
    ...         yield b"good morning"
    ...     key = await files.write(content())
    ...     await files.drop(key)
    ...     print(await files.work.size(key), await files.cold.size(key))
    ...     await files.load(key)
    ...     print(await files.work.size(key))
    >>> import asyncio
    >>> asyncio.run(example())
    None 12
    12
    """

    def __init__(self, name: str, work: FileStore, cold: FileStore) -> None:
        self.name = name
        self.work = work
        self.cold = cold
        self.is_shared = cold.is_shared or work.is_shared

    async def write(self, content: AsyncIterator[bytes], key: str | None = None) -> str:
        """Keep the content in the work store, then in the cold one, and return its key."""
        key = await self.work.write(content, key)
        try:
            return await self.cold.write(self.work.read(key), key)
        except BaseException:
            if not self.is_shared:
                await self.work.delete(key)
            raise

    async def save(self, key: str) -> None:
        """Copy a content from the work store to the cold one. Raises FileMissing where it is not there."""
        await self.cold.write(self.work.read(key), key)

    async def load(self, key: str) -> None:
        """Copy a content from the cold store to the work one, unless it is there. Raises FileMissing without one."""
        if await self.work.size(key) is None:
            await self.work.write(self.cold.read(key), key)

    async def drop(self, key: str) -> bool:
        """Delete the copy in the work store, where the cold one has the content; return whether it is gone."""
        found, here = await self.cold.size(key), await self.work.size(key)
        return found is not None and found == here and await self.work.delete(key)

    async def read(self, key: str, start: int = 0, stop: int | None = None) -> AsyncIterator[bytes]:
        """Give the bytes in a range, loaded into the work store first, where that takes them.

        Raises FileMissing where there are none.
        """
        source = self.work
        try:
            await self.load(key)
        except StoreUnavailable as error:
            _log.warning("file store %r reads from %r, as no copy is at hand: %s", self.name, self.cold.name, error)
            source = self.cold
        try:
            async for piece in source.read(key, start, stop):
                start += len(piece)
                yield piece
        except FileMissing:  # dropped by somebody else since
            async for piece in self.cold.read(key, start, stop):
                yield piece

    async def size(self, key: str) -> int | None:
        """Return the size in bytes; None where neither store has the content."""
        found = await self.work.size(key)
        return await self.cold.size(key) if found is None else found

    async def delete(self, key: str, before: datetime | None = None) -> bool:
        """Delete the content in both stores, unless it was written later."""
        is_gone = await self.cold.delete(key, before)
        if is_gone or await self.cold.size(key) is None:
            return await self.work.delete(key, before) or is_gone
        return False

    async def keys(self, before: datetime) -> AsyncIterator[str]:
        """Give the keys of contents that were written before a moment: those of the cold store, then the others."""
        async for key in self.cold.keys(before):
            yield key
        async for key in self.work.keys(before):
            if await self.cold.size(key) is None:
                yield key

    async def sweep(self, before: datetime) -> int:
        """Remove what is left of interrupted writes in both stores."""
        return await self.work.sweep(before) + await self.cold.sweep(before)

    async def close(self) -> None:
        """Close both stores."""
        await self.work.close()
        await self.cold.close()
