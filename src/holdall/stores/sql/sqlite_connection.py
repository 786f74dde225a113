"""Opening SQLite connections: where the database lies, and the settings every connection gets.

Not for what runs on them: reads are in ``sqlite_readers``, writes in ``sqlite_writer``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from time import monotonic, sleep
from typing import cast
from urllib.parse import parse_qs, unquote

import apsw
import msgspec

from holdall.errors import DeclarationError
from holdall.stores.sql.database import INSPECTED_ROWS, demand_rows
from holdall.stores.sql.sqlite_files import FileWatch, open_file

__all__ = ["SqliteOptions", "SqlitePlace", "Unsynced", "connect", "place_of", "sync_log"]

_DRIVERS = ("apsw", "stdlib")
SYNCHRONOUS = ("off", "normal", "full", "extra")
STATEMENTS = 256  # prepared statements one connection keeps
_PAUSE = 0.005  # seconds between two tries to change the mode of a file


class SqlitePlace(msgspec.Struct, frozen=True):
    """Where a database lies: a file's path, or None for one in memory; and whether the driver is the stdlib's."""

    path: str | None
    is_readonly: bool = False
    is_stdlib: bool = False

    @property
    def is_older(self) -> bool:
        """Whether its SQLite may lack what the one of apsw has."""
        if not self.is_stdlib:
            return False
        import sqlite3  # a copy of SQLite that only this driver needs

        return sqlite3.sqlite_version_info < (3, 44)


class SqliteOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a SQLite database is run.

    ``synchronous`` is SQLite's own word for when it waits for the disk; below ``full`` a power cut may lose the last
    commits. ``timeout`` (seconds) bounds the wait for locks of other processes and for one's turn to write,
    ``read_timeout`` each read of a file, which is broken off then.
    ``inline_steps`` is how many virtual machine instructions a read may take on the event loop before it is run
    again in a thread; ``threads`` how many such reads run at once. ``driver`` is ``apsw``, which brings a SQLite of its
    own, or ``stdlib`` where other code of this process uses the same file by ``sqlite3``; the URL may say it, too.
    ``inspected_rows`` is of how many rows of each table ``inspect`` looks at the values; None stands for all.
    """

    synchronous: str = "full"
    timeout: float = 10.0
    read_timeout: float = 60.0
    inline_steps: int = 400_000
    threads: int = 4
    driver: str | None = None
    inspected_rows: int | None = INSPECTED_ROWS

    def __post_init__(self) -> None:
        if self.synchronous not in SYNCHRONOUS:
            raise DeclarationError(f"synchronous is one of {', '.join(SYNCHRONOUS)}, not {self.synchronous!r}")
        if self.driver not in (None, *_DRIVERS):
            raise DeclarationError(f"driver is one of {', '.join(_DRIVERS)}, not {self.driver!r}")
        if min(self.timeout, self.read_timeout) <= 0 or self.inline_steps < 1 or self.threads < 1:
            raise DeclarationError("timeout, read_timeout, inline_steps and threads must be above zero")
        demand_rows(self.inspected_rows)


def place_of(url: str, driver: str | None = None) -> SqlitePlace:
    """The place a ``sqlite:`` URL means: three slashes for a relative path, four for an absolute one, none for memory.

    All before a question mark is the path, with ``%3F`` for one that is part of it. Raises DeclarationError for a host,
    or for a parameter other than ``mode=ro``, ``mode=rwc``, ``driver=apsw`` and ``driver=stdlib``.
    """
    scheme, _, rest = url.partition(":")
    place, _, query = rest.partition("?")
    path = place
    if place.startswith("//"):
        host, _, path = place[2:].partition("/")
    else:
        host = ""
    if host:
        raise DeclarationError(
            f"{url!r} names a host; a relative path is sqlite:///path, an absolute one sqlite:////path"
        )
    parameters = parse_qs(query, keep_blank_values=True)
    mode = parameters.pop("mode", ["rwc"])[-1]
    named = "stdlib" if "+" in scheme else "apsw"  # sqlite+aiosqlite and sqlite+pysqlite are others' words for it
    driver = parameters.pop("driver", [driver or named])[-1]
    if parameters or mode not in ("ro", "rwc") or driver not in _DRIVERS:
        raise DeclarationError("a sqlite URL takes only mode=ro or mode=rwc, and driver=apsw or driver=stdlib")
    path = unquote(path)
    if path in ("", ":memory:"):
        if mode == "ro":
            raise DeclarationError("a database in memory cannot be read-only")
        return SqlitePlace(None, is_stdlib=driver == "stdlib")
    if "\0" in path:
        raise DeclarationError("a path cannot hold a NUL character")
    return SqlitePlace(path, mode == "ro", driver == "stdlib")


def connect(
    place: SqlitePlace,
    options: SqliteOptions,
    prepare: Callable[[apsw.Connection], None],
    patience: int,
    *,
    writes: bool,
) -> ApswConnection:
    """Open a connection that waits ``patience`` milliseconds for locks. Raises apsw's errors.

    ``prepare`` registers the functions that compiled queries call.
    """
    connection = _opened(place)
    try:
        connection.set_busy_timeout(patience)
        if place.path is not None and not place.is_readonly:
            _write_ahead(connection, patience)
        connection.execute(f"PRAGMA synchronous = {options.synchronous}")
        connection.execute("PRAGMA foreign_keys = on")
        connection.execute("PRAGMA trusted_schema = off")
        if not writes:
            connection.execute("PRAGMA query_only = on")
        prepare(connection)
    except BaseException:
        connection.close(True)
        raise
    if place.path is not None:
        connection.watch = FileWatch(place.path, _library(place))
    return connection


def _write_ahead(connection: ApswConnection, patience: int) -> None:
    """Have the file in WAL mode, trying for ``patience`` milliseconds.

    SQLite gives up at once where somebody else uses a file that is to change its mode, as those do who open a new one
    at the same time: it waits for locks of readers and writers only.
    """
    end = monotonic() + patience / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = wal").fetchall()
        except apsw.BusyError:
            if monotonic() >= end:
                raise
            sleep(_PAUSE)
        else:
            return


def _opened(place: SqlitePlace) -> ApswConnection:
    """A connection of either driver; both have the same face."""

    def opened() -> ApswConnection:
        if place.is_stdlib:
            from holdall.stores.sql.sqlite_stdlib import StdlibConnection, demand_usable

            demand_usable()
            made = StdlibConnection(place.path, is_readonly=place.is_readonly, statements=STATEMENTS)
            return cast(ApswConnection, made)
        flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
        if place.is_readonly:
            flags = apsw.SQLITE_OPEN_READONLY
        return ApswConnection(place.path or ":memory:", flags=flags, statementcachesize=STATEMENTS)

    return opened() if place.path is None else open_file(place.path, _library(place), opened)


def _library(place: SqlitePlace) -> str:
    return "stdlib" if place.is_stdlib else "apsw"


class ApswConnection(apsw.Connection):
    """A connection that knows whether its files are still its own."""

    watch: FileWatch | None = None
    stretch = 0
    """Another number after each work of the writer that may change more than rows, and in each transaction."""

    def demand_sound(self) -> None:
        """Raise StateError where what is written now would be lost, or would overwrite what others have written."""
        if self.watch is not None:
            self.watch.demand_sound()

    def commit(self) -> None:
        """Commit the open transaction. Raises StateError where it would be lost by what happened since it began."""
        if self.watch is not None:
            self.watch.demand_still_sound()
        self.execute("COMMIT")

    def close(self, force: bool = False) -> None:
        """Close it; a log that is not its own any more is left to those whose it is."""
        if self.watch is not None and not self.watch.is_same:
            self.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        super().close(force)
        if self.watch is not None:
            self.watch.closed()


class Unsynced:
    """Commits of a connection do not wait for the disk inside; then they are ``synchronous`` again."""

    __slots__ = ("_connection", "_synchronous")

    def __init__(self, connection: apsw.Connection, synchronous: str) -> None:
        self._connection = connection
        self._synchronous = synchronous

    def __enter__(self) -> None:
        self._connection.execute("PRAGMA synchronous = normal")

    def __exit__(self, *_: object) -> None:
        self._connection.execute(f"PRAGMA synchronous = {self._synchronous}")


def sync_log(log: str) -> None:
    """Wait until a write-ahead log is on the disk; without one, everything is in the database file, and synced."""
    try:
        descriptor = os.open(log, os.O_RDONLY | os.O_CLOEXEC)  # no lock lies on this file, so closing it drops none
    except FileNotFoundError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
