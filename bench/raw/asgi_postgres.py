"""Raw: PostgreSQL by asyncpg, ten connections on a free-list, each with its statements prepared."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from bench.book import BODY_COLUMNS, COLUMNS, POSTGRES_TABLE
from bench.raw.service import Service

_CONNECTIONS = 10
_COUNT = "SELECT count(*) FROM book"
_PAGE = f"SELECT {COLUMNS} FROM book ORDER BY id LIMIT $1 OFFSET $2"
_GET = f"SELECT {COLUMNS} FROM book WHERE id = $1"
_INSERT = f"INSERT INTO book ({BODY_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id"


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
    """What is answered."""

    id: int
    title: str
    subtitle: str | None
    author: str
    language: str
    pages: int
    price: float
    rating: float | None
    available: bool
    added: datetime


class Prepared:
    """A connection and its prepared statements."""

    async def open(self, url: str) -> None:
        """Connect and prepare."""
        connection = await asyncpg.connect(url)
        self.count = (await connection.prepare(_COUNT)).fetchval
        self.page = (await connection.prepare(_PAGE)).fetch
        self.get = (await connection.prepare(_GET)).fetchrow
        self.insert = (await connection.prepare(_INSERT)).fetchval


class Postgres:
    """The statements."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._decode = msgspec.json.Decoder(NewBook).decode
        self._free: deque[Prepared] = deque()
        self._waiting: deque[asyncio.Future[Prepared]] = deque()

    async def open(self) -> None:
        """Make the table and open the connections."""
        connection = await asyncpg.connect(self._url)
        await connection.execute(POSTGRES_TABLE)
        await connection.close()
        for _ in range(_CONNECTIONS):
            prepared = Prepared()
            await prepared.open(self._url)
            self._free.append(prepared)

    async def page(self, limit: int, offset: int) -> tuple[int, list[Book]]:
        """How many there are, and these."""
        prepared = await self._take()
        try:
            total = await prepared.count()
            return total, [Book(*record) for record in await prepared.page(limit, offset)]
        finally:
            self._give(prepared)

    async def get(self, key: int) -> Book | None:
        """The one with this key."""
        prepared = await self._take()
        try:
            record = await prepared.get(key)
        finally:
            self._give(prepared)
        return None if record is None else Book(*record)

    async def create(self, body: bytes) -> Book:
        """Check, store, answer."""
        new = self._decode(body)
        values: tuple[Any, ...] = (
            new.title, new.subtitle, new.author, new.language, new.pages, new.price, new.rating, new.available,
            new.added,
        )  # fmt: skip
        prepared = await self._take()
        try:
            key = await prepared.insert(*values)
        finally:
            self._give(prepared)
        return Book(key, *values)

    async def _take(self) -> Prepared:
        if self._free:
            return self._free.pop()
        turn: asyncio.Future[Prepared] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        return await turn

    def _give(self, prepared: Prepared) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(prepared)
                return
        self._free.append(prepared)


app = Service(Postgres(os.environ["BENCH_DATABASE"]))
