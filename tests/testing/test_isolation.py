"""Tests that leave nothing behind: other stores for a while, and transactions that are rolled back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from holdall import Holdall, Model, Ref, field
from holdall.errors import CommitAborted, DeclarationError, HoldallError
from holdall.stores.memory import MemoryStore
from holdall.testing.isolation import isolated

pytestmark = pytest.mark.anyio


class Writer(Model):
    id: int = field(pk=True)
    name: str = field(unique=True)


class Work(Model):
    id: int = field(pk=True)
    writer: Ref[Writer]


class Place(Model):
    code: str = field(pk=True)


@pytest.fixture(params=["sqlite", "memory", "postgres", "mariadb"])
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Holdall]:
    urls: dict[str, Callable[[], str]] = {
        "sqlite": lambda: f"sqlite:///{tmp_path}/main.db",
        "memory": lambda: "sqlite://",
        "postgres": lambda: request.getfixturevalue("fresh_database")(request.getfixturevalue("postgres_url")),
        "mariadb": lambda: request.getfixturevalue("fresh_database")(request.getfixturevalue("mariadb_url")),
    }
    app = Holdall("isolated", journal=f"sqlite:///{tmp_path}/journal.db")
    app.add_store("main", urls[request.param]())
    app.add_store("files", f"yaml:{tmp_path}/files")
    app.add(Writer, Work, store="main")
    app.add(Place, store="files")
    await app.create()
    async with app.session() as session:
        session.add(Writer(id=1, name="first"))
    yield app
    await app.close()


async def names(app: Holdall) -> list[str]:
    async with app.session() as session:
        return [writer.name for writer in await session.query(Writer.where().sort(Writer.id))]


async def test_everything_is_as_before(app: Holdall) -> None:
    for _ in range(2):
        async with isolated(app, clean=["files"]):
            async with app.session() as session:
                (await session.require(Writer, 1)).name = "changed"
                session.add_all([Writer(id=2, name="second"), Place(code="A")])
            assert await names(app) == ["changed", "second"]
            async with app.session() as session:
                assert await session.sql("SELECT count(*) FROM writer", store="main") == [(2,)]
                await session.sql("DELETE FROM writer WHERE id = 2", store="main")
            assert await names(app) == ["changed"]
        assert await names(app) == ["first"]
        async with app.session() as session:
            assert await session.count(Place.where()) == 0


async def test_a_refused_commit_undoes_itself_alone(app: Holdall) -> None:
    async with isolated(app, clean=["files"]):
        async with app.session() as session:
            session.add(Writer(id=2, name="second"))
        with pytest.raises(CommitAborted):
            async with app.session() as session:
                session.add_all([Writer(id=3, name="third"), Writer(id=4, name="first")])
        with pytest.raises(HoldallError):
            async with app.session() as session:
                session.add(Work(id=1, writer=99))
        async with app.session() as session:
            session.add(Work(id=1, writer=await session.require(Writer, 1)))
        with pytest.raises(HoldallError):
            async with app.session() as session:
                session.remove(await session.require(Writer, 1))
        assert await names(app) == ["first", "second"]
    assert await names(app) == ["first"]


async def test_a_test_that_fails_leaves_nothing(app: Holdall) -> None:
    async def failing() -> None:
        async with isolated(app, clean=["files"]):
            async with app.session() as session:
                session.add(Writer(id=2, name="second"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await failing()
    assert await names(app) == ["first"]


async def test_stores_are_emptied_only_where_that_is_said(app: Holdall) -> None:
    async with app.session() as session:
        session.add(Place(code="A"))
    with pytest.raises(DeclarationError, match="name it in clean="):
        async with isolated(app):
            raise AssertionError
    async with app.session() as session:
        assert await session.count(Place.where()) == 1


async def test_other_stores_for_a_while(app: Holdall) -> None:
    async with app.replaced({"main": "memory:"}):
        assert isinstance(app.stores["main"], MemoryStore)
        assert await names(app) == []
        async with app.session() as session:
            writer = session.add(Writer(id=1, name="in memory"))
            session.add_all([Work(id=1, writer=writer), Place(code="B")])
        async with app.session() as session:
            found = await session.query(Work.where(Work.writer.name == "in memory"))
            assert [work.id for work in found] == [1]
    assert await names(app) == ["first"]
    async with app.session() as session:
        assert await session.count(Place.where()) == 1
        assert await session.count(Work.where()) == 0
    async with app.replaced("memory:"), app.session() as session:
        assert await session.count(Place.where()) == 0
    with pytest.raises(DeclarationError, match="no store 'mian' to be replaced"):
        async with app.replaced({"mian": "memory:"}):
            raise AssertionError


def test_scripts_replace_stores_too(tmp_path: Path) -> None:
    app = Holdall("replaced")
    app.add_store("main", f"sqlite:///{tmp_path}/main.db")
    app.add(Place, store="main")
    app.sync.create()
    with app.sync.replaced("memory:"):
        with app.sync.session() as session:
            session.add(Place(code="A"))
        assert Place.objects is not None
        with app.sync.session() as session:
            assert session.count(Place.where()) == 1
    with app.sync.session() as session:
        assert session.count(Place.where()) == 0
    app.sync.close()
