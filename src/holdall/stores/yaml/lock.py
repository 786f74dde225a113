"""The lock between processes: one writer or many readers, by ``flock`` on a file of the store's own folder."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from holdall.errors import StoreTimeout
from holdall.stores.yaml.files import Folder

__all__ = ["OWN", "Lock"]

OWN = ".holdall"
"""The folder in the root that holds lock, journal and counters."""

_PAUSE = 0.002  # seconds between two tries
_LONGEST_PAUSE = 0.05


class Lock:
    """Held for the length of a block; ``patience`` is how many seconds to wait for it."""

    def __init__(self, store: str, folder: Folder, patience: float) -> None:
        self._store = store
        self._folder = folder
        self._patience = patience

    @contextmanager
    def shared(self) -> Iterator[None]:
        """No writer is at work. Where nobody has ever written, or may write, there is nothing to wait for."""
        try:
            descriptor = os.open(self._path(), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except (FileNotFoundError, PermissionError):
            yield
            return
        try:
            self._take(descriptor, fcntl.LOCK_SH)
            yield
        finally:
            _let_go(descriptor)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Nobody else reads or writes. Creates the lock's file."""
        if self._folder.make(OWN):
            ignore = self._folder.root / OWN / ".gitignore"
            ignore.write_text("*\n", encoding="utf-8")
        descriptor = os.open(self._path(), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        try:
            self._take(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            _let_go(descriptor)

    @property
    def was_ever_taken(self) -> bool:
        """Whether a writer was ever in this folder: not where it is the empty place of one that is not mounted."""
        return os.path.exists(self._path())

    def _path(self) -> str:
        return f"{self._folder.root}/{OWN}/lock"

    def _take(self, descriptor: int, how: int) -> None:
        end = time.monotonic() + self._patience
        pause = _PAUSE
        while True:
            try:
                fcntl.flock(descriptor, how | fcntl.LOCK_NB)
                return
            except OSError as error:
                if error.errno not in (errno.EWOULDBLOCK, errno.EAGAIN, errno.EINTR):
                    raise
            if time.monotonic() >= end:
                raise StoreTimeout(self._store, f"another process held the folder for {self._patience} s; repeat")
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)


def _let_go(descriptor: int) -> None:
    fcntl.flock(descriptor, fcntl.LOCK_UN)  # a child that was forked meanwhile has it open, too
    os.close(descriptor)
