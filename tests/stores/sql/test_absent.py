"""What a server or SQLite says is not there, is told by name: tables, columns, databases, users, hosts."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from holdall import Everyone, Holdall, Model, Policy, field
from holdall.errors import CommitAborted, Conflict, DeclarationError, SchemaMismatch, StoreError, StoreUnavailable
from holdall.testing.client import Client

pytestmark = pytest.mark.anyio


class Thing(Model):
    id: int = field(pk=True)
    colour: str = field(default="")


async def _asked(url: str, **options: Any) -> list[Thing]:
    app = Holdall("absent")
    app.add_store("db", url, **options)
    app.add(Thing, store="db")
    async with app, app.session() as s:
        return await s.query(Thing.where())


async def _made(url: str, statement: str) -> None:
    app = Holdall("made")
    app.add_store("db", url)
    store: Any = app.stores["db"]
    await store._database.execute([statement])
    await store.close()


def _with(url: str, *, database: str | None = None, user: str | None = None, port: int | None = None) -> str:
    scheme, _, rest = url.partition("://")
    place, _, name = rest.partition("/")
    who, _, host = place.rpartition("@")
    host = f"{host.partition(':')[0]}:{port}" if port else host
    return f"{scheme}://{user or who}@{host}/{database or name}"


SERVERS = ["machine_postgres_url", "mariadb_url"]


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize(
    "change, kind, told",
    [
        (lambda url: url, SchemaMismatch, "there is no table '(.*[.])?thing'; make it by app.create"),
        (
            lambda url: _with(url, database="not_there"),
            StoreUnavailable,
            "there is no database .not_there.",
        ),
        (
            lambda url: _with(url, user="nobody:secret"),
            StoreError,
            "does not let us in as .nobody. .*password",
        ),
        (lambda url: _with(url, port=1), StoreUnavailable, "cannot be reached .at .*:1: "),
    ],
    ids=["table", "database", "user", "host"],
)
async def test_a_server_names_what_is_not_there(
    server: str, change: Callable[[str], str], kind: type[Exception], told: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue(server)
    with pytest.raises(kind, match=told) as raised:
        await _asked(change(url))
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("server", [*SERVERS, "sqlite"])
async def test_a_column_that_is_not_there_is_named(server: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}" if server == "sqlite" else request.getfixturevalue(server)
    await _made(url, "CREATE TABLE thing (id integer PRIMARY KEY)")
    try:
        with pytest.raises(SchemaMismatch, match=r"there is no column '(.*[.])?colour'.*; compare with inspect"):
            await _asked(url)
    finally:
        await _made(url, "DROP TABLE thing")


@pytest.mark.parametrize("server", [*SERVERS, "sqlite", "stdlib"])
async def test_a_column_that_no_field_gives_a_value_is_named(
    server: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    file = f"sqlite:///{tmp_path / 'a.db'}"
    url = {"sqlite": file, "stdlib": f"{file}?driver=stdlib"}.get(server) or request.getfixturevalue(server)
    columns = "id integer PRIMARY KEY, colour varchar(20) NOT NULL"
    told = r"table 'thing'(, or one .*,)? demands a value for column 'size', and no field gives it one: give the column"
    app = Holdall("unsent")
    app.add_store("db", url)
    app.add(Thing, store="db", policy=Policy(read=Everyone, write=Everyone))
    try:
        await app.create()
        async with Client(app.asgi()) as client:
            for place in (8, 9):  # the second by a statement that is ready
                assert (await client.post("/thing", {"id": place})).status == 201
            await _made(url, "DROP TABLE thing")
            await _made(url, f"CREATE TABLE thing ({columns}, size integer NOT NULL)")
            for place in (10, 11):
                answer = await client.post("/thing", {"id": place})
                assert (answer.status, b"size" in answer.body) == (500, False)
        for number in (1, 3):
            with pytest.raises(CommitAborted) as raised:
                async with app.session() as s:
                    s.add_all([Thing(id=place) for place in range(number)])
            assert isinstance(raised.value.__cause__, SchemaMismatch)
            assert re.search(told, str(raised.value.__cause__))
        async with app.session() as s:
            assert await s.count(Thing.where()) == 0
    finally:
        await app.close()
        await _made(url, "DROP TABLE thing")


@pytest.mark.parametrize("server", [*SERVERS, "sqlite"])
async def test_a_null_that_a_field_gives_is_a_conflict(
    server: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    class Vague(Model, collection="vague"):
        id: int = field(pk=True)
        colour: str | None = None

    url = f"sqlite:///{tmp_path / 'a.db'}" if server == "sqlite" else request.getfixturevalue(server)
    await _made(url, "CREATE TABLE vague (id integer PRIMARY KEY, colour varchar(20) NOT NULL)")
    app = Holdall("vague")
    app.add_store("db", url)
    app.add(Vague, store="db")
    try:
        with pytest.raises(CommitAborted) as raised:
            async with app.session() as s:
                s.add(Vague(id=1))
        assert isinstance(raised.value.__cause__, Conflict)
        assert "colour" in str(raised.value.__cause__)
    finally:
        await app.close()
        await _made(url, "DROP TABLE vague")


async def test_sqlite_names_tables_and_folders(tmp_path: Path) -> None:
    with pytest.raises(SchemaMismatch, match=r"there is no table 'thing'; make it by app\.create"):
        await _asked(f"sqlite:///{tmp_path / 'a.db'}")
    with pytest.raises(StoreUnavailable, match=r"there is no folder '.*missing'; make it first"):
        await _asked(f"sqlite:///{tmp_path / 'missing' / 'a.db'}")


@pytest.mark.parametrize(
    "url, told",
    [
        ("postgresql://host:port/db", "the port in a PostgreSQL URL is a number"),
        ("postgresql://a:1,b:70000/db", "the port in a PostgreSQL URL is a number"),
        ("postgresql://host/db?sslmode=bogus", "sslmode in a PostgreSQL URL is one of disable"),
        ("sqlite:file.db", "sqlite:///file.db"),
        ("./file.db", "a SQLite file is sqlite:///file.db"),
        ("/tmp/file.db", "a SQLite file is sqlite:///file.db"),
        ("C:\\file.db", "a SQLite file is sqlite:///file.db"),
        ("file:notes.db", "a SQLite file is sqlite:///file.db"),
        ("postgress://host/db", "did you mean postgres"),
        ("mysql:host", "begins with mysql://host"),
    ],
)
def test_a_url_that_cannot_be_meant_is_told_with_one_that_can(url: str, told: str) -> None:
    with pytest.raises(DeclarationError, match=told):
        Holdall("wrong").add_store("db", url)


@pytest.mark.parametrize("url", ["postgresql://[::1]:5432/d", "postgresql://a:1,b:2/d", "postgresql:///d?host=/run"])
def test_urls_of_every_form_of_host_are_taken(url: str) -> None:
    Holdall("right").add_store("db", url)
