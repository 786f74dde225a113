"""What another program, an eviction or a change of the models does to a collection, case by case."""

from __future__ import annotations

import json
from typing import Any

import pytest

from holdall.errors import CorruptRecord, DeclarationError, SchemaMismatch, UniqueViolation
from holdall.query import FieldSchema, Generated, Kind, Op, Query, Schema, SortKey
from holdall.store import Change, Verb
from holdall.stores.redis import RedisCollection, RedisStore
from tests.servers.valkey import Valkey
from tests.support.redis_collections import apply, keys, remove, store_at, update, where
from tests.support.redis_commit_parts import THING, opened, thing

pytestmark = pytest.mark.anyio

_HOUR: dict[str, Any] = {"collections": {"thing": RedisCollection(ttl=3600)}}
_BY_ID = Query[Any]("thing").sort(SortKey(("id",)))


def _written(**values: Any) -> dict[Any, Any]:
    given = {"name": "n", "code": None, "size": None, "version": 1, **values}
    return {name: json.dumps(value) for name, value in given.items()}


async def test_pages_and_counts_pass_by_what_is_gone(redis_url: str) -> None:
    async with opened(redis_url) as (store, raw):
        await apply(store, *map(thing, range(1, 9)))
        await raw.delete(*[f"{store._prefix}:thing:{number}" for number in (1, 2, 6)])
        pages = [[row[0] for row in await store.fetch(_BY_ID.limit(2).offset(start))] for start in (0, 2, 4, 6)]
        assert pages == [[3, 4], [5, 7], [8], []]
        back = Query[Any]("thing").sort(SortKey(("id",), True))
        assert [row[0] for row in await store.fetch(back.limit(2).offset(2))] == [5, 4]
        assert await store.count(Query("thing")) == 5
        assert await store.inspect() == [
            f"3 records of {store._prefix}:thing are listed or indexed, and gone; create() forgets them"
        ]
        assert await store.obstacles() == []
        await store.create()
        assert await store.inspect() == []
        assert await raw.zcard(f"{store._prefix}:thing#keys") == 5


@pytest.mark.parametrize("skip", [2**31, 2**53, 10**15 * 500, 2**63 - 1])
async def test_a_page_behind_all_records_is_empty(redis_url: str, skip: int) -> None:
    async with opened(redis_url) as (store, _):
        await apply(store, thing(1))
        assert await store.fetch(_BY_ID.limit(500).offset(skip)) == []


@pytest.mark.parametrize("name", ["#unique:code", "#entries", "#keys", "#index:name", "#indexes"])
async def test_what_is_thrown_out_beside_the_records_stops_writing_until_it_is_built(redis_url: str, name: str) -> None:
    async with opened(redis_url) as (store, raw):
        await apply(store, thing(1, code="a"), thing(2, code=None))
        await raw.delete(f"{store._prefix}:thing{name}")
        assert await store.inspect() != []
        assert await store.obstacles() != []
        with pytest.raises(SchemaMismatch, match="create"):
            await apply(store, thing(3, code="a"))
        await store.create()
        assert await store.inspect() == []
        with pytest.raises(UniqueViolation):
            await apply(store, thing(3, code="a"))
        assert await keys(store, where("code", Op.EQ, "a"), "thing") == [1]


async def test_what_is_found_by_what_is_gone_is_refused(redis_url: str) -> None:
    async with opened(redis_url) as (store, raw):
        await apply(store, thing(1, code="a"))
        asked = [where("code", Op.EQ, "a"), where("name", Op.EQ, "n")]
        for name, query in (
            ("#unique:code", Query[Any]("thing", asked[0])),
            ("#index:name", Query[Any]("thing", asked[1])),
            ("#keys", Query[Any]("thing")),
            ("#keys", _BY_ID.limit(1)),
        ):
            await raw.delete(f"{store._prefix}:thing{name}")
            with pytest.raises(SchemaMismatch, match=f"thing{name}, which lay"):
                await store.fetch(query)
            await store.create()
            assert [row[0] for row in await store.fetch(query)] == [1]
        await raw.delete(f"{store._prefix}:thing#keys")
        with pytest.raises(SchemaMismatch):
            await store.count(Query("thing"))


async def test_reading_needs_no_right_to_write_where_records_expire() -> None:
    with Valkey() as server:
        async with opened(server.url, **_HOUR) as (store, raw):
            await apply(store, thing(1), thing(2))
            rights = ["+@read", "+@connection", "+evalsha_ro", "+eval_ro"]
            await raw.acl_setuser("reader", enabled=True, passwords=["+pw"], keys=["*"], commands=rights)
            url = server.url.replace("redis://", "redis://reader:pw@")
            reader = store_at(url, THING, prefix=store._prefix, **_HOUR)
            try:
                await raw.pexpireat(f"{store._prefix}:thing:1", 1)
                assert [row[0] for row in await reader.fetch(_BY_ID.limit(5))] == [2]
                assert await reader.count(Query("thing")) == 1
            finally:
                await reader.close()


async def test_records_can_be_removed_when_memory_is_full() -> None:
    with Valkey() as server:
        async with opened(server.url) as (store, raw):
            await apply(store, thing(1, code="a"), thing(2, code="b"))
            await raw.config_set("maxmemory", "1")
            await apply(store, remove("thing", 1))
            await apply(store, remove("thing", 2))
            await raw.config_set("maxmemory", "0")
            assert await store.count(Query("thing")) == 0
            await apply(store, thing(1, code="a"))
            assert await store.inspect() == []


@pytest.mark.parametrize(
    "name", ['1],[99,"ghost",null,null,1', '"x"],[99', '"open', "[1]"], ids=["row", "half a row", "open", "list"]
)
async def test_a_value_never_becomes_another_record(redis_url: str, name: str) -> None:
    async with opened(redis_url) as (store, raw):
        await apply(store, thing(1), thing(2), thing(3))
        await raw.hset(f"{store._prefix}:thing:2", "version", name)
        with pytest.raises(CorruptRecord) as caught:
            await store.fetch(_BY_ID)
        assert (caught.value.key, caught.value.fields) == (2, ("version",))
        assert [row[0] for row in caught.value.rows] == [1, 2, 3]
        await apply(store, Change(Verb.REMOVE, "thing", 2))
        assert [row[0] for row in await store.fetch(_BY_ID)] == [1, 3]


async def test_what_is_no_hash_is_told_and_can_be_removed(redis_url: str) -> None:
    async with opened(redis_url) as (store, raw):
        await apply(store, thing(1), thing(2))
        place = f"{store._prefix}:thing:2"
        await raw.delete(place)
        await raw.set(place, "x")
        assert await store.inspect() == [f"{place} holds a string, not a hash"]
        with pytest.raises(CorruptRecord) as caught:
            await store.fetch(_BY_ID.limit(2))
        assert [row[0] for row in caught.value.rows] == [1, 2]
        await apply(store, Change(Verb.REMOVE, "thing", 2))
        assert await store.inspect() == []


async def test_a_renamed_record_is_not_taken_for_another(redis_url: str) -> None:
    async with opened(redis_url) as (store, raw):
        await apply(store, thing(1))
        await raw.rename(f"{store._prefix}:thing:1", f"{store._prefix}:thing:7")
        with pytest.raises(CorruptRecord, match="thing 7"):
            await store.fetch(Query("thing", where("id", Op.EQ, 7)))
        assert any("thing:7 cannot be read" in told for told in await store.inspect())


async def test_create_takes_in_what_others_wrote_and_changed(redis_url: str) -> None:
    async with opened(redis_url) as (store, raw):
        await apply(store, thing(1, code="a"))
        await raw.hset(f"{store._prefix}:thing:1", mapping=_written(id=1, name="changed", code="b", size=1))
        await raw.hset(f"{store._prefix}:thing:5", mapping=_written(id=5, name="theirs", code="a"))
        assert len(await store.inspect()) == 2
        await store.create()
        assert await store.inspect() == []
        assert await keys(store, where("name", Op.EQ, "changed"), "thing") == [1]
        assert await keys(store, where("code", Op.EQ, "a"), "thing") == [5]
        assert [row[0] for row in await store.fetch(_BY_ID)] == [1, 5]


async def test_what_others_wrote_is_taken_in_where_it_is_changed_here(redis_url: str) -> None:
    async with opened(redis_url) as (store, raw):
        await apply(store, thing(1))
        await raw.hset(f"{store._prefix}:thing:2", mapping=_written(id=2, name="theirs", code="t"))
        await apply(store, update("thing", 2, 1, size=4, version=2))
        assert await keys(store, where("name", Op.EQ, "theirs"), "thing") == [2]
        with pytest.raises(UniqueViolation):
            await apply(store, thing(3, code="t"))
        assert await store.inspect() == []


async def test_a_field_that_no_record_has_is_told(redis_url: str) -> None:
    old = Schema("thing", THING.fields[:2], ("id",))
    async with opened(redis_url, old) as (first, _):
        await apply(first, Change(Verb.ADD, "thing", 1, ("name",), ("n",)))
        second = store_at(redis_url, Schema("thing", (*old.fields, FieldSchema("extra", Kind.INT)), ("id",)))
        second = store_at(redis_url, *second._reader.schemas.values(), prefix=first._prefix)
        await second.create()
        told = f"no record of {first._prefix}:thing has extra, which must have a value"
        assert told in await second.inspect()
        assert await second.obstacles() == [told]
        await second.close()


def _store(url: str, prefix: str, *schemas: Schema) -> RedisStore:
    return store_at(url, *schemas, prefix=prefix)


async def test_a_collection_keeps_apart_from_what_lies_below_its_name(redis_url: str) -> None:
    async with opened(redis_url) as (store, raw):
        pair = Schema("pair", (FieldSchema("a", Kind.STR), FieldSchema("b", Kind.STR)), ("a", "b"))
        outer = _store(redis_url, store._prefix, Schema("visit", THING.fields, ("id",)), pair)
        inner = _store(redis_url, f"{store._prefix}:visit", Schema("x", (FieldSchema("k", Kind.STR),), ("k",)))
        nested = _store(redis_url, f"{store._prefix}:pair", Schema("x", (FieldSchema("k", Kind.STR),), ("k",)))
        added = {"name": "n", "version": 1}
        await apply(outer, Change(Verb.ADD, "visit", 1, tuple(added), tuple(added.values())))
        await apply(outer, Change(Verb.ADD, "pair", ("p", "q"), (), ()))
        for other in (inner, nested):
            await apply(other, Change(Verb.ADD, "x", "1", (), ()))
        await raw.set(f"{store._prefix}:visit:cache:7", "another program's")
        assert await outer.inspect() == []
        await outer.create()
        assert await outer.count(Query("pair")) == 1
        await outer.drop()
        assert await raw.get(f"{store._prefix}:visit:cache:7") == b"another program's"
        for other in (inner, nested):
            assert await other.fetch(Query("x")) == [("1",)]
            await other.drop()
            await other.close()
        await raw.delete(f"{store._prefix}:visit:cache:7")
        assert [name async for name in raw.scan_iter(f"{store._prefix}:*")] == []
        await outer.close()


def test_collections_of_one_store_do_not_lie_in_each_other() -> None:
    fields = (FieldSchema("id", Kind.INT),)
    with pytest.raises(DeclarationError, match="would lie among the records of m"):
        store_at(
            "redis://localhost:1",
            Schema("m", fields, ("id",)),
            Schema("user", fields, ("id",)),
            collections={"user": RedisCollection(name="m:User")},
        )


@pytest.mark.parametrize("ttl", ["x", float("inf"), float("nan"), 1e300, True, 0, -1, 1e-9])
def test_a_time_to_live_is_a_number_of_seconds(ttl: Any) -> None:
    with pytest.raises(DeclarationError, match="ttl of thing"):
        store_at("redis://localhost:1", THING, collections={"thing": RedisCollection(ttl=ttl)})


async def test_a_time_to_live_is_given_to_records_that_have_none(redis_url: str) -> None:
    async with opened(redis_url) as (first, raw):
        await apply(first, thing(1))
        second = store_at(redis_url, THING, prefix=first._prefix, **_HOUR)
        assert len(await second.inspect()) == 1
        await second.create()
        assert await second.inspect() == []
        assert await raw.pttl(f"{first._prefix}:thing:1") > 0
        await second.close()


@pytest.mark.parametrize("written", ["", "None"])
async def test_empty_values_of_repocket_are_read(redis_url: str, written: str) -> None:
    kinds = (Kind.UUID, Kind.INT, Kind.FLOAT, Kind.STR, Kind.BYTES, Kind.JSON, Kind.DATETIME)
    key = FieldSchema("id", Kind.UUID, generated=Generated.CLIENT)
    fields = (key, *[FieldSchema(f"a_{kind}", kind, nullable=kind in (Kind.UUID, Kind.DATETIME)) for kind in kinds])
    typed = {"collections": {"old": RedisCollection(name="m:Old", encoding="typed")}}
    async with opened(redis_url, Schema("old", fields, ("id",)), **typed) as (store, raw):
        text = "970773fa-4de1-11e5-86f4-6c4008a70392"
        envelope = json.dumps({"module": "repocket.attributes", "type": "AutoUUID", "value": text})
        held: dict[Any, Any] = {field.name: written for field in fields[1:]}
        await raw.hset(f"{store._prefix}:m:Old:{text}", mapping={**held, "id": envelope})
        await store.create()
        assert [row[1:] for row in await store.fetch(Query("old"))] == [(None, 0, 0.0, "", b"", "", None)]
