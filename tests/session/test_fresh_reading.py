"""Fresh values and locks: what the store has now is taken over, and kept from others until the transaction ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from holdall import Holdall, Model, field
from holdall.errors import LockConflict, NotFound, QueryError, StateError, Unsupported
from tests.support.dropping import drop

pytestmark = pytest.mark.anyio


class Job(Model):
    id: int = field(pk=True)
    owner: str = ""
    done: bool = False
    version: int = field(version=True)


@pytest.fixture(params=["memory", "sqlite", "postgres_url", "mariadb_url", "mongo_url"])
async def app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Holdall]:
    urls = {"memory": "memory:", "sqlite": f"sqlite:///{tmp_path_factory.mktemp('jobs')}/jobs.db"}
    app = Holdall("jobs")
    app.add_store("main", urls.get(request.param) or request.getfixturevalue(request.param))
    app.add(Job, store="main")
    app.bindings.configure()
    await drop(app.stores["main"])
    await app.create()
    async with app.session() as session:
        session.add_all([Job(id=number) for number in range(1, 4)])
    yield app
    await drop(app.stores["main"])
    await app.close()


async def test_fresh_values_are_taken_over_but_where_they_were_changed_here(app: Holdall) -> None:
    async with app.session() as session:
        one, two, three = await session.query(Job.where().sort(Job.id))
        two.owner = "me"
        async with app.session() as other:
            for job in await other.query(Job.where()):
                job.owner = "other"
            other.remove(await other.require(Job, 3))
        assert await session.query(Job.where().sort(Job.id)) == [one, two]
        assert one.owner == ""
        assert await session.query(Job.where().sort(Job.id), fresh=True) == [one, two]
        assert (one.owner, one.version, two.owner, two.version) == ("other", 2, "me", 1)
        assert await session.get(Job, 3, fresh=True) is None
        with pytest.raises(NotFound):
            await session.require(Job, 3, fresh=True)
        one.owner, two.owner = "mine", "me"
        async with app.session() as other:
            (await other.require(Job, 2)).owner = "again"
            other.add(Job(id=4, owner="other"))
        assert (await session.first(Job.where().sort(Job.id), fresh=True)) is one
        assert (await session.one(Job.where(Job.id > 3), fresh=True)).owner == "other"
        assert await session.first(Job.where(Job.id > 4), fresh=True) is None
        session.remove(one)
        assert await session.first(Job.where().sort(Job.id), fresh=True) is two
        with pytest.raises(NotFound):
            await session.one(Job.where(Job.id == 3), fresh=True)
        with pytest.raises(QueryError, match="more than one"):
            await session.one(Job.where(), fresh=True)
        assert await session.get(Job, 3) is three
        session.rollback()


async def test_a_lock_is_of_a_transaction(app: Holdall) -> None:
    able = app.stores["main"].capabilities.locks
    async with app.session() as session:
        with pytest.raises(StateError, match="there is no lock 'mine'"):
            await session.query(Job.where(), lock="mine")
        if not able:
            with pytest.raises(Unsupported, match="the lock 'update'"):
                await session.query(Job.where(), lock="update")
            return
        with pytest.raises(StateError, match="a lock lasts until a transaction ends"):
            await session.query(Job.where(), lock="update")
        with pytest.raises(QueryError, match="whole records"):
            await session.query(Job.where().only(Job.id), lock="update")
        held = await session.require(Job, 1)
        async with app.session() as other:
            (await other.require(Job, 1)).owner = "other"
        async with session.transaction():
            assert (await session.require(Job, 1, lock="share")).owner == "other"
            held.owner = "me"
    assert held.version == 3


async def test_workers_take_jobs_that_nobody_has(app: Holdall) -> None:
    if "skip" not in app.stores["main"].capabilities.locks:
        return
    free = Job.where(Job.done == False).sort(Job.id).limit(1)  # noqa: E712 - a condition

    async def work(name: str) -> None:
        async with app.session() as session, session.transaction():
            job = await session.first(free, lock="skip")
            if job is not None:
                await asyncio.sleep(0.05)
                job.owner, job.done = name, True

    await asyncio.gather(*[work(name) for name in "abc"])
    async with app.session() as session:
        assert {job.owner for job in await session.query(Job.where())} == {"a", "b", "c"}


async def test_a_record_that_is_taken_is_told_at_once(app: Holdall) -> None:
    if "nowait" not in app.stores["main"].capabilities.locks or type(app.stores["main"]).__name__ in (
        "MemoryStore", "SqliteStore",
    ):  # fmt: skip
        return
    async with app.session() as session, session.transaction():
        await session.require(Job, 1, lock="update")
        async with app.session() as other, other.transaction():
            with pytest.raises(LockConflict):
                await other.require(Job, 1, lock="nowait")
            (await other.require(Job, 2, lock="nowait")).owner = "other"
    async with app.session() as session:
        assert (await session.require(Job, 2)).owner == "other"
