"""Raw: SQLite by apsw, read on the loop, written in one thread with one commit on the disk for each request."""

from __future__ import annotations

import asyncio
import os
import threading
from datetime import datetime
from queue import SimpleQueue
from typing import Any

import apsw
import msgspec

from bench.book import BODY_COLUMNS, COLUMNS, SQLITE_TABLE
from bench.raw.service import Service

_PAGE = f"SELECT {COLUMNS} FROM book ORDER BY id LIMIT ? OFFSET ?"
_GET = f"SELECT {COLUMNS} FROM book WHERE id = ?"
_INSERT = f"INSERT INTO book ({BODY_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"


class NewBook(msgspec.Struct):
    """What a client posts."""

    title: str
    subtitle: str | None
    author: str
    language: str
    pages: int
    price: float
    rating: float | None
    available: bool
    added: datetime


class Book(msgspec.Struct):
    """What is answered; the moment stays the text it is stored as."""

    id: int
    title: str
    subtitle: str | None
    author: str
    language: str
    pages: int
    price: float
    rating: float | None
    available: bool
    added: str


class SQLite:
    """The statements."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._decode = msgspec.json.Decoder(NewBook).decode
        self._work: SimpleQueue[tuple[tuple[Any, ...], asyncio.Future[int]]] = SimpleQueue()

    async def open(self) -> None:
        """Make the table, open a connection to read and start the writer."""
        writer = _connect(self._path)
        writer.execute(SQLITE_TABLE)
        self._execute = _connect(self._path).execute
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._write, args=(writer,), daemon=True).start()

    async def page(self, limit: int, offset: int) -> tuple[int, list[Book]]:
        """How many there are, and these."""
        [(total,)] = self._execute("SELECT count(*) FROM book")
        return total, [_book(row) for row in self._execute(_PAGE, (limit, offset))]

    async def get(self, key: int) -> Book | None:
        """The one with this key."""
        for row in self._execute(_GET, (key,)):
            return _book(row)
        return None

    async def create(self, body: bytes) -> Book:
        """Check, store, answer."""
        new = self._decode(body)
        added = new.added.isoformat()
        values = (
            new.title, new.subtitle, new.author, new.language, new.pages, new.price, new.rating, new.available, added,
        )  # fmt: skip
        done: asyncio.Future[int] = self._loop.create_future()
        self._work.put((values, done))
        return Book(await done, *values)

    def _write(self, connection: apsw.Connection) -> None:
        while True:
            values, done = self._work.get()
            connection.execute(_INSERT, values)
            self._loop.call_soon_threadsafe(done.set_result, connection.last_insert_rowid())


def _connect(path: str) -> apsw.Connection:
    connection = apsw.Connection(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def _book(row: tuple[Any, ...]) -> Book:
    return Book(row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], row[8] == 1, row[9])


app = Service(SQLite(os.environ["BENCH_DATABASE"]))
