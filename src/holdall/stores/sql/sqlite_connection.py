"""Opening SQLite connections: where the database lies, and the settings every connection gets.

Not for what runs on them: reads are in ``sqlite_readers``, writes in ``sqlite_writer``.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, unquote, urlsplit

import apsw
import msgspec

from holdall.errors import DeclarationError

__all__ = ["SqliteOptions", "SqlitePlace", "connect", "place_of"]

SYNCHRONOUS = ("off", "normal", "full", "extra")
STATEMENTS = 256  # prepared statements one connection keeps


class SqlitePlace(msgspec.Struct, frozen=True):
    """Where a database lies: a file's path, or None for one in memory."""

    path: str | None
    is_readonly: bool = False


class SqliteOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a SQLite database is run.

    ``synchronous`` is SQLite's own word for when it waits for the disk; below ``full`` a power cut may lose the last
    commits. ``timeout`` (seconds) bounds the wait for locks of other processes and for one's turn to write.
    ``inline_steps`` is how many virtual machine instructions a read may take on the event loop before it is run
    again in a thread; ``threads`` how many such reads run at once.
    """

    synchronous: str = "full"
    timeout: float = 10.0
    inline_steps: int = 400_000
    threads: int = 4

    def __post_init__(self) -> None:
        if self.synchronous not in SYNCHRONOUS:
            raise DeclarationError(f"synchronous is one of {', '.join(SYNCHRONOUS)}, not {self.synchronous!r}")
        if self.timeout <= 0 or self.inline_steps < 1 or self.threads < 1:
            raise DeclarationError("timeout, inline_steps and threads must be above zero")


def place_of(url: str) -> SqlitePlace:
    """The place a ``sqlite:`` URL means: three slashes for a relative path, four for an absolute one, none for memory.

    Raises DeclarationError for a host, or for a parameter other than ``mode=ro`` and ``mode=rwc``.
    """
    parts = urlsplit(url)
    if parts.netloc:
        raise DeclarationError(
            f"{url!r} names a host; a relative path is sqlite:///path, an absolute one sqlite:////path"
        )
    parameters = parse_qs(parts.query, keep_blank_values=True)
    mode = parameters.pop("mode", ["rwc"])[-1]
    if parameters or mode not in ("ro", "rwc"):
        raise DeclarationError("a sqlite URL takes only the parameter mode=ro or mode=rwc")
    path = unquote(parts.path[1:])
    if path in ("", ":memory:"):
        if mode == "ro":
            raise DeclarationError("a database in memory cannot be read-only")
        return SqlitePlace(None)
    if "\0" in path:
        raise DeclarationError("a path cannot hold a NUL character")
    return SqlitePlace(path, mode == "ro")


def connect(
    place: SqlitePlace,
    options: SqliteOptions,
    prepare: Callable[[apsw.Connection], None],
    patience: int,
    *,
    writes: bool,
) -> apsw.Connection:
    """Open a connection that waits ``patience`` milliseconds for locks. Raises apsw's errors.

    ``prepare`` registers the functions that compiled queries call.
    """
    if place.is_readonly:
        flags = apsw.SQLITE_OPEN_READONLY
    else:
        flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    connection = apsw.Connection(place.path or ":memory:", flags=flags, statementcachesize=STATEMENTS)
    try:
        connection.set_busy_timeout(patience)
        if place.path is not None and not place.is_readonly:
            connection.execute("PRAGMA journal_mode = wal").fetchall()
        connection.execute(f"PRAGMA synchronous = {options.synchronous}")
        connection.execute("PRAGMA foreign_keys = on")
        connection.execute("PRAGMA trusted_schema = off")
        if not writes:
            connection.execute("PRAGMA query_only = on")
        prepare(connection)
    except BaseException:
        connection.close(True)
        raise
    return connection
