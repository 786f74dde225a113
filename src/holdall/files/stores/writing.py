"""Writing one content into a local folder: under a name of its own first, moved into place when it is whole."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from threading import Lock

from holdall.files.stores.folder import Folder

__all__ = ["Writing"]

_AT_ONCE = 64  # pieces that are written at once; systems take a thousand


class Writing:
    """One content on its way. Each call holds the lock, so that a file is never closed while a thread writes to it.

    Example: :class:`LocalFiles`.
    """

    def __init__(self, folder: Folder, *, is_hashed: bool) -> None:
        self._folder = folder
        self._name = folder.new_key()
        self._hash = None
        if is_hashed:
            import hashlib  # takes its time, and programs without files do not need it

            self._hash = hashlib.sha256()
        self._lock = Lock()
        self._file: int | None = None
        self._size = 0
        self._published: str | None = None
        self._is_over = False

    def add(self, pieces: list[bytes]) -> None:
        """Write more of it, and have the system begin to bring that to the disk."""
        with self._lock:
            start = self._size
            self._add(pieces)
            assert self._file is not None
            _begin_to_sync(self._file, start, self._size - start)

    def end(self, pieces: list[bytes], key: str | None) -> str:
        """Write the rest, make it durable and move it into place; return its key."""
        with self._lock:
            self._add(pieces)
            assert self._file is not None
            if key is None and self._hash is None:
                key = self._published = self._name
                self._folder.publish(key, self._file)
            else:
                key = key or (self._hash.hexdigest() if self._hash is not None else "")
                self._folder.replace(self._name, key, self._file)
            self._close()
            return key

    def abandon(self) -> None:
        """Leave nothing of it, also where it was moved into place for somebody who does not wait any more."""
        with self._lock:
            self._is_over = True
            self._close()
            self._folder.abandon(self._name)
            if self._published is not None:
                with suppress(OSError):  # nobody refers to it, so that it is collected
                    self._folder.delete(self._published, None)

    def _add(self, pieces: list[bytes]) -> None:
        if self._is_over:
            raise OSError("this write was given up")
        if self._file is None:
            self._file = self._folder.begin(self._name)
        if self._hash is not None:
            for piece in pieces:
                self._hash.update(piece)
        self._size += sum(map(len, pieces))
        for start in range(0, len(pieces), _AT_ONCE):
            _write(self._file, pieces[start : start + _AT_ONCE])

    def _close(self) -> None:
        opened, self._file = self._file, None
        if opened is not None:
            os.close(opened)


def _write(opened: int, pieces: list[bytes]) -> None:
    """Write all bytes of these pieces."""
    rest: list[bytes | memoryview] = [*pieces]
    while rest:
        count = os.writev(opened, rest)
        while rest and count >= len(rest[0]):
            count -= len(rest.pop(0))
        if count:
            rest[0] = memoryview(rest[0])[count:]


def _begin_to_sync(opened: int, start: int, size: int) -> None:
    """Begin to bring bytes to the disk, where the system takes such advice, so that less is left for the sync.

    Linux does so when it is told that the bytes are not needed (posix_fadvise(2)). Bytes that are still to be written
    stay in memory.
    """
    if sys.platform == "linux":
        with suppress(OSError):  # the sync brings all of them
            os.posix_fadvise(opened, start, size, os.POSIX_FADV_DONTNEED)
