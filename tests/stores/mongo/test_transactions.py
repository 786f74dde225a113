"""Transactions that are disturbed: tried again, given up in time, and never told to be more than they were."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from holdall.errors import (
    Conflict,
    LockConflict,
    StaleVersion,
    StoreError,
    StoreTimeout,
    StoreUnavailable,
    UniqueViolation,
)
from holdall.query import Query
from holdall.store import Sent
from holdall.stores.mongo import MongoStore
from tests.support.mongo_collections import add, failing, fresh, opened, remove, update

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("left_sockets")]

_TWO = [add("person", 1, name="a"), add("person", 2, name="b")]
_LOST = (StoreUnavailable, StoreTimeout)
_AGAIN = ["TransientTransactionError"]
_UNSURE = ["UnknownTransactionCommitResult"]


def _is_unknown(error: Exception) -> bool:
    return isinstance(error, _LOST) and error.is_outcome_unknown


@asynccontextmanager
async def created(url: str, **options: Any) -> AsyncIterator[MongoStore]:
    store = opened(url, **options)
    assert isinstance(store, MongoStore)

    async with asyncio.timeout(60):
        await store.create()
        await store.fetch(Query("person"))
        try:
            yield store
        finally:
            await store.close()


@pytest.mark.parametrize("command", ["insert", "commitTransaction"])
async def test_a_transaction_that_was_in_the_way_is_tried_again(mongo_url: str, command: str) -> None:
    async with created(fresh(mongo_url)) as store:
        with failing(mongo_url, command, times=3, errorCode=112, errorLabels=_AGAIN):
            await store.apply(_TWO)
        assert len(await store.fetch(Query("person"))) == 2


async def test_so_is_a_single_change(mongo_url: str) -> None:
    async with created(fresh(mongo_url)) as store:
        with failing(mongo_url, "insert", times=3, errorCode=112):
            await store.apply(_TWO[:1])
        with failing(mongo_url, "update", times=3, errorCode=112):
            await store.apply([update("person", 1, name="b")])
        assert [row[1] for row in await store.fetch(Query("person"))] == ["b"]


async def test_documents_that_let_go_of_values_are_asked_for_by_their_keys(mongo_url: str) -> None:
    """A question by values reads the whole collection on a server that does not use a partial index for it."""

    class Finds(list[str]):
        def sent(self, sent: Sent) -> None:
            self.extend([sent.statement] if sent.statement.startswith("find book") else [])

    async with created(fresh(mongo_url)) as store:
        await store.apply([add("book", key, isbn=key) for key in ("a", "b", "c")])
        finds = Finds()
        store.observe(finds)
        await store.apply([update("book", "a", isbn="b"), update("book", "b", isbn="a"), remove("book", "c")])
        store.observe(None)
        assert [each.partition(" projection")[0] for each in finds] == ["find book filter {_id: {$in: [?, … 3]}}"]
        found = {row[0]: row[1] for row in await store.fetch(Query("book"))}
        assert found == {"a": "b", "b": "a"}


async def test_but_not_for_ever(mongo_url: str) -> None:
    async with created(fresh(mongo_url), timeout=1.5) as store:
        with (
            failing(mongo_url, "insert", times=10_000, errorCode=112, errorLabels=_AGAIN),
            pytest.raises((LockConflict, StoreTimeout)),  # the driver may find first that the time is over
        ):
            await store.apply(_TWO)
        assert await store.fetch(Query("person")) == []


@pytest.mark.parametrize("how", [{"errorCode": 64, "errorLabels": _UNSURE}, {"closeConnection": True}])
async def test_a_lost_answer_to_a_commit_is_asked_for_again(mongo_url: str, how: dict[str, Any]) -> None:
    async with created(fresh(mongo_url)) as store:
        with failing(mongo_url, "commitTransaction", times=2, **how):
            await store.apply(_TWO)
        assert len(await store.fetch(Query("person"))) == 2


@pytest.mark.parametrize("how", [{"errorCode": 64, "errorLabels": _UNSURE}, {"closeConnection": True}])
async def test_an_answer_that_never_comes_leaves_the_outcome_unknown(mongo_url: str, how: dict[str, Any]) -> None:
    async with created(fresh(mongo_url), timeout=1.5) as store:
        with failing(mongo_url, "commitTransaction", times=10_000, **how):
            with pytest.raises(_LOST) as caught:
                await store.apply(_TWO)
            assert _is_unknown(caught.value)
            with pytest.raises(_LOST) as caught:
                async with store.transaction() as transaction:
                    await transaction.apply([add("person", 3, name="c")])
            assert _is_unknown(caught.value)


async def test_before_the_commit_nothing_is_unknown(mongo_url: str) -> None:
    async with created(fresh(mongo_url), timeout=1.5) as store:
        with failing(mongo_url, "insert", times=10_000, closeConnection=True):
            with pytest.raises((StoreUnavailable, StoreTimeout, Conflict)) as caught:
                await store.apply(_TWO)
            assert not _is_unknown(caught.value)
        assert await store.fetch(Query("person")) == []


async def test_a_single_change_whose_answer_is_lost_is_unknown(mongo_url: str) -> None:
    async with created(fresh(mongo_url), timeout=1.5) as store:
        with failing(mongo_url, "insert", times=10_000, closeConnection=True):
            with pytest.raises(_LOST) as caught:
                await store.apply(_TWO[:1])
            assert _is_unknown(caught.value)


async def test_a_single_change_that_is_lost_once_is_sent_again_and_counts_once(mongo_url: str) -> None:
    async with created(fresh(mongo_url)) as store:
        with failing(mongo_url, "insert", closeConnection=True):
            await store.apply(_TWO[:1])
        assert await store.count(Query("person")) == 1


async def test_a_slow_answer_is_a_timeout(mongo_url: str) -> None:
    async with created(fresh(mongo_url), timeout=0.3) as store:
        with (
            failing(mongo_url, "find", times=100, blockConnection=True, blockTimeMS=3_000),
            pytest.raises(_LOST) as caught,
        ):
            await store.fetch(Query("person"))
        assert not _is_unknown(caught.value)


async def test_the_stale_one_is_named_wherever_it_stands(mongo_url: str) -> None:
    async with created(fresh(mongo_url)) as store:
        await store.apply([add("book", f"{n}", version=1) for n in range(5)])
        stale = [update("book", f"{n}", 2 if n == 3 else 1, version=2) for n in range(5)]
        gone = [remove("book", f"{n}", 2 if n == 3 else 1) for n in range(5)]
        twice = [update("book", "0", 1, version=2), update("book", "0", 2, version=3), update("book", "9", version=1)]
        for changes, position in ((stale, 3), (gone, 3), (twice, 2)):
            with pytest.raises(StaleVersion) as caught:
                await store.apply(changes)
            assert (caught.value.key, caught.value.position) == (changes[position].key, position)
            with pytest.raises(StaleVersion) as caught:
                async with store.transaction() as transaction:
                    await transaction.apply(changes)
            assert caught.value.position == position
        assert await store.count(Query("book")) == 5


async def test_after_a_refusal_a_transaction_is_over(mongo_url: str) -> None:
    async with created(fresh(mongo_url)) as store:
        await store.apply([add("book", "x", isbn="1")])
        kept = []

        async def go_on() -> None:
            async with store.transaction() as transaction:
                kept.append(transaction)
                await transaction.apply([add("book", "y", isbn="2")])
                with pytest.raises(UniqueViolation) as caught:
                    await transaction.apply([add("book", "z", isbn="3"), add("book", "w", isbn="1")])
                assert (caught.value.fields, caught.value.position) == (("isbn",), 1)
                with pytest.raises(StoreError, match="over"):
                    await transaction.fetch(Query("book"))

        with pytest.raises(StoreError, match="over"):
            await go_on()
        assert await store.count(Query("book")) == 1
        with pytest.raises(StoreError, match="over"):
            await kept[0].apply(_TWO)


async def test_what_others_changed_meanwhile_is_a_conflict(mongo_url: str) -> None:
    async with created(fresh(mongo_url)) as store:
        await store.apply(_TWO)

        async def overtaken() -> None:
            async with store.transaction() as transaction:
                assert len(await transaction.fetch(Query("person"))) == 2
                await store.apply([update("person", 1, name="first")])
                await transaction.apply([update("person", 1, name="second")])

        with pytest.raises(LockConflict):
            await overtaken()
        assert sorted(row[1] for row in await store.fetch(Query("person"))) == ["b", "first"]
