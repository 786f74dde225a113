"""Raw: the driver and the csv or json modules, value by value, as a script for these ten columns is written."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, Any

import apsw
import asyncpg
import msgspec

from bench.book import COLUMNS, FIELDS, POSTGRES_TABLE, SQLITE_TABLE, rows

_SELECT = f"SELECT {COLUMNS} FROM book ORDER BY id"
_INTO_SQLITE = f"INSERT INTO book ({COLUMNS}) VALUES ({', '.join('?' * 10)})"
_INTO_POSTGRES = f"INSERT INTO book ({COLUMNS}) VALUES ({', '.join(f'${place}' for place in range(1, 11))})"
_BATCH = 500


def _sqlite_export(database: str, path: str, form: str, count: int) -> float:
    """All rows of one SELECT into a new file."""
    with closing(_sqlite(database)) as connection:
        with connection:
            connection.executemany(_INTO_SQLITE, [_of_sqlite(each) for each in rows(count)])
        start = time.perf_counter()
        # ISO 8601 as JSON has it: a Z for UTC.
        found = ((*each[:8], each[8] == 1, each[9].replace("+00:00", "Z")) for each in connection.execute(_SELECT))
        _write(path, form, found)
        return _rate(start, path, form, count)


async def _postgres_export(database: str, path: str, form: str, count: int) -> float:
    """All rows of one SELECT into a new file."""
    connection = await _postgres(database)
    await connection.copy_records_to_table("book", records=rows(count), columns=FIELDS)
    start = time.perf_counter()
    found = await connection.fetch(_SELECT)
    _write(path, form, ((*each[:9], each[9].isoformat().replace("+00:00", "Z")) for each in map(tuple, found)))
    rate = _rate(start, path, form, count)
    await connection.close()
    return rate


def _sqlite_import(batch: int | None, database: str, path: str, form: str, count: int) -> float:
    """An executemany and a commit for each batch, or for all."""
    write_books(path, form, count)
    with closing(_sqlite(database)) as connection:
        start = time.perf_counter()
        books = map(_of_sqlite, _read(path, form))
        while part := list(islice(books, batch)):
            with connection:
                connection.executemany(_INTO_SQLITE, part)
        seconds = time.perf_counter() - start
        assert list(connection.execute("SELECT count(*), sum(pages) FROM book")) == [_expected(count)]
    return count / seconds


async def _postgres_import(batch: int | None, database: str, path: str, form: str, count: int) -> float:
    """An executemany for each batch, or for all, which is a transaction of its own."""
    write_books(path, form, count)
    connection = await _postgres(database)
    start = time.perf_counter()
    books = _read(path, form)
    while part := list(islice(books, batch)):
        await connection.executemany(_INTO_POSTGRES, part)
    seconds = time.perf_counter() - start
    found = await connection.fetchrow("SELECT count(*), sum(pages)::bigint FROM book")
    assert tuple(found) == _expected(count)
    await connection.close()
    return count / seconds


def write_books(path: str, form: str, count: int) -> None:
    """Have a file of the first books there."""
    _write(path, form, ((*each[:9], each[9].isoformat().replace("+00:00", "Z")) for each in rows(count)))


def _write(path: str, form: str, books: Iterable[tuple[Any, ...]]) -> None:
    """A new file, on the disk, in the place of an old one."""
    part = f"{path}.part"
    if form == "csv":
        with open(part, "w", newline="", encoding="utf-8") as text:
            writer = csv.writer(text)
            writer.writerow(FIELDS)
            writer.writerows((*each[:8], "true" if each[8] else "false", each[9]) for each in books)
            _sync(text)
    else:
        encode = msgspec.json.Encoder().encode
        with open(part, "wb") as file:
            file.writelines(encode(dict(zip(FIELDS, each, strict=True))) + b"\n" for each in books)
            _sync(file)
    os.replace(part, path)


def _read(path: str, form: str) -> Iterator[tuple[Any, ...]]:
    """The values of each line, of the types that the columns have."""
    moment = datetime.fromisoformat
    if form == "csv":
        with open(path, newline="", encoding="utf-8") as text:
            lines = csv.reader(text)
            assert tuple(next(lines)) == FIELDS
            for a, b, c, d, e, f, g, h, i, j in lines:
                yield int(a), b, c or None, d, e, int(f), float(g), float(h) if h else None, i == "true", moment(j)
    else:
        decode = msgspec.json.Decoder().decode
        with open(path, "rb") as file:
            for line in file:
                values = decode(line)
                values["added"] = moment(values["added"])
                yield tuple([values[name] for name in FIELDS])


def _sync(file: IO[Any]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _rate(start: float, path: str, form: str, count: int) -> float:
    seconds = time.perf_counter() - start
    demand_books(path, form, count)
    return count / seconds


def demand_books(path: str, form: str, count: int) -> None:
    """Raise AssertionError for a file that is not, byte by byte, that of the first books."""
    written = Path(path).read_bytes()
    write_books(path, form, count)
    assert written == Path(path).read_bytes()


def _of_sqlite(book: tuple[Any, ...]) -> tuple[Any, ...]:
    return (*book[:9], book[9].isoformat())


def _expected(count: int) -> tuple[int, int]:
    return count, sum(each[5] for each in rows(count))


def _sqlite(database: str) -> apsw.Connection:
    connection = apsw.Connection(database)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(SQLITE_TABLE)
    connection.execute("DELETE FROM book")
    return connection


async def _postgres(database: str) -> Any:
    connection = await asyncpg.connect(database)
    await connection.execute(POSTGRES_TABLE)
    await connection.execute("TRUNCATE book")
    return connection


sqlite_export, postgres_export = _sqlite_export, _postgres_export
sqlite_import, postgres_import = partial(_sqlite_import, _BATCH), partial(_postgres_import, _BATCH)
sqlite_import_at_once, postgres_import_at_once = partial(_sqlite_import, None), partial(_postgres_import, None)
