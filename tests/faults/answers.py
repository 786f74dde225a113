"""Is what a REST store answers true, whatever fault struck, at whichever request, before the call or after it?"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import msgspec

from holdall.errors import HoldallError, StoreError, StoreTimeout
from holdall.query import Compare, FieldSchema, Generated, Kind, Op, Query, Schema, SortKey
from holdall.store import Change, Outcome, Verb
from holdall.stores.rest import (
    BodyVersion,
    Call,
    Cursor,
    ETags,
    LinkHeader,
    Offset,
    PageSize,
    RestCollection,
    RestStore,
    Retries,
    Sorting,
    open_rest,
)
from holdall.testing.fault_server import FaultServer
from tests.faults.shop import RECORDS, Shop, Strike

__all__ = ["READS", "WRITES", "Read", "Write", "requests_of", "wrong_reads", "wrong_writes"]

_AT_ONCE = 12
_ATTEMPTS = 5
_ID, _META = FieldSchema("id", Kind.INT), FieldSchema("meta", Kind.JSON, nullable=True)
_PLAIN = Schema("thing", (_ID, FieldSchema("name", Kind.STR), _META), ("id",))
_MADE = msgspec.structs.replace(
    _PLAIN, fields=(FieldSchema("id", Kind.INT, generated=Generated.STORE), *_PLAIN.fields[1:])
)
_VERSIONED = msgspec.structs.replace(
    _PLAIN, fields=(*_PLAIN.fields, FieldSchema("version", Kind.INT)), version="version"
)
_MERGE = Call(media_type="application/merge-patch+json")
_ALL = Query[Any]("thing")
_WAYS: Mapping[str, Any] = {
    "page": PageSize(size="size", most=3),
    "offset": Offset(size="size", most=3),
    "cursor": Cursor(next_at="next", size="size", most=3),
    "link": LinkHeader(size="size", most=3),
    "whole": None,
}


def _things(style: str = "page", **options: Any) -> RestCollection:
    shape: dict[str, Any] = {"list_at": "data", "total_at": "total", "sort": Sorting(), "paging": _WAYS[style]}
    return RestCollection(path=f"/{style}/{{id}}", **{**shape, **options})


class Read(msgspec.Struct, frozen=True):
    """Asks a store for something; ``truth`` is the right answer."""

    ask: Callable[[RestStore], Awaitable[Any]]
    truth: Any
    collection: RestCollection


class Write(msgspec.Struct, frozen=True):
    """A change, and whether it is done, as the shop's records tell."""

    change: Callable[[int], Change]
    is_done: Callable[[Shop], bool]
    collection: RestCollection
    schema: Schema = _PLAIN
    keys: str = "client"
    tags: bool = False


async def _keys(store: RestStore, query: Query[Any]) -> list[int]:
    return [row[0] for row in await store.fetch(query)]


async def _streamed(store: RestStore) -> list[int]:
    return [row[0] async for rows in store.stream(_ALL, 2) for row in rows]


_EVERY = list(range(1, RECORDS + 1))
READS: dict[str, Read] = {
    **{f"list by {style}": Read(lambda store: _keys(store, _ALL), _EVERY, _things(style)) for style in _WAYS},
    **{
        f"window by {style}": Read(
            lambda store: _keys(store, _ALL.sort(SortKey(("id",))).limit(3).offset(3)), [4, 5, 6], _things(style)
        )
        for style in _WAYS
    },
    "stream": Read(_streamed, _EVERY, _things("cursor")),
    "count": Read(lambda store: store.count(_ALL), RECORDS, _things()),
    "one": Read(lambda store: _keys(store, _ALL.where(Compare(("id",), Op.EQ, 2))), [2], _things()),
    "several": Read(lambda store: _keys(store, _ALL.where(Compare(("id",), Op.IN, (2, 5)))), [2, 5], _things()),
}


def _add(key: int | None) -> Change:
    fields, values = ("name", "meta"), ("new", None)
    if key is None:
        return Change(Verb.ADD, "thing", None, fields, values)
    return Change(Verb.ADD, "thing", key, ("id", *fields), (key, *values))


def _update(version: int | None) -> Change:
    fields, values = ("name", "meta"), ("new", {"b": 9})
    if version is None:
        return Change(Verb.UPDATE, "thing", 2, fields, values)
    return Change(Verb.UPDATE, "thing", 2, (*fields, "version"), (*values, version + 1), version)


def _is_added(shop: Shop) -> bool:
    return any(record["name"] == "new" for record in shop.records.values())


def _is_updated(shop: Shop) -> bool:
    record = shop.records[2]
    return (record["name"], record["meta"]) == ("new", {"b": 9})


def _is_removed(shop: Shop) -> bool:
    return 2 not in shop.records


def _plain(_: int) -> Change:
    return _update(None)


WRITES: dict[str, Write] = {
    "add by POST": Write(lambda _: _add(50), _is_added, _things()),
    "add with a key made there": Write(lambda _: _add(None), _is_added, _things(keys="server"), _MADE, "server"),
    "add by PUT": Write(lambda _: _add(50), _is_added, _things(add=Call(method="PUT"))),
    "update by PATCH": Write(_plain, _is_updated, _things()),
    "update by merge patch": Write(_plain, _is_updated, _things(update=_MERGE), tags=True),
    "update by PUT": Write(_plain, _is_updated, _things(update=Call(method="PUT")), tags=True),
    "update of a version": Write(_update, _is_updated, _things(update=_MERGE, version=BodyVersion()), _VERSIONED),
    "update of a tag": Write(_update, _is_updated, _things(version=ETags()), _VERSIONED, tags=True),
    "remove": Write(lambda _: Change(Verb.REMOVE, "thing", 2), _is_removed, _things()),
    "remove a version": Write(
        lambda version: Change(Verb.REMOVE, "thing", 2, version=version),
        _is_removed,
        _things(version=BodyVersion()),
        _VERSIONED,
    ),
}


def _opened(url: str, collection: RestCollection, schema: Schema) -> RestStore:
    store = open_rest(
        "far",
        url,
        collections={"thing": collection},
        connect_timeout=1.0,
        read_timeout=0.15,
        timeout=0.4,
        retries=Retries(most=2, first_wait=0.001),
    )
    store.bind([schema])
    return store


async def requests_of(work: Read | Write) -> int:
    """How many requests it takes where nothing fails."""
    shop = Shop() if isinstance(work, Read) else Shop(work.keys, work.tags)
    wrong = await (_wrong_read(work, shop) if isinstance(work, Read) else _wrong_write(work, shop))
    assert not wrong, wrong
    return shop.asked


async def wrong_reads(read: Read, strikes: list[Strike]) -> list[str]:
    """Where an answer was neither the truth nor an error."""
    return await _judged(strikes, lambda strike: _wrong_read(read, _struck(Shop(), strike)))


async def wrong_writes(write: Write, strikes: list[Strike]) -> list[str]:
    """Where an answer said that the change was made and it was not, or the other way round, or it was made twice."""
    return await _judged(strikes, lambda strike: _wrong_write(write, _struck(Shop(write.keys, write.tags), strike)))


def _struck(shop: Shop, strike: Strike) -> Shop:
    shop.strike = strike
    return shop


async def _judged(strikes: list[Strike], judge: Callable[[Strike], Awaitable[str]]) -> list[str]:
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(strike: Strike) -> str:
        async with turns:
            wrong = await judge(strike)
            return f"{strike}: {wrong}" if wrong else ""

    return [wrong for wrong in await asyncio.gather(*map(one, strikes)) if wrong]


async def _wrong_read(read: Read, shop: Shop) -> str:
    async with FaultServer(shop) as server:
        store = _opened(server.url, read.collection, _PLAIN)
        try:
            answer = await read.ask(store)
        except HoldallError:
            return ""
        finally:
            await store.close()
    return "" if answer == read.truth else f"answered {answer}, and {read.truth} is true"


async def _tag(store: RestStore) -> Any:
    """The version of the thing to be changed; asked again where a busy machine passes the short time limit."""
    query = _ALL.where(Compare(("id",), Op.EQ, 2))
    for _ in range(_ATTEMPTS - 1):
        with suppress(StoreTimeout):
            return next(iter(await store.fetch(query)))[-1]
    return next(iter(await store.fetch(query)))[-1]


async def _wrong_write(write: Write, shop: Shop) -> str:
    async with FaultServer(shop) as server:
        store = _opened(server.url, write.collection, write.schema)
        strike, shop.strike = shop.strike, None
        error: StoreError | None = None
        outcome = Outcome()
        try:
            version = await _tag(store) if isinstance(write.collection.version, ETags) else 1
            shop.strike, shop.asked = strike, 0
            (outcome,) = await store.apply([write.change(version)])
        except StoreError as raised:
            error = raised
        finally:
            await store.close()
    is_done = write.is_done(shop)
    if len(shop.created) > 1:
        return f"it was made {len(shop.created)} times"
    if error is None:
        if outcome.key is not None and shop.records.get(outcome.key, {}).get("name") != "new":
            return "another key was told than that of what was made"
        return "" if is_done else "it was said to be done, and is not"
    if getattr(error, "is_outcome_unknown", False) or not is_done:
        return ""
    return f"it was said not to be done, and is: {error!r}"
