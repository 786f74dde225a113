"""Changes one by one, on a server without transactions: an outcome for each, and a token that makes repeating safe."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from holdall.errors import (
    AlreadyExists,
    ReferenceViolation,
    StaleVersion,
    StoreTimeout,
    StoreUnavailable,
    UniqueViolation,
)
from holdall.query import Query
from holdall.store import KeyOf
from holdall.stores.mongo import StandaloneMongoStore
from tests.support.mongo_collections import add, failing, fresh, inside, opened, remove, update

pytestmark = [pytest.mark.early, pytest.mark.anyio, pytest.mark.usefixtures("left_sockets")]


@asynccontextmanager
async def created(url: str, **options: Any) -> AsyncIterator[StandaloneMongoStore]:
    store = opened(url, **options)

    async with asyncio.timeout(60):
        await store.create()
        try:
            yield store
        finally:
            await store.close()


async def _errors(store: StandaloneMongoStore, *changes: Any) -> list[Any]:
    return [None if outcome.error is None else type(outcome.error) for outcome in await store.apply(changes)]


async def test_each_change_has_its_own_fate(standalone_mongo_url: str) -> None:
    async with created(fresh(standalone_mongo_url)) as store:
        await store.apply([add("book", "x", isbn="1"), add("book", "y", isbn="2")])
        assert await _errors(
            store,
            add("book", "z", isbn="3"),
            add("book", "w", isbn="1"),
            add("book", "x"),
            add("book", "v"),
            update("book", "x", 1, isbn="4", version=2),
            update("book", "y", 7, isbn="5", version=2),
            update("book", "z", isbn="4", version=2),
            update("book", "nobody", version=2),
            remove("book", "v", 2),
            remove("book", "v", 1),
            remove("book", "v", 1),
        ) == [
            None, UniqueViolation, AlreadyExists, None,
            None, StaleVersion, UniqueViolation, StaleVersion,
            StaleVersion, None, StaleVersion,
        ]  # fmt: skip
        rows = {row[0]: row[1] for row in await store.fetch(Query("book"))}
        assert rows == {"x": "4", "y": "2", "z": "3"}


async def test_many_updates_without_unique_fields(standalone_mongo_url: str) -> None:
    async with created(fresh(standalone_mongo_url)) as store:
        await store.apply([add("book", f"{n}", version=1) for n in range(50)])
        outcomes = await store.apply([update("book", f"{n}", 1 + (n == 33), version=2) for n in range(50)])
        assert [n for n, outcome in enumerate(outcomes) if outcome.error is not None] == [33]
        assert isinstance(outcomes[33].error, StaleVersion)
        assert outcomes[33].error.position == 33


async def test_what_needs_a_refused_record_is_refused(standalone_mongo_url: str) -> None:
    async with created(fresh(standalone_mongo_url)) as store:
        await store.apply([add("book", "x", isbn="1"), add("person", 5, name="a")])
        assert await _errors(
            store,
            add("person", 5, name="again"),
            add("person", None, name="new"),
            add("book", "y", author=KeyOf(0)),
            add("book", "z", author=KeyOf(1), readers=(KeyOf(1), 5)),
            update("book", "x", author=KeyOf(0), version=2),
            update("book", "x", readers=(KeyOf(1),), version=2),
        ) == [AlreadyExists, None, ReferenceViolation, None, ReferenceViolation, None]
        rows = {row[0]: row[6:] for row in await store.fetch(Query("book"))}
        assert rows == {"x": (None, (6,), 2), "z": (6, (6, 5), 1)}


async def test_a_change_that_is_sent_again_counts_once(standalone_mongo_url: str) -> None:
    url = fresh(standalone_mongo_url)

    async with created(url) as store:
        steps = [
            add("book", "x", token="t1"),
            update("book", "x", 1, token="t2", isbn="1", version=2),
            remove("book", "x", 2, token="t3"),
        ]
        for number, change in enumerate(steps):
            assert await _errors(store, change) == [None]
            assert await _errors(store, change) == [None]
            if number < 2:
                (row,) = await store.fetch(Query("book"))
                assert row[-1] == number + 1
        assert await store.fetch(Query("book")) == []


async def test_somebody_elses_change_is_not_taken_for_ours(standalone_mongo_url: str) -> None:
    url = fresh(standalone_mongo_url)

    async with created(url) as store:
        assert await _errors(store, add("book", "x", token="mine")) == [None]
        assert await _errors(store, add("book", "x", token="other")) == [AlreadyExists]
        await store.apply([update("book", "x", 1, token="theirs", version=2)])
        assert await _errors(store, update("book", "x", 1, token="mine", version=2)) == [StaleVersion]
        assert await _errors(store, remove("book", "x", 1, token="mine")) == [StaleVersion]
    with inside(url) as database:
        assert database.book.find_one()["_holdall_token"] == "theirs"


@pytest.mark.parametrize("verb", ["insert", "update", "delete"])
async def test_a_lost_answer_is_told_and_the_rest_not_sent(standalone_mongo_url: str, verb: str) -> None:
    async with created(fresh(standalone_mongo_url), timeout=1) as store:
        await store.apply([add("book", "x"), add("book", "y")])
        rest = [remove("book", "y")] if verb != "delete" else [update("book", "y", version=2)]
        first = {"insert": add("book", "z"), "update": update("book", "x", version=2), "delete": remove("book", "x")}
        with failing(standalone_mongo_url, verb, times=10_000, closeConnection=True):
            lost, unsent = await store.apply([first[verb], *rest])
        assert isinstance(lost.error, StoreUnavailable | StoreTimeout)
        assert lost.error.is_outcome_unknown
        assert isinstance(unsent.error, StoreUnavailable | StoreTimeout)
        assert not unsent.error.is_outcome_unknown
        assert ("y", 1) in await store.fetch(Query("book", projection=(("id",), ("version",))))
