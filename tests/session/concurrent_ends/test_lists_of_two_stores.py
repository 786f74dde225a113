"""Commits over two stores write what came to lists and what went, so that nobody's members are lost without a version.

``ENDS=1`` tries every pair of stores.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from holdall import Holdall, Session
from holdall.errors import StoreUnavailable
from holdall.session.commit.plan import changes
from holdall.store import Change, Members, Verb
from tests.support.bank import Away
from tests.support.pending import commit_pending
from tests.support.two_sided_lists import Book, Person, Site, Tag

pytestmark = pytest.mark.anyio

_STORES = ("memory", "sqlite", "postgres", "mariadb", "mongo", "redis", "yaml")
_PAIRS = [
    ("memory", "yaml"),
    ("sqlite", "redis"),
    ("redis", "mongo"),
    ("mongo", "sqlite"),
    ("yaml", "postgres"),
    ("postgres", "mariadb"),
    ("mariadb", "memory"),
    ("sqlite", "sqlite"),
]
_PAIRS = [*permutations(_STORES, 2), ("sqlite", "sqlite")] if os.environ.get("ENDS") else _PAIRS
_WRITERS = 6
_EXPECTED = {0, 1, 2, 100, 101, 102, 105}, 6


Opened: TypeAlias = Callable[[], Holdall]


@pytest.fixture
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Opened:
    """Opens one application after the other over the same two stores."""
    urls = []
    for number, kind in enumerate(request.param):
        urls.append({"memory": "memory:", "yaml": f"yaml:{tmp_path}/records"}.get(kind, ""))
        if kind == "sqlite":
            urls[-1] = f"sqlite:///{tmp_path}/{number}.db"
        elif not urls[-1]:
            url = request.getfixturevalue(f"{kind}_url")
            urls[-1] = url if kind == "redis" else request.getfixturevalue("fresh_database")(url)

    def open_one() -> Holdall:
        app = Holdall("shelves", journal=f"sqlite:///{tmp_path}/journal.db")
        kept: list[tuple[str, list[Any]]] = [("left", [Book, Site]), ("right", [Tag, Person])]
        for (name, models), url in zip(kept, urls, strict=True):
            options: dict[str, Any] = {"prefix": tmp_path.name, "scan_limit": 10_000} if url[:5] == "redis" else {}
            app.add_store(name, url, **options)
            app.add(*models, store=name)
        return app

    return open_one


async def _written(opened: Opened) -> tuple[set[int], int]:
    """Let writers add and remove members of one list side by side.

    Returns the tags that the book has then, and how many people the site has.
    """
    apps = [opened()]
    await apps[0].create()
    async with apps[0].session() as session:
        session.add_all([Book(id=1, tags=range(_WRITERS)), Site(id=1)])
        session.add_all(Tag(id=number) for number in range(_WRITERS))
    if all(store.capabilities.is_durable for store in apps[0].stores.values()):
        apps.append(opened())
    have_read = asyncio.Barrier(_WRITERS)

    async def write(number: int) -> None:
        async with apps[number % len(apps)].session() as session:
            book = await session.require(Book, 1)
            await session.require(Site, 1)
            await have_read.wait()
            if number < _WRITERS // 2:
                book.tags.add(session.add(Tag(id=100 + number)))  # a new record in the other store
            else:
                book.tags.remove(number)  # which writes the other end there
            if number == _WRITERS - 1:
                book.tags.add(session.add(Tag(id=100 + number)))
            session.add(Person(site=1))

    try:
        await asyncio.gather(*map(write, range(_WRITERS)))
        report = await apps[0].fsck()
        assert report.is_whole, report
        assert await apps[0].recovery.unfinished() == []
        async with apps[0].session() as session:
            book, site = await session.require(Book, 1), await session.require(Site, 1)
            return set(book.tags.keys), len(site.users)
    finally:
        for app in apps:
            await app.close()


@pytest.mark.parametrize("opened", _PAIRS, indirect=True, ids="-".join)
async def test_members_that_others_had_come_and_go_stay_so(opened: Opened) -> None:
    assert await _written(opened) == _EXPECTED


@pytest.mark.parametrize("opened", [("sqlite", "yaml")], indirect=True, ids="-".join)
async def test_lists_written_whole_are_found_out(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "_lists", lambda batch: [])
    with pytest.raises(AssertionError):
        assert await _written(opened) == _EXPECTED


@pytest.mark.parametrize("opened", [("sqlite", "yaml"), ("postgres", "redis"), ("mongo", "yaml")], indirect=True)
@pytest.mark.parametrize("undoes", [False, True])
async def test_a_decided_commit_is_finished_or_undone_by_its_members_alone(opened: Opened, undoes: bool) -> None:
    """What others did to the list meanwhile stays, in the part that was written and in the one that was held."""
    async with opened() as app:
        await app.create()
        async with app.session() as session:
            session.add_all([Book(id=1, tags=[0, 1]), *(Tag(id=number) for number in range(4))])
        away = Away(app.stores["right"], lambda: StoreUnavailable("right", "away"))
        async with app.session() as session:
            book = await session.require(Book, 1)
            book.tags.remove(0)
            book.tags.add(2)
            pending = await commit_pending(session)
        await app.stores["left"].apply([Change(Verb.UPDATE, "book", 1, ("tags",), (Members.of((1, 2, 3), (1, 2)),))])
        away.error = None
        assert pending.result.commit is not None
        if undoes:
            assert await app.recovery.compensate(pending.result.commit) is None
        else:
            told = await app.recovery.run()
            assert told.finished >= 1  # more, where the row of the first commit was not removed yet
            assert await app.recovery.unfinished() == []
        session = Session(app.bindings)
        assert set((await session.require(Book, 1)).tags.keys) == ({0, 1, 3} if undoes else {1, 2, 3})
        held = {tag.id for tag in await session.query(Tag.where()) if 1 in tag.books.keys}
        assert held == ({0, 1} if undoes else {1, 2})  # of 3 only the list was told
        assert await app.recovery.unfinished() == []
