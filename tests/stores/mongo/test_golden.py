"""What a version of Holdall wrote to MongoDB: each format is read for ever, an unknown one refused by its number."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from bson import json_util
from bson.binary import UuidRepresentation

from holdall.errors import UnknownFormat
from holdall.query import Compare, Op, Query
from holdall.store import Change, Verb
from holdall.stores.mongo import MongoCollection, MongoStore, StandaloneMongoStore, open_mongo, sessions
from holdall.stores.mongo.counters import Counters
from holdall.stores.mongo.sessions import ServerSessions
from tests.support.golden_world import ROWS, SAMPLE, added
from tests.support.mongo_collections import fresh, inside

pytestmark = pytest.mark.anyio

_GOLDEN = Path(__file__).parent / "golden"
_OPTIONS = json_util.CANONICAL_JSON_OPTIONS.with_options(
    uuid_representation=UuidRepresentation.STANDARD, tz_aware=True, tzinfo=dt.UTC
)
_MOMENT = SAMPLE.positions["moment"]


def _golden(name: str) -> Any:
    return json_util.loads((_GOLDEN / f"{name}.json").read_text(), json_options=_OPTIONS)


def _text(documents: Any) -> str:
    return json_util.dumps(documents, json_options=_OPTIONS)


def _opened(url: str, *, native_dates: bool = False) -> MongoStore | StandaloneMongoStore:
    store = open_mongo("golden", url, collections={"sample": MongoCollection(native_dates=native_dates)})
    store.bind([SAMPLE])
    return store


def _rows(*, native_dates: bool) -> list[tuple[Any, ...]]:
    """The records; a BSON date has no microseconds."""
    few, full = ROWS
    moment = full[_MOMENT].replace(microsecond=678_000) if native_dates else full[_MOMENT]
    return [few, (*full[:_MOMENT], moment, *full[_MOMENT + 1 :])]


@pytest.mark.parametrize("name, native_dates", [("documents", False), ("documents_native_dates", True)])
async def test_documents_are_written_and_read_as_ever(mongo_url: str, name: str, native_dates: bool) -> None:
    """Never write these files anew: another form of a value needs an option of its own, as ``native_dates`` is."""
    url, rows = fresh(mongo_url), _rows(native_dates=native_dates)

    async with asyncio.timeout(60):
        store = _opened(url, native_dates=native_dates)
        await store.create()
        await store.apply(added(rows))
        with inside(url) as database:
            assert _text(list(database.sample.find().sort("_id"))) == _text(_golden(name))
            database.sample.delete_many({})
            database.sample.insert_many(_golden(name))
        assert await store.fetch(Query("sample")) == rows
        for field, value in zip(SAMPLE.positions, rows[1], strict=True):
            if field != "friends":
                assert rows[1] in await store.fetch(Query("sample", Compare((field,), Op.EQ, value))), field
        await store.close()


async def test_a_counter_is_written_as_the_newest_golden_file(mongo_url: str) -> None:
    url = fresh(mongo_url)

    async with asyncio.timeout(60):
        store = _opened(url)
        await store.reserve("sample", 4)
        await store.close()
    with inside(url) as database:
        assert database.holdall_counter.find_one() == _golden("counter_1")


@pytest.mark.parametrize("name", ["counter_unnumbered", "counter_1"])
async def test_a_counter_of_an_earlier_holdall_goes_on(mongo_url: str, name: str) -> None:
    url = fresh(mongo_url)
    with inside(url) as database:
        database.holdall_counter.insert_one(_golden(name))

    async with asyncio.timeout(60):
        store = _opened(url)
        assert list(await store.reserve("sample", 2)) == [5, 6]
        await store.close()


def _new(key: int | None) -> Change:
    return Change(Verb.ADD, "sample", key, ("name", "version"), (f"n{key}", 1))


@pytest.mark.parametrize("found, number", [(2, 2), ("b", None)])
async def test_a_counter_of_a_later_holdall_is_refused_and_left_alone(
    mongo_url: str, found: Any, number: int | None
) -> None:
    url = fresh(mongo_url)
    with inside(url) as database:
        database.holdall_counter.insert_one({"_id": "sample", "last": 4, "format": found})

    async with asyncio.timeout(60):
        store = _opened(url)
        try:
            await store.create()
            attempts: list[Callable[[], Awaitable[Any]]] = [partial(store.reserve, "sample", 2)]
            attempts += [partial(store.apply, [_new(key)]) for key in (None, 7)]
            for attempt in attempts:
                with pytest.raises(UnknownFormat, match=r"holdall_counter 'sample' .*use the version") as caught:
                    await attempt()
                assert (caught.value.store, caught.value.found, caught.value.known) == ("golden", number, 1)
            assert await store.count(Query("sample")) == 0
        finally:
            await store.close()
    with inside(url) as database:
        assert database.holdall_counter.find_one() == {"_id": "sample", "last": 4, "format": found}


async def test_a_planted_store_that_does_not_look_at_the_number_is_found(
    mongo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Counters, "_demand_known", lambda *given: None)
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        await test_a_counter_of_a_later_holdall_is_refused_and_left_alone(mongo_url, 2, 2)


async def test_a_counter_that_a_later_holdall_took_over_meanwhile_is_refused(mongo_url: str) -> None:
    url = fresh(mongo_url)

    async with asyncio.timeout(60):
        store = _opened(url)
        await store.reserve("sample", 1)
        with inside(url) as database:
            database.holdall_counter.update_one({"_id": "sample"}, {"$set": {"format": 2}})
        with pytest.raises(UnknownFormat, match="holdall_counter 'sample'"):
            await store.reserve("sample", 1)
        await store.close()


@pytest.mark.parametrize("name, is_ended", [("note_unnumbered", True), ("note_1", True), ("later", False)])
async def test_notes_of_sessions_are_read_or_left_alone(
    mongo_url: str, name: str, is_ended: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "_LOOK_SECONDS", 30.0)  # it gives up quietly, where the machine is busy
    url = fresh(mongo_url)
    note = {**_golden("note_1"), "format": 2} if name == "later" else _golden(name)
    with inside(url) as database:
        database.holdall_session.insert_one(note)

    async with asyncio.timeout(60):
        store = _opened(url)
        await store.create()
        assert await ServerSessions("golden", store._connection).end_those_of_the_dead() == int(is_ended)
        await store.close()
    with inside(url) as database:
        assert database.holdall_session.count_documents({}) == int(not is_ended)
