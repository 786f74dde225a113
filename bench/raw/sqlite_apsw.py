"""Raw: the same by apsw, the thinnest way to SQLite there is."""

from __future__ import annotations

import time
from datetime import datetime
from functools import cache
from typing import Any

import apsw

from bench.book import COLUMNS, SQLITE_TABLE, rows

_SELECT = f"SELECT {COLUMNS} FROM book"
_INSERT = f"INSERT INTO book ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_UPDATE = "UPDATE book SET pages = ?, price = ? WHERE id = ?"


def load(database: str, count: int) -> float:
    """Fetch all as they come: numbers for truth values, text for moments."""
    connection = _filled(database, count)
    start = time.perf_counter()
    loaded = connection.execute(_SELECT).fetchall()
    seconds = time.perf_counter() - start
    assert len(loaded) == count
    return seconds / count


def insert(database: str, count: int) -> float:
    """One executemany in one transaction, committed."""
    connection = _open(database)
    connection.execute("DELETE FROM book")
    sources = rows(count)
    start = time.perf_counter()
    _insert(connection, sources)
    seconds = time.perf_counter() - start
    assert _fetch(connection) == sources
    return seconds / count


def update(database: str, count: int) -> float:
    """New values of two columns for each loaded row, in one executemany in one transaction, committed."""
    connection = _filled(database, count)
    loaded = _fetch(connection)
    start = time.perf_counter()
    edits = [(values[5] + 1, values[6] + 1.0, values[0]) for values in loaded]
    with connection:
        connection.executemany(_UPDATE, edits)
    seconds = time.perf_counter() - start
    assert [(values[5], values[6], values[0]) for values in _fetch(connection)] == edits
    _refill(connection, count)
    return seconds / count


@cache
def _open(database: str) -> apsw.Connection:
    connection = apsw.Connection(database)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(SQLITE_TABLE)
    return connection


@cache
def _filled(database: str, count: int) -> apsw.Connection:
    connection = _open(database)
    _refill(connection, count)
    return connection


def _refill(connection: apsw.Connection, count: int) -> None:
    connection.execute("DELETE FROM book")
    _insert(connection, rows(count))


def _insert(connection: apsw.Connection, sources: list[tuple[Any, ...]]) -> None:
    with connection:
        connection.executemany(_INSERT, [(*source[:9], source[9].isoformat()) for source in sources])


def _fetch(connection: apsw.Connection) -> list[tuple[Any, ...]]:
    read = datetime.fromisoformat
    return [(a, b, c, d, e, f, g, h, i == 1, read(j)) for a, b, c, d, e, f, g, h, i, j in connection.execute(_SELECT)]
