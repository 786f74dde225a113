"""Another program writes documents at random between our operations, in types and forms that are not ours.

What is answered is what is stored, found by equality and in order, or refused by document with the rest of the answer.
``HOLDALL_HISTORIES`` says how many histories.
"""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import pytest
from bson import Binary, Decimal128, Int64, ObjectId
from pymongo.asynchronous.database import AsyncDatabase

from holdall.errors import CorruptRecord
from holdall.query import Compare, FieldSchema, Kind, Op, Query, Schema, SortKey
from holdall.store import Change, Damaged, Row, Rows, Verb
from holdall.stores.mongo import MongoStore, StandaloneMongoStore, codec, open_mongo
from tests.support.mongo_collections import fresh

pytestmark = pytest.mark.anyio

_HISTORIES = int(os.environ.get("HOLDALL_HISTORIES", "3"))
_STEPS = 25
_KINDS = (Kind.INT, Kind.FLOAT, Kind.DECIMAL, Kind.STR, Kind.DATETIME, Kind.DATE, Kind.TIME, Kind.UUID, Kind.JSON)
_FIELDS = tuple(f"by_{kind}" for kind in _KINDS)
_THING = Schema(
    "thing",
    (FieldSchema("id", Kind.INT), *(FieldSchema(f"by_{kind}", kind, nullable=True) for kind in _KINDS)),
    ("id",),
)
_MOMENT = datetime(2024, 1, 1, tzinfo=UTC)
_OURS: dict[Kind, Any] = {
    Kind.INT: 5,
    Kind.FLOAT: 1.5,
    Kind.DECIMAL: Decimal("1.50"),
    Kind.STR: "x",
    Kind.DATETIME: _MOMENT,
    Kind.DATE: _MOMENT.date(),
    Kind.TIME: _MOMENT.time(),
    Kind.UUID: UUID(int=7),
    Kind.JSON: {"a": [1, None]},
}
_THEIRS: list[Any] = [
    *(
        float("nan"),
        float("inf"),
        1e300,
        5.0,
        5.5,
        5,
        Int64(2**62),
        -(2**63),
        True,
        Decimal128("1.5"),
        Decimal128("NaN"),
    ),
    *("x", "", "2024-01-01", "20240101", "2024-01-01T00:00:00", "2024-01-01T00:00:00Z", "2024-W01-1"),
    *(
        "2024-01-01T00:00:00.000000Z",
        "2024-01-01T02:00:00.000000+02:00",
        "00:00",
        "00:00:00.000000",
        "00:00:00.000000Z",
    ),
    *(ObjectId("0" * 24), b"x", Binary(b"x" * 16, 3), UUID(int=7), Binary(b"x", 128), _MOMENT, _MOMENT + timedelta(1)),
    *({"a": [1, None]}, {"a": float("nan")}, {"a": ObjectId("1" * 24)}, {"~x": 1}, [1], [Decimal128("1")], None),
]


async def _rows(store: MongoStore | StandaloneMongoStore, query: Query[Any]) -> Rows:
    try:
        return await store.fetch(query)
    except CorruptRecord as error:
        return list(error.rows)


async def _theirs(database: AsyncDatabase[dict[str, Any]], chance: Random) -> None:
    key, field = chance.randrange(6), chance.choice(_FIELDS)
    match chance.randrange(5):
        case 0:
            await database.thing.delete_one({"_id": key})
        case 1:
            await database.thing.update_one({"_id": key}, {"$unset": {field: ""}})
        case _:
            await database.thing.update_one({"_id": key}, {"$set": {field: chance.choice(_THEIRS)}}, upsert=True)


async def _ours(store: MongoStore | StandaloneMongoStore, chance: Random) -> None:
    kind = chance.choice(_KINDS)
    field = f"by_{kind}"
    there = {row[0] for row in await _rows(store, Query("thing", projection=(("id",),)))}
    key = chance.randrange(6)
    if key in there and chance.random() < 0.3:
        await store.apply([Change(Verb.REMOVE, "thing", key)])
    elif key in there:
        await store.apply([Change(Verb.UPDATE, "thing", key, (field,), (_OURS[kind],))])
        (row,) = await _rows(store, Query("thing", Compare(("id",), Op.EQ, key)))
        assert row[_THING.positions[field]] == _OURS[kind], "what is damaged is repaired by writing it"
    else:
        await store.apply([Change(Verb.ADD, "thing", key, (field,), (_OURS[kind],))])


async def _look(store: MongoStore | StandaloneMongoStore, database: AsyncDatabase[dict[str, Any]]) -> None:
    rows = await _rows(store, Query("thing").sort(SortKey(("id",))))
    assert [row[0] for row in rows] == sorted([each["_id"] async for each in database.thing.find()])
    told = await store.inspect()
    for place, name in enumerate(_FIELDS, 1):
        damaged = [row for row in rows if isinstance(row[place], Damaged)]
        assert bool(damaged) == any(f"{name} is stored" in sentence for sentence in told)
        for row in rows:
            if row[place] is not None and not isinstance(row[place], Damaged):
                await _see_found(store, name, place, row)
    for start in range(0, len(rows), 2):
        assert (
            await _rows(store, Query("thing").sort(SortKey(("id",))).limit(2).offset(start)) == rows[start : start + 2]
        )


async def _see_found(store: MongoStore | StandaloneMongoStore, name: str, place: int, row: Row) -> None:
    found = await _rows(store, Query("thing", Compare((name,), Op.EQ, row[place])))
    assert row[0] in [each[0] for each in found], f"{name}: what is answered is found by its value: {row[place]!r}"
    # a number of another type that is equal is found by the server, and told as what cannot be read
    assert all(each[place] == row[place] or isinstance(each[place], Damaged) for each in found)


async def _history(url: str, seed: int) -> None:
    store = open_mongo("it", fresh(url))
    store.bind([_THING])
    chance = Random(seed)

    async with asyncio.timeout(60):
        await store.create()
        try:
            database = await store._connection.database()
            for _ in range(_STEPS):
                if chance.random() < 0.6:
                    await _theirs(database, chance)
                else:
                    await _ours(store, chance)
                await _look(store, database)
            await store.drop()
        finally:
            await store.close()


@pytest.mark.parametrize("seed", range(_HISTORIES))
async def test_what_others_wrote_is_right_or_refused_by_document(mongo_url: str, seed: int) -> None:
    await _history(mongo_url, seed)


async def test_histories_catch_a_text_that_is_read_in_any_form(mongo_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        codec._SCALARS,
        Kind.DATETIME,
        codec.Codec(frozenset({type(None)}), frozenset({str}), codec._datetime, datetime.fromisoformat),
    )
    with pytest.raises((AssertionError, TypeError, ValueError)):
        await _histories(mongo_url, 20)


async def _histories(url: str, count: int) -> None:
    for seed in range(count):
        await _history(url, seed)
