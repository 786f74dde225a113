"""A stored list whose children are in another store is kept whole by commits at once (references, A2)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from holdall import Fill, Holdall, Many, Model, Ref, back, field
from holdall.errors import CommitAborted
from holdall.query import Query

pytestmark = pytest.mark.anyio


class Site(Model):
    id: int = field(pk=True)
    version: int = field(version=True)
    users: Many[Person] = back("site", fill=Fill.STORED)


class Person(Model):
    id: int = field(pk=True)
    site: Ref[Site]


@pytest.fixture
def fresh_url(mongo_url: str, fresh_database: Callable[[str], str]) -> str:
    return fresh_database(mongo_url)


@pytest.mark.parametrize("kind", ["redis", "yaml"])
async def test_a_list_beside_its_children_is_whole_whoever_joins_at_once(
    tmp_path: Path, fresh_url: str, redis_url: str, kind: str
) -> None:
    """Each of them joins in the end; the list has them all, and no commit is partial."""
    app = Holdall("club", journal=f"sqlite:///{tmp_path}/journal.db")
    if kind == "redis":
        app.add_store("lists", redis_url, prefix=tmp_path.name)
    else:
        app.add_store("lists", f"yaml:{tmp_path}/lists")
    app.add_store("people", fresh_url)
    app.add(Site, store="lists")
    app.add(Person, store="people")
    await app.create()
    try:
        async with app.session() as session:
            session.add(Site(id=1))

        async def join(key: int) -> None:
            for _ in range(50):
                try:
                    async with app.session() as session:
                        session.add(Person(id=key, site=1))
                except CommitAborted:
                    await asyncio.sleep(0.01)
                else:
                    return
            raise AssertionError(f"{key} never joined")

        await asyncio.gather(*map(join, range(8)))
        rows = await app.stores["lists"].fetch(Query("site"))
        columns = [schema.name for schema in app.bindings.of_name("site").schema.stored]
        (site,) = [dict(zip(columns, row, strict=True)) for row in rows]
        assert sorted(site["users"]) == list(range(8))
        async with app.session() as session:
            assert await session.count(Person.where()) == 8
        assert await app.recovery.unfinished() == []
        assert (await app.fsck()).findings == ()
    finally:
        await app.close()
