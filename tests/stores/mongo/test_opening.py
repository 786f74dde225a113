from __future__ import annotations

import asyncio
from typing import Any

import pytest

from holdall.errors import DeclarationError, StoreUnavailable, Unsupported
from holdall.query import Compare, FieldSchema, Kind, Op, Query, Schema
from holdall.store import CommitClass, Transactional, open_store
from holdall.stores.mongo import MongoCollection, open_mongo
from tests.support.mongo_collections import add, fresh, inside, opened

pytestmark = pytest.mark.anyio

_ID = FieldSchema("id", Kind.INT)


@pytest.mark.parametrize(
    "url", ["mongodb://h", "mongodb://h:1/", "mongodb://h/a/b", "mongodb://h?replicaSet=x", "mongodb://h/d?w=0"]
)
def test_a_url_names_its_database(url: str) -> None:
    with pytest.raises(DeclarationError):
        open_mongo("m", url)


@pytest.mark.parametrize("url", ["mongodb://h:99999/d", "mongodb://h/d?tls=maybe", "mongodb://u:p@ss@h/d"])
def test_a_wrong_url_is_refused_and_its_password_kept(url: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        open_mongo("m", url)
    assert "p@ss" not in str(caught.value)


@pytest.mark.parametrize(
    "options", [{"conections": 3}, {"timeout": 0}, {"connections": -1}, {"timeout": "x"}, {"collections": {"a": 1}}]
)
def test_wrong_options_are_refused(options: Any) -> None:
    with pytest.raises(DeclarationError):
        open_mongo("m", "mongodb://h/d", **options)


@pytest.mark.parametrize(
    "url, options, expected",
    [
        ("mongodb://h/d", {}, CommitClass.IDEMP),
        ("mongodb://h/d", {"transactions": True}, CommitClass.TX),
        ("mongodb://h/d?replicaSet=r", {}, CommitClass.TX),
        ("mongodb://h/d?replicaset=r", {"transactions": False}, CommitClass.IDEMP),
        ("mongodb://user:p%40ss@h1,h2:3/d?tls=true", {}, CommitClass.TX),
        ("mongodb+srv://h.example/d", {}, CommitClass.TX),
    ],
)
def test_the_commit_class_is_known_without_a_connection(
    url: str, options: dict[str, bool], expected: CommitClass
) -> None:
    store = open_store("m", url, **options)
    assert store.capabilities.commit is expected
    assert isinstance(store, Transactional) is (expected is CommitClass.TX)


async def test_transactions_that_are_not_there_are_seen_at_first_use(standalone_mongo_url: str) -> None:
    store = opened(fresh(standalone_mongo_url), transactions=True)

    async with asyncio.timeout(60):
        with pytest.raises(Unsupported, match="transactions=False"):
            await store.fetch(Query("person"))
        await store.close()


@pytest.mark.parametrize("name", ["$x", "a.b", "", "_id", "_holdall_token", "x" * 200])
def test_field_names_that_mean_something_to_mongodb_are_refused(name: str) -> None:
    store = open_mongo("m", "mongodb://h/d")
    with pytest.raises(Unsupported):
        store.bind([Schema("a", (_ID, FieldSchema(name, Kind.INT)), ("id",))])


@pytest.mark.parametrize("name", ["$x", "a\0b", "", "system.x", "holdall_counter"])
def test_so_are_names_of_collections(name: str) -> None:
    with pytest.raises(Unsupported):
        open_mongo("m", "mongodb://h/d").bind([Schema(name, (_ID,), ("id",))])


async def test_a_key_may_be_called_id_as_mongodb_does(standalone_mongo_url: str) -> None:
    url = fresh(standalone_mongo_url)
    store = open_mongo("m", url)
    store.bind([Schema("a", (FieldSchema("_id", Kind.INT), FieldSchema("name", Kind.STR)), ("_id",))])

    await store.apply([add("a", 7, name="x")])
    assert await store.fetch(Query("a", Compare(("_id",), Op.EQ, 7))) == [(7, "x")]
    with inside(url) as database:
        assert [(each["_id"], each["name"]) for each in database["a"].find()] == [(7, "x")]
    await store.close()


def test_two_collections_do_not_lie_in_one_place() -> None:
    store = open_mongo("m", "mongodb://h/d", collections={"b": MongoCollection(name="a")})
    with pytest.raises(DeclarationError, match="both"):
        store.bind([Schema("a", (_ID,), ("id",)), Schema("b", (_ID,), ("id",))])


def test_options_for_a_collection_nobody_keeps_are_refused() -> None:
    store = open_mongo("m", "mongodb://h/d", collections={"bok": MongoCollection(name="a")})
    with pytest.raises(DeclarationError, match="bok"):
        store.bind([Schema("book", (_ID,), ("id",))])


@pytest.mark.usefixtures("left_sockets")
async def test_a_server_that_is_not_there_is_told_in_time() -> None:
    store = opened("mongodb://127.0.0.1:1/d", connect_timeout=0.2)

    async with asyncio.timeout(60):
        with pytest.raises(StoreUnavailable) as caught:
            await store.fetch(Query("person"))
        assert not caught.value.is_outcome_unknown
        await store.close()


def test_event_loops_one_after_the_other(mongo_url: str) -> None:
    store = opened(fresh(mongo_url))

    async def use() -> None:
        await store.create()
        assert await store.fetch(Query("person")) == []
        await store.close()

    for _ in range(3):
        asyncio.run(use())
