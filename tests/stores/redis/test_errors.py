from __future__ import annotations

import asyncio
import inspect
import ssl
from typing import Any

import pytest
import redis.exceptions as driver

from holdall.errors import (
    Conflict,
    CorruptRecord,
    SchemaMismatch,
    StaleVersion,
    StoreError,
    StoreFull,
    StoreTimeout,
    StoreUnavailable,
)
from holdall.query import Op, Query
from holdall.stores.redis.errors import DRIVER, REPLIES, Meaning, from_driver
from holdall.testing.fault import Fault
from holdall.testing.proxy import FaultProxy
from tests.servers.valkey import Valkey
from tests.support.redis_collections import BOOK, apply, book, plain, raw_client, store_at, update, where

pytestmark = pytest.mark.anyio

_ALL: Query[Any] = Query("plain")


def test_every_error_of_the_driver_is_in_the_table() -> None:
    known = {name for name, kind in inspect.getmembers(driver, inspect.isclass) if issubclass(kind, Exception)}
    assert known - set(DRIVER) == {"ExceptionType"} & known
    assert set(DRIVER) - known == set()


def test_an_error_that_is_not_in_the_table_is_seen() -> None:
    class Strange(Exception):
        pass

    class Nearly(driver.ReadOnlyError):
        pass

    assert type(from_driver("it", Strange("x"))) is StoreError
    assert isinstance(from_driver("it", Nearly("x")), StoreUnavailable), "what derives from a known one is that"


@pytest.mark.parametrize("word", list(REPLIES))
def test_every_reply_has_its_meaning(word: str) -> None:
    error = from_driver("it", driver.ResponseError(f"{word} secret key"), is_outcome_unknown=True)
    assert word in str(error)
    assert "secret" not in str(error)
    assert not getattr(error, "is_outcome_unknown", False), "the server said no"
    kinds = {
        Meaning.FULL: StoreFull,
        Meaning.BUSY: StoreUnavailable,
        Meaning.READ_ONLY: StoreUnavailable,
        Meaning.CLUSTER: StoreUnavailable,
        Meaning.TYPE: SchemaMismatch,
        Meaning.CHANGED: Conflict,
    }
    assert type(error) is kinds.get(REPLIES[word], StoreError)


@pytest.mark.parametrize(
    "error, kind, is_unknown",
    [
        (driver.ConnectionError("x"), StoreUnavailable, True),
        (driver.TimeoutError("x"), StoreTimeout, True),
        (driver.BusyLoadingError("x"), StoreUnavailable, False),
        (driver.AuthenticationError("x"), StoreError, False),
        (driver.InvalidResponse("x"), StoreUnavailable, True),
        (ConnectionResetError("x"), StoreUnavailable, True),
        (TimeoutError(), StoreTimeout, True),
        (ssl.SSLError("x"), StoreUnavailable, True),
    ],
)
def test_whether_a_change_may_have_been_applied(error: Exception, kind: type[StoreError], is_unknown: bool) -> None:
    mapped = from_driver("it", error, is_outcome_unknown=True)
    assert type(mapped) is kind
    assert getattr(mapped, "is_outcome_unknown", False) is is_unknown
    assert not getattr(from_driver("it", error), "is_outcome_unknown", False)


async def test_nobody_listens() -> None:
    store = store_at("redis://127.0.0.1:1")
    for call in (lambda: store.fetch(_ALL), lambda: apply(store, plain("a"))):
        with pytest.raises(StoreUnavailable) as caught:
            await call()
        assert not caught.value.is_outcome_unknown
        assert isinstance(caught.value.__cause__, driver.ConnectionError)


async def test_a_lost_answer_to_a_change_leaves_its_outcome_unknown(redis_url: str) -> None:
    direct = store_at(redis_url)
    async with FaultProxy("127.0.0.1", int(redis_url.rpartition(":")[2].partition("/")[0])) as proxy:
        store = store_at(f"redis://127.0.0.1:{proxy.port}", prefix=direct._prefix, timeout=1.0)
        await apply(store, plain("before"))
        await proxy.fail(Fault.RESET_ANSWER)
        with pytest.raises(StoreUnavailable) as reset:
            await apply(store, plain("reset"))
        assert reset.value.is_outcome_unknown
        with pytest.raises(StoreUnavailable) as read:
            await store.fetch(_ALL)
        assert not read.value.is_outcome_unknown
        await proxy.fail(Fault.HANG_ANSWER)
        with pytest.raises(StoreTimeout) as hung:
            await apply(store, plain("hung"))
        assert not hung.value.is_outcome_unknown, "the new connection hung already, before anything was sent"
        await proxy.heal()
        assert sorted(row[0] for row in await store.fetch(_ALL)) == ["before", "reset"]
        await store.close()
    await direct.drop()
    await direct.close()


async def test_a_server_that_is_full_or_takes_no_writes_or_wants_a_password() -> None:
    with Valkey() as server:
        store = store_at(server.url, BOOK, scan_limit=100)

        async with raw_client(server.url, store) as raw:
            await apply(store, book(1))
            await raw.config_set("maxmemory", "1")
            with pytest.raises(StoreUnavailable, match="no memory"):
                await apply(store, update("book", 1, note="x"), book(2, "b"))
            await raw.config_set("maxmemory", "0")
            await raw.replicaof("127.0.0.1", "1")
            with pytest.raises(StoreUnavailable, match="takes no writes"):
                await apply(store, book(2, "b"))
            await raw.replicaof("NO", "ONE")
            await raw.script_flush()
            assert len(await store.fetch(Query("book"))) == 1, "scripts are sent anew"
            await raw.config_set("requirepass", "secret")
            await store.close()
            with pytest.raises(StoreError, match="does not let us in"):
                await store.fetch(Query("book"))
            for url in (server.url.replace("//", "//:secret@"), server.url.replace("//", "//default:secret@")):
                friend = store_at(url, BOOK, prefix=store._prefix)
                assert len(await friend.fetch(Query("book"))) == 1
                await friend.close()
            wrong = store_at(server.url, BOOK, password="wrong")
            with pytest.raises(StoreError) as caught:
                await wrong.fetch(Query("book"))
            assert "wrong" not in str(caught.value)
            assert type(caught.value) is StoreError
            await raw.config_set("requirepass", "")


async def test_keys_of_another_type_stop_a_batch_before_it_begins(redis_url: str) -> None:
    store = store_at(redis_url)

    async with raw_client(redis_url, store) as raw:
        await apply(store, plain("a"), book(1, pages=1))
        for name, kind in (("book#index:pages", "zset"), ("book#unique:isbn", "hash"), ("plain#keys", "zset")):
            place = f"{store._prefix}:{name}"
            kept = await raw.dump(place)
            await raw.set(place, "something else")
            with pytest.raises(SchemaMismatch, match=f"{name} holds a string"):
                await apply(store, plain("b"), book(2, "b", isbn="i", pages=2))
            assert await store.inspect() == [f"{place} holds a string, not a {kind}"]
            await raw.delete(place)
            if kept is not None:
                await raw.restore(place, 0, kept)
        assert await store.inspect() == []
        assert await raw.exists(f"{store._prefix}:plain:b", f"{store._prefix}:book:2") == 0
        await raw.set(f"{store._prefix}:plain:c", "no hash")
        await raw.set(f"{store._prefix}:book:3", "no hash")  # a change of some fields is none that mends it
        with pytest.raises(SchemaMismatch, match="book:3 holds a string"):
            await apply(store, plain("d"), update("book", 3, pages=1))
        with pytest.raises(CorruptRecord, match="stored in a string"):
            await store.fetch(Query("plain", where("code", Op.EQ, "c")))
        assert [row[0] for row in await store.fetch(_ALL)] == ["a"]


async def test_waiting_for_a_connection_has_an_end(redis_url: str) -> None:
    store = store_at(redis_url, connections=1, timeout=2.0)

    async with raw_client(redis_url, store) as raw:
        await apply(store, plain("a"))
        await raw.client_pause(60_000, all=False)
        try:
            results = await asyncio.gather(*(apply(store, plain(f"{n}")) for n in range(3)), return_exceptions=True)
        finally:
            await raw.client_unpause()  # the server has other tests
        assert [type(result) for result in results] == [StoreTimeout] * 3
        unknown = {f"{n}" for n, result in enumerate(results) if getattr(result, "is_outcome_unknown", None)}
        assert unknown, "the first that had the connection was sent"
        assert {row[0] for row in await store.fetch(_ALL)} <= {"a", *unknown}, "what was written may have been sent"
        with pytest.raises(StaleVersion):
            await apply(store, update("plain", "zzz", value=1))
