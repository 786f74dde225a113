"""From each version of the models to the next, and back, with data in the tables, on SQLite, PostgreSQL and MariaDB."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from holdall import Holdall
from tests.support.library_versions import VERSIONS, Mood, Version

pytestmark = [pytest.mark.early, pytest.mark.anyio]


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def url(request: pytest.FixtureRequest, tmp_path: Path, fresh_database: Callable[[str], str]) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/library.db"
    return fresh_database(request.getfixturevalue("postgres_url" if request.param == "postgresql" else "mariadb_url"))


def opened(url: str, version: Version) -> Holdall:
    app = Holdall("library")
    app.add_store("main", url)
    app.add(*version.models.values(), store="main")
    return app


async def test_each_version_leads_to_the_next_and_back(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "revisions"
    rows: dict[int, dict[str, list[dict[str, Any]]]] = {}
    for number, version in enumerate(VERSIONS):
        app = opened(url, version)
        revisions = app.revisions(folder)
        made = await revisions.make(f"version {number}", renames=version.renames, fills=version.fills)
        is_changed = not (number == 4 and url.startswith("sqlite"))  # where decimals are text, of any length
        assert bool(made) is is_changed, f"version {number}"
        if number and is_changed:
            before = await revisions.history()
            await there_and_back(url, folder, number, rows)
            assert await app.revisions(folder).history() == before
        await revisions.upgrade()
        assert await clean(app, folder) == {}, f"version {number}"
        if not number:
            await fill(app, version)
        rows[number] = await content(app, version)
        await app.close()
    last = rows[len(VERSIONS) - 1]["Volume"][0]
    assert last["name"] == "Emma"
    assert last["pages"] == "474"
    assert last["version"] == 1
    assert last["mark"] == UUID("00000000-0000-4000-8000-000000000001")
    assert last["made"] == dt.datetime(2020, 1, 1, 3, 4, 5, tzinfo=dt.UTC)
    assert (last["opens"], last["lasts"], last["blob"]) == (dt.time(8, 30), dt.timedelta(hours=1), b"\x00\xff'")
    assert (last["data"], last["is_lent"], last["weight"]) == ({"a": "b: c"}, True, 1.5)
    assert last["mood"] in (Mood.WILD, "wild")
    assert rows[2]["Book"][0]["note"] == 'it\'s: 100%\\ "new"'
    assert rows[4]["Book"][0]["price"] == Decimal("9.90")
    assert await emptied(url, folder)


async def there_and_back(url: str, folder: Path, number: int, rows: dict[int, Any]) -> None:
    """Carry out a version and take it back: what was there before is there again."""
    app, earlier = opened(url, VERSIONS[number]), opened(url, VERSIONS[number - 1])
    history = (await app.revisions(folder).history())["main"]
    await app.revisions(folder).upgrade()
    (taken,) = (await app.revisions(folder).downgrade(history[-2].name))["main"]
    assert taken.name == history[-1].name
    await app.close()
    assert await earlier.inspect() == {}, f"after version {number} was taken back"
    assert kept(await content(earlier, VERSIONS[number - 1]), number) == kept(rows[number - 1], number)
    await earlier.close()


_LOST = {8: {"note", "born"}, 10: {"price", "house", "tags"}}
"""By version, the fields that it drops, or fills where there was nothing: to take it back does not undo that."""


def kept(found: dict[str, list[dict[str, Any]]], number: int) -> Any:
    """What a revision that is taken back must have kept."""
    lost = _LOST.get(number, set())
    names = set(VERSIONS[number].models)
    return {
        name: [{each: value for each, value in row.items() if each not in lost} for row in rows]
        for name, rows in found.items()
        if number != 10 or name in names
    }


async def fill(app: Holdall, version: Version) -> None:
    author, book = version.models["Author"], version.models["Book"]
    async with app.session() as session:
        for key, name in enumerate(("Jane Austen", "Åsa — 1:2"), start=1):
            session.add(author(id=key, name=name))
    async with app.session() as session:
        for key, title in enumerate(("Emma", "Persuasion", "Sanditon")):
            session.add(book(title=title, pages=474 + key, author=1 + key % 2))
    async with app.session() as session:  # so that the last key given is of no record any more
        await session.delete(book.where(book.title == "Sanditon"))


async def content(app: Holdall, version: Version) -> dict[str, list[dict[str, Any]]]:
    async with app.session() as session:
        return {
            name: sorted([each.to_dict() for each in await session.query(model.where())], key=str)
            for name, model in version.models.items()
        }


async def clean(app: Holdall, folder: Path) -> dict[str, list[str]]:
    return await app.revisions(folder).drift() | await app.inspect()


async def emptied(url: str, folder: Path) -> bool:
    """Take everything back; no table of the models is left."""
    app = opened(url, VERSIONS[-1])
    await app.revisions(folder).downgrade("base")
    told = await app.inspect()
    await app.close()
    return all("missing" in each for each in told["main"])


async def test_keys_are_not_given_again_after_a_table_was_made_anew(tmp_path: Path) -> None:
    url, folder = f"sqlite:///{tmp_path}/library.db", tmp_path / "revisions"
    for version in VERSIONS[:5]:
        app = opened(url, version)
        await app.revisions(folder).make("next", renames=version.renames, fills=version.fills)
        await app.revisions(folder).upgrade()
        if version is VERSIONS[0]:
            await fill(app, version)
        await app.close()
    app = opened(url, VERSIONS[4])
    book = VERSIONS[4].models["Book"]
    async with app.session() as session:
        session.add(made := book(title="Evelina", pages=1, author=1))
    assert made.id == 4
    await app.close()
