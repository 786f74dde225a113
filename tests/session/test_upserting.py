"""Records that are got or made, and changed or made: of several who do it at once, one adds and nobody fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from holdall import Holdall, Model, field
from holdall.errors import Forbidden, NotFound, QueryError, StateError, ValidationError
from holdall.policy import ANONYMOUS, Everyone, Policy
from holdall.store import Change, Verb
from holdall.testing.wrapping import wrap_store
from tests.support.dropping import drop

pytestmark = pytest.mark.anyio


class Word(Model):
    id: int = field(pk=True)
    text: str | None = field(default=None, unique=True)
    times: int = field(default=0, ge=0)
    version: int = field(version=True)


STORES = ["memory", "sqlite", "yaml", "postgres_url", "mariadb_url", "mongo_url", "redis_url"]


@pytest.fixture(params=STORES)
async def apps(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Holdall, Holdall]]:
    """Two programs with one store, but for that in memory, which is of one program."""
    folder = tmp_path_factory.mktemp("words")
    urls = {"memory": "memory:", "sqlite": f"sqlite:///{folder}/words.db", "yaml": f"yaml:{folder}/words"}
    url = urls.get(request.param) or request.getfixturevalue(request.param)
    made = []
    for _ in range(2):
        app = Holdall("words")
        app.add_store("main", url, **({"scan_limit": 1_000} if url.startswith("redis") else {}))
        app.add(Word, store="main")
        app.bindings.configure()
        made.append(app)
    if request.param == "memory":
        made[1] = made[0]
    await drop(made[0].stores["main"])
    await made[0].create()
    yield made[0], made[1]
    await drop(made[0].stores["main"])
    for app in made:
        await app.close()


async def test_of_several_at_once_one_adds(apps: tuple[Holdall, Holdall]) -> None:
    async def one(number: int) -> bool:
        async with apps[number % 2].session() as session:
            return (await session.get_or_create(Word, {"text": "so"}, id=number, times=number)).is_new

    done = await asyncio.gather(*[one(number) for number in range(1, 7)])
    assert done.count(True) == 1
    async with apps[0].session() as session:
        word = await session.one(Word.where())
        assert word.times == word.id == done.index(True) + 1


async def test_of_several_upserts_all_are_made(apps: tuple[Holdall, Holdall]) -> None:
    async def one(number: int) -> bool:
        async with apps[number % 2].session() as session:
            done = await session.upsert(Word, {"id": 1}, times=number)
            assert done.record.times in range(1, 7)
            return done.is_new

    done = await asyncio.gather(*[one(number) for number in range(1, 7)])
    assert done.count(True) == 1
    async with apps[0].session() as session:
        assert (await session.require(Word, 1)).version == 6


async def test_a_record_that_is_here_takes_it_over(apps: tuple[Holdall, Holdall]) -> None:
    async with apps[0].session() as session:
        word = session.add(Word(id=1, text="so"))
        await session.commit()
        pending = session.add(Word(id=2, text="it"))
        done = await session.upsert(Word, {"text": "so"}, times=3)
        assert (done.record is word, done.is_new, word.times, word.version) == (True, False, 3, 2)
        assert (await session.get_or_create(Word, {"id": 1}, times=9)).record.times == 3
        session.unregister(pending)
    async with apps[1].session() as session:
        assert await session.count(Word.where()) == 1


async def test_within_a_transaction_it_is_part_of_that(apps: tuple[Holdall, Holdall]) -> None:
    if "savepoints" not in apps[0].stores["main"].capabilities.features:
        return

    async def work() -> None:
        async with apps[0].session() as session, session.transaction():
            assert (await session.upsert(Word, {"id": 1}, times=3)).is_new
            assert not (await session.upsert(Word, {"id": 1}, times=4)).is_new
            assert (await session.require(Word, 1)).times == 4
            raise KeyError

    with pytest.raises(KeyError):
        await work()
    async with apps[0].session() as session:
        assert await session.count(Word.where()) == 0


async def test_what_cannot_be_is_refused(apps: tuple[Holdall, Holdall]) -> None:
    apps[0].bindings.of_model(Word).policy = Policy(read=Everyone)
    async with apps[0].session() as session:
        for by in ({}, {"times": 1}, {"id": 1, "text": "so"}):
            with pytest.raises(QueryError, match="is found by id or text"):
                await session.get_or_create(Word, by)
        with pytest.raises(QueryError, match="null is never the same"):
            await session.upsert(Word, {"text": None}, id=1)
        with pytest.raises(QueryError, match="id is given twice"):
            await session.upsert(Word, {"id": 1}, id=2)
        with pytest.raises(ValidationError):
            await session.upsert(Word, {"id": 1}, times=-1)
    async with apps[0].session(ANONYMOUS) as session:
        with pytest.raises(Forbidden):
            await session.upsert(Word, {"id": 1}, times=1)
    async with apps[0].session() as session:
        assert await session.count(Word.where()) == 0


async def test_a_record_that_somebody_removes_at_once_is_made_again(apps: tuple[Holdall, Holdall]) -> None:
    class Removing:
        """Removes what was added before anybody can read it, once."""

        def __init__(self, store: Any) -> None:
            self.store, self.is_over = store, False

        def __getattr__(self, name: str) -> Any:
            return getattr(self.store, name)

        async def apply(self, changes: Any) -> Any:
            outcomes = await self.store.apply(changes)
            if not self.is_over and changes[0].verb is Verb.ADD:
                self.is_over = True
                await self.store.apply([Change(Verb.REMOVE, changes[0].collection, changes[0].key)])
            return outcomes

    wrap_store(apps[0], "main", Removing)
    async with apps[0].session() as session:
        done = await session.get_or_create(Word, {"id": 1}, times=3)
        assert (done.is_new, done.record.times) == (True, 3)
    async with apps[0].session() as session:
        assert (await session.require(Word, 1)).times == 3


async def test_a_record_that_is_removed_here_is_not_written_before_that(apps: tuple[Holdall, Holdall]) -> None:
    async with apps[0].session() as session:
        word = session.add(Word(id=1, text="so", times=1))
        await session.commit()
        session.remove(word)
        for verb in (session.get_or_create, session.upsert):
            for by in ({"id": 1}, {"text": "so"}):
                with pytest.raises(StateError, match="commit that first"):
                    await verb(Word, by, times=2)
        await session.commit()
        assert (await session.get_or_create(Word, {"id": 1}, times=2)).is_new


async def test_a_record_that_the_user_may_make_and_not_read_is_not_found(apps: tuple[Holdall, Holdall]) -> None:
    binding = apps[0].bindings.of_model(Word)
    binding.policy = Policy(read=Word.times > 5, write=Everyone).of(Word)
    apps[0].bindings.has_rules = True
    async with apps[0].session(ANONYMOUS) as session:
        with pytest.raises(NotFound):
            await session.get_or_create(Word, {"id": 1}, times=2)
