"""Stored values that cannot be read: told by record and field, left out of lists, repaired or removed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

import apsw
import asyncpg
import msgspec
import pytest

from holdall import Holdall, Many, Model, Session, field
from holdall.errors import CorruptRecord
from holdall.policy import Everyone, Policy
from holdall.session import damaged_fields
from holdall.stores.sql.dialect import SQLITE as SQLITE_DIALECT
from holdall.stores.sql.sqlite import SqliteDatabase
from holdall.stores.sql.sqlite_connection import SqliteOptions, place_of
from holdall.stores.sql.tables import Tables
from holdall.testing.client import Client

pytestmark = pytest.mark.anyio


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Thing(Model, collection="thing"):
    id: int = field(pk=True, generated=True)
    name: str = field(default="")
    color: Color = field(default=Color.RED)
    day: date = field(default=date(2020, 1, 1))
    at: datetime = field(default=datetime(2020, 1, 1, tzinfo=UTC))
    clock: time = field(default=time(1))
    price: Decimal = field(default=Decimal(1), digits=10, places=2)
    code: UUID = field(default=UUID(int=1))
    size: float = field(default=1.0)
    is_new: bool = field(default=True)


SQLITE = {
    "color": "'green'",
    "day": "'yesterday'",
    "at": "'2020-13-01 00:00:00'",
    "clock": "'24:00:00'",
    "price": "'a lot'",
    "code": "x'00000000000000000000000000000001'",
    "size": "9e999",
    "is_new": "2",
}
POSTGRESQL = {
    "color": "'green'",
    "day": "'0044-03-15 BC'",
    "at": "'12020-01-01'",
    "clock": "'24:00:00'",
    "size": "'infinity'",
}


@asynccontextmanager
async def app_at(url: str) -> AsyncIterator[Holdall]:
    app = Holdall("damage")
    app.add_store("main", url)
    app.add(Thing, store="main", policy=Policy(read=Everyone, write=Everyone))
    await app.create()
    async with app.session() as session:
        session.add_all([Thing(name="a"), Thing(name="b"), Thing(name="c")])
    try:
        yield app
    finally:
        await app.close()


@pytest.mark.parametrize("name", SQLITE)
async def test_a_value_that_cannot_be_read_is_told_repaired_and_removed(name: str, tmp_path: Path) -> None:
    await _told(f"sqlite:///{tmp_path}/d.db", name, lambda: _in_sqlite(tmp_path / "d.db", name))


@pytest.mark.parametrize("name", POSTGRESQL)
async def test_the_same_where_the_driver_cannot_read_it(name: str, postgres_url: str, fresh_database: Any) -> None:
    url = fresh_database(postgres_url)
    await _told(url, name, lambda: _in_postgresql(url, name))


async def _in_sqlite(path: Path, name: str) -> None:
    database = SqliteDatabase("other", place_of(f"sqlite:///{path}"), Tables(SQLITE_DIALECT), SqliteOptions())
    try:
        await database.execute([f"UPDATE thing SET {name} = {SQLITE[name]} WHERE id = 2"])
    finally:
        await database.close()


async def _in_postgresql(url: str, name: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"UPDATE thing SET {name} = {POSTGRESQL[name]} WHERE id = 2")
    finally:
        await connection.close()


async def _told(url: str, name: str, damage: Any) -> None:
    async with app_at(url) as app:
        await app.close()
        await damage()
        async with app.session() as session:
            with pytest.raises(CorruptRecord, match=f"thing 2 .*{name}") as told:
                await session.query(Thing.where())
            assert (told.value.key, told.value.fields) == (2, (name,))
            found = await session.readable(Thing.where())
            assert [record.id for record in found.records] == [1, 3]
            assert [(error.key, error.fields) for error in found.broken] == [(2, (name,))]
            results = await asyncio.gather(*(session.get(Thing, key) for key in (1, 2, 3)), return_exceptions=True)
            assert [isinstance(result, CorruptRecord) for result in results] == [False, True, False]
        async with app.session() as session:
            record = await session.mend(Thing, 2)
            assert damaged_fields(record) == (name,)
            setattr(record, name, getattr(Thing(), name))
        async with app.session() as session:
            assert len(await session.query(Thing.where())) == 3
        await damage()
        async with app.session() as session:
            session.remove(await session.mend(Thing, 2))
        async with app.session() as session:
            assert [record.id for record in await session.query(Thing.where())] == [1, 3]


async def test_lists_over_http_go_on_and_the_record_can_be_changed(tmp_path: Path) -> None:
    await _over_http(tmp_path / "d.db")


async def _over_http(path: Path) -> None:
    async with app_at(f"sqlite:///{path}") as app, Client(app.asgi()) as client:
        await app.close()
        await _in_sqlite(path, "day")
        listed = msgspec.json.decode((await client.get("/thing?sort=id")).body)
        assert [item["id"] for item in listed["data"]] == [1, 3]
        assert listed["broken"] == [
            {"key": "2", "errors": [{"path": "day", "code": "unreadable", "message": "cannot be read as it is stored"}]}
        ]
        assert listed["total_count"] == 3
        shown = (await client.get("/thing?sort=id&fields=id,day")).json()
        assert [item["id"] for item in shown["data"]] == [1, 3]
        assert shown["broken"] == listed["broken"]
        answer = await client.get("/thing/2")
        assert answer.status == 500
        assert msgspec.json.decode(answer.body)["errors"][0]["path"] == "day"
        refused = await client.request("PATCH", "/thing/2", json={"name": "x"})
        assert refused.status == 422
        guarded = await client.patch("/thing/2", {"day": "2021-02-03"}, **{"if-match": '"x"'})
        assert guarded.status == 412
        changed = await client.patch("/thing/2", {"day": "2021-02-03"}, **{"if-match": "*"})
        assert changed.status == 200
        assert "broken" not in msgspec.json.decode((await client.get("/thing")).body)
        await _in_sqlite(path, "day")
        deleted = await client.request("DELETE", "/thing/2")
        assert (deleted.status, deleted.body) == (204, b"")


class Odd(Model, collection="odd"):
    id: int = field(pk=True)
    words: str
    span: timedelta
    number: int
    size: float


async def test_columns_of_other_types_give_no_values_of_other_types(postgres_url: str, fresh_database: Any) -> None:
    await _of_other_types(fresh_database(postgres_url))


async def _of_other_types(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(
        "CREATE TABLE odd (id bigint PRIMARY KEY, words text[] NOT NULL, span interval NOT NULL, "
        "number text NOT NULL, size numeric NOT NULL); INSERT INTO odd VALUES (1, '{x}', '1 month', '7', 1.5)"
    )
    await connection.close()
    app = Holdall("odd")
    app.add_store("main", url)
    app.add(Odd, store="main")
    async with app.session() as session:
        found = await session.readable(Odd.where())
    await app.close()
    assert [error.fields for error in found.broken] == [("words", "span", "number", "size")]


_COLUMNS = {
    "postgres": "size double precision, day date, name text, number bigint, price numeric(10, 2), is_new boolean",
    "mariadb": "size double, day date, name varchar(20), number bigint, price decimal(10, 2), is_new boolean",
    "sqlite": "size double, day date, name text, number bigint, price decimal(10, 2), is_new boolean",
}


class Loose(Model):
    id: int = field(pk=True)
    size: float
    day: date
    name: str = field(length=(0, 20))
    number: int
    price: Decimal = field(digits=10, places=2)
    is_new: bool


@pytest.mark.parametrize("name", ["size", "day", "name", "number", "price", "is_new"])
@pytest.mark.parametrize("kind", _COLUMNS)
async def test_a_null_that_the_field_does_not_take_is_told(
    kind: str, name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/d.db"
    if kind != "sqlite":
        url = request.getfixturevalue("fresh_database")(request.getfixturevalue(f"{kind}_url"))

    app = Holdall("loose")
    app.add_store("main", url)
    app.add(Loose, store="main")
    database: Any = app.stores["main"]
    try:
        await database._database.execute(
            [
                f"CREATE TABLE loose (id bigint PRIMARY KEY, {_COLUMNS[kind]})",
                "INSERT INTO loose VALUES (1, 1.5, '2020-01-01', 'a', 1, 1.5, true)",
                "INSERT INTO loose VALUES (2, 1.5, '2020-01-01', 'a', 1, 1.5, true)",
                f"UPDATE loose SET {name} = NULL WHERE id = 2",
            ]
        )
        found = await Session(app.bindings).readable(Loose.where())
        assert [record.id for record in found.records] == [1]
        assert [(error.key, error.fields, error.reasons[name]) for error in found.broken] == [
            (2, (name,), "is missing")
        ]
        async with app.session() as session:
            record = await session.mend(Loose, 2)
            setattr(record, name, getattr(found.records[0], name))
        assert len(await Session(app.bindings).query(Loose.where())) == 2
    finally:
        await app.close()


class Numbered(Model):
    id: int = field(pk=True)


class Named(Model):
    id: str = field(pk=True)


class Hashed(Model):
    id: bytes = field(pk=True)


class Switched(Model):
    id: bool = field(pk=True)


class Lists(Model, collection="lists"):
    id: int = field(pk=True)
    numbered: Many[Numbered] = field(default=())
    named: Many[Named] = field(default=())
    hashed: Many[Hashed] = field(default=())
    switched: Many[Switched] = field(default=())


_KEYS: dict[str, Any] = {"numbered": 7, "named": "x", "hashed": b"x", "switched": True}


@pytest.mark.parametrize(
    "name, value",
    [("numbered", "'text'"), ("numbered", "x'00'"), ("numbered", "1.5"), ("named", "x'00'"), ("hashed", "'text'"),
     ("switched", "'text'"), ("switched", "2")],
)  # fmt: skip
async def test_a_member_of_a_list_that_cannot_be_read_is_told(name: str, value: str, tmp_path: Path) -> None:
    app = Holdall("lists")
    app.add_store("main", f"sqlite:///{tmp_path}/d.db")
    app.add(Numbered, Named, Hashed, Switched, Lists, store="main")
    try:
        await app.create()
        async with app.session() as session:
            numbered, named, hashed, switched = Numbered(id=7), Named(id="x"), Hashed(id=b"x"), Switched(id=True)
            session.add_all([numbered, named, hashed, switched])
            for key in (1, 2):
                session.add(Lists(id=key, numbered=[numbered], named=[named], hashed=[hashed], switched=[switched]))
        await app.close()
        database = apsw.Connection(f"{tmp_path}/d.db")
        (owner, target, *_) = [
            row[0] for row in database.execute(f"SELECT name FROM pragma_table_info('lists_{name}')")
        ]
        database.execute(f"UPDATE lists_{name} SET {target} = {value} WHERE {owner} = 2")
        database.close()
        async with app.session() as session:
            found = await session.readable(Lists.where())
        assert [list(getattr(record, name).keys) for record in found.records] == [[_KEYS[name]]]
        assert [(error.key, error.fields) for error in found.broken] == [(2, (name,))]
        report = await app.fsck()
        assert [(each.kind, each.field, each.examples) for each in report.findings] == [("unreadable", name, (2,))]
        async with app.session() as session:
            setattr(await session.mend(Lists, 2), name, [])
        assert (await app.fsck()).findings == ()
    finally:
        await app.close()
