"""Raw: one UPDATE by the driver in a transaction, and the number of rows that it tells."""

from __future__ import annotations

import time
from functools import partial

import apsw
import asyncpg

from bench.book import COLUMNS, FIELDS, POSTGRES_TABLE, SQLITE_TABLE, rows

CHECKPOINT = "PRAGMA wal_checkpoint(TRUNCATE)"  # before it is measured: else chance decides whose commit does that


def _sqlite(new: str, database: str, count: int) -> float:
    """By apsw, committed to the disk."""
    connection = apsw.Connection(database)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(SQLITE_TABLE)
    connection.execute("DELETE FROM book")
    places = ", ".join("?" * len(FIELDS))
    with connection:
        books = [(*book[:9], book[9].isoformat()) for book in rows(count)]
        connection.executemany(f"INSERT INTO book ({COLUMNS}) VALUES ({places})", books)
    sql = f"UPDATE book SET pages = {new.format('?')} WHERE pages >= ?"
    for value in (6, 7) if new == "{}" else (1, 1):  # the first warms up
        connection.execute(CHECKPOINT)
        start = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(sql, (value, 0))
        number = connection.changes()
        connection.execute("COMMIT")
        seconds = time.perf_counter() - start
    assert number == count
    connection.close()
    return seconds / count


async def _postgres(new: str, database: str, count: int) -> float:
    """By asyncpg on one connection."""
    connection = await asyncpg.connect(database)
    await connection.execute(POSTGRES_TABLE)
    await connection.execute("TRUNCATE book")
    await connection.copy_records_to_table("book", records=rows(count), columns=FIELDS)
    sql = f"UPDATE book SET pages = {new.format('$1')} WHERE pages >= $2"
    for value in (6, 7) if new == "{}" else (1, 1):  # the first warms up
        start = time.perf_counter()
        async with connection.transaction():
            told = await connection.execute(sql, value, 0)
        seconds = time.perf_counter() - start
    assert told == f"UPDATE {count}"
    await connection.close()
    return seconds / count


sqlite_value, postgres_value = partial(_sqlite, "{}"), partial(_postgres, "{}")
sqlite_computed, postgres_computed = partial(_sqlite, "pages + {}"), partial(_postgres, "pages + {}")
