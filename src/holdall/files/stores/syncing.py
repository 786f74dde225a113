"""A file and its folder made durable side by side: most file systems do both by one act then, and else by two."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from holdall.store import AnewInChild, watch_forks

__all__ = ["Syncing"]

_AT_ONCE = 8


class Syncing(AnewInChild):
    """Syncs for the threads of one store, with threads of its own.

    Example: :class:`LocalFiles`.
    """

    def __init__(self) -> None:
        self._pool = self._new_pool()
        watch_forks(self)

    def both(self, opened: int, folder: int) -> None:
        """Sync an open file and the open folder that it lies in. Raises OSError once neither is in use any more."""
        beside = self._pool.submit(os.fsync, folder)
        try:
            os.fsync(opened)
        finally:
            error = beside.exception()
        if error is not None:
            raise error

    def after_fork_in_child(self) -> None:
        """Have threads of its own: those of the parent are not in the child."""
        self._pool = self._new_pool()

    @staticmethod
    def _new_pool() -> ThreadPoolExecutor:
        return ThreadPoolExecutor(_AT_ONCE, "holdall-sync")  # which starts threads as they are needed
