"""Raw: asyncpg and nothing else: executemany as its documentation has it, and the faster ways, COPY and unnest."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

import asyncpg

from bench.book import COLUMNS, FIELDS, POSTGRES_TABLE, rows

_SELECT = f"SELECT {COLUMNS} FROM book"
_PLACES = ", ".join(f"${place}" for place in range(1, 11))
_TYPES = ("bigint", "varchar", "varchar", "varchar", "varchar", "bigint", "float8", "float8", "bool", "timestamptz")
_ARRAYS = ", ".join(f"${place}::{kind}[]" for place, kind in enumerate(_TYPES, 1))
_INSERT = f"INSERT INTO book ({COLUMNS}) VALUES ({_PLACES})"
_INSERT_UNNEST = f"INSERT INTO book ({COLUMNS}) SELECT * FROM unnest({_ARRAYS})"
_UPDATE = "UPDATE book SET pages = $1, price = $2 WHERE id = $3"
_UPDATE_UNNEST = """UPDATE book SET pages = new.pages, price = new.price
    FROM unnest($1::bigint[], $2::float8[], $3::bigint[]) AS new (pages, price, id) WHERE book.id = new.id"""


async def load(database: str, count: int) -> float:
    """Fetch all."""
    connection = await _connect(database)
    if await connection.fetchval("SELECT count(*) FROM book") != count:
        await _refill(connection, count)
    start = time.perf_counter()
    loaded = await connection.fetch(_SELECT)
    seconds = time.perf_counter() - start
    assert sorted(tuple(record) for record in loaded) == rows(count)
    return seconds / count


async def insert(database: str, count: int) -> float:
    """One executemany in one transaction."""
    return await _timed_insert(database, count, lambda connection, sources: connection.executemany(_INSERT, sources))


async def insert_copy(database: str, count: int) -> float:
    """COPY."""
    return await _timed_insert(
        database,
        count,
        lambda connection, sources: connection.copy_records_to_table("book", records=sources, columns=FIELDS),
    )


async def insert_unnest(database: str, count: int) -> float:
    """One INSERT of ten arrays."""
    return await _timed_insert(
        database, count, lambda connection, sources: connection.execute(_INSERT_UNNEST, *zip(*sources, strict=True))
    )


async def update(database: str, count: int) -> float:
    """New values of two columns for each loaded row, in one executemany in one transaction."""
    return await _timed_update(database, count, lambda connection, edits: connection.executemany(_UPDATE, edits))


async def update_unnest(database: str, count: int) -> float:
    """One UPDATE joined with three arrays."""
    return await _timed_update(
        database, count, lambda connection, edits: connection.execute(_UPDATE_UNNEST, *zip(*edits, strict=True))
    )


async def _timed_insert(database: str, count: int, write: Any) -> float:
    connection = await _connect(database)
    await connection.execute("TRUNCATE book")
    sources = rows(count)
    start = time.perf_counter()
    await write(connection, sources)
    return (time.perf_counter() - start) / count


async def _timed_update(database: str, count: int, write: Any) -> float:
    connection = await _connect(database)
    await _refill(connection, count)
    loaded = rows(count)
    start = time.perf_counter()
    edits = [(values[5] + 1, values[6] + 1.0, values[0]) for values in loaded]
    await write(connection, edits)
    seconds = time.perf_counter() - start
    written = await connection.fetch("SELECT pages, price, id FROM book ORDER BY id")
    assert [tuple(record) for record in written] == edits
    return seconds / count


async def _refill(connection: Any, count: int) -> None:
    await connection.execute("TRUNCATE book")
    await connection.copy_records_to_table("book", records=rows(count), columns=FIELDS)


@cache
def _connections() -> dict[str, Any]:
    return {}


async def _connect(database: str) -> Any:
    connections = _connections()
    if database not in connections:
        connections[database] = await asyncpg.connect(database)
        await connections[database].execute(POSTGRES_TABLE)
    return connections[database]
