"""What a version of Holdall wrote to Redis: each format is read for ever, an unknown one refused by its number.

``keys_1.json`` is all of a store while a commit holds something there; ``keys_unnumbered.json`` the same as it was
before the marks of collections had a number. ``typed.json`` are records in the encoding that repocket has laid down.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from hashlib import sha1
from pathlib import Path
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from holdall.errors import Reserved, UnknownFormat
from holdall.query import Compare, FieldSchema, Kind, Op, Query, Schema, SortKey
from holdall.store import Change, Verb
from holdall.stores.redis import RedisCollection, RedisStore
from holdall.stores.redis.mark import MARK_FORMAT
from holdall.stores.redis.scripts import APPLY, Script
from tests.support.golden_world import CHANGES, COMMIT, HELD, RESERVATION, ROWS, SAMPLE

pytestmark = pytest.mark.anyio

_GOLDEN = Path(__file__).parent / "golden"
_FILES = ("keys_unnumbered", "keys_1")
_VISIT = Schema("visit", (FieldSchema("id", Kind.INT), FieldSchema("page", Kind.STR)), ("id",), indexes=(("page",),))
_ALL_HELD = [*HELD, Change(Verb.UPDATE, "visit", 7, ("page",), ("/new",))]
_LATER = b"name price moment unique,code unique,name,size|1111111#2"
_IN_2100 = 4_102_444_800_000  # milliseconds

Opened = tuple[RedisStore, Redis]


@asynccontextmanager
async def _opened(url: str, *schemas: Schema, **options: RedisCollection) -> AsyncIterator[Opened]:
    """The store of the golden files, empty before and after, and a plain client."""
    store = RedisStore("golden", url, prefix="golden", collections=options)
    store.bind(list(schemas))
    async with Redis.from_url(url) as raw:
        try:
            yield store, raw
        finally:
            await raw.delete(*[name async for name in raw.scan_iter("golden:*")], "golden:")
            await store.close()


def _numbers(url: str) -> Any:
    return _opened(url, SAMPLE, _VISIT, visit=RedisCollection(ttl=10**9))


async def _restore(raw: Redis, name: str) -> None:
    """Put the keys of a golden file in their places."""
    for key, (kind, value) in json.loads((_GOLDEN / f"{name}.json").read_text()).items():
        place = key.encode("latin-1")
        if kind == "hash":
            await raw.hset(place, mapping={_bytes(field): _bytes(text) for field, text in value.items()})
        elif kind == "zset":
            await raw.zadd(place, {_bytes(member): float(score) for member, score in value.items()})
        else:
            await raw.set(place, _bytes(value))


def _bytes(text: str) -> bytes:
    return text.encode("latin-1")


async def _stored(client: Redis) -> dict[str, Any]:
    """Everything that lies there, as golden files tell it."""
    found: dict[str, Any] = {}
    raw: Any = client
    async for name in raw.scan_iter("golden:*"):
        kind = (await raw.type(name)).decode()
        value: Any = None
        if kind == "hash":
            value = {
                field.decode("latin-1"): text.decode("latin-1") for field, text in (await raw.hgetall(name)).items()
            }
        elif kind == "zset":
            members = await raw.zrange(name, 0, -1, withscores=True)
            value = {member.decode("latin-1"): "inf" if score == float("inf") else score for member, score in members}
        else:
            value = (await raw.get(name)).decode("latin-1")
        found[name.decode("latin-1")] = [kind, value]
    return found


async def test_what_is_written_is_the_newest_golden_file(redis_url: str) -> None:
    """Never write these files anew: a change of the format gets a new number and a file of its own."""
    async with _numbers(redis_url) as (store, raw):
        await store.apply(CHANGES)
        await store.apply([Change(Verb.ADD, "visit", 7, ("id", "page"), (7, "/"))])
        await raw.pexpireat("golden:visit:7", _IN_2100)
        await store.prepare(RESERVATION, _ALL_HELD)
        assert await _stored(raw) == json.loads((_GOLDEN / f"keys_{MARK_FORMAT}.json").read_text())


@pytest.mark.parametrize("name", _FILES)
async def test_what_an_earlier_holdall_wrote_is_read(redis_url: str, name: str) -> None:
    async with _numbers(redis_url) as (store, raw):
        await _restore(raw, name)
        assert await store.inspect() == []
        assert await store.fetch(Query("sample")) == list(ROWS)
        assert await store.count(Query("sample")) == 2
        assert await store.fetch(Query("sample", sort_keys=(SortKey(("id",), True),), max_rows=1)) == [ROWS[1]]
        for field in ("code", "name", "price", "moment"):
            value = ROWS[1][SAMPLE.positions[field]]
            assert await store.fetch(Query("sample", Compare((field,), Op.EQ, value))) == [ROWS[1]], field
        assert await store.reserve("sample", 1) == range(3, 4)


@pytest.mark.parametrize("name", _FILES)
async def test_what_an_earlier_holdall_holds_is_held_and_written(redis_url: str, name: str) -> None:
    async with _numbers(redis_url) as (store, raw):
        await _restore(raw, name)
        assert await store.prepared() == [RESERVATION]
        for change in (
            HELD[0],
            HELD[1],
            _ALL_HELD[2],
            Change(Verb.ADD, "sample", 9, ("name", "code", "version"), ("n", "new", 1)),
        ):
            with pytest.raises(Reserved):
                await store.apply([change])
        assert await store.commit_prepared(COMMIT, _ALL_HELD)
        assert await store.prepared() == []
        assert [(row[0], row[2]) for row in await store.fetch(Query("sample"))] == [(1, "new")]
        assert await store.inspect() == []


@pytest.mark.parametrize("name", _FILES)
async def test_what_an_earlier_holdall_holds_is_let_go_of(redis_url: str, name: str) -> None:
    async with _numbers(redis_url) as (store, raw):
        await _restore(raw, name)
        await store.roll_back_prepared(COMMIT)
        assert await raw.pexpiretime("golden:visit:7") == _IN_2100
        assert await store.apply([HELD[0]])
        assert await raw.get("golden:sample#indexes") == (
            f"name price moment unique,code unique,name,size|1111111#{MARK_FORMAT}".encode()
        )


async def test_typed_records_are_read_for_ever(redis_url: str) -> None:
    async with _opened(redis_url, SAMPLE, sample=RedisCollection(encoding="typed")) as (store, raw):
        await _restore(raw, "typed")
        await store.create()
        assert await store.fetch(Query("sample")) == list(ROWS)
        await store.drop()
        await store.apply(CHANGES)
        records = {name: stored for name, stored in (await _stored(raw)).items() if "#" not in name}
        assert records == json.loads((_GOLDEN / "typed.json").read_text())


_OTHER = msgspec.structs.replace(RESERVATION, commit="other")
_NEW = Change(Verb.ADD, "sample", 9, ("name", "version"), ("n", 1))
Call = Callable[[RedisStore], Awaitable[Any]]
_BY_THE_MARK: list[tuple[str, Call]] = [
    ("add", lambda store: store.apply([_NEW])),
    ("update", lambda store: store.apply([HELD[0]])),
    ("prepare", lambda store: store.prepare(_OTHER, [_NEW])),
    ("by index", lambda store: store.fetch(Query("sample", Compare(("name",), Op.EQ, "few")))),
    ("by unique value", lambda store: store.fetch(Query("sample", Compare(("code",), Op.EQ, "a")))),
    ("create", lambda store: store.create()),
    ("drop", lambda store: store.drop()),
]
_WITHOUT_A_LISTING: list[tuple[str, Call]] = [
    ("all", lambda store: store.fetch(Query("sample"))),
    ("page", lambda store: store.fetch(Query("sample", sort_keys=(SortKey(("id",)),), max_rows=1))),
    ("count", lambda store: store.count(Query("sample"))),
]
_CASES = [(name, call, True) for name, call in _BY_THE_MARK] + [(*case, False) for case in _WITHOUT_A_LISTING]


async def _is_refused(url: str, mark: bytes, call: Call, *, is_listed: bool, number: int | None) -> None:
    async with _opened(url, SAMPLE) as (store, raw):
        await _restore(raw, f"keys_{MARK_FORMAT}")
        await raw.set("golden:sample#indexes", mark)
        if not is_listed:  # a later format may list its records at another key
            await raw.delete("golden:sample#keys")
        before = await _stored(raw)
        with pytest.raises(
            UnknownFormat, match=r"golden:sample#indexes .* another version of Holdall.*use the"
        ) as caught:
            await call(store)
        assert (caught.value.store, caught.value.found, caught.value.known) == ("golden", number, MARK_FORMAT)
        assert await _stored(raw) == before
        (told,) = await store.inspect()
        assert told == caught.value.reason


@pytest.mark.parametrize("call, is_listed", [case[1:] for case in _CASES], ids=[case[0] for case in _CASES])
async def test_what_a_later_holdall_has_laid_out_is_refused_and_left_alone(
    redis_url: str, call: Call, is_listed: bool
) -> None:
    await _is_refused(redis_url, _LATER, call, is_listed=is_listed, number=2)


@pytest.mark.parametrize("mark, number", [(b"another|1#17", 17), (b"|#2", 2), (b"name|11#two", None)])
async def test_a_mark_is_refused_whatever_else_it_says(redis_url: str, mark: bytes, number: int | None) -> None:
    await _is_refused(redis_url, mark, _BY_THE_MARK[0][1], is_listed=True, number=number)


async def test_what_has_expired_under_a_later_mark_is_left_alone(redis_url: str) -> None:
    async with _numbers(redis_url) as (store, raw):
        await store.apply([Change(Verb.ADD, "visit", 7, ("id", "page"), (7, "/"))])
        await raw.delete("golden:visit:7")
        await raw.zadd("golden:visit#expiry", dict.fromkeys(await raw.zrange("golden:visit#expiry", 0, -1), 1))
        await raw.set("golden:visit#indexes", "page|111#2")
        before = await _stored(raw)
        with pytest.raises(UnknownFormat, match="golden:visit#indexes"):
            await store.apply([Change(Verb.ADD, "visit", 8, ("id", "page"), (8, "/"))])
        assert await _stored(raw) == before


async def test_a_planted_writer_that_forgets_to_look_at_the_number_is_found(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    blind = APPLY.source.replace(b"if other then return other end", b"")
    assert blind != APPLY.source
    planted = Script(blind, sha1(blind).hexdigest().encode(), True)
    monkeypatch.setattr("holdall.stores.redis.writer.APPLY", planted)
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        await _is_refused(redis_url, _LATER, _BY_THE_MARK[0][1], is_listed=True, number=2)


async def test_what_another_version_holds_is_told_by_its_number(redis_url: str) -> None:
    async with _numbers(redis_url) as (store, raw):
        await _restore(raw, f"keys_{MARK_FORMAT}")
        for packed, number in ((b"\x91\x09", 9), (b"\xc1", None), (b"\x91\xa1x", None)):
            await raw.hset("golden:sample#held", COMMIT, packed)
            for work in (
                store.roll_back_prepared(COMMIT),
                store.commit_prepared(COMMIT, _ALL_HELD),
                store.prepare(RESERVATION, _ALL_HELD),
            ):
                with pytest.raises(UnknownFormat, match="golden:sample#held") as caught:
                    await work
                assert caught.value.found == number
