"""Raw: sqlite3 on a file of any size; each job opens the file anew."""

from __future__ import annotations

import gc
import sqlite3
import time
from contextlib import closing

import psutil

from bench.book import COLUMNS, SQLITE_TABLE, batches, random_keys

_SELECT = f"SELECT {COLUMNS} FROM book"
_INSERT = f"INSERT INTO book ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


def insert(database: str, count: int) -> float:
    """Fill an empty file, a commit for every ten thousand."""
    seconds = 0.0
    with closing(_open(database)) as connection:
        connection.execute(SQLITE_TABLE)
        for sources in batches(count, 10_000):
            start = time.perf_counter()
            connection.executemany(_INSERT, [(*source[:9], source[9].isoformat()) for source in sources])
            connection.commit()
            seconds += time.perf_counter() - start
    return seconds / count


def load(database: str, count: int) -> float:
    """Fetch all as they come."""
    with closing(_open(database)) as connection:
        start = time.perf_counter()
        loaded = connection.execute(_SELECT).fetchall()
        seconds = time.perf_counter() - start
    assert len(loaded) == count
    return seconds / count


def weigh(database: str, count: int) -> float:
    """Bytes the process grows by, values included, for each row it holds."""
    with closing(_open(database)) as connection:
        before = psutil.Process().memory_info().rss
        loaded = connection.execute(_SELECT).fetchall()
        gc.collect()
        weight = psutil.Process().memory_info().rss - before
    assert len(loaded) == count
    return float(weight) / count


def get(database: str, count: int) -> float:
    """One by key, keys at random."""
    with closing(_open(database)) as connection:
        keys = random_keys(count, 1_000)
        start = time.perf_counter()
        for key in keys:
            connection.execute(f"{_SELECT} WHERE id = ?", (key,)).fetchone()
        return (time.perf_counter() - start) / len(keys)


def page(database: str, count: int) -> float:
    """The first fifty and the count of all."""
    turns = max(10, min(1_000, 10_000_000 // count))
    with closing(_open(database)) as connection:
        start = time.perf_counter()
        for _ in range(turns):
            connection.execute("SELECT count(*) FROM book").fetchone()
            connection.execute(f"{_SELECT} ORDER BY id LIMIT 50").fetchall()
        return (time.perf_counter() - start) / turns


def after(database: str, count: int) -> float:
    """The fifty after a key at random."""
    with closing(_open(database)) as connection:
        keys = random_keys(count, 1_000)
        start = time.perf_counter()
        for key in keys:
            connection.execute(f"{_SELECT} WHERE id > ? ORDER BY id LIMIT 50", (key,)).fetchall()
        return (time.perf_counter() - start) / len(keys)


def _open(database: str) -> sqlite3.Connection:
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection
