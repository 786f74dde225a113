"""What the machine of ``test_references_against_dicts`` once found, each by itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from holdall import Session
from tests.support.every_reference import (
    FRONTS,
    LAYOUTS,
    MANY,
    MODELS,
    REQUIRED,
    Author,
    Book,
    Genre,
    Locker,
    Passport,
    Person,
    Player,
    Shelf,
    Tag,
    Team,
    club,
)

pytestmark = pytest.mark.anyio

Work = Callable[[Session], Awaitable[None]]


async def committed(folder: Path, layout: str, *works: Work) -> Session:
    """A session that sees what these left behind, each committed, beginning with two of everything."""

    app = club(layout, folder)
    await app.create()
    async with app.session() as session:
        for model in MODELS:
            for key in (1, 2):
                row: dict[str, Any] = {
                    name: [] if (source, name) in MANY else None for source, name in FRONTS if source is model
                }
                row |= {name: key for source, name in REQUIRED if source is model}
                session.add(model(id=key, **row))
    for work in works:
        async with app.session() as session:
            await work(session)
    return Session(app.bindings)


@pytest.fixture(params=sorted(LAYOUTS))
def layout(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


async def test_what_was_cut_off_before_its_owner_went_stays(layout: str, tmp_path: Path) -> None:
    async def give(session: Session) -> None:
        (await session.require(Passport, 1)).owner = 1

    async def cut(session: Session) -> None:
        person = await session.require(Person, 1)
        person.passport = None
        session.remove(person)

    session = await committed(tmp_path, layout, give, cut)
    passport = await session.require(Passport, 1)
    assert passport.owner.key is None


async def test_a_key_that_stays_in_a_changed_list_is_unlinked(layout: str, tmp_path: Path) -> None:
    async def tag(session: Session) -> None:
        (await session.require(Book, 1)).tags = [1]

    async def change(session: Session) -> None:
        (await session.require(Book, 1)).tags = [1, 2]
        session.remove(await session.require(Tag, 1))

    session = await committed(tmp_path, layout, tag, change)
    assert (await session.require(Book, 1)).tags.keys == (2,)


async def test_a_record_put_on_a_list_and_then_removed_is_not_on_it(layout: str, tmp_path: Path) -> None:
    async def change(session: Session) -> None:
        shelf, genre, book = (
            await session.require(Shelf, 2),
            await session.require(Genre, 2),
            await session.require(Book, 1),
        )
        shelf.books.add(book)
        genre.books = [book]
        session.remove(await session.require(Author, 1))

    session = await committed(tmp_path, layout, change)
    assert (await session.require(Shelf, 2)).books.keys == ()
    assert (await session.require(Genre, 2)).books.keys == ()


async def test_what_a_record_that_goes_refers_to_is_of_no_account(layout: str, tmp_path: Path) -> None:
    async def change(session: Session) -> None:
        (await session.require(Player, 1)).mentor = 2
        session.remove(await session.require(Team, 1))
        session.remove(await session.require(Team, 2))

    session = await committed(tmp_path, layout, change)
    assert await session.query(Player.where()) == []


async def test_one_place_changes_hands_and_is_given_back(layout: str, tmp_path: Path) -> None:
    async def give(session: Session) -> None:
        (await session.require(Locker, 2)).owner = 1

    async def take(session: Session) -> None:
        (await session.require(Person, 2)).locker = await session.require(Locker, 2)

    session = await committed(tmp_path, layout, give, take)
    assert (await session.require(Person, 1)).locker.key is None
    assert (await session.require(Person, 2)).locker.key == 2
    assert (await session.require(Locker, 2)).owner.key == 2
