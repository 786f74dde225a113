"""What tests of parts of commits need: a store with a plain client beside it, reservations, who is refused."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import pytest
from redis.asyncio import Redis

from holdall.errors import Reserved
from holdall.query import FieldSchema, Kind, Schema
from holdall.store import Change, Reservation, Verb
from holdall.stores.redis import RedisStore
from tests.support.redis_collections import store_at

_LATER = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
_numbers = count()

THING = Schema(
    "thing",
    (
        FieldSchema("id", Kind.INT),
        FieldSchema("name", Kind.STR),
        FieldSchema("code", Kind.STR, nullable=True),
        FieldSchema("size", Kind.INT, nullable=True),
        FieldSchema("version", Kind.INT),
    ),
    ("id",),
    version="version",
    unique=(("code",), ("name", "size")),
    indexes=(("name",), ("size",)),
    streams=("log",),
)


@asynccontextmanager
async def opened(url: str, *schemas: Schema, **options: Any) -> AsyncIterator[tuple[RedisStore, Redis]]:
    """A store with these collections on a prefix of its own, emptied and closed at the end, and a plain client."""
    store = store_at(url, *(schemas or (THING,)), **options)
    async with Redis.from_url(url.replace("+cluster", "")) as raw:
        try:
            yield store, raw
        finally:
            await store.drop()
            await store.close()


def reservation(commit: str = "", **values: Any) -> Reservation:
    """One under an id that nobody else has."""
    given = {"application": "app", "home": "h", "place": "main", "owner": "o", "expires": _LATER, **values}
    return Reservation(commit or f"c{next(_numbers)}", **given)


async def prepared(store: RedisStore, *changes: Change) -> str:
    """The id of a new commit that has prepared these changes."""
    begun = reservation()
    await store.prepare(begun, list(changes))
    return begun.commit


async def refused(work: Awaitable[Any], *commits: str) -> Reserved:
    """The refusal of what collides with what these commits hold."""
    with pytest.raises(Reserved) as caught:
        await work
    assert set(caught.value.commits) == set(commits)
    return caught.value


def thing(key: int, name: str = "n", **values: Any) -> Change:
    """A new one; its name and key make it unique."""
    given = {"name": name, "size": key, "version": 1, **values}
    return Change(Verb.ADD, "thing", key, tuple(given), tuple(given.values()))
