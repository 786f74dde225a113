"""Raw: groups with sums and means by the driver itself, in one statement with a parameter."""

from __future__ import annotations

import time

import apsw
import asyncpg

from bench.book import COLUMNS, POSTGRES_TABLE, SQLITE_TABLE, rows

_RECORDS = 10_000
_SELECT = "SELECT language, count(*), sum(pages), avg(pages), max(price) FROM book WHERE pages > {} GROUP BY language"


async def sqlite(database: str, count: int) -> float:
    """By apsw."""
    connection = apsw.Connection(database)
    connection.execute(SQLITE_TABLE)
    connection.execute("DELETE FROM book")
    places = ", ".join("?" * 10)
    with connection:
        connection.executemany(
            f"INSERT INTO book ({COLUMNS}) VALUES ({places})", [(*r[:9], r[9].isoformat()) for r in rows(_RECORDS)]
        )
    start = time.perf_counter()
    for number in range(count):
        assert len(connection.execute(_SELECT.format("?"), (100 + number,)).fetchall()) == 5
    seconds = time.perf_counter() - start
    connection.close()
    return seconds / count


async def postgres(database: str, count: int) -> float:
    """By asyncpg on one connection."""
    connection = await asyncpg.connect(database)
    await connection.execute(POSTGRES_TABLE)
    await connection.execute("TRUNCATE book")
    await connection.copy_records_to_table("book", records=rows(_RECORDS))
    start = time.perf_counter()
    for number in range(count):
        assert len(await connection.fetch(_SELECT.format("$1"), 100 + number)) == 5
    seconds = time.perf_counter() - start
    await connection.close()
    return seconds / count
