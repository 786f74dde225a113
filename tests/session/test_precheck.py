"""What a store that is written after the decision would refuse is refused before it, wherever that can be seen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from holdall import Holdall, Model, Session, field
from holdall.errors import AlreadyExists, CommitAborted, HoldallError, StaleVersion, UniqueViolation

Scene = Callable[[Holdall], Awaitable[None]]


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


def played(folder: Path, scene: Scene) -> None:
    """Deeds in a database; labels and seats in files, where two labels and a seat are already."""

    async def main() -> None:
        app = Holdall("seats", journal=f"sqlite:///{folder}/journal.db")
        app.add_store("main", f"sqlite:///{folder}/main.db")
        app.add_store("files", f"yaml:{folder}/files")
        app.add(Deed, store="main")
        app.add(Label, Seat, store="files")
        await app.create()
        async with app.session() as session:
            session.add_all([Label(id=1, text="a"), Label(id=2, text="b")])
            session.add(Seat(row=1, place=1))
        await scene(app)
        await app.close()

    asyncio.run(main())


async def refused(app: Holdall, session: Session, reason: type[HoldallError]) -> None:
    """What the session has, and a deed, is refused for the reason, and leaves no deed."""
    session.add(Deed(id=1))
    with pytest.raises(CommitAborted) as caught:
        await session.commit()
    assert type(caught.value.__cause__) is reason
    assert await Session(app.bindings).get(Deed, 1) is None


def test_a_value_that_is_taken(tmp_path: Path) -> None:
    async def scene(app: Holdall) -> None:
        session = Session(app.bindings)
        session.add(Label(id=3, text="a"))
        await refused(app, session, UniqueViolation)

    played(tmp_path, scene)


def test_a_key_of_several_fields_that_is_taken(tmp_path: Path) -> None:
    async def scene(app: Holdall) -> None:
        session = Session(app.bindings)
        session.add(Seat(row=1, place=1))
        await refused(app, session, AlreadyExists)

    played(tmp_path, scene)


def test_a_value_that_is_taken_by_an_edit(tmp_path: Path) -> None:
    async def scene(app: Holdall) -> None:
        session = Session(app.bindings)
        (await session.require(Label, 2)).text = "a"
        await refused(app, session, UniqueViolation)

    played(tmp_path, scene)


def test_a_record_with_a_key_of_several_fields_that_is_gone(tmp_path: Path) -> None:
    async def scene(app: Holdall) -> None:
        session = Session(app.bindings)
        (await session.require(Seat, (1, 1))).taken = True
        async with app.session() as other:
            other.remove(await other.require(Seat, (1, 1)))
        await refused(app, session, StaleVersion)

    played(tmp_path, scene)


def test_values_that_change_places_are_in_nobodys_way(tmp_path: Path) -> None:
    async def scene(app: Holdall) -> None:
        async with app.session() as session:
            session.add(Deed(id=1))
            one, two = await session.require(Label, 1), await session.require(Label, 2)
            one.text, two.text = two.text, one.text
            session.add_all([Label(id=3), Label(id=4), Seat(row=1, place=2)])
        async with app.session() as session:
            assert [(await session.require(Label, key)).text for key in (1, 2, 3)] == ["b", "a", None]
            assert await session.get(Deed, 1) is not None

    played(tmp_path, scene)
