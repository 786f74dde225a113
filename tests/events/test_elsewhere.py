"""Events of adopted classes, of hand-written access, of records that get other keys, and of upserts."""

from __future__ import annotations

from typing import Any

import pytest

from holdall import Event, Holdall, Model, created, field
from holdall.dao import DAO

pytestmark = pytest.mark.anyio


class Code(Model, collection="codes"):
    code: str = field(pk=True)
    name: str = ""


class Guest(Model, collection="guests"):
    id: int = field(pk=True)
    name: str = ""


class Guests(DAO[Guest]):
    """A house book."""

    def __init__(self) -> None:
        self.kept: dict[int, str] = {}

    async def get(self, *, id: int) -> Guest | None:  # noqa: A002 - the name of its field
        return Guest(id=id, name=self.kept[id]) if id in self.kept else None

    async def add(self, guest: Guest) -> None:
        self.kept[guest.id] = guest.name

    async def update(self, guest: Guest) -> None:
        self.kept[guest.id] = guest.name

    async def remove(self, guest: Guest) -> None:
        del self.kept[guest.id]


async def test_adopted_classes_have_events() -> None:
    orm = pytest.importorskip("sqlalchemy.orm")

    class Base(orm.DeclarativeBase):  # type: ignore[misc,name-defined]
        pass

    class Person(Base):
        __tablename__ = "people"
        id = orm.mapped_column(__import__("sqlalchemy").Integer, primary_key=True)
        name = orm.mapped_column(__import__("sqlalchemy").String(50), nullable=False)
        created = orm.mapped_column(__import__("sqlalchemy").Integer, nullable=False)

    model: Any = Model.adopt(Person)
    app, told = Holdall("people"), list[tuple[str, Any]]()
    app.add_store("main", "sqlite://")
    app.add(model, store="main")

    @app.on(created(model), model.changed("name"))
    async def tell(event: Any) -> None:
        told.append((event.kind, event.new["name"]))

    await app.create()
    async with app.session() as session:
        person = session.add(model(name="Ann", created=1))
        await session.commit()
        person.name = "Anne"
    assert told == [("created", "Ann"), ("changed", "Anne")]
    await app.close()


async def test_a_record_that_gets_another_key_is_created_and_deleted() -> None:
    app = Holdall("codes")
    app.add_store("main", "sqlite://")
    app.add(Code, store="main")
    app.after(Code.created, Code.changed, Code.deleted, name="tell")(print)
    await app.create()
    async with app.session() as session:
        code = session.add(Code(code="A"))
        await session.commit()
        session.change_key(code, "B")
    told = sorted([(entry.kind, entry.key) async for entry in app.outbox.entries()])
    assert told == [("created", "A"), ("created", "B"), ("deleted", "A")]
    await app.close()


async def test_upserts_have_events() -> None:
    app, told = Holdall("codes"), list[Any]()
    app.add_store("main", "memory:")
    app.add(Code, store="main")

    @app.on(Code.created, Code.changed)
    async def tell(event: Any) -> None:
        assert await event.session.get(Code, "nothing") is None
        told.append((event.kind, event.new))

    async with app.session() as session:
        await session.upsert(Code, {"code": "A"}, {"name": "a"})
        await session.upsert(Code, {"code": "A"}, {"name": "b"})
    assert told == [("created", {"code": "A", "name": "a"}), ("changed", {"name": "b"})]


async def test_events_of_hand_written_access_lie_in_the_first_store_that_keeps_them() -> None:
    app, told = Holdall("inn"), list[Event]()
    app.add_store("main", "memory:")
    app.add(Code, store="main")
    guests = Guests()
    app.add_dao(guests)

    @app.after(Guest.created, Guest.changed, Guest.deleted, name="tell")
    async def tell(event: Event) -> None:
        told.append(event)

    async with app.session() as session:
        session.add(Guest(id=1, name="Ann"))
    async with app.session() as session:
        (await session.require(Guest, 1)).name = "Anne"
    async with app.session() as session:
        session.remove(await session.require(Guest, 1))
    assert guests.kept == {}
    assert [entry.id async for entry in app.outbox.entries()] == ["main:1", "main:2", "main:3"]
    assert (await app.outbox.deliver()).delivered == 3
    assert [(event.kind, event.key) for event in told] == [("created", 1), ("changed", 1), ("deleted", 1)]
    assert (told[1].old, told[1].new) == ({"name": "Ann"}, {"name": "Anne"})
    await app.close()
