"""Natural keys that change: whatever refers to the record follows in the same commit, in one store and across two."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from holdall import Fill, Holdall, Many, Model, Ref, Session, State, back, field, state_of
from holdall.errors import (
    CommitAborted,
    StateError,
    Unsupported,
    ValidationError,
)
from tests.support.dropping import drop

pytestmark = pytest.mark.anyio


class Country(Model):
    code: str = field(pk=True, length=(1, 8))
    name: str = field(unique=True)
    capital: Ref[City | None] = field(default=None)
    neighbours: Many[Country] = field(default=())
    cities: Many[City] = back("country")
    version: int = field(version=True)


class City(Model):
    name: str = field(pk=True)
    country: Ref[Country]
    people: int = 0
    version: int = field(version=True)
    rooms: Many[Room] = back("city", fill=Fill.STORED)


class Note(Model):
    """Has no version, and a list of references."""

    id: int = field(pk=True)
    about: Ref[Country | None] = field(default=None)
    mentioned: Many[Country] = field(default=())


class House(Model):
    """Its key holds a reference."""

    city: Ref[City] = field(pk=True)
    number: int = field(pk=True)
    colour: str = "white"


class Room(Model):
    """Refers to a composite key, and stands in a stored list."""

    label: str = field(pk=True)
    house: Ref[House | None] = field(default=None)
    city: Ref[City | None] = field(default=None)


MODELS: list[type[Model]] = [Country, City, Note, House, Room]
STORES = ["memory", "sqlite", "yaml", "postgres_url", "mariadb_url", "mongo_url", "redis_url"]
NEAR_COUNTRIES = {Country, Note}


def _url(request: pytest.FixtureRequest, name: str, folder: Path) -> str:
    urls = {"memory": "memory:", "sqlite": f"sqlite:///{folder}/atlas.db", "yaml": f"yaml:{folder}/atlas"}
    return urls.get(name) or request.getfixturevalue(name)


async def _opened(app: Holdall) -> Holdall:
    app.bindings.configure()
    for store in app.stores.values():
        await drop(store)
    await app.create()
    return app


async def _closed(app: Holdall) -> None:
    for store in app.stores.values():
        await drop(store)
    await app.close()


@pytest.fixture(params=STORES)
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Holdall]:
    app = Holdall("atlas", journal=f"sqlite:///{tmp_path}/journal.db")
    url = _url(request, request.param, tmp_path)
    app.add_store("main", url, **({"scan_limit": 1_000} if url.startswith("redis") else {}))
    for model in MODELS:
        app.add(model, store="main")
    yield await _opened(app)
    await _closed(app)


@pytest.fixture(
    params=[("sqlite", "yaml"), ("yaml", "sqlite"), ("mongo_url", "redis_url"), ("postgres_url", "mongo_url")]
)
async def scattered(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Holdall]:
    """Countries and notes in one store, the rest in another."""
    app = Holdall("atlas", journal=f"sqlite:///{tmp_path}/journal.db")
    for name, kind in zip(("near", "far"), request.param, strict=True):
        url = _url(request, kind, tmp_path)
        app.add_store(name, url, **({"scan_limit": 1_000} if url.startswith("redis") else {}))
    for model in MODELS:
        app.add(model, store="near" if model in NEAR_COUNTRIES else "far")
    yield await _opened(app)
    await _closed(app)


async def _fill(app: Holdall) -> None:
    async with app.session() as session:
        france, spain = Country(code="FR", name="France"), Country(code="ES", name="Spain")
        france.neighbours = [spain]
        spain.neighbours = [france]
        session.add_all([france, spain])
        await session.commit()
        paris, lyon = City(name="Paris", country=france, people=2), City(name="Lyon", country=france)
        madrid = City(name="Madrid", country=spain)
        session.add_all([paris, lyon, madrid])
        await session.commit()
        france.capital = paris
        session.add_all([Note(id=1, about=france, mentioned=[spain, france]), Note(id=2, about=spain)])
        house = session.add(House(city=paris, number=4, colour="red"))
        session.add_all([Room(label="attic", house=house, city=paris), Room(label="shed", city=lyon)])


async def _seen(app: Holdall) -> dict[str, Any]:
    """All records as a fresh session has them."""
    async with app.session() as session:
        found: dict[str, Any] = {}
        for country in await session.query(Country.where()):
            neighbours = sorted(str(item.key) for item in country.neighbours)
            found[country.code] = country.name, country.capital.key, neighbours
        for city in await session.query(City.where()):
            found[city.name] = city.country.key, city.people, sorted(str(item.key) for item in city.rooms)
        for note in await session.query(Note.where()):
            found[f"note {note.id}"] = note.about.key, [item.key for item in note.mentioned]
        for house in await session.query(House.where()):
            found[f"house {house.number}"] = house.city.key, house.colour
        for room in await session.query(Room.where()):
            found[room.label] = room.house.key, room.city.key
    return found


def _renamed(found: Any, old: str, new: str) -> Any:
    """What was seen with another name in the place of one."""
    if isinstance(found, dict):
        return {_renamed(key, old, new): _renamed(value, old, new) for key, value in found.items()}
    if isinstance(found, list | tuple):
        return type(found)(_renamed(item, old, new) for item in found)
    return new if found == old else found


async def test_all_that_refers_to_a_record_follows(app: Holdall) -> None:
    await _fill(app)
    before = await _seen(app)
    async with app.session() as session:
        session.change_key(await session.require(Country, "FR"), "FRA")
    assert await _seen(app) == _renamed(before, "FR", "FRA")
    async with app.session() as session:
        assert await session.get(Country, "FR") is None
        assert await session.count(City.where(City.country.code == "FRA")) == 2
        assert await session.count(City.where(City.country.name == "France")) == 2
    assert not (await app.fsck()).findings


async def test_a_key_that_is_a_part_of_other_keys_changes_them(app: Holdall) -> None:
    await _fill(app)
    before = await _seen(app)
    async with app.session() as session:
        session.change_key(await session.require(City, "Paris"), "Lutetia")
    after = await _seen(app)
    assert after.pop("attic") == (("Lutetia", 4), "Lutetia")
    before.pop("attic")
    assert after == _renamed(before, "Paris", "Lutetia")


async def test_composite_keys_and_names_in_stored_lists_change(app: Holdall) -> None:
    await _fill(app)
    async with app.session() as session:
        session.change_key(await session.require(House, "Paris", 4), "Lyon", 9)
        session.change_key(await session.require(Room, "attic"), "loft")
    after = await _seen(app)
    assert after["house 9"] == ("Lyon", "red")
    assert "house 4" not in after
    assert after["loft"] == (("Lyon", 9), "Paris")
    assert after["Paris"] == ("FR", 2, ["loft"])


async def test_records_of_other_stores_follow(scattered: Holdall) -> None:
    await _fill(scattered)
    before = await _seen(scattered)
    async with scattered.session() as session:
        session.change_key(await session.require(Country, "FR"), "FRA")
        session.change_key(await session.require(City, "Paris"), "Lutetia")
    after = await _seen(scattered)
    assert after.pop("attic") == (("Lutetia", 4), "Lutetia")
    before.pop("attic")
    assert after == _renamed(_renamed(before, "FR", "FRA"), "Paris", "Lutetia")
    assert not (await scattered.fsck()).findings


async def test_the_session_knows_the_new_key_only(app: Holdall) -> None:
    await _fill(app)
    async with app.session() as session:
        france = await session.require(Country, "FR")
        paris, lyon = await session.require(City, "Paris"), await session.require(City, "Lyon")
        await session.load(paris, City.country)
        session.change_key(france, "FRA")
        assert france.code == "FRA"
        assert await session.get(Country, "FR") is france
        assert await session.get(Country, "FRA") is france
        assert state_of(france) is State.DIRTY
        assert "country" in str(session.plan())
        assert "city" in str(await session.expand())
        assert state_of(france) is State.DIRTY
        await session.commit()
        assert state_of(france) is State.CLEAN
        assert await session.get(Country, "FR") is None
        assert await session.get(Country, "FRA") is france
        assert (paris.country.key, lyon.country.key) == ("FRA", "FRA")
        assert state_of(paris) is State.CLEAN
        france.name, paris.people = "République française", 3
        await session.commit()
    assert (await _seen(app))["FRA"][0] == "République française"


async def test_versions_go_on(app: Holdall) -> None:
    await _fill(app)
    async with app.session() as first, app.session() as second:
        mine, other = await first.require(Country, "ES"), await second.require(Country, "ES")
        city, same_city = await first.require(City, "Madrid"), await second.require(City, "Madrid")
        before, city_before = mine.version, city.version
        first.change_key(mine, "ESP")
        await first.commit()
        assert (mine.version, city.version) == (before + 1, city_before + 1)
        other.name = "Iberia"
        with pytest.raises(CommitAborted):
            await second.commit()
        second.rollback()
        same_city.people = 1
        with pytest.raises(CommitAborted):
            await second.commit()
        second.rollback()
    async with app.session() as session:
        assert (await session.require(Country, "ESP")).version == before + 1


async def test_a_change_that_came_too_late_is_refused(app: Holdall) -> None:
    await _fill(app)
    async with app.session() as late:
        spain, note = await late.require(Country, "ES"), await late.require(Note, 2)
        async with app.session() as first:
            (await first.require(Country, "ES")).name = "Iberia"
            (await first.require(Note, 2)).mentioned = ["FR"]
        late.change_key(spain, "ESP")
        with pytest.raises(CommitAborted):
            await late.commit()
        assert spain.code == "ESP"
        assert state_of(spain) is State.DIRTY
        late.rollback()
        assert spain.code == "ES"
        assert await late.get(Country, "ESP") is None
        late.change_key(note, 7)
        with pytest.raises(CommitAborted):
            await late.commit()
        late.rollback()
    found = await _seen(app)
    assert found["ES"][0] == "Iberia"
    assert found["note 2"] == ("ES", ["FR"])


async def test_a_key_that_is_taken_is_refused_and_nothing_changes(app: Holdall) -> None:
    await _fill(app)
    before = await _seen(app)
    async with app.session() as session:
        france = await session.require(Country, "FR")
        session.change_key(france, "ES")
        with pytest.raises(CommitAborted):
            await session.commit()
        session.change_key(france, "FRA")
        await session.commit()
        spain = await session.require(Country, "ES")
        with pytest.raises(StateError, match="already holds"):
            session.change_key(spain, "FRA")
    assert await _seen(app) == _renamed(before, "FR", "FRA")


async def test_other_changes_go_with_it(app: Holdall) -> None:
    await _fill(app)
    async with app.session() as session:
        france, spain = await session.require(Country, "FR"), await session.require(Country, "ES")
        lyon = await session.require(City, "Lyon")
        session.change_key(france, "FRA")
        france.name, france.neighbours = "République", []
        lyon.country = spain
        session.add(City(name="Nice", country=france))
        session.add(City(name="Brest", country="F"))
        session.add(City(name="Metz", country="FR"))
        session.remove(await session.require(Note, 1))
        session.change_key(france, "F")
    found = await _seen(app)
    assert found["F"] == ("République", "Paris", [])
    assert (found["Lyon"][0], found["Nice"][0], found["Metz"][0]) == ("ES", "F", "F")
    assert "note 1" not in found
    assert "FRA" not in found


async def test_a_key_that_is_put_back_is_no_change(app: Holdall) -> None:
    await _fill(app)
    async with app.session() as session:
        france = await session.require(Country, "FR")
        session.change_key(france, "FRA")
        session.change_key(france, "FR")
        assert state_of(france) is State.CLEAN
        assert str(session.plan()) == "nothing to write"
        new = session.add(Country(code="IT", name="Italy"))
        session.change_key(new, "ITA")
    assert (await _seen(app))["ITA"][0] == "Italy"


async def test_a_transaction_takes_it_back(app: Holdall) -> None:
    await _fill(app)
    before = await _seen(app)
    try:
        block = Session.transaction
        async with app.session() as session, block(session, "main"):
            france = await session.require(Country, "FR")
            session.change_key(france, "FRA")
            assert await session.count(City.where(City.country.code == "FRA")) == 2
            raise LookupError
    except Unsupported:
        pytest.skip("the store has no transactions")
    except LookupError:
        assert france.code == "FR"
    assert await _seen(app) == before


@pytest.mark.parametrize(
    "change, error",
    [
        (lambda session, record: session.change_key(record, "x" * 9), ValidationError),
        (lambda session, record: session.change_key(record, 7), ValidationError),
        (lambda session, record: session.change_key(record, None), ValidationError),
        (lambda session, record: session.change_key(record), StateError),
        (lambda session, record: session.change_key(record, "a", "b"), StateError),
        (lambda session, record: session.change_key(Country(code="IT", name="Italy"), "b"), StateError),
        (lambda session, record: session.change_key(Country, "b"), StateError),
    ],
)
async def test_what_cannot_be_a_key_is_refused(
    change: Callable[[Session, Country], None], error: type[Exception]
) -> None:
    app = Holdall("atlas")
    app.add_store("main", "memory:")
    for model in MODELS:
        app.add(model, store="main")
    async with app.session() as session:
        france = session.add(Country(code="FR", name="France"))
        await session.commit()
        with pytest.raises(error):
            change(session, france)
        assert france.code == "FR"
        assert state_of(france) is State.CLEAN


async def test_an_assigned_key_is_refused_with_what_to_do() -> None:
    app = Holdall("atlas")
    app.add_store("main", "memory:")
    for model in MODELS:
        app.add(model, store="main")
    async with app.session() as session:
        france = session.add(Country(code="FR", name="France"))
        await session.commit()
        france.code = "FRA"
        with pytest.raises(StateError, match=r"change_key\(\)"):
            await session.commit()
        session.rollback()
