"""Stored lists of what refers to a record, kept by commits of others side by side: none is lost, none is refused."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from holdall import Fill, Holdall, Many, Model, Ref, back, field
from holdall.errors import CommitAborted

pytestmark = pytest.mark.anyio


class Site(Model):
    id: int = field(pk=True)
    name: str = ""
    version: int = field(version=True)
    users: Many[Person] = back("site", fill=Fill.STORED)


class Person(Model):
    id: int = field(pk=True)
    site: Ref[Site]


def _app(tmp_path: Path, url: str, **options: str) -> Holdall:
    app = Holdall("club", journal=f"sqlite:///{tmp_path}/journal.db")
    app.add_store("lists", url, **options)
    app.add_store("main", f"sqlite:///{tmp_path}/main.db")
    app.add(Site, store="lists")
    app.add(Person, store="main")
    return app


@pytest.fixture(params=["redis", "yaml"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Holdall:
    if request.param == "yaml":
        return _app(tmp_path, f"yaml:{tmp_path}/lists")
    return _app(tmp_path, request.getfixturevalue("redis_url"), prefix=tmp_path.name)


async def test_those_who_join_at_once_are_all_on_the_list(app: Holdall) -> None:
    await app.create()
    async with app.session() as session:
        session.add(Site(id=1))

    async def join(number: int) -> None:
        async with app.session() as session:
            session.add(Person(id=number, site=1))

    await asyncio.gather(*map(join, range(8)))
    async with app.session() as session:
        assert len((await session.require(Site, 1)).users) == 8
    assert (await app.fsck()).is_whole
    assert await app.recovery.unfinished() == []
    await app.close()


async def test_a_change_that_somebody_asked_for_is_not_worked_out_anew(app: Holdall) -> None:
    """The list is on a record that was edited as well: that edit may rest on what is no longer true."""
    await app.create()
    async with app.session() as session:
        session.add(Site(id=1))
    async with app.session() as session:
        site = await session.require(Site, 1)
        site.name = "edited"
        session.add(Person(id=1, site=site))
        async with app.session() as other:
            (await other.require(Site, 1)).name = "first"
        with pytest.raises(CommitAborted):
            await session.commit()
        session.rollback()
    await app.close()


async def test_a_record_that_was_only_read_is_read_again(app: Holdall) -> None:
    await app.create()
    async with app.session() as session:
        session.add(Site(id=1))
    async with app.session() as session:
        site = await session.require(Site, 1)
        session.add(Person(id=1, site=site))
        async with app.session() as other:
            (await other.require(Site, 1)).name = "first"
        await session.commit()
        assert (site.name, len(site.users)) == ("first", 1)
    await app.close()
