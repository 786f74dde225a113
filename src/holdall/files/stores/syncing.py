"""A file and its folder made durable side by side: most file systems do both by one act then, and else by two."""

from __future__ import annotations

import os
from threading import Lock
from typing import TYPE_CHECKING

from holdall.store import AnewInChild, watch_forks

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

__all__ = ["Syncing"]

_AT_ONCE = 8


class Syncing(AnewInChild):
    """Syncs for the threads of one store, with threads of its own.

    Example: :class:`LocalFiles`.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._pool: ThreadPoolExecutor | None = None
        watch_forks(self)

    def both(self, opened: int, folder: int) -> None:
        """Sync an open file and the open folder that it lies in. Raises OSError once neither is in use any more."""
        beside = self._threads().submit(os.fsync, folder)
        try:
            os.fsync(opened)
        finally:
            error = beside.exception()
        if error is not None:
            raise error

    def after_fork_in_child(self) -> None:
        """Have threads of its own: those of the parent are not in the child, which may have forked amid a call."""
        self._lock, self._pool = Lock(), None

    def _threads(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                from concurrent.futures import ThreadPoolExecutor  # takes its time, and reading needs none

                self._pool = ThreadPoolExecutor(_AT_ONCE, "holdall-sync")  # which starts threads as they are needed
            return self._pool
