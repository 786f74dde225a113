"""What was made before the other end of a reference was declared single is told, and mended where that can be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from holdall import Holdall, Model, Ref, back, field
from holdall.errors import SchemaMismatch, UniqueViolation
from holdall.store import Change, Verb

pytestmark = pytest.mark.anyio


class Person(Model):
    id: int = field(pk=True)


class Passport(Model):
    id: int = field(pk=True)
    owner: Ref[Person | None] = field(default=None)


class Citizen(Model):
    """A person as people came to see it."""

    id: int = field(pk=True)
    passport: Ref[Paper | None] = back("owner")


class Paper(Model):
    id: int = field(pk=True)
    owner: Ref[Citizen | None] = field(default=None)


Opened: TypeAlias = Callable[..., Holdall]


@pytest.fixture
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Opened:
    """Opens an application over the same store with these models of people and passports."""
    kind = request.param
    urls = {"sqlite": f"sqlite:///{tmp_path}/records.db", "yaml": f"yaml:{tmp_path}/records"}
    url = urls.get(kind) or request.getfixturevalue(f"{kind}_url")
    if kind not in (*urls, "redis"):
        url = request.getfixturevalue("fresh_database")(url)
    options: dict[str, Any] = {"prefix": tmp_path.name, "scan_limit": 10_000} if kind == "redis" else {}

    def open_one(person: Any, passport: Any) -> Holdall:
        app = Holdall("office")
        app.add_store("main", url, **options)
        app.add(person, store="main", collection="person")
        app.add(passport, store="main", collection="passport")
        return app

    return open_one


async def _made_before(opened: Opened, owners: list[int | None]) -> None:
    async with opened(Person, Passport) as app:
        await app.create()
        async with app.session() as session:
            session.add_all(Person(id=number) for number in range(3))
            session.add_all(Passport(id=number, owner=owner) for number, owner in enumerate(owners))


@pytest.mark.parametrize("opened", ["sqlite", "postgres", "mariadb"], indirect=True)
async def test_tables_that_do_not_keep_it_unique_are_told(opened: Opened) -> None:
    await _made_before(opened, [0, None, None])
    async with opened(Citizen, Paper) as app:
        assert (await app.inspect())["main"] == ["passport does not keep owner unique"]
        await app.create()  # what is there stays as it is
        assert (await app.inspect())["main"] == ["passport does not keep owner unique"]


@pytest.mark.parametrize("opened", ["mongo", "redis"], indirect=True)
async def test_create_makes_what_is_missing(opened: Opened) -> None:
    await _made_before(opened, [0, None, None])
    async with opened(Citizen, Paper) as app:
        [told] = (await app.inspect())["main"]
        assert "passport" in told
        await app.create()
        assert await app.inspect() == {}
        store = app.stores["main"]
        change = Change(Verb.UPDATE, "passport", 1, ("owner",), (0,))
        with pytest.raises(UniqueViolation, match="another passport already has this owner"):
            await store.apply([change])
        async with app.session() as session:
            (await session.require(Paper, 1)).owner = 0  # who had it gives way
        assert await app.inspect() == {}


@pytest.mark.parametrize("opened", ["mongo", "redis"], indirect=True)
async def test_create_refuses_by_name_where_two_have_it(opened: Opened) -> None:
    await _made_before(opened, [0, 0, None])
    async with opened(Citizen, Paper) as app:
        if "redis" not in app.stores["main"].__class__.__module__:  # which answers nothing until its indexes are built
            report = await app.fsck()
            assert [(item.kind, item.collection, item.field, item.number) for item in report.findings] == [
                ("shared", "passport", "owner", 2)
            ]
        told = await app.inspect()
        with pytest.raises(
            SchemaMismatch, match=r"passport has documents with the same owner|passport have values that"
        ):
            await app.create()
        assert told.keys() == (await app.inspect()).keys() == {"main"}


@pytest.mark.parametrize("opened", ["yaml"], indirect=True)
async def test_files_in_which_two_have_it_are_told(opened: Opened) -> None:
    await _made_before(opened, [0, 0, None])
    async with opened(Citizen, Paper) as app:
        assert (await app.inspect())["main"] == ["passport 1: 0 has the same owner, which is unique"]
