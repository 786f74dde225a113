"""What a store that is written after the decision would refuse is refused before it, wherever that can be seen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from holdall import Holdall, Model, Session, field
from holdall.errors import AlreadyExists, CommitAborted, HoldallError, StaleVersion, UniqueViolation

pytestmark = pytest.mark.anyio


class Deed(Model):
    id: int = field(pk=True)


class Label(Model):
    id: int = field(pk=True)
    text: str | None = field(default=None, unique=True)
    version: int = field(version=True)


class Seat(Model):
    row: int = field(pk=True)
    place: int = field(pk=True)
    taken: bool = False


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[Holdall]:
    """Deeds in a database; labels and seats in files, where two labels and a seat are already."""
    app = Holdall("seats", journal=f"sqlite:///{tmp_path}/journal.db")
    app.add_store("main", f"sqlite:///{tmp_path}/main.db")
    app.add_store("files", f"yaml:{tmp_path}/files")
    app.add(Deed, store="main")
    app.add(Label, Seat, store="files")
    await app.create()
    async with app.session() as session:
        session.add_all([Label(id=1, text="a"), Label(id=2, text="b")])
        session.add(Seat(row=1, place=1))
    yield app
    await app.close()


async def refused(app: Holdall, session: Session, reason: type[HoldallError]) -> None:
    """What the session has, and a deed, is refused for the reason, and leaves no deed."""
    session.add(Deed(id=1))
    with pytest.raises(CommitAborted) as caught:
        await session.commit()
    assert type(caught.value.__cause__) is reason
    assert await Session(app.bindings).get(Deed, 1) is None


async def test_a_value_that_is_taken(app: Holdall) -> None:
    session = Session(app.bindings)
    session.add(Label(id=3, text="a"))
    await refused(app, session, UniqueViolation)


async def test_a_key_of_several_fields_that_is_taken(app: Holdall) -> None:
    session = Session(app.bindings)
    session.add(Seat(row=1, place=1))
    await refused(app, session, AlreadyExists)


async def test_a_value_that_is_taken_by_an_edit(app: Holdall) -> None:
    session = Session(app.bindings)
    (await session.require(Label, 2)).text = "a"
    await refused(app, session, UniqueViolation)


async def test_a_record_with_a_key_of_several_fields_that_is_gone(app: Holdall) -> None:
    session = Session(app.bindings)
    (await session.require(Seat, (1, 1))).taken = True
    async with app.session() as other:
        other.remove(await other.require(Seat, (1, 1)))
    await refused(app, session, StaleVersion)


async def test_values_that_change_places_are_in_nobodys_way(app: Holdall) -> None:
    async with app.session() as session:
        session.add(Deed(id=1))
        one, two = await session.require(Label, 1), await session.require(Label, 2)
        one.text, two.text = two.text, one.text
        session.add_all([Label(id=3), Label(id=4), Seat(row=1, place=2)])
    async with app.session() as session:
        assert [(await session.require(Label, key)).text for key in (1, 2, 3)] == ["b", "a", None]
        assert await session.get(Deed, 1) is not None
