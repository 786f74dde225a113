"""Raw: redis-py's asyncio pipeline, and below it RESP packed by hiredis on a bare socket. A hash for each book."""

from __future__ import annotations

import socket
import time
from functools import cache
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import hiredis
from redis.asyncio import Redis

from bench.book import FIELDS, rows

_CHUNK = 2**18
_LOW, _HIGH = 100, 190
_INDEX = "books_by_pages"


async def save(database: str, count: int) -> float:
    """One pipeline, which is a transaction."""
    client = _client(database)
    await client.flushdb()
    sources = rows(count)
    start = time.perf_counter()
    async with client.pipeline(transaction=True) as pipe:
        for source in sources:
            pipe.hset(f"book:{source[0]}", mapping=_mapping(source))
        await pipe.execute()
    seconds = time.perf_counter() - start
    assert await client.dbsize() == count
    await client.flushdb()
    return seconds / count


async def load(database: str, count: int) -> float:
    """One pipeline; values as they come."""
    client = await _filled(database, count)
    start = time.perf_counter()
    async with client.pipeline(transaction=False) as pipe:
        for number in range(1, count + 1):
            pipe.hmget(f"book:{number}", FIELDS)
        loaded = await pipe.execute()
    seconds = time.perf_counter() - start
    assert len(loaded) == count
    return seconds / count


async def query(database: str, count: int) -> float:
    """The keys from a sorted set, the hashes by one pipeline; values as they come."""
    client = await _filled(database, count)
    start = time.perf_counter()
    keys: Any = await client.zrangebyscore(_INDEX, _LOW, _HIGH - 1)
    async with client.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.hmget(b"book:" + key, FIELDS)
        found = await pipe.execute()
    seconds = time.perf_counter() - start
    assert len(found) == len([row for row in rows(count) if _LOW <= row[5] < _HIGH])
    return seconds / len(found)


def save_resp(database: str, count: int) -> float:
    """HSET after HSET, sent at once."""
    wire = _wire(database)
    wire.ask([(b"FLUSHDB",)])
    sources = rows(count)
    start = time.perf_counter()
    commands = [
        (b"HSET", b"book:%d" % source[0], *[word for pair in _mapping(source).items() for word in pair])
        for source in sources
    ]
    replies = wire.ask(commands)
    seconds = time.perf_counter() - start
    assert replies == [len(FIELDS)] * count
    wire.ask([(b"FLUSHDB",)])
    return seconds / count


async def load_resp(database: str, count: int) -> float:
    """HMGET after HMGET, sent at once."""
    await _filled(database, count)
    wire = _wire(database)
    start = time.perf_counter()
    loaded = wire.ask([(b"HMGET", b"book:%d" % number, *FIELDS) for number in range(1, count + 1)])
    seconds = time.perf_counter() - start
    assert len(loaded) == count
    return seconds / count


async def query_resp(database: str, count: int) -> float:
    """The same on the bare socket."""
    await _filled(database, count)
    wire = _wire(database)
    start = time.perf_counter()
    (keys,) = wire.ask([(b"ZRANGEBYSCORE", _INDEX, str(_LOW), str(_HIGH - 1))])
    found = wire.ask([(b"HMGET", b"book:" + key, *FIELDS) for key in keys])
    return (time.perf_counter() - start) / len(found)


class _Wire:
    """A connection without a driver."""

    def __init__(self, database: str) -> None:
        parts = urlsplit(database)
        self._socket = socket.create_connection((parts.hostname or "", parts.port or 6379))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = hiredis.Reader()
        self.ask([(b"SELECT", parts.path.strip("/"))])

    def ask(self, commands: list[tuple[Any, ...]]) -> list[Any]:
        """The replies to all commands."""
        data = b"".join([hiredis.pack_command(command) for command in commands])
        sender = Thread(target=self._socket.sendall, args=(data,))
        sender.start()
        replies: list[Any] = []
        while len(replies) < len(commands):
            while (reply := self._reader.gets()) is not False:
                replies.append(reply)
            if len(replies) < len(commands):
                self._reader.feed(self._socket.recv(_CHUNK))
        sender.join()
        return replies


def _mapping(source: tuple[Any, ...]) -> dict[Any, Any]:
    return {name: str(value) for name, value in zip(FIELDS, source, strict=True)}


async def _filled(database: str, count: int) -> Redis:
    client = _client(database)
    if await client.dbsize() != count + 1:
        await client.flushdb()
        async with client.pipeline() as pipe:
            for source in rows(count):
                pipe.hset(f"book:{source[0]}", mapping=_mapping(source))
                pipe.zadd(_INDEX, {str(source[0]): source[5]})
            await pipe.execute()
    return client


@cache
def _client(database: str) -> Redis:
    return Redis.from_url(database)


@cache
def _wire(database: str) -> _Wire:
    return _Wire(database)
