"""SQLite by the standard library's ``sqlite3``, with the face of an apsw connection as far as this package uses one.

For files that other code of the same process uses by that library. Errors are raised as apsw's, by the same codes.
Slower than apsw, as each row of many is sent by itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast
from urllib.parse import quote

import apsw

from holdall.errors import DeclarationError
from holdall.query import Value
from holdall.stores.sql.sqlite_files import FileWatch

__all__ = ["StdlibConnection", "as_apsw", "demand_usable"]

_OLDEST = (3, 38, 0)  # with the functions for JSON
_WITH_UNHEX = (3, 41, 0)
_SERIALIZED = 3


def demand_usable() -> None:
    """Raise DeclarationError where the standard library's SQLite is too old, or not made for threads."""
    if sqlite3.sqlite_version_info < _OLDEST or sqlite3.threadsafety != _SERIALIZED:
        wanted = ".".join(map(str, _OLDEST))
        raise DeclarationError(
            f"driver=stdlib needs SQLite {wanted} or newer, made for threads; this Python has "
            f"{sqlite3.sqlite_version}. Leave the driver out to use the one that comes with apsw"
        )


class StdlibCursor:
    """The rows of one statement."""

    def __init__(self, raw: sqlite3.Cursor) -> None:
        self._raw = raw

    def fetchall(self) -> list[tuple[Value, ...]]:
        """All rows that are left."""
        with _translating():
            return self._raw.fetchall()

    def fetchone(self) -> tuple[Value, ...] | None:
        """The next row."""
        with _translating():
            return cast("tuple[Any, ...] | None", self._raw.fetchone())

    @property
    def description(self) -> Sequence[tuple[Value, ...]]:
        """The columns of the statement, the name of each first."""
        return self._raw.description or ()

    @property
    def get(self) -> Any:
        """The only value of the only row, the row if it has several values; None where there is none."""
        row = self.fetchone()
        return row[0] if row is not None and len(row) == 1 else row

    def execute(self, sql: str, parameters: Sequence[Value] = ()) -> StdlibCursor:
        """Run a statement, for its rows."""
        with _translating():
            self._raw.execute(sql, parameters)
        return self

    def close(self, force: bool = False) -> None:
        """Let go of the statement."""
        self._raw.close()

    def __iter__(self) -> Iterator[tuple[Value, ...]]:
        return self

    def __next__(self) -> tuple[Value, ...]:
        row = self.fetchone()
        if row is None:
            raise StopIteration
        return row


class StdlibConnection:
    """A connection; ``path`` is None for a database in memory."""

    stretch = 0  # as that of the other driver's connection

    def __init__(self, path: str | None, *, is_readonly: bool, statements: int) -> None:
        mode = "ro" if is_readonly else "rwc"
        place = ":memory:" if path is None else f"file:{quote(path)}?mode={mode}"
        with _translating():
            self._raw = sqlite3.connect(
                place,
                uri=path is not None,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=statements,
            )
        if sqlite3.sqlite_version_info < _WITH_UNHEX:
            self._raw.create_function("unhex", 1, _unhex, deterministic=True)
        self._changes = 0
        self._rowid = 0
        self.watch: FileWatch | None = None

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._raw.in_transaction

    def execute(self, sql: str, parameters: Sequence[Value] = ()) -> StdlibCursor:
        """Run a statement."""
        with _translating():
            cursor = self._raw.execute(sql, parameters)
        self._note(cursor)
        return StdlibCursor(cursor)

    def executemany(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """Run a statement for each row; the next row is asked for when the one before it was written."""
        cursor = self._raw.cursor()
        for row in rows:
            with _translating():
                cursor.execute(sql, row)
            self._note(cursor)

    def cursor(self) -> StdlibCursor:
        with _translating():
            return StdlibCursor(self._raw.cursor())

    def changes(self) -> int:
        """How many rows the last statement wrote."""
        return self._changes

    def total_changes(self) -> int:
        """How many rows all statements wrote."""
        return self._raw.total_changes

    def last_insert_rowid(self) -> int:
        """The key of the row that was inserted last."""
        return self._rowid

    def set_busy_timeout(self, milliseconds: int) -> None:
        """Wait so long for locks."""
        self.execute(f"PRAGMA busy_timeout = {milliseconds}").fetchall()

    def wal_autocheckpoint(self, pages: int) -> None:
        """Make SQLite move the write-ahead log into the file when the log has ``pages`` pages; never, if 0."""
        self.execute(f"PRAGMA wal_autocheckpoint = {pages}").fetchall()

    def set_progress_handler(self, handler: Callable[[], bool], instructions: int) -> None:
        """Call the handler after every ``instructions`` instructions; true stops the statement."""
        self._raw.set_progress_handler(handler, instructions)

    def interrupt(self) -> None:
        """Stop what is under way."""
        self._raw.interrupt()

    def create_function(self, name: str, count: int, function: Callable[..., Any], *, deterministic: bool) -> None:
        """Teach it a function."""
        self._raw.create_function(name, count, function, deterministic=deterministic)

    def create_aggregate(self, name: str, count: int, made_by: Callable[[], Any]) -> None:
        """Teach it an aggregate."""
        self._raw.create_aggregate(name, count, made_by)

    def create_collation(self, name: str, compare: Callable[[str, str], int]) -> None:
        """Teach it an order."""
        self._raw.create_collation(name, compare)

    def config(self, option: int, value: int) -> None:
        """Set an option, from Python 3.12 on; those that are used here only spare work."""
        if hasattr(self._raw, "setconfig"):
            self._raw.setconfig(option, bool(value))

    def demand_sound(self) -> None:
        """Raise StateError where what is written now would be lost."""
        if self.watch is not None:
            self.watch.demand_sound()

    def commit(self) -> None:
        """Commit the open transaction. Raises StateError where it would be lost by what happened since it began."""
        if self.watch is not None:
            self.watch.demand_still_sound()
        self.execute("COMMIT")

    def close(self, force: bool = False) -> None:
        if self.watch is not None and not self.watch.is_same:
            self.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        self._raw.close()
        if self.watch is not None:
            self.watch.closed()

    def _note(self, cursor: sqlite3.Cursor) -> None:
        if cursor.rowcount >= 0:
            self._changes = cursor.rowcount
        if cursor.lastrowid is not None:
            self._rowid = cursor.lastrowid


def _unhex(text: str | None) -> bytes | None:
    return None if text is None else bytes.fromhex(text)


@contextmanager
def _translating() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise as_apsw(error) from error


def as_apsw(error: sqlite3.Error) -> apsw.Error:
    """The error of apsw for the same code of SQLite."""
    code: int = getattr(error, "sqlite_errorcode", apsw.SQLITE_MISUSE)
    made: Any = type(apsw.exception_for(code))(str(error))
    made.result, made.extendedresult = code & 0xFF, code
    return cast(apsw.Error, made)
