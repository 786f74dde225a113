"""Whether anybody has opened or taken away a file since the last look, as the kernel of Linux tells, or may have.

See inotify(7).
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from time import perf_counter

__all__ = ["LIBRARIES", "OpenNotices"]

_IN_ATTRIB, _IN_OPEN, _IN_MOVE_SELF = 0x4, 0x20, 0x800  # the first as a file that is held open is removed
LIBRARIES = ("_sqlite3", "pysqlite3", "sqlcipher3")  # modules that bring or use another SQLite than apsw's
_SHARE = 20  # where nobody tells, looks take one part in so many of the time


class OpenNotices:
    """Notices of one file. ``looked`` says how long a look took, in seconds."""

    def __init__(self, path: str) -> None:
        self._descriptor = _watching(path)
        self._next_look = 0.0

    def looked(self, took: float) -> None:
        """Somebody has looked."""
        self._next_look = perf_counter() + _SHARE * took

    @property
    def are_told(self) -> bool:
        """Whether the kernel gives notice each time the file is opened, moved or removed."""
        return self._descriptor is not None

    @property
    def is_look_due(self) -> bool:
        """Whether the file may have been opened, moved or removed."""
        if self._descriptor is None:
            return any(name in sys.modules for name in LIBRARIES) and perf_counter() >= self._next_look
        try:
            return bool(os.read(self._descriptor, 65536))
        except BlockingIOError:
            return False

    def close(self) -> None:
        """Ask for no more."""
        if self._descriptor is not None:
            with suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None


def _watching(path: str) -> int | None:
    """A descriptor from which notices can be read; None where there are none to be had."""
    if sys.platform != "linux":
        return None
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    try:
        descriptor = int(library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        if descriptor < 0:
            return None
        if int(library.inotify_add_watch(descriptor, os.fsencode(path), _IN_ATTRIB | _IN_OPEN | _IN_MOVE_SELF)) < 0:
            os.close(descriptor)
            return None
    except AttributeError:  # another C library
        return None
    return descriptor
