"""Raw: two SQLite files by sqlite3, or PostgreSQL by asyncpg and Redis by redis-py, as one uses both by hand."""

from __future__ import annotations

import gc
import json
import sqlite3
import time
from contextlib import closing

import asyncpg
from redis.asyncio import Redis

_AUTHORS = "CREATE TABLE IF NOT EXISTS author (id INTEGER PRIMARY KEY, name TEXT NOT NULL, country TEXT NOT NULL)"
_BOOKS = "CREATE TABLE IF NOT EXISTS book (id INTEGER PRIMARY KEY, title TEXT NOT NULL, author INTEGER NOT NULL)"
_ADD_AUTHOR = "INSERT INTO author VALUES (?, ?, ?)"
_ADD_BOOK = "INSERT INTO book VALUES (?, ?, ?)"
_COUNTRIES = 10


def commit(database: str, count: int) -> float:
    """An author into one file, a book into the other, each committed."""
    with closing(_open(database, _AUTHORS)) as first, closing(_open(f"{database}.books", _BOOKS)) as second:
        gc.collect()
        start = time.perf_counter()
        for number in range(count):
            first.execute(_ADD_AUTHOR, (number, "a", "c"))
            first.commit()
            second.execute(_ADD_BOOK, (number, "b", number))
            second.commit()
        return (time.perf_counter() - start) / count


def commit_one(database: str, count: int) -> float:
    """The same into one file, committed together."""
    with closing(_open(database, _AUTHORS)) as both:
        both.execute("DROP TABLE IF EXISTS book")
        both.execute(_BOOKS)
        gc.collect()
        start = time.perf_counter()
        for number in range(count):
            both.execute(_ADD_AUTHOR, (number, "a", "c"))
            both.execute(_ADD_BOOK, (number, "b", number))
            both.commit()
        return (time.perf_counter() - start) / count


async def commit_servers(database: str, count: int) -> float:
    """An author into PostgreSQL, a book into Redis by one MULTI/EXEC; a kill between them leaves half."""
    sql, _, redis = database.partition(" ")
    first, second = await asyncpg.connect(sql), Redis.from_url(redis)
    try:
        await second.flushdb()
        await first.execute("DROP TABLE IF EXISTS by_hand")
        await first.execute("CREATE TABLE by_hand (id bigint PRIMARY KEY, name text NOT NULL, country text NOT NULL)")
        gc.collect()
        start = time.perf_counter()
        for number in range(count):
            await first.execute("INSERT INTO by_hand VALUES ($1, $2, $3)", number, "a", "c")
            async with second.pipeline(transaction=True) as pipe:
                pipe.hset(f"book:{number}", mapping={"title": "b", "author": number})
                await pipe.execute()
        return (time.perf_counter() - start) / count
    finally:
        await first.close()
        await second.aclose()


def select(database: str, count: int) -> float:
    """The keys from one file, the books from the other."""
    with closing(_open(database, _AUTHORS)) as first, closing(_open(f"{database}.books", _BOOKS)) as second:
        authors = count // 10
        first.executemany(_ADD_AUTHOR, [(n, f"name {n}", f"c{n % _COUNTRIES}") for n in range(authors)])
        second.executemany(_ADD_BOOK, [(n, f"title {n}", n % authors) for n in range(count)])
        first.commit()
        second.commit()
        gc.collect()  # of what was prepared
        start = time.perf_counter()
        keys = [key for (key,) in first.execute("SELECT id FROM author WHERE country = ?", ("c3",))]
        wanted = "SELECT id, title, author FROM book WHERE author IN (SELECT value FROM json_each(?))"
        found = second.execute(wanted, (json.dumps(keys),)).fetchall()
        seconds = time.perf_counter() - start
        assert len(found) == count // _COUNTRIES
        return seconds


def _open(database: str, table: str) -> sqlite3.Connection:
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"DROP TABLE IF EXISTS {table.split()[5]}")
    connection.execute(table)
    connection.commit()
    return connection
