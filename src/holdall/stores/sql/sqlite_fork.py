"""Handling, in a forked process, of the SQLite connections of its parent.

SQLite knows its locks by process and file: in a child, connections that came with the fork count as holding locks that
only the parent has, and so would every new connection to the same file while one of them is open (SQLite, *How To
Corrupt An SQLite Database File*, 2.6). So idle ones are closed, in a way that touches nothing but the child's own
memory and descriptors. One that another thread was using cannot be closed any more; its file is out of the child's
reach.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress

import apsw

from holdall.errors import StateError
from holdall.store import keep_for_ever

__all__ = ["FORK_PATIENCE", "abandon", "close_inherited", "demand_reachable"]

FORK_PATIENCE = 0.2  # seconds a fork waits for other threads to come to rest

_out_of_reach: set[tuple[int, int]] = set()


def close_inherited(connections: Iterable[apsw.Connection]) -> None:
    """Close connections that were idle at the fork, without a checkpoint: that is the parent's to do."""
    for connection in connections:
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        connection.close(True)


def abandon(connections: Iterable[apsw.Connection], path: str) -> None:
    """Never touch these connections again, nor their file: one was in use at the fork."""
    for connection in connections:
        keep_for_ever(connection)
    with suppress(OSError):
        _out_of_reach.add(_identity(path))


def demand_reachable(path: str) -> None:
    """Raise StateError if this process is a fork of one that was using the file at that moment."""
    if not _out_of_reach:
        return
    with suppress(OSError):
        if _identity(path) in _out_of_reach:
            raise StateError(
                f"this process was forked while its parent was using the SQLite file {path!r}, and SQLite cannot use "
                "it here: fork when no transaction, stream or other thread is at work, or start processes by 'spawn'"
            )


def _identity(path: str) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_dev, found.st_ino
