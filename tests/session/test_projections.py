"""Single fields of records come as the model has their values, also from behind references."""

from __future__ import annotations

from collections.abc import AsyncIterator
from enum import Enum

import msgspec
import pytest

from holdall import Holdall, Model, Ref, field
from holdall.errors import CorruptRecord
from holdall.store import Change, Verb

pytestmark = pytest.mark.anyio


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Size(msgspec.Struct, frozen=True):
    width: int
    height: int


class Person(Model):
    id: int = field(pk=True)
    favourite: Color | None = None


class Thing(Model):
    id: int = field(pk=True)
    color: Color
    size: Size | None = None
    tags: frozenset[str] = frozenset()
    owner: Ref[Person | None] = field(default=None)


@pytest.fixture(params=["memory:", "sqlite://"])
async def app(request: pytest.FixtureRequest) -> AsyncIterator[Holdall]:
    app = Holdall("things")
    app.add_store("main", request.param)
    app.add(Person, Thing, store="main")
    await app.create()
    async with app.session() as session:
        ann = session.add(Person(id=1, favourite=Color.BLUE))
        session.add(Thing(id=1, color=Color.RED, size=Size(2, 3), tags=frozenset({"a"}), owner=ann))
        session.add(Thing(id=2, color=Color.BLUE))
    yield app
    await app.close()


async def test_values_are_of_the_types_of_their_fields(app: Holdall) -> None:
    async with app.session() as session:
        query = Thing.where().sort(Thing.id).only(Thing.id, Thing.color, Thing.size, Thing.tags)
        assert await session.query(query) == [
            (1, Color.RED, Size(2, 3), frozenset({"a"})),
            (2, Color.BLUE, None, frozenset()),
        ]


async def test_values_from_behind_references_are(app: Holdall) -> None:
    async with app.session() as session:
        query = Thing.where().sort(Thing.id).only(Thing.owner.favourite)
        assert await session.query(query) == [(Color.BLUE,), (None,)]


async def test_a_value_that_the_model_does_not_know_is_told_by_its_field(app: Holdall) -> None:
    await app.stores["main"].apply([Change(Verb.UPDATE, "thing", 2, ("color",), ("green",))])
    async with app.session() as session:
        with pytest.raises(CorruptRecord, match="color") as broken:
            await session.query(Thing.where().only(Thing.id, Thing.color))
        assert "green" not in str(broken.value)
        assert await session.query(Thing.where(Thing.id == 2).only(Thing.id, Thing.tags)) == [(2, frozenset())]
