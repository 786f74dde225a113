"""Members of lists of references come and go as differences: nothing that others write meanwhile is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from holdall import Holdall
from holdall.session.commit.plan import changes
from holdall.stores.redis import RedisCollection
from tests.support.two_sided_lists import Book, Person, Site, Tag

pytestmark = pytest.mark.anyio


@pytest.fixture(
    params=["memory", "sqlite", "postgres", "mariadb", "mongo", "standalone_mongo", "yaml", "redis", "typed"]
)
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Holdall:
    urls = {
        "memory": "memory:",
        "sqlite": f"sqlite:///{tmp_path}/main.db",
        "yaml": f"yaml:{tmp_path}/records",
    }
    server = "redis" if request.param == "typed" else request.param
    url = urls.get(server) or request.getfixturevalue(f"{server}_url")
    if request.param in ("postgres", "mariadb", "mongo", "standalone_mongo"):
        url = request.getfixturevalue("fresh_database")(url)
    app = Holdall("library")
    options: dict[str, Any] = {"prefix": tmp_path.name, "scan_limit": 10_000} if server == "redis" else {}
    if request.param == "typed":
        names = ("book", "tag", "site", "person")
        options["collections"] = {name: RedisCollection(encoding="typed") for name in names}
    app.add_store("main", url, **options)
    app.add(Book, Tag, Site, Person, store="main")
    return app


async def _label(app: Holdall, tags: range) -> int:
    """Let each of these tags take one book, side by side; how many the book has then."""

    async def take(number: int) -> None:
        async with app.session() as session:
            (await session.require(Tag, number)).books.add(1)

    await app.create()
    async with app.session() as session:
        session.add(Book(id=1))
        session.add_all(Tag(id=number) for number in tags)
    await asyncio.gather(*map(take, tags))
    async with app.session() as session:
        return len((await session.require(Book, 1)).tags)


async def test_all_who_write_one_list_side_by_side_are_on_it(app: Holdall) -> None:
    assert await _label(app, range(8)) == 8
    assert (await app.fsck()).is_whole
    await app.close()


async def test_all_children_added_side_by_side_are_on_the_list_of_their_parent(app: Holdall) -> None:
    async def join(_: int) -> None:
        async with app.session() as session:
            session.add(Person(site=1))

    await app.create()
    async with app.session() as session:
        session.add(Site(id=1))
    await asyncio.gather(*map(join, range(20)))
    async with app.session() as session:
        assert len((await session.require(Site, 1)).users) == 20
    assert (await app.fsck()).is_whole
    await app.close()


async def test_members_keep_their_order_when_some_go_and_some_come(app: Holdall) -> None:
    steps = [[1, 2, 3, 4], [1, 3, 4], [1, 3, 4, 5], [3, 5, 6, 2], [2, 3, 6, 5], [2, 3, 6, 5, 1], []]
    await app.create()
    async with app.session() as session:
        session.add_all(Tag(id=number) for number in range(1, 7))
        session.add(Book(id=1))
    for wanted in steps:
        async with app.session() as session:
            (await session.require(Book, 1)).tags = wanted
        async with app.session() as session:
            assert list((await session.require(Book, 1)).tags.keys) == wanted
    assert (await app.fsck()).is_whole
    await app.close()


async def test_lists_written_whole_are_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "_lists", lambda batch: [])
    app = Holdall("library")
    app.add_store("main", f"sqlite:///{tmp_path}/main.db")
    app.add(Book, Tag, Site, Person, store="main")
    assert await _label(app, range(8)) < 8
    await app.close()
