"""Collections that are only read: every write is refused by name, at the first moment, on every store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from holdall import Holdall, Many, Model, OnDelete, Ref, back, field
from holdall.errors import DeclarationError, FrozenError, QueryError, ReadOnly, Unsupported, ValidationError
from holdall.query import FieldSchema, Kind, Schema
from holdall.store import Change, Verb, open_store
from tests.support.dropping import drop

pytestmark = pytest.mark.anyio


class Country(Model):
    code: str = field(pk=True)
    name: str
    tags: list[str] = field(default_factory=list)


class Land(Model, read_only=True, table="country", collection="land"):
    """The same records, for a program that only reads them."""

    code: str = field(pk=True)
    name: str
    tags: list[str] = field(default_factory=list)


class Region(Model, read_only=True, table="country", collection="region"):
    """The same records again, with those that refer to them."""

    code: str = field(pk=True)
    name: str
    cities: Many[City] = back("region")


class City(Model):
    id: int = field(pk=True)
    region: Ref[Region] = field(on_delete=OnDelete.RESTRICT)


class Letter(Model, read_only=True):
    first: str
    number: int


def _url(store: str, request: pytest.FixtureRequest, folder: Path) -> str:
    match store:
        case "sqlite":
            return f"sqlite:///{folder}/it.db"
        case "yaml":
            return f"yaml:{folder}"
    fixture: str = request.getfixturevalue(f"{store}_url")
    return fixture


async def _apps(url: str) -> tuple[Holdall, Holdall]:
    writer, reader = Holdall("writer"), Holdall("reader")
    for app in (writer, reader):
        app.add_store("main", url)
    writer.add(Country, store="main")
    reader.add(Land, store="main")
    await writer.create()
    async with writer.session() as s:
        for record in await s.query(Country.where()):
            s.remove(record)
        await s.commit()
        s.add_all([Country(code="FR", name="France"), Country(code="XK", name="Kosovo")])
    return writer, reader


@pytest.mark.parametrize("store", ["sqlite", "yaml", "redis", "mongo"])
async def test_writes_are_refused(store: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    writer, reader = await _apps(_url(store, request, tmp_path))
    await reader.create()  # which makes nothing
    async with reader.session() as s:
        france = await s.require(Land, "FR")
        with pytest.raises(ReadOnly, match="writing to land"):
            s.add(Land(code="YU", name="Yugoslavia"))
        with pytest.raises(ReadOnly):
            s.remove(france)
        with pytest.raises(FrozenError, match=r"Land\.name"):
            france.name = "République"
        with pytest.raises(ReadOnly):
            await s.mend(Land, "FR")
        france.tags.append("changed in place")
        with pytest.raises(ReadOnly):
            await s.commit()
        s.rollback()
        assert [land.name for land in await s.query(Land.where().sort(Land.code))] == ["France", "Kosovo"]
    with pytest.raises(ReadOnly):
        await reader.stores["main"].apply([Change(Verb.REMOVE, "land", "FR")])
    async with writer.session() as s:
        assert await s.count(Country.where()) == 2
    await writer.close()
    await reader.close()


async def test_what_is_only_read_is_not_dropped(tmp_path: Path) -> None:
    writer, reader = await _apps(f"sqlite:///{tmp_path}/it.db")
    store = reader.stores["main"]
    await reader.inspect()
    await drop(store)
    async with writer.session() as s:
        assert await s.count(Country.where()) == 2
    await writer.close()
    await reader.close()


async def test_references_lead_there(tmp_path: Path) -> None:
    writer, other = await _apps(f"sqlite:///{tmp_path}/it.db")
    await other.close()
    reader = Holdall("reader")
    reader.add_store("main", f"sqlite:///{tmp_path}/it.db")
    reader.add(Region, City, store="main")
    await reader.create()
    assert await reader.inspect() == {}
    async with reader.session() as s:
        s.add(City(id=1, region=await s.require(Region, "FR")))
    with pytest.raises(ValidationError, match="refers to a record that does not exist"):
        async with reader.session() as s:
            s.add(City(id=2, region="DE"))
    async with reader.session() as s:
        [city] = await s.query(City.where(City.region.name == "France"))
        assert (await city.region).name == "France"
        assert [each.id for each in await (await s.require(Region, "FR")).cities] == [1]
    assert (await reader.fsck()).checked > 0
    await writer.close()
    await reader.close()


@pytest.fixture
async def letters(tmp_path: Path) -> Holdall:
    """A view that has no key."""
    database = apsw.Connection(str(tmp_path / "it.db"))
    database.execute("CREATE TABLE word (text TEXT)")
    database.executemany("INSERT INTO word VALUES (?)", [("anna",), ("bob",), ("ada",)])
    database.execute(
        "CREATE VIEW letter AS SELECT substr(text, 1, 1) AS first, count(*) AS number FROM word GROUP BY 1"
    )
    database.close()
    app = Holdall("letters")
    app.add_store("main", f"sqlite:///{tmp_path}/it.db")
    app.add(Letter, store="main")
    return app


async def test_a_collection_without_a_key(letters: Holdall) -> None:
    assert await letters.inspect() == {}
    async with letters.session() as s:
        found = await s.query(Letter.where().sort(Letter.first))
        assert [(each.first, each.number) for each in found] == [("a", 2), ("b", 1)]
        assert (await s.one(Letter.where(Letter.number > 1))).first == "a"
        assert await s.count(Letter.where()) == 2
        assert not await s.exists(Letter.where(Letter.first == "c"))
        assert sorted([each.first async for each in s.stream(Letter.where())]) == ["a", "b"]
        assert await s.query(Letter.where().sort(Letter.first).offset(1).only(Letter.first)) == [("b",)]
        with pytest.raises(QueryError, match="Letter has no key"):
            await s.get(Letter, "a")
        with pytest.raises(FrozenError):
            found[0].number = 3
        with pytest.raises(ReadOnly):
            s.add(Letter(first="c", number=0))
        with pytest.raises(ReadOnly):
            s.remove(found[0])
    assert (await letters.fsck()).checked == 0
    await letters.close()


@pytest.mark.parametrize("url", ["memory:", "yaml:./nowhere", "redis://127.0.0.1:1/0"])
def test_stores_that_need_a_key_refuse_one_without(url: str) -> None:
    app = Holdall("letters")
    app.add_store("main", url)
    app.add(Letter, store="main")
    with pytest.raises(Unsupported, match="collections without a key"):
        app.bindings.configure()


def _without_key() -> None:
    class Odd(Model):
        name: str

    app = Holdall("odd")
    app.add_store("main", "memory:")
    app.add(Odd, store="main")


def _referring() -> None:
    class Odd(Model):
        id: int = field(pk=True)
        letter: Ref[Letter]

    app = Holdall("odd")
    app.add_store("main", "sqlite://")
    app.add(Odd, Letter, store="main")
    app.bindings.configure()


def _as_elsewhere() -> None:
    class Odd(Model, view=True):
        id: int = field(pk=True)


@pytest.mark.parametrize(
    "declare, told",
    [(_without_key, "read_only=True"), (_referring, "Letter has no key"), (_as_elsewhere, "read_only=True")],
)
def test_mistakes_are_told(declare: Callable[[], None], told: str) -> None:
    with pytest.raises(DeclarationError, match=told):
        declare()


async def test_a_store_itself_refuses() -> None:
    store = open_store("main", "memory:")
    store.bind([Schema("land", (FieldSchema("code", Kind.STR),), ("code",), is_read_only=True)])
    with pytest.raises(ReadOnly):
        await store.apply([Change(Verb.ADD, "land", "FR", ("code",), ("FR",))])
