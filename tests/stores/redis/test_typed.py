"""Records as repocket writes and reads them: its keys, its envelopes, and nothing that its data names is ever run."""

from __future__ import annotations

import json
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from holdall.errors import CorruptRecord, StaleVersion, StoreError
from holdall.query import FieldSchema, Generated, Kind, ManyForm, Op, Query, Schema
from holdall.store import Change, Verb
from holdall.stores.redis import RedisCollection, RedisStore
from tests.support.redis_collections import apply, keys, raw_client, store_at, update, where

pytestmark = pytest.mark.anyio

_KEY = (FieldSchema("id", Kind.UUID, generated=Generated.CLIENT),)
HOUSE = Schema("house", (*_KEY, FieldSchema("name", Kind.STR)), ("id",))
STUDENT = Schema(
    "student",
    (
        *_KEY,
        FieldSchema("name", Kind.STR),
        FieldSchema("nick", Kind.STR, nullable=True),
        FieldSchema("age", Kind.INT),
        FieldSchema("height", Kind.FLOAT, nullable=True),
        FieldSchema("purse", Kind.DECIMAL, nullable=True),
        FieldSchema("is_away", Kind.BOOL, nullable=True),
        FieldSchema("enrolled", Kind.DATETIME, nullable=True),
        FieldSchema("birthday", Kind.DATE, nullable=True),
        FieldSchema("patience", Kind.TIMEDELTA, nullable=True),
        FieldSchema("seal", Kind.BYTES, nullable=True),
        FieldSchema("data", Kind.JSON, nullable=True),
        FieldSchema("friend", Kind.UUID, nullable=True),
        FieldSchema("house", Kind.REF, nullable=True, target="house", target_key=_KEY),
        FieldSchema("visited", Kind.MANY, target="house", target_key=_KEY, form=ManyForm.LIST),
        FieldSchema("version", Kind.INT),
    ),
    ("id",),
    version="version",
    indexes=(("name",),),
    streams=("diary",),
)
HARRY, GRYFFINDOR = UUID(int=7), UUID(int=1)
_FULL: dict[str, Any] = {
    "id": HARRY,
    "name": "Harry",
    "nick": "null",
    "age": 11,
    "height": 1.5,
    "purse": Decimal("1.10"),
    "is_away": False,
    "enrolled": datetime(1991, 9, 1, 11, tzinfo=UTC),
    "birthday": date(1980, 7, 31),
    "patience": timedelta(1, 2),
    "seal": b"wax",
    "data": {"k": [1, None, True]},
    "friend": UUID(int=8),
    "house": GRYFFINDOR,
    "visited": (GRYFFINDOR,),
    "version": 1,
}


def hogwarts(url: str, prefix: str, **options: Any) -> RedisStore:
    named = {
        name: RedisCollection(name=f"hogwarts.models:{name.title()}", encoding="typed") for name in ("house", "student")
    }
    return store_at(url, HOUSE, STUDENT, prefix=prefix, collections=named, **options)


def add(collection: str, **values: Any) -> Change:
    return Change(Verb.ADD, collection, values["id"], tuple(values), tuple(values.values()))


def envelope(kind: str, value: Any, module: str = "repocket.attributes") -> str:
    return json.dumps({"module": module, "type": kind, "value": value})


async def test_what_is_written(redis_url: str) -> None:
    store = hogwarts(redis_url, "typed1")

    async with raw_client(redis_url, store) as raw:
        await apply(store, add("student", **_FULL))
        await store.append("student", HARRY, "diary", b"Dear diary")
        place = f"typed1:hogwarts.models:Student:{HARRY}"
        assert await raw.get(f"{place}:field:diary") == b"Dear diary"
        found: Any = await raw.hgetall(place)
        held: Any = {name.decode(): json.loads(value) for name, value in found.items()}
        assert all(list(value) == ["module", "type", "value"] for value in held.values())
        assert {name: (value["type"], value["value"]) for name, value in held.items()} == {
            "id": ("AutoUUID", str(HARRY)),
            "name": ("Unicode", "Harry"),
            "nick": ("Unicode", "null"),
            "age": ("Integer", "11"),
            "height": ("Float", "1.5"),
            "purse": ("Decimal", "1.10"),
            "is_away": ("Integer", "0"),
            "enrolled": ("DateTime", "1991-09-01T11:00:00+00:00"),
            "birthday": ("Unicode", "1980-07-31"),
            "patience": ("Unicode", "P1DT2S"),
            "seal": ("Bytes", "wax"),
            "data": ("JSON", '{"k":[1,null,true]}'),
            "friend": ("UUID", str(UUID(int=8))),
            "house": ("Pointer", f"typed1:hogwarts.models:House:{GRYFFINDOR}"),
            "visited": ("JSON", f'["{GRYFFINDOR}"]'),
            "version": ("Integer", "1"),
        }
        assert await store.fetch(Query("student")) == [tuple(_FULL.values())]
        await apply(store, update("student", HARRY, 1, name="Harry P.", house=None, nick=None, version=2))
        with pytest.raises(StaleVersion):
            await apply(store, update("student", HARRY, 1, version=2))
        pointer: Any = await raw.hget(place, "house")
        assert json.loads(pointer)["value"] == "null"
        (row,) = await store.fetch(Query("student", where("name", Op.EQ, "Harry P.")))
        assert (row[1], row[2], row[13]) == ("Harry P.", None, None)


async def test_what_repocket_has_written_is_read(redis_url: str) -> None:
    store = hogwarts(redis_url, "typed2")
    place = f"typed2:hogwarts.models:Student:{HARRY}"

    async with raw_client(redis_url, store) as raw:
        await raw.hset(
            place,
            mapping={
                "id": envelope("AutoUUID", str(HARRY)),
                "name": envelope("Unicode", "Harry"),
                "age": envelope("Integer", "11"),
                "enrolled": envelope("DateTime", "1991-09-01T11:00:00"),
                "friend": envelope("UUID", "None"),
                "data": envelope("JSON", "{u'k': [1, None, True]}"),
                "house": envelope("Pointer", f"typed2:hogwarts.models:House:{GRYFFINDOR}"),
                "seal": envelope("Bytes", "wax"),
                "visited": envelope("JSON", "[]"),
                "version": envelope("Integer", "1"),
                "unknown": envelope("Unicode", "left alone"),
            },
        )
        await raw.set(f"{place}:field:diary", b"Dear diary")
        assert await store.inspect() == [
            "1 records of typed2:hogwarts.models:Student are not listed; create() takes them in"
        ]
        assert await store.fetch(Query("student")) == []
        by_key = await store.fetch(Query("student", where("id", Op.EQ, HARRY)))
        await store.create()
        assert await store.inspect() == []
        (row,) = await store.fetch(Query("student"))
        assert [row] == by_key
        values = dict(zip((field.name for field in STUDENT.stored), row, strict=True))
        assert values == {
            **dict.fromkeys(_FULL),
            **{name: _FULL[name] for name in ("id", "name", "age", "enrolled", "data", "house", "seal", "version")},
            "visited": (),
        }
        assert await keys(store, where("name", Op.STARTSWITH, "Har"), "student") == [HARRY]
        assert await store.read("student", HARRY, "diary", 5) == b"diary"
        await apply(store, update("student", HARRY, 1, age=12, version=2))
        assert await raw.hget(place, "unknown") == envelope("Unicode", "left alone").encode()
        await apply(store, Change(Verb.REMOVE, "student", HARRY))
        assert await raw.exists(place, f"{place}:field:diary") == 0


async def test_json_that_is_no_json_is_text_or_what_python_wrote(redis_url: str) -> None:
    store = hogwarts(redis_url, "typed3", scan_limit=10)
    written = {"plain": "plain", "(1, 2)": [1, 2], "[u'a', {'b': False}]": ["a", {"b": False}], '"x"': "x", "7": 7}

    async with raw_client(redis_url, store) as raw:
        await apply(store, add("student", **_FULL))
        for text, value in written.items():
            await raw.hset(f"typed3:hogwarts.models:Student:{HARRY}", "data", envelope("JSON", text))
            (row,) = await store.fetch(Query("student"))
            assert row[11] == value


@pytest.mark.parametrize(
    "field, written",
    [
        ("age", "not json"),
        ("age", '"5"'),
        ("age", envelope("Integer", "five")),
        ("age", envelope("Integer", str(2**70))),
        ("age", envelope("Integer", None)),
        ("name", '{"type": "Unicode"}'),
        ("height", envelope("Float", "nan")),
        ("purse", envelope("Decimal", "much")),
        ("is_away", envelope("Integer", "2")),
        ("enrolled", envelope("DateTime", "yesterday")),
        ("friend", envelope("UUID", "7")),
        ("data", envelope("JSON", "[__import__('os')]")),
        ("data", envelope("JSON", "{" * 5000)),
        ("house", envelope("Pointer", "typed4:hogwarts.models:Student:x")),
        ("house", envelope("Pointer", "typed4:hogwarts.models:House:x")),
        ("house", envelope("Pointer", f"typed4:hogwarts.models:House:{GRYFFINDOR}:more")),
        ("visited", envelope("JSON", "[7]")),
    ],
)
async def test_corrupt_values_are_told_with_their_place(redis_url: str, field: str, written: str) -> None:
    store = hogwarts(redis_url, "typed4")

    async with raw_client(redis_url, store) as raw:
        await apply(store, add("student", **_FULL))
        await raw.hset(f"typed4:hogwarts.models:Student:{HARRY}", field, written)
        with pytest.raises(CorruptRecord) as caught:
            await store.fetch(Query("student"))
        assert (caught.value.key, caught.value.fields) == (HARRY, (field,))


async def test_nothing_that_the_data_names_is_imported(redis_url: str) -> None:
    store = hogwarts(redis_url, "typed5")
    assert "antigravity" not in sys.modules

    async with raw_client(redis_url, store) as raw:
        await apply(store, add("student", **_FULL))
        place = f"typed5:hogwarts.models:Student:{HARRY}"
        await raw.hset(place, "name", envelope("system", "echo", "antigravity"))
        (row,) = await store.fetch(Query("student"))
        assert row[1] == "echo"
        assert "antigravity" not in sys.modules


async def test_bytes_that_are_no_text_are_refused_not_lost(redis_url: str) -> None:
    store = hogwarts(redis_url, "typed6")

    async with raw_client(redis_url, store):
        with pytest.raises(StoreError, match="seal holds bytes that are no text"):
            await apply(store, add("student", **{**_FULL, "seal": b"\xff"}))
        with pytest.raises(StoreError, match="age cannot be null"):
            await apply(store, add("student", **{**_FULL, "age": None}))
        assert await store.fetch(Query("student")) == []
