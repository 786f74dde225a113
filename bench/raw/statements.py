"""Raw: one statement with a parameter by the driver itself, prepared once, its rows as the driver gives them."""

from __future__ import annotations

import time

import apsw
import asyncpg

from bench.book import COLUMNS, POSTGRES_TABLE, SQLITE_TABLE, rows

_RECORDS = 1_000


async def sqlite(database: str, count: int) -> float:
    """By apsw, its cache of statements included."""
    connection = apsw.Connection(database)
    connection.execute(SQLITE_TABLE)
    connection.execute("DELETE FROM book")
    with connection:
        places = ", ".join("?" * 10)
        connection.executemany(
            f"INSERT INTO book ({COLUMNS}) VALUES ({places})", [(*r[:9], r[9].isoformat()) for r in rows(_RECORDS)]
        )
    select = f"SELECT {COLUMNS} FROM book WHERE id > ? ORDER BY id LIMIT 50"
    start = time.perf_counter()
    for number in range(count):
        assert len(connection.execute(select, (number,)).fetchall()) == 50
    seconds = time.perf_counter() - start
    connection.close()
    return seconds / count


async def postgres(database: str, count: int) -> float:
    """By asyncpg on one connection, with its own cache of statements."""
    connection = await asyncpg.connect(database)
    await connection.execute(POSTGRES_TABLE)
    await connection.execute("TRUNCATE book")
    await connection.copy_records_to_table("book", records=rows(_RECORDS))
    select = f"SELECT {COLUMNS} FROM book WHERE id > $1 ORDER BY id LIMIT 50"
    start = time.perf_counter()
    for number in range(count):
        assert len(await connection.fetch(select, number)) == 50
    seconds = time.perf_counter() - start
    await connection.close()
    return seconds / count
