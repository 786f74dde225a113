"""A call that only has members come to a list, or go from it, is made again where somebody else was faster."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from holdall import Fill, Holdall, Many, Model, Ref, State, back, field, state_of
from holdall.errors import CommitAborted, CommitPartial, StaleVersion, StoreTimeout
from holdall.session import TaskState
from holdall.store import Change, Outcome, Provisioned, Verb
from tests.support.remote_store import Remote

pytestmark = pytest.mark.anyio

WRITERS = 20


class Shop(Model):
    id: int = field(pk=True)
    name: str = ""
    stalls: Many[Stall] = back("shop", fill=Fill.STORED)
    version: int = field(version=True)


class Stall(Model):
    id: int = field(pk=True)
    shop: Ref[Shop | None] = field(default=None)


class Overtaken(Remote):
    """Changes of the shop that others make are written just before the first call that changes it, too.

    ``versions`` are those that calls expect. Calls after the first wait for ``go`` and end with the error, if any.
    """

    def __init__(self) -> None:
        super().__init__("remote")
        self.others: list[Change] = []
        self.versions: list[int | None] = []
        self.hanging, self.go = asyncio.Event(), asyncio.Event()
        self.go.set()
        self.error: Exception | None = None

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        (change,) = changes
        if change.collection == "shop" and change.verb is Verb.UPDATE:
            self.versions.append(change.version)
            if len(self.versions) > 1:
                self.hanging.set()
                await self.go.wait()
                if self.error is not None:
                    raise self.error
            for other in self.others:
                await self._store.apply([other])
            self.others = []
        return await super().apply(changes)


async def opened(remote: Remote) -> Holdall:
    app = Holdall("market")
    app.add_store("remote", remote)
    app.add(Shop, Stall, store="remote")
    async with app.session() as session:
        session.add_all([Shop(id=1), Stall(id=1), Stall(id=7)])
    return app


def _shop(*stalls: int, name: str = "", version: int = 2) -> Change:
    fields = "name", "stalls", "version"
    return Change(Verb.UPDATE, "shop", 1, fields, (name, stalls, version), version - 1)


@pytest.fixture
async def remote() -> AsyncIterator[Overtaken]:
    remote = Overtaken()
    yield remote
    await remote.close()


async def test_what_came_is_put_on_the_list_as_it_is_by_then(remote: Overtaken) -> None:
    app = await opened(remote)
    remote.others = [_shop(1, name="theirs"), _shop(1, name="theirs", version=3)]
    async with app.session() as session:
        shop = await session.require(Shop, 1)
        stall = session.add(Stall(id=2, shop=shop))
        await session.commit()
        assert [state_of(shop), state_of(stall)] == [State.CLEAN, State.CLEAN]
        shop.name = "mine"  # which was read before theirs
        with pytest.raises(CommitAborted) as caught:
            await session.commit()
        assert isinstance(caught.value.__cause__, StaleVersion)
        session.rollback()
    assert remote.versions[:2] == [1, 3]
    async with app.session() as session:
        shop = await session.require(Shop, 1)
        assert (shop.name, shop.stalls.keys, shop.version) == ("theirs", (1, 2), 4)
    await app.close()


async def test_what_went_is_taken_from_it(remote: Overtaken) -> None:
    app = await opened(remote)
    async with app.session() as session:
        (await session.require(Stall, 1)).shop = 1
    remote.versions.clear()
    remote.others = [_shop(1, 7, version=3)]
    async with app.session() as session:
        (await session.require(Stall, 1)).shop = None
    assert remote.versions == [2, 3]
    async with app.session() as session:
        assert (await session.require(Shop, 1)).stalls.keys == (7,)
    await app.close()


async def test_a_change_of_anything_else_is_refused(remote: Overtaken) -> None:
    app = await opened(remote)
    remote.others = [_shop(name="theirs")]
    async with app.session() as session:
        shop = await session.require(Shop, 1)
        shop.name = "mine"
        session.add(Stall(id=2, shop=shop))
        with pytest.raises(CommitPartial):
            await session.commit()
        session.rollback()
    assert remote.versions == [1]
    await app.close()


async def test_a_record_that_is_gone_is_refused(remote: Overtaken) -> None:
    app = await opened(remote)
    remote.others = [Change(Verb.REMOVE, "shop", 1, (), ())]
    async with app.session() as session:
        (await session.require(Stall, 1)).shop = 1
        with pytest.raises(CommitPartial) as caught:
            await session.commit()
        session.rollback()
    assert [task.state for task in caught.value.tasks] == [TaskState.APPLIED, TaskState.FAILED]
    assert remote.versions == [1]
    await app.close()


async def test_where_the_answer_is_lost_then_nobody_knows(remote: Overtaken) -> None:
    app = await opened(remote)
    remote.others = [_shop()]
    remote.error = StoreTimeout("remote", "no answer", is_outcome_unknown=True)
    async with app.session() as session:
        (await session.require(Stall, 1)).shop = 1
        with pytest.raises(CommitPartial) as caught:
            await session.commit()
        session.rollback()
    assert [task.state for task in caught.value.tasks] == [TaskState.APPLIED, TaskState.UNKNOWN]
    await app.close()


@pytest.mark.parametrize("is_cancelled", [False, True])
async def test_who_is_cancelled_or_out_of_time_meanwhile_does_not_know(remote: Overtaken, is_cancelled: bool) -> None:
    app = await opened(remote)
    remote.others = [_shop()]
    remote.go.clear()
    async with app.session() as session:
        (await session.require(Stall, 1)).shop = 1
        commit = asyncio.create_task(session.commit(timeout=20.0 if is_cancelled else 0.1))
        await remote.hanging.wait()
        if is_cancelled:
            commit.cancel()
        with pytest.raises(asyncio.CancelledError if is_cancelled else CommitPartial):
            await commit
        assert session.context.committer.is_in_doubt
        session.rollback()
    await app.close()


async def test_twenty_at_once_all_succeed_without_transactions(standalone_mongo_url: str) -> None:
    app = Holdall("market")
    app.add_store("main", standalone_mongo_url)
    app.add(Shop, Stall, store="main")
    await app.create()
    async with app.session() as session:
        session.add(Shop(id=1))

    async def come(number: int) -> None:
        async with app.session() as session:
            session.add(Stall(id=number, shop=1))

    try:
        await asyncio.gather(*map(come, range(WRITERS)))
        async with app.session() as session:
            assert sorted((await session.require(Shop, 1)).stalls.keys) == list(range(WRITERS))
        assert (await app.fsck()).is_whole
    finally:
        store = app.stores["main"]
        assert isinstance(store, Provisioned)
        await store.drop()
        await app.close()
