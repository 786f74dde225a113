from __future__ import annotations

import asyncio
import gc
import json
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

from holdall.errors import (
    AlreadyExists,
    CorruptRecord,
    DeclarationError,
    QueryError,
    StaleVersion,
    StoreError,
    StoreUnavailable,
    Unsupported,
)
from holdall.query import FieldSchema, Kind, Op, Query, Schema
from holdall.store import (
    OF_TABLES,
    OF_TRANSACTIONS,
    Aggregating,
    Appending,
    Change,
    CommitClass,
    Damaged,
    Feature,
    Naming,
    Outcome,
    Preparable,
    Provisioned,
    Reserving,
    Store,
    Streaming,
    Transactional,
    Verb,
    open_store,
)
from holdall.stores.redis import RedisCollection, open_redis
from holdall.stores.redis.layout import Layout
from holdall.testing.strategies import values
from tests.support.redis_collections import BOOK, PLAIN, apply, book, plain, raw_client, remove, store_at, update, where

pytestmark = pytest.mark.anyio

_NOWHERE = "redis://127.0.0.1:1"
_TAPE = Schema("tape", (FieldSchema("id", Kind.INT),), ("id",), streams=("log", "picture"))


def test_what_it_is() -> None:
    store = open_store("it", _NOWHERE)
    for protocol in (Store, Aggregating, Appending, Naming, Preparable, Provisioned, Reserving, Streaming):
        assert isinstance(store, protocol)
    assert not isinstance(store, Transactional)
    assert store.capabilities.commit is CommitClass.BATCH
    lacking = {Feature.AGGREGATES, Feature.FOREIGN_KEYS, Feature.GENERATED_PARTS, Feature.SUBQUERIES}
    assert set(Feature) - store.capabilities.features == {*lacking, *OF_TABLES, *OF_TRANSACTIONS}


@pytest.mark.parametrize(
    "url, options",
    [
        ("redis://h/x", {}),
        ("redis://h:port", {}),
        ("redis://h?colour=1", {}),
        ("redis://h?connections=many", {}),
        ("redis+swarm://h", {}),
        ("redis+cluster://h/3", {}),
        ("http://h", {}),
        ("redis://h", {"colour": 1}),
        ("redis://h", {"timeout": 0}),
        ("redis://h", {"timeout": "soon"}),
        ("redis://h", {"connections": 0}),
        ("redis+cluster://h", {"spread": "thin"}),
    ],
)
def test_urls_and_options_that_cannot_work(url: str, options: dict[str, Any]) -> None:
    with pytest.raises(DeclarationError):
        open_redis("it", url, **options)


def test_collections_that_would_lie_in_one_place() -> None:
    other = Schema("other", PLAIN.fields, PLAIN.key)
    with pytest.raises(DeclarationError, match="plain and other would lie at"):
        store_at(_NOWHERE, PLAIN, other, collections={"other": RedisCollection(name="plain")})
    for name in ("a#b", "{a}", "a:b", ""):
        with pytest.raises(DeclarationError, match="cannot be called"):
            store_at(_NOWHERE, Schema(name, PLAIN.fields, PLAIN.key))
    with pytest.raises(DeclarationError, match="encoding"):
        store_at(_NOWHERE, PLAIN, collections={"plain": RedisCollection(encoding="morse")})  # type: ignore[arg-type]
    with pytest.raises(DeclarationError, match="unknown collections: visit"):
        store_at(_NOWHERE, PLAIN, collections={"visit": RedisCollection(ttl=60)})


async def test_a_record_is_a_hash_of_json(redis_url: str) -> None:
    store = store_at(redis_url)

    async with raw_client(redis_url, store) as raw:
        (made,) = await apply(store, book(None, 'T "1"', pages=3))
        await apply(store, plain("a:b%", {"n": [1, None]}), book(None, "\\u0000 is only text"))
        assert store.names_of("book", made.key) == [f"{store._prefix}:book:{made.key}"]
        held: Any = await raw.hgetall(f"{store._prefix}:book:{made.key}")
        assert {name.decode(): json.loads(value) for name, value in held.items()} == {
            "id": made.key, "title": 'T "1"', "isbn": None, "pages": 3, "price": None, "note": None, "version": 1,
        }  # fmt: skip
        assert await raw.hget(f"{store._prefix}:plain:a%3Ab%25", "value") == b'{"n":[1,null]}'
        await raw.hdel(f"{store._prefix}:plain:a%3Ab%25", "value")
        assert await store.fetch(Query("plain")) == [("a:b%", None)], "a field that is not there is null"


@pytest.mark.parametrize(
    "field, written",
    [
        ("pages", '"5"'),
        ("pages", "5, 6"),
        ("pages", ""),
        ("pages", "9223372036854775808"),
        ("title", "null"),
        ("title", '"open'),
        ("title", '"a"],["b"'),
        ("price", '"much"'),
        ("version", "\xff"),
    ],
)
async def test_corrupt_values_are_told_with_their_place(redis_url: str, field: str, written: str) -> None:
    store = store_at(redis_url)

    async with raw_client(redis_url, store) as raw:
        await apply(store, book(1, "a"), book(2, "b"), book(3, "c"))
        await raw.hset(f"{store._prefix}:book:2", field, written.encode("latin-1"))
        with pytest.raises(CorruptRecord) as caught:
            await store.fetch(Query("book"))
        assert (caught.value.place, caught.value.key, caught.value.fields) == ("book 2", 2, (field,))
        assert [row[0] for row in caught.value.rows] == [1, 2, 3]
        assert sum(isinstance(value, Damaged) for row in caught.value.rows for value in row) == 1
        assert [row[0] for row in await store.fetch(Query("book", where("id", Op.IN, (1, 3))))] == [1, 3]


async def test_values_that_cannot_be_kept_are_refused(redis_url: str) -> None:
    measured = Schema("m", (FieldSchema("id", Kind.INT), FieldSchema("x", Kind.FLOAT, nullable=True)), ("id",))
    store = store_at(redis_url, BOOK, measured)

    async with raw_client(redis_url, store):
        for change in (
            book(1, colour="red"),
            Change(Verb.ADD, "book", 1, ("title", "version"), (None, 1)),
            book(1, title="\ud800"),
            book(1, title="a\0"),
            book(1, pages=2**70),
            book(1, price=object()),
            update("book", 1, id=2),
            Change(Verb.ADD, "m", 1, ("x",), (float("nan"),)),
            Change(Verb.ADD, "m", None, ("x",), (1.0,)),
        ):
            with pytest.raises(StoreError):
                await apply(store, book(7), change)
        assert await store.count(Query("book")) == 0
        await apply(store, Change(Verb.ADD, "m", 1, ("x",), (None,)), Change(Verb.ADD, "m", 2, ("x",), (3,)))
        assert await store.fetch(Query("m")) == [(1, None), (2, 3.0)]


async def test_changes_of_one_batch_see_those_before_them(redis_url: str) -> None:
    store = store_at(redis_url)

    async with raw_client(redis_url, store):
        await apply(
            store, book(1), update("book", 1, 1, version=2, pages=5), update("book", 1, 2, version=3), book(2, "b")
        )
        with pytest.raises(StaleVersion) as stale:
            await apply(store, update("book", 1, 3, version=4), update("book", 1, 3, version=4))
        assert stale.value.position == 1
        with pytest.raises(StaleVersion):
            await apply(store, remove("book", 1), update("book", 1, pages=1))
        with pytest.raises(AlreadyExists) as exists:
            await apply(store, book(3, "c"), plain("a"), book(3, "d"))
        assert (exists.value.collection, exists.value.position) == ("book", 2)
        assert await store.count(Query("plain")) == 0


async def test_keys_made_by_the_store(redis_url: str) -> None:
    store = store_at(redis_url)

    async with raw_client(redis_url, store):
        assert list(await store.reserve("book", 3)) == [1, 2, 3]
        await apply(store, book(10), book(-4, "b"), book(2**62, "c"))
        assert list(await store.reserve("book", 1)) == [2**62 + 1]
        with pytest.raises(Unsupported, match="generated=True"):
            await store.reserve("plain", 1)


async def test_streams_lie_beside_their_record_and_are_counted_with_it(redis_url: str) -> None:
    store = store_at(redis_url, _TAPE, PLAIN)

    async with raw_client(redis_url, store) as raw:
        add = [Change(Verb.ADD, "tape", number, ("id",), (number,)) for number in (1, 2)]
        await apply(store, *add, plain("a"))
        await store.append("tape", 1, "log", b"ab")
        await store.append("tape", 1, "picture", b"c")
        place = f"{store._prefix}:tape:1"
        assert store.names_of("tape", 1) == [place, f"{place}:field:log", f"{place}:field:picture"]
        assert await raw.get(f"{place}:field:log") == b"ab"
        outcomes = await apply(store, remove("plain", "a"), remove("tape", 1), remove("tape", 2))
        assert list(outcomes) == [Outcome(), Outcome(places=3), Outcome()]
        for start, stop in ((-1, None), (0, -1)):
            with pytest.raises(QueryError):
                await store.read("tape", 1, "log", start, stop)
        with pytest.raises(Unsupported, match=r"tape\.film"):
            await store.append("tape", 1, "film", b"")
        with pytest.raises(Unsupported):
            await store.length("plain", "a", "log")


async def test_records_of_others_are_taken_in_by_create(redis_url: str) -> None:
    store = store_at(redis_url, PLAIN, _TAPE)

    async with raw_client(redis_url, store) as raw:
        await raw.hset(f"{store._prefix}:plain:x%3A1", mapping={"code": '"x:1"', "value": "7"})
        await raw.hset(f"{store._prefix}:tape:5", mapping={"id": "5"})
        await raw.set(f"{store._prefix}:tape:5:field:log", b"kept")
        assert len(await store.inspect()) == 2
        await store.create()
        assert await store.inspect() == []
        assert await store.fetch(Query("plain")) == [("x:1", 7)]
        assert await store.fetch(Query("tape")) == [(5,)]
        await raw.hset(f"{store._prefix}:tape:five", mapping={"id": "5"})
        assert await store.inspect() == [
            f"{store._prefix}:tape:five is no record: its name holds no int where id is expected"
        ]


async def test_drop_takes_its_own_keys_and_no_others(redis_url: str) -> None:
    store = store_at(redis_url, PLAIN, prefix="[ab]*?\\^-")

    async with raw_client(redis_url, store) as raw:
        others = ["a:plain:1", "b:plain#keys", "[ab]*?\\^-:plainer:1", "[ab]*?\\^-:plain", "[ab]x?\\^-:plain:1"]
        for name in others:
            await raw.set(name, "kept")
        await apply(store, *(plain(f"{number}") for number in range(2500)))
        await store.drop()
        assert await store.fetch(Query("plain")) == []
        assert await raw.exists(*others) == len(others)
        assert [name async for name in raw.scan_iter(r"\[ab\]\*\?\\\^\-:plain[:#]*")] == []
        await raw.delete(*others)


def test_one_store_in_one_loop_after_the_other(redis_url: str) -> None:
    store = store_at(redis_url, PLAIN)

    async def once(code: str) -> int:
        await apply(store, plain(code))
        found = await store.count(Query("plain"))
        await store.close()
        return found

    assert [asyncio.run(once(f"{number}")) for number in range(3)] == [1, 2, 3]

    async def at_once() -> list[int]:
        return list(await asyncio.gather(*(asyncio.to_thread(asyncio.run, once(f"t{n}")) for n in range(4))))

    assert max(asyncio.run(at_once())) == 7

    async def clean() -> None:
        async with raw_client(redis_url, store):
            assert await store.count(Query("plain")) == 7

    asyncio.run(clean())


def test_a_loop_that_ended_without_closing_leaves_no_socket_open(redis_url: str) -> None:
    store = store_at(redis_url, PLAIN)

    async def once(code: str) -> int:
        await apply(store, plain(code))
        return await store.count(Query("plain"))

    assert [asyncio.run(once(f"{number}")) for number in range(3)] == [1, 2, 3]

    async def clean() -> None:
        async with raw_client(redis_url, store):
            assert await store.count(Query("plain")) == 3

    asyncio.run(clean())
    gc.collect()  # what is left to the collector says so as a warning, which is an error here


async def test_connections_are_bounded_and_given_back(redis_url: str) -> None:
    store = store_at(redis_url, PLAIN, connections=3)

    async with raw_client(redis_url, store) as raw:

        async def connections() -> int:
            return len(await raw.client_list()) - before

        before = len(await raw.client_list())
        await asyncio.gather(*(store.fetch(Query("plain")) for _ in range(30)))
        assert 1 <= await connections() <= 3
        await store.close()
        for _ in range(100):
            if not await connections():
                break
            await asyncio.sleep(0.01)
        assert await connections() == 0


async def test_tls_is_verified(redis_url: str, tmp_path: Path) -> None:
    authority, port = trustme.CA(), int(redis_url.rpartition(":")[2].partition("/")[0])
    trusted = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(trusted))

    async def serve(name: str) -> asyncio.Server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        return await asyncio.start_server(forward, "127.0.0.1", 0, ssl=context)

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)

        async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            try:
                while data := await source.read(65536):
                    target.write(data)
            finally:
                target.close()

        await asyncio.gather(pump(reader, back), pump(there, writer), return_exceptions=True)

    for name, options, is_let_in in (
        ("127.0.0.1", {"ca_file": str(trusted)}, True),
        ("127.0.0.1", {}, False),
        ("elsewhere.example", {"ca_file": str(trusted)}, False),
    ):
        server = await serve(name)
        store = store_at(f"rediss://127.0.0.1:{server.sockets[0].getsockname()[1]}", PLAIN, **options)
        if is_let_in:
            assert await store.fetch(Query("plain")) == []
        else:
            with pytest.raises(StoreUnavailable):
                await store.fetch(Query("plain"))
        await store.close()
        server.close()
        await asyncio.sleep(0.05)


_PART = FieldSchema("part", Kind.REF, target="t", target_key=(FieldSchema("a", Kind.STR), FieldSchema("b", Kind.INT)))
_KINDS = [kind for kind in Kind if kind not in (Kind.JSON, Kind.MANY, Kind.REF)]


@pytest.mark.parametrize("kind", _KINDS)
@settings(max_examples=15)
@given(st.data())
def test_a_key_comes_back_from_its_name(kind: Kind, data: st.DataObject) -> None:
    fields = (FieldSchema("one", kind), _PART, FieldSchema("two", Kind.STR))
    schema = Schema("x", fields, ("one", "part", "two"))
    layout = Layout("it", "p", None, schema, RedisCollection(), 0)
    draw = st.tuples(*(values(field) for field in fields))
    key, other = data.draw(draw), data.draw(draw)
    assert layout.key_of(layout.text(key)) == key
    assert layout.text(key).count(":") == layout.colons
    assert (layout.text(key) == layout.text(other)) is (key == other)
    if layout.is_ordered:
        assert (layout.members([key], [""]) < layout.members([other], [""])) is (key < other)
