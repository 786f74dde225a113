"""The other end of references, as it is written and read in one session."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from holdall import Fill, Holdall, Many, Model, Ref, Session, back, expr, field
from holdall.errors import NotLoaded, QueryError, ValidationError
from tests.support.library import OPEN

pytestmark = pytest.mark.anyio


class Driver(Model):
    id: int = field(pk=True, generated=True)
    licence: Ref[Licence | None] = back("holder")
    cars: Many[Car] = back("drivers")


class Licence(Model):
    id: int = field(pk=True, generated=True)
    number: str
    holder: Ref[Driver | None] = field(default=None, unique=True)


class Car(Model):
    id: int = field(pk=True, generated=True)
    drivers: Many[Driver] = field(default=())
    wheels: Many[Wheel] = back("car", fill=Fill.STORED)


class Wheel(Model):
    id: int = field(pk=True, generated=True)
    car: Ref[Car]


def garage(folder: Path) -> Holdall:
    app = Holdall("garage")
    OPEN.append(app)
    app.add_store("table", f"sqlite:///{folder}/garage.db")
    app.add_store("memory", "memory:")
    app.add(Driver, Licence, Wheel, store="table")
    app.add(Car, store="memory")
    return app


async def test_who_takes_a_unique_place_takes_it_from_who_had_it(tmp_path: Path) -> None:
    app = garage(tmp_path)
    await app.create()
    session = Session(app.bindings)
    ann, bob = session.add_all([Driver(), Driver()])
    first, second = session.add_all([Licence(number="1", holder=ann), Licence(number="2", holder=bob)])
    await session.commit()
    first.holder = bob  # bob's licence was loaded, and need not have been
    await session.commit()
    assert (second.holder.key, first.holder.key) == (None, bob.id)
    other = Session(app.bindings)
    other.add(Licence(number="3", holder=bob.id))
    await other.commit()
    holders = {item.number: item.holder.key for item in await Session(app.bindings).query(Licence.where())}
    assert holders == {"1": None, "2": None, "3": bob.id}
    found = await Session(app.bindings).query(Driver.where(Driver.licence.number == "3"))
    assert [item.id for item in found] == [bob.id]
    licence: Any = Driver.licence
    assert [item.id for item in await session.query(Driver.where(licence.is_null()))] == [ann.id]
    with pytest.raises(QueryError, match="other end"):
        licence == 1  # noqa: B015


async def test_the_one_at_the_other_end_is_read_once_loaded(tmp_path: Path) -> None:
    app = garage(tmp_path)
    await app.create()
    session = Session(app.bindings)
    ann = session.add(Driver())
    ann.licence = Licence(number="9")
    with pytest.raises(ValidationError):
        ann.licence = "x"
    licence = session.add(Licence(number="1"))
    ann.licence = licence
    assert licence.holder == ann
    await session.commit()
    with pytest.raises(NotLoaded):
        ann.licence.number  # noqa: B018
    assert "licence" in repr(ann.licence)
    assert await ann.licence is licence
    assert (ann.licence.number, ann.licence.key, bool(ann.licence)) == ("1", licence.id, True)
    assert ann.licence == licence
    assert str(licence.id) in repr(ann.licence)
    ann.licence = None
    await session.commit()
    assert await ann.licence is None
    assert ann.licence == None  # noqa: E711
    assert licence.holder.key is None


async def test_lists_are_written_from_either_end_by_record_and_by_key(tmp_path: Path) -> None:
    app = garage(tmp_path)
    await app.create()
    async with app.session() as session:
        drivers = session.add_all([Driver(), Driver()])
        cars = session.add_all([Car(), Car(drivers=drivers)])
    ids, car_ids = [driver.id for driver in drivers], [car.id for car in cars]
    session = Session(app.bindings)
    ann = await session.require(Driver, ids[0])
    ann.cars.add(car_ids[0])
    ann.cars.remove(car_ids[1])
    await session.commit()
    fresh = Session(app.bindings)
    found = {car.id: car.drivers.keys for car in await fresh.query(Car.where())}
    assert found == {car_ids[0]: (ids[0],), car_ids[1]: (ids[1],)}
    ann = await fresh.require(Driver, ids[0])
    await fresh.load(ann, expr(Driver.cars))
    assert ann.cars == [car_ids[0]]
    ann.cars.add(await fresh.require(Car, car_ids[1]))
    assert len(ann.cars) == 2
    ann.cars = []
    assert len(ann.cars) == 0
    await fresh.commit()
    found = {car.id: car.drivers.keys for car in await Session(app.bindings).query(Car.where())}
    assert found == {car_ids[0]: (), car_ids[1]: (ids[1],)}
    ann.cars = [77]
    with pytest.raises(ValidationError, match="cars: refers to a record that does not exist"):
        await fresh.commit()
    fresh.rollback()
    await fresh.commit()


async def test_a_stored_other_end_holds_keys_that_are_made_by_the_commit(tmp_path: Path) -> None:
    app = garage(tmp_path)
    await app.create()
    session = Session(app.bindings)
    car = session.add(Car())
    wheels = session.add_all(Wheel(car=car) for _ in range(4))
    await session.commit()
    assert set(car.wheels.keys) == {wheel.id for wheel in wheels}
    stored = await Session(app.bindings).require(Car, car.id)
    assert set(stored.wheels.keys) == {wheel.id for wheel in wheels}
    with pytest.raises(ValidationError, match="must not be null"):
        car.wheels.remove(wheels[0])
    session.rollback()
    spare = session.add(Car())
    spare.wheels.add(wheels[0])
    assert wheels[0].car == spare
    await session.commit()
    other = Session(app.bindings)
    assert len((await other.require(Car, car.id)).wheels) == 3
    assert (await other.require(Car, spare.id)).wheels.keys == (wheels[0].id,)
    bare = await other.require(Car, car.id)
    bare.wheels = []
    with pytest.raises(ValidationError, match="cannot be without its car"):
        await other.commit()
