"""What a killed program had open in the server is in nobody's way, long before the server ends it by itself."""

from __future__ import annotations

import asyncio
import datetime as dt
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from holdall.errors import LockConflict, Unsupported
from holdall.query import FieldSchema, Kind, Query, Schema
from holdall.store import Change
from holdall.store.processes import this_process
from holdall.stores.mongo import MongoStore, sessions
from holdall.stores.mongo.sessions import ServerSessions
from tests.support.mongo_collections import add, fresh, inside, opened, remove, update
from tests.support.preloaded import PreloadedProcess

pytestmark = pytest.mark.anyio

_SECONDS = 30.0  # a call's timeout: half of what the server lets a transaction live


class _Other:
    """A program with a transaction open on person 1 and 2."""

    def __init__(self, process: PreloadedProcess) -> None:
        self._process = process

    async def die(self) -> None:
        self._process.kill()
        await asyncio.to_thread(self._process.wait)


@asynccontextmanager
async def _shared(url: str, seconds: float = _SECONDS, name: str = "") -> AsyncIterator[tuple[MongoStore, _Other]]:
    """A store with persons 1 and 3, and a program of this name that has 1 and 2; a call takes ``seconds``."""
    store = opened(url, timeout=seconds)
    assert isinstance(store, MongoStore)
    await store.create()
    await store.apply([add("person", 1, name="a"), add("person", 3, name="c")])
    process = PreloadedProcess("-m", "tests.support.mongo_abandoning", url, name, stdout=subprocess.PIPE)
    other = _Other(process)
    try:
        assert process.stdout is not None
        assert await asyncio.wait_for(asyncio.to_thread(process.stdout.readline), 30) == b"open\n"
        yield store, other
    finally:
        with process:
            await other.die()
        await store.close()


def _owners(url: str) -> set[str]:
    with inside(url) as database:
        return {note["owner"] for note in database.holdall_session.find()}


def _seen(url: str) -> dt.datetime:
    with inside(url) as database:
        seen: dt.datetime = database.holdall_session.find_one()["seen"]
        return seen


async def _names(store: MongoStore) -> dict[int, str]:
    return {row[0]: row[1] for row in await store.fetch(Query("person"))}


@pytest.mark.parametrize(
    "changes",
    [
        [add("person", 2, name="b")],
        [update("person", 1, name="b")],
        [remove("person", 1)],
        [update("person", 3, name="b"), update("person", 1, name="b")],
        [add("person", 4, name="b"), add("person", 2, name="b")],
    ],
    ids=["add", "update", "remove", "several", "adds"],
)
async def test_what_the_dead_had_open_is_ended(mongo_url: str, changes: list[Change]) -> None:
    url = fresh(mongo_url)
    async with _shared(url) as (store, other):
        await other.die()
        await store.apply(changes)
        assert "dead" not in (await _names(store)).values()
        assert _owners(url) <= {this_process()}


async def test_a_transaction_is_refused_and_soon_goes_through(mongo_url: str) -> None:
    url = fresh(mongo_url)

    async def rename(store: MongoStore) -> None:
        async with store.transaction() as transaction:
            await transaction.apply([update("person", 1, name="b")])

    async with _shared(url) as (store, other):
        await store.apply([update("person", 3, name="d"), add("person", 4, name="d")])  # its session is noted
        await other.die()
        with pytest.raises(LockConflict):
            await rename(store)
        async with asyncio.timeout(_SECONDS):  # the server takes a moment to undo what the dead had written
            while (await _names(store))[1] != "b":
                with suppress(LockConflict):
                    await rename(store)
        assert _owners(url) <= {this_process()}


async def test_the_first_transaction_of_a_program_finds_them_at_once(mongo_url: str) -> None:
    url = fresh(mongo_url)
    async with _shared(url) as (_, other):
        await other.die()
        late = opened(url, timeout=_SECONDS)
        assert isinstance(late, MongoStore)
        async with late.transaction() as transaction:
            await transaction.apply([update("person", 1, name="b")])
        assert (await _names(late))[1] == "b"
        await late.close()


async def test_what_the_living_have_open_is_left_alone(mongo_url: str) -> None:
    url = fresh(mongo_url)
    async with _shared(url, seconds=1.5) as (store, other):
        with pytest.raises(LockConflict):
            await store.apply([update("person", 3, name="b"), update("person", 1, name="b")])
        assert len(_owners(url) - {this_process()}) == 1
        await other.die()
        await store.apply([update("person", 3, name="b"), update("person", 1, name="b")])


async def test_one_that_nobody_can_see_is_dead_after_a_lease(mongo_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    url = fresh(mongo_url)
    async with _shared(url, name="-.-.1.elsewhere") as (store, other):
        await other.die()
        assert await ServerSessions("mongo", store._connection).end_those_of_the_dead() == 0
        monkeypatch.setattr(sessions, "_LEASE", 0.5)
        await store.apply([update("person", 3, name="b"), update("person", 1, name="b")])
        assert _owners(url) <= {this_process()}


async def test_a_transaction_that_takes_long_renews_its_lease(mongo_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    url = fresh(mongo_url)
    monkeypatch.setattr(sessions, "_RENEWAL", 0.4)
    store = opened(url, timeout=2.0)
    assert isinstance(store, MongoStore)
    await store.create()
    async with asyncio.timeout(30), store.transaction() as transaction:
        await transaction.apply([add("person", 1, name="a")])
        first = _seen(url)
        while _seen(url) < first + dt.timedelta(seconds=2.5):  # noqa: ASYNC110 - longer than a call may take
            await asyncio.sleep(0.1)
    await store.close()


async def test_nothing_is_left_of_a_program_that_ends_well(mongo_url: str) -> None:
    url = fresh(mongo_url)
    async with _shared(url) as (store, other):
        await other.die()
        await store.apply([update("person", 3, name="b"), update("person", 1, name="b")])
        assert _owners(url) == {this_process()}
    assert _owners(url) == set()


async def test_a_session_is_noted_once(mongo_url: str) -> None:
    url = fresh(mongo_url)
    store = opened(url)
    assert isinstance(store, MongoStore)
    await store.create()
    for number in range(5):
        await store.apply([add("person", 2 * number + 1, name="a"), add("person", 2 * number + 2, name="b")])
    with inside(url) as database:
        assert database.holdall_session.count_documents({}) == 1
    await store.close()


async def test_notes_of_sessions_that_are_not_used_any_more_go(mongo_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    url = fresh(mongo_url)
    store = opened(url)
    assert isinstance(store, MongoStore)
    await store.create()
    await store.apply([add("person", 1, name="a"), add("person", 2, name="b")])
    monkeypatch.setattr(sessions, "_LEASE", -5.0)
    assert await ServerSessions("mongo", store._connection).end_those_of_the_dead() == 0
    assert _owners(url) == set()
    await store.apply([add("person", 3, name="a"), add("person", 4, name="b")])
    await store.close()


def test_its_name_is_taken(mongo_url: str) -> None:
    with pytest.raises(Unsupported, match="holdall_session"):
        opened(mongo_url).bind([Schema("holdall_session", (FieldSchema("id", Kind.STR),), ("id",))])
