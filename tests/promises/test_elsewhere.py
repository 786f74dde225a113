"""Promises that are kept elsewhere, and two that are no matter of commits.

- B3, a process that forks: ``tests/app/test_sync_fork.py`` and ``tests/stores/sql/test_sqlite_fork.py``
- B9, batches over the same rows: ``tests/stores/sql/test_locks.py``
- formats of journal rows: ``tests/session/journal/test_log_format.py``
- contention and kills at random: ``tests/contention`` and ``tests/crash``; every order: ``tests/session/interleaving``
- opposite sides of B6 with locks of one database: ``tests/stores/sql/test_locks.py``
"""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from holdall import Everyone, Holdall, Model, Policy, Ref, field
from holdall.testing.client import Client

pytestmark = pytest.mark.anyio

_ROOT = Path(__file__).parents[2]


class Country(Model, collection="countries"):
    id: int = field(pk=True)
    name: str = ""


class City(Model, collection="cities"):
    id: int = field(pk=True)
    country: Ref[Country]


def test_the_files_named_above_are_there() -> None:
    assert __doc__ is not None
    named = [word for word in __doc__.split("``") if word.startswith("tests/")]
    assert named
    assert [name for name in named if not (_ROOT / name).exists()] == []


@pytest.mark.parametrize("more", ["&page_size=20", "&page_size=10", "&page_size=10&count=none"])
async def test_lists_are_counted_whatever_store_they_are_sorted_by(tmp_path: Path, more: str) -> None:
    """B4: of cities in SQLite, by the names of countries in files."""
    app, policy = Holdall("x", journal=f"sqlite:///{tmp_path}/journal.db"), Policy(read=Everyone, write=Everyone)
    app.add_store("files", f"yaml:{tmp_path}/files")
    app.add_store("main", f"sqlite:///{tmp_path}/main.db")
    app.add(Country, store="files", policy=policy)
    app.add(City, store="main", policy=policy)
    await app.create()
    async with app.session() as session:
        session.add_all([Country(id=1, name="b"), Country(id=2, name="a")])
        session.add_all(City(id=key, country=1 + key % 2) for key in range(12))
    async with app.session() as session:
        assert await session.count(City.where().sort(City.country.name)) == 12
    async with Client(app.asgi()) as http:
        answer = await http.request("GET", "/cities?sort=country.name" + more)
    assert answer.status == 200
    await app.close()


@pytest.mark.usefixtures("older_objects_apart")
async def test_writing_to_redis_leaves_nothing_in_memory(redis_url: str, tmp_path: Path) -> None:
    """B10: no iterator stays behind."""
    app = Holdall("x")
    app.add_store("red", redis_url, prefix=tmp_path.name)
    app.add(Country, store="red")
    await app.create()

    async def add(first: int) -> None:
        for key in range(first, first + 100):
            async with app.session() as session:
                session.add(Country(id=key))

    def iterators() -> int:
        gc.collect()
        return sum(type(item) is type(iter(())) for item in gc.get_objects())

    await add(0)
    before = iterators()
    await add(100)
    assert iterators() < before + 50
    await app.close()
