"""Who has members come to a list, or go from it, is not refused because others were faster with it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from holdall import Fill, Holdall, Many, Model, Ref, Session, State, back, field, state_of
from holdall.errors import CommitAborted
from holdall.store import Change, Verb

pytestmark = pytest.mark.anyio


class Album(Model):
    id: int = field(pk=True)
    title: str = ""
    version: int = field(version=True)
    songs: Many[Song] = field(default=())


class Song(Model):
    id: int = field(pk=True)
    albums: Many[Album] = back("songs", fill=Fill.STORED)


class Crate(Model):
    """Nothing refers back to it."""

    id: int = field(pk=True)
    version: int = field(version=True)
    songs: Many[Song] = field(default=())


class Shop(Model):
    id: int = field(pk=True)
    name: str = ""
    version: int = field(version=True)
    stalls: Many[Stall] = back("shop", fill=Fill.STORED)


class Stall(Model):
    id: int = field(pk=True)
    shop: Ref[Shop | None] = field(default=None)


@pytest.fixture(params=["memory", "sqlite", "postgres", "mariadb", "mongo", "yaml", "redis"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Holdall:
    urls = {"memory": "memory:", "sqlite": f"sqlite:///{tmp_path}/main.db", "yaml": f"yaml:{tmp_path}/records"}
    url = urls.get(request.param) or request.getfixturevalue(f"{request.param}_url")
    if request.param in ("postgres", "mariadb", "mongo"):
        url = request.getfixturevalue("fresh_database")(url)
    options: dict[str, Any] = {"prefix": tmp_path.name, "scan_limit": 10_000} if request.param == "redis" else {}
    app = Holdall("music")
    app.add_store("main", url, **options)
    app.add(Album, Song, Crate, store="main")
    return app


async def _filled(app: Holdall) -> None:
    await app.create()
    async with app.session() as session:
        session.add_all(Song(id=number) for number in range(20))
        session.add_all([Album(id=1), Crate(id=1)])


@pytest.mark.parametrize("model", [Album, Crate])
async def test_twenty_who_add_members_at_once_all_succeed(app: Holdall, model: Any) -> None:
    async def put(number: int) -> None:
        async with app.session() as session:
            (await session.require(model, 1)).songs.add(number)

    await _filled(app)
    await asyncio.gather(*map(put, range(20)))
    async with app.session() as session:
        assert set((await session.require(model, 1)).songs.keys) == set(range(20))
    assert (await app.fsck()).is_whole
    await app.close()


async def test_twenty_who_add_themselves_at_the_other_end_all_succeed(app: Holdall) -> None:
    async def join(number: int) -> None:
        async with app.session() as session:
            (await session.require(Song, number)).albums.add(1)

    await _filled(app)
    await asyncio.gather(*map(join, range(20)))
    async with app.session() as session:
        assert set((await session.require(Album, 1)).songs.keys) == set(range(20))
    assert (await app.fsck()).is_whole
    await app.close()


async def test_what_was_changed_besides_members_is_refused_as_ever(app: Holdall) -> None:
    await _filled(app)
    async with app.session() as session:
        album = await session.require(Album, 1)
        album.title = "mine"
        album.songs.add(1)
        async with app.session() as other:
            (await other.require(Album, 1)).title = "theirs"
        with pytest.raises(CommitAborted):
            await session.commit()
        session.rollback()
    async with app.session() as session:
        album = await session.require(Album, 1)
        assert (album.title, list(album.songs.keys)) == ("theirs", [])
    await app.close()


async def test_members_that_went_stay_away_and_others_stay(app: Holdall) -> None:
    await _filled(app)
    async with app.session() as session:
        (await session.require(Album, 1)).songs = [1, 2, 3]
    async with app.session() as session:
        album = await session.require(Album, 1)
        album.songs.remove(2)
        album.songs.add(5)
        async with app.session() as other:
            found = await other.require(Album, 1)
            found.title = "theirs"
            found.songs.remove(3)
            found.songs.add(4)
        await session.commit()
        assert (album.title, list(album.songs.keys)) == ("theirs", [1, 4, 5])
    async with app.session() as session:
        assert list((await session.require(Album, 1)).songs.keys) == [1, 4, 5]
    assert (await app.fsck()).is_whole
    await app.close()


async def test_a_commit_refused_for_a_record_that_is_gone_leaves_it_with_its_edits(app: Holdall) -> None:
    await _filled(app)
    session = Session(app.bindings)
    crate = await session.require(Crate, 1)
    crate.songs.add(1)
    async with app.session() as other:
        other.remove(await other.require(Crate, 1))
    with pytest.raises(CommitAborted):
        await session.commit()
    assert (state_of(crate), crate.songs.keys) == (State.DIRTY, (1,))
    await app.close()


async def test_who_is_added_at_a_stored_other_end_cuts_nobody_off_and_asks_for_nobody_else() -> None:
    """Though the list does not say yet that one has come, and that another has gone, as when a commit is under way."""
    app = Holdall("market")
    app.add_store("shops", "memory:")
    app.add_store("stalls", "memory:")
    app.add(Shop, store="shops")
    app.add(Stall, store="stalls")
    async with app.session() as session:
        session.add_all([Shop(id=1), Stall(id=1, shop=1), Stall(id=2, shop=1), Stall(id=9)])
    async with app.session() as session:
        (await session.require(Shop, 1)).stalls.add(9)
        async with app.session() as other:
            (await other.require(Shop, 1)).name = "theirs"
        came, went = Change(Verb.ADD, "stall", 3, ("id", "shop"), (3, 1)), Change(Verb.REMOVE, "stall", 2, (), ())
        await app.stores["stalls"].apply([came, went])
    async with app.session() as session:
        assert {stall.id: stall.shop.key for stall in await session.query(Stall.where())} == {1: 1, 3: 1, 9: 1}
        shop = await session.require(Shop, 1)
        assert (shop.name, shop.stalls.keys) == ("theirs", (1, 2, 9))
    await app.close()
