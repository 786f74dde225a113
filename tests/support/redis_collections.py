"""The small collections these tests keep, on prefixes of their own, and a plain client to look at what is there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

from redis.asyncio import Redis

from holdall.query import Compare, Condition, FieldSchema, Generated, Kind, Op, Query, Schema
from holdall.store import Change, Outcome, Verb
from holdall.stores.redis import RedisStore

_numbers = count()

BOOK = Schema(
    "book",
    (
        FieldSchema("id", Kind.INT, generated=Generated.STORE),
        FieldSchema("title", Kind.STR),
        FieldSchema("isbn", Kind.STR, nullable=True),
        FieldSchema("pages", Kind.INT, nullable=True),
        FieldSchema("price", Kind.DECIMAL, nullable=True),
        FieldSchema("note", Kind.STR, nullable=True),
        FieldSchema("version", Kind.INT),
    ),
    ("id",),
    version="version",
    unique=(("isbn",), ("title", "price")),
    indexes=(("title",), ("pages",), ("price",)),
)
PLAIN = Schema("plain", (FieldSchema("code", Kind.STR), FieldSchema("value", Kind.JSON, nullable=True)), ("code",))


def store_at(url: str, *schemas: Schema, **options: Any) -> RedisStore:
    """A store with these collections on a prefix that nobody else uses."""
    options.setdefault("prefix", f"test{next(_numbers)}")
    store = RedisStore("it", url, **options)
    store.bind(list(schemas) or [BOOK, PLAIN])
    return store


@asynccontextmanager
async def raw_client(url: str, *stores: RedisStore) -> AsyncIterator[Redis]:
    """A plain client; the stores are emptied and closed thereafter."""
    async with Redis.from_url(url.replace("+cluster", "")) as raw:
        try:
            yield raw
        finally:
            for store in stores:
                await store.drop()
                await store.close()


def book(key: int | None, title: str = "t", **values: Any) -> Change:
    given = {"title": title, "version": 1, **values}
    return Change(Verb.ADD, "book", key, tuple(given), tuple(given.values()))


def plain(code: str, value: Any = None) -> Change:
    return Change(Verb.ADD, "plain", code, ("code", "value"), (code, value))


def update(collection: str, key: Any, expected: int | None = None, /, **values: Any) -> Change:
    return Change(Verb.UPDATE, collection, key, tuple(values), tuple(values.values()), expected)


def remove(collection: str, key: Any) -> Change:
    return Change(Verb.REMOVE, collection, key)


async def apply(store: RedisStore, *changes: Change) -> Sequence[Outcome]:
    return await store.apply(list(changes))


async def keys(store: RedisStore, condition: Condition, collection: str = "book") -> list[Any]:
    """The keys of the records that meet the condition, sorted."""
    return sorted(row[0] for row in await store.fetch(Query(collection, condition)))


def where(field: str, op: Op, value: Any) -> Compare:
    return Compare((field,), op, value)


async def beside(raw: Redis, store: RedisStore) -> dict[str, Any]:
    """What lies beside the records of all the store's collections, by the name of its key after the prefix."""
    found: dict[str, Any] = {}
    async for name in raw.scan_iter(f"{store._prefix}:*#*"):
        kind, short = await raw.type(name), name.decode().partition(":")[2]
        if kind == b"zset":
            found[short] = await raw.zrange(name, 0, -1)
        elif kind == b"hash":
            found[short] = await raw.hgetall(name)
        else:
            found[short] = await raw.get(name)
    return found
