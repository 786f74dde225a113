"""Commits over MongoDB and another store at once: what one of them does is no reason to refuse another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import holdall.stores.mongo
import holdall.stores.sql.sqlite  # noqa: F401
from holdall import Holdall, Model, Session, field
from holdall.dao import DAO
from holdall.errors import CommitAborted, StaleVersion
from holdall.query import Query
from holdall.session import CommitResult
from tests.support.mongo_collections import failing, fresh, inside

pytestmark = pytest.mark.anyio


class Visit(Model):
    id: int = field(pk=True)
    count: int = 0
    version: int = field(version=True)


class Bill(Model):
    id: int = field(pk=True)
    count: int = 0


class Note(Model):
    id: int = field(pk=True, generated=True)
    text: str = ""


class Post(Model):
    id: int = field(pk=True)


class SlowPosts(DAO[Post]):
    """Its call is not over before somebody says so."""

    def __init__(self) -> None:
        self.called = asyncio.Event()
        self.may_end = asyncio.Event()

    async def add(self, record: Post) -> None:
        self.called.set()
        await self.may_end.wait()


@asynccontextmanager
async def shop(url: str, other: str, posts: SlowPosts | None = None) -> AsyncIterator[Holdall]:
    app = Holdall("shop")
    app.add_store("m", url)
    app.add_store("other", other)
    app.add(Visit, store="m")
    app.add(Note, store="m")
    app.add(Bill, store="other")
    if posts is not None:
        app.add_dao(posts)
    await app.create()
    try:
        yield app
    finally:
        await app.close()


@pytest.fixture
def files(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/bills.db"


async def save(app: Holdall, *records: Model) -> CommitResult:
    session = Session(app.bindings)
    session.add_all(records)
    return await session.commit()


async def keys(app: Holdall, store: str, collection: str) -> set[int]:
    found = next(each for each in app.bindings.stores() if each.name == store)
    return {row[0] for row in await found.fetch(Query(collection))}


async def test_tidying_up_after_one_commit_spoils_no_other(mongo_url: str, files: str) -> None:
    posts = SlowPosts()
    async with asyncio.timeout(30), shop(fresh(mongo_url), files, posts) as app:
        slow = asyncio.create_task(save(app, Visit(id=1), Post(id=1)))
        await posts.called.wait()
        await save(app, Visit(id=2), Bill(id=2))
        await app.bindings.journal.tidy()
        posts.may_end.set()
        await slow
        assert await keys(app, "m", "visit") == {1, 2}


async def test_many_at_once_that_share_nothing(mongo_url: str, files: str) -> None:
    url = fresh(mongo_url)
    async with asyncio.timeout(60), shop(url, files) as app:
        for turn in range(6):
            numbers = range(10 * turn + 1, 10 * turn + 11)
            await asyncio.gather(*(save(app, Visit(id=number), Bill(id=number)) for number in numbers))
            await app.bindings.journal.tidy()
        assert await keys(app, "m", "visit") == await keys(app, "other", "bill") == set(range(1, 61))
    assert _left(url) == {}


async def test_those_that_change_one_record_all_come_through(mongo_url: str, files: str) -> None:
    url = fresh(mongo_url)
    async with asyncio.timeout(60), shop(url, files) as app:
        await save(app, Visit(id=1), Bill(id=1))

        refusals = set()

        async def count() -> None:
            while True:
                session = Session(app.bindings)
                visit, bill = await session.require(Visit, 1), await session.require(Bill, 1)
                visit.count += 1
                bill.count = visit.count
                try:
                    await session.commit()
                    return
                except CommitAborted as error:
                    refusals.add(type(error.__cause__))

        await asyncio.gather(*(count() for _ in range(8)))
        session = Session(app.bindings)
        visit, bill = await session.require(Visit, 1), await session.require(Bill, 1)
        assert (visit.count, bill.count, visit.version) == (8, 8, 9)
    assert refusals == {StaleVersion}


@pytest.mark.parametrize("times", [1, 3])
async def test_a_write_conflict_is_no_refusal(mongo_url: str, files: str, times: int) -> None:
    url = fresh(mongo_url)
    async with asyncio.timeout(60), shop(url, files) as app:
        with failing(mongo_url, "insert", times=times, errorCode=112, errorLabels=["TransientTransactionError"]):
            await save(app, Note(text="its key is made, so that its transaction stays open"), Bill(id=1))
        assert await keys(app, "other", "bill") == {1}
        assert len(await keys(app, "m", "note")) == 1


async def test_two_databases_keep_no_markers(mongo_url: str) -> None:
    url, other = fresh(mongo_url), fresh(mongo_url)
    async with asyncio.timeout(30), shop(url, other) as app:
        await asyncio.gather(*(save(app, Visit(id=number), Bill(id=number)) for number in range(1, 6)))
        await app.bindings.journal.tidy()
        assert (_left(url), _left(other)) == ({}, {})


def _left(url: str) -> dict[str, Any]:
    """What is there of commits, the journal's identity aside."""
    with inside(url) as database:
        found = {
            "rows": list(database.holdall_journal.find({"state": {"$ne": "home"}})),
            "markers": list(database.holdall_marker.find()),
        }
    return {name: documents for name, documents in found.items() if documents}
