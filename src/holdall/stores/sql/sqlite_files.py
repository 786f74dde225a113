"""The SQLite libraries that have a file open in this process, and whether the file is still the one that a connection
opened.

A process may hold several copies of the SQLite library: apsw brings one, Python's ``sqlite3`` uses another, with it
SQLAlchemy, Alembic and Django. POSIX locks belong to the process, so two copies do not see each other's, and in WAL
mode one overwrites the other; whichever closes last removes the log under the other's feet (SQLite, *How To Corrupt An
SQLite Database File*, 2.2.1). So each connection is opened only where no other copy has the file, and looks again
before it writes.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from time import perf_counter
from typing import TypeVar

import apsw

from holdall.errors import StateError
from holdall.stores.sql.sqlite_notices import LIBRARIES, OpenNotices

__all__ = ["FileWatch", "open_file"]

T = TypeVar("T")
Identity = tuple[int, int]

_DESCRIPTORS = next((folder for folder in ("/proc/self/fd", "/dev/fd") if os.path.isdir(folder)), None)

_lock = threading.Lock()
_held: dict[Identity, dict[int, str]] = {}  # by file: whose descriptors of ours are


def open_file(path: str, library: str, opened: Callable[[], T]) -> T:
    """Call ``opened``, which opens the file, and return its connection; its descriptors count as that library's from
    now on.

    Raises StateError where something else in this process has the file open.
    """
    with _lock:
        _demand_unshared(path, library)
        before = _descriptors(path)
        connection = opened()
        identity = _identity(path)
        if identity is not None:
            known = _held.setdefault(identity, {})
            known.update(dict.fromkeys(_descriptors(path) - before, library))
        return connection


class FileWatch:
    """Watches the files of one connection, which has just been opened, for those who are about to write."""

    def __init__(self, path: str, library: str) -> None:
        self._path = path
        self._library = library
        self._database = _identity(path)
        self._log = _identity(f"{path}-wal")
        self._notices: OpenNotices | None = None
        self._is_suspect = True

    def demand_sound(self) -> None:
        """Raise StateError where what is written now would be lost, or would overwrite what others have written."""
        if not self.is_same:
            raise StateError(
                f"the SQLite file {self._path!r}, or its log, was removed or replaced while it was in use, most likely "
                "as another SQLite library of this process closed it; nothing was written. Close the store, and add "
                "?driver=stdlib to its URL where sqlite3, SQLAlchemy, Alembic or Django use the file as well"
            )
        if self._library != "apsw":
            return  # whoever else opens it does so by the same library
        if self._notices is None:
            self._notices = OpenNotices(self._path)
        self._is_suspect |= self._notices.is_look_due
        if self._is_suspect:
            began = perf_counter()
            with _lock:
                _demand_unshared(self._path, self._library)
            self._is_suspect = False
            self._notices.looked(perf_counter() - began)

    def demand_still_sound(self) -> None:
        """Raise as ``demand_sound`` does, which was asked when this transaction began.

        The files are looked at again where somebody has opened, moved or removed the database since, or where the
        kernel does not tell.
        """
        notices = self._notices
        if notices is not None and notices.are_told:
            if not notices.is_look_due:
                return
            self._is_suspect = True
        self.demand_sound()

    @property
    def is_same(self) -> bool:
        """Whether the file and its log are those that were opened."""
        if _identity(self._path) != self._database:
            return False
        log = _identity(f"{self._path}-wal")
        if self._log is None:
            self._log = log
        return log == self._log

    def closed(self) -> None:
        """Forget descriptors that have been closed."""
        if self._notices is not None:
            self._notices.close()
        with _lock:
            known = _held.get(self._database) if self._database is not None else None
            if known is not None:
                for descriptor in known.keys() - _descriptors_of(self._database):
                    del known[descriptor]
                if not known:
                    del _held[self._database]  # type: ignore[arg-type]


def _demand_unshared(path: str, library: str) -> None:
    identity = _identity(path)
    if identity is None:
        return
    known = _held.setdefault(identity, {})
    found = _descriptors_of(identity)
    others = {descriptor for descriptor in found & known.keys() if known[descriptor] != library}
    unknown = found - known.keys()
    if library == "apsw" and unknown:
        if _are_of_apsw(path, identity, unknown):
            known.update(dict.fromkeys(unknown, library))
        else:
            others |= unknown
    if others:
        raise StateError(
            f"the SQLite file {path!r} is open in this process by something else, another SQLite library (sqlite3, "
            "SQLAlchemy, Alembic, Django) or a plain open(), and such two do not see each other's locks: add "
            "?driver=stdlib to the URL of every store on this file, so that all use one library, close the file "
            "elsewhere, or use it in another process; nothing was written"
        )


def _are_of_apsw(path: str, identity: Identity, unknown: set[int]) -> bool:
    """Whether descriptors are of apsw's library, as somebody beside this package uses that himself.

    The library keeps descriptors of closed connections until they can be closed without dropping locks, and gives them
    to new connections first; so probes that need no new descriptor show how many of these there are.
    """
    if not any(name in sys.modules for name in LIBRARIES):
        return True
    connections: list[apsw.Connection] = getattr(apsw, "connections", list)()  # since apsw 3.46
    owned = sum(not hasattr(each, "watch") and _identity(each.filename) == identity for each in connections)
    if len(unknown) <= owned:
        return True
    if not connections:
        return False
    kept = 0
    for flags in (apsw.SQLITE_OPEN_READWRITE, apsw.SQLITE_OPEN_READONLY):
        before = _descriptors_of(identity)
        probes = [apsw.Connection(path, flags=flags) for _ in unknown]
        kept += len(probes) - len(_descriptors_of(identity) - before)
        for probe in probes:
            probe.close()
    return len(unknown) <= owned + kept


def _descriptors(path: str) -> set[int]:
    return _descriptors_of(_identity(path))


def _descriptors_of(identity: Identity | None) -> set[int]:
    """The descriptors of this process that lie on the file; empty where the system does not tell."""
    found = set[int]()
    if identity is None or _DESCRIPTORS is None:
        return found
    for name in os.listdir(_DESCRIPTORS):
        try:
            status = os.fstat(int(name))
        except OSError:  # that of the listing itself
            continue
        if (status.st_dev, status.st_ino) == identity:
            found.add(int(name))
    return found


def _identity(path: str) -> Identity | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _begin_anew() -> None:
    global _lock  # another thread may have held it when the process forked
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
