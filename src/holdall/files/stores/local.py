"""Contents in a local folder, each written to a file of its own and moved into place when it is whole and durable."""

from __future__ import annotations

import asyncio
import errno
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeVar

from holdall.errors import DeclarationError, FileMissing, StoreFull, StoreUnavailable
from holdall.files.keys import demand_key
from holdall.files.source import PIECE
from holdall.files.stores.folder import Folder, is_absent
from holdall.files.stores.writing import Writing

__all__ = ["Address", "LocalFiles"]

R = TypeVar("R")
Address = Literal["random", "content"]

_SMALL = 1 << 17  # bytes that are read in less time than a change of threads takes
_WITHOUT_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_REASONS = {
    errno.ENOSPC: "the disk is full; free some space and repeat",
    errno.EDQUOT: "the quota of its folder is used up; free some space and repeat",
    errno.EFBIG: "files may not be this large here; raise the bound (ulimit -f) and repeat",
    errno.EMFILE: "this process has too many files open; close some, or raise its limit (ulimit -n), and repeat",
    errno.EROFS: "its folder lies on a disk that is only read",
    errno.EACCES: "this program may not use its folder; give it the right to",
}


class LocalFiles:
    """Keeps contents in a folder: ``app.add_files("covers", "file:./covers")``.

    With ``address="content"`` equal contents lie there once, under their hash. No link is followed below the folder,
    which others than the program should not be able to write. Raises DeclarationError for another address.

    >>> import asyncio, tempfile
    >>> async def example(folder: str) -> int | None:
    ...     async def content():
    ...         yield b"good morning"
    ...     files = LocalFiles("notes", folder)
    ...     return await files.size(await files.write(content()))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     asyncio.run(example(folder))
    12
    """

    def __init__(self, name: str, folder: Path | str, *, address: Address = "random") -> None:
        if address not in ("random", "content"):
            raise DeclarationError(f"file store {name!r}: address is 'random' or 'content', not {address!r}")
        self.name = name
        self.is_shared = address == "content"
        self._folder = Folder(Path(folder).resolve())

    async def write(self, content: AsyncIterator[bytes], key: str | None = None) -> str:
        """Keep the content and return its key; it is on the disk then, with all folders on the way to it."""
        if key is not None:
            demand_key(self.name, key)
        writing = Writing(self._folder, is_hashed=self.is_shared and key is None)
        try:
            held, size = list[bytes](), 0
            async for piece in content:
                if size >= PIECE:  # only now, so that a content of one piece is written, and made durable, in one go
                    await self._done(writing.add, held)
                    held, size = [], 0
                held.append(piece)
                size += len(piece)
            return await self._done(writing.end, held, key)
        except BaseException:
            await asyncio.to_thread(writing.abandon)
            raise

    async def read(self, key: str, start: int = 0, stop: int | None = None) -> AsyncIterator[bytes]:
        """Give the bytes in a range; raises FileMissing where there is no content."""
        demand_key(self.name, key)
        wanted = _wanted(start, stop)
        begun = self._begun_now(key, start, wanted) if wanted <= _SMALL and self._folder.is_near else None
        if begun is None:
            begun = await self._done(self._begun, key, start, wanted)
        reading, piece = begun
        try:
            while piece:
                start += len(piece)
                yield piece
                piece = b""
                if stop is None or start < stop:
                    piece = await self._done(reading.piece, start, _wanted(start, stop))
        finally:
            reading.close()

    def _begun(self, key: str, start: int, wanted: int) -> tuple[_Reading, bytes]:
        """An open content, and the first piece of it."""
        try:
            reading = _Reading(self._folder.open(key))
        except OSError as error:
            if is_absent(error):
                raise FileMissing(self.name) from error
            raise
        return reading, reading.piece(start, wanted)

    def _begun_now(self, key: str, start: int, wanted: int) -> tuple[_Reading, bytes] | None:
        """As ``_begun``, of a content that lies in memory; None where it may take longer, or fails."""
        try:
            reading = _Reading(self._folder.open(key))
        except OSError:
            return None
        piece = reading.piece_now(start, wanted)
        if piece is None:
            reading.close()
            return None
        return reading, piece

    async def _done(self, work: Callable[..., R], *given: object) -> R:
        """Work in a thread. Raises StoreUnavailable where the system refuses it, StoreFull for want of room."""
        try:
            return await asyncio.to_thread(work, *given)
        except OSError as error:
            if error.errno == errno.EMFILE:
                self._folder.close()  # the next try has the descriptors of folders that are held open
            reason = _REASONS.get(error.errno or 0, f"its folder cannot be used: {error.strerror}")
            kind = StoreFull if error.errno in _WITHOUT_ROOM else StoreUnavailable
            raise kind(self.name, reason) from error

    async def size(self, key: str) -> int | None:
        """Return the size in bytes; None where there is no content."""
        try:
            demand_key(self.name, key)
        except FileMissing:
            return None
        return await self._done(self._folder.size, key)

    async def delete(self, key: str, before: datetime | None = None) -> bool:
        """Delete the content, unless it was written later."""
        demand_key(self.name, key)
        return await self._done(self._folder.delete, key, None if before is None else before.timestamp())

    async def keys(self, before: datetime) -> AsyncIterator[str]:
        """Give the keys of contents that were written before a moment."""
        found = self._folder.keys(before.timestamp())
        while (keys := await self._done(next, found, None)) is not None:
            for key in keys:
                yield key

    async def sweep(self, before: datetime) -> int:
        """Remove files that were being written when their program died."""
        return await self._done(self._folder.sweep, before.timestamp())

    async def close(self) -> None:
        """Close the folders that are held open."""
        self._folder.close()


def _wanted(start: int, stop: int | None) -> int:
    return PIECE if stop is None else max(0, min(PIECE, stop - start))


class _Reading:
    """An open content, closed at once or by the thread that is reading it."""

    def __init__(self, opened: int) -> None:
        self._file: int | None = opened
        self._lock = threading.Lock()

    def piece(self, start: int, size: int) -> bytes:
        """Read at most ``size`` bytes from a position on."""
        with self._lock:
            return b"" if self._file is None else os.pread(self._file, size, start)

    def piece_now(self, start: int, size: int) -> bytes | None:
        """Read ``size`` bytes; None where not all of them are in memory already (preadv2(2), RWF_NOWAIT)."""
        if self._file is None or sys.platform != "linux" or not hasattr(os, "RWF_NOWAIT"):
            return None  # also a Python that was made for systems older than this one may not know of it
        held = bytearray(size)
        try:
            count = os.preadv(self._file, [held], start, os.RWF_NOWAIT)
        except OSError:
            return None
        return bytes(held) if count == size else None

    def close(self) -> None:
        """Close the file, after a read that is under way."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None
