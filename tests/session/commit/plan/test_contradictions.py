"""A commit that sets a reference to a record and removes that record contradicts itself, wherever the two are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from holdall import Holdall, Many, Model, OnDelete, Ref, Session, back, field
from holdall.errors import ValidationError
from tests.support.every_reference import (
    LAYOUTS,
    MODELS,
    Author,
    Book,
    Genre,
    Locker,
    Node,
    Oracle,
    Passport,
    Person,
    Player,
    Refused,
    Shelf,
    Tag,
    Team,
    club,
)
from tests.support.library import OPEN

pytestmark = pytest.mark.anyio


class Case(NamedTuple):
    """Records as they are stored, one field of one of them that is changed, and what is removed beside that."""

    stored: list[Any]
    changed: Any
    field: str
    value: Any
    removed: list[Any]
    """A first one before the change, the others after it."""


BOOK: dict[str, Any] = {"tags": [], "genres": [], "shelf": None}
TEAM: list[Any] = [(Team, 1, {"captain": None}), *[(Player, key, {"team": 1, "mentor": None}) for key in (1, 2)]]
CASES: dict[str, Case] = {
    # what the machine of test_references found: the stored reference leads to a removed record, too
    "cascade": Case(
        [(Author, 1, {}), (Author, 2, {}), (Book, 1, {**BOOK, "author": 1}), (Book, 2, {**BOOK, "author": 2})],
        *((Book, 1), "author", 2, [(Author, 1), (Author, 2)]),
    ),
    "cascade to a record of which the old target stays": Case(
        [(Author, 1, {}), (Author, 2, {}), (Book, 1, {**BOOK, "author": 1})],
        *((Book, 1), "author", 2, [(Author, 2)]),
    ),
    "unlink": Case(
        [(Author, 1, {}), (Shelf, 1, {}), (Shelf, 2, {}), (Book, 1, {**BOOK, "author": 1, "shelf": 1})],
        *((Book, 1), "shelf", 2, [(Shelf, 1), (Shelf, 2)]),
    ),
    "unlink without another end": Case(
        [*TEAM, (Team, 2, {"captain": 1})],
        *((Team, 2), "captain", 2, [(Player, 1), (Player, 2)]),
    ),
    "a list that grows": Case(
        [(Author, 1, {}), (Tag, 1, {}), (Tag, 2, {}), (Book, 1, {**BOOK, "author": 1, "tags": [1]})],
        *((Book, 1), "tags", [1, 2], [(Tag, 1), (Tag, 2)]),
    ),
    "a list that is replaced": Case(
        [(Author, 1, {}), (Tag, 1, {}), (Tag, 2, {}), (Book, 1, {**BOOK, "author": 1, "tags": [1]})],
        *((Book, 1), "tags", [2], [(Tag, 1), (Tag, 2)]),
    ),
    "a list that restricts": Case(
        [(Author, 1, {}), (Genre, 1, {}), (Genre, 2, {}), (Book, 1, {**BOOK, "author": 1, "genres": [1]})],
        *((Book, 1), "genres", [2], [(Genre, 1), (Genre, 2)]),
    ),
    "restrict": Case(
        [*TEAM, (Player, 3, {"team": 1, "mentor": 1})],
        *((Player, 3), "mentor", 2, [(Player, 1), (Player, 2)]),
    ),
    "one to one, cascade": Case(
        [(Person, 1, {}), (Person, 2, {}), (Passport, 1, {"owner": 1})],
        *((Passport, 1), "owner", 2, [(Person, 1), (Person, 2)]),
    ),
    "one to one, unlink, with a stored other end": Case(
        [(Person, 1, {}), (Person, 2, {}), (Locker, 1, {"owner": 1})],
        *((Locker, 1), "owner", 2, [(Person, 1), (Person, 2)]),
    ),
    "within a tree that goes by its root": Case(
        [(Node, 1, {"parent": None}), (Node, 2, {"parent": 1}), (Node, 3, {"parent": 1})],
        *((Node, 3), "parent", 2, [(Node, 1)]),
    ),
    "an empty reference": Case(
        [(Node, 1, {"parent": None}), (Node, 2, {"parent": None})],
        *((Node, 2), "parent", 1, [(Node, 1)]),
    ),
}


async def stored(layout: str, folder: Path, records: list[Any]) -> tuple[Holdall, Oracle]:
    app, oracle = club(layout, folder), Oracle()
    await app.create()
    async with app.session() as session:
        for model, key, values in records:
            session.add(model(id=key, **values))
            oracle.now[model][key] = dict(values)
    oracle.commit()
    return app, oracle


async def demand_nothing_written(app: Holdall, oracle: Oracle) -> None:
    session = Session(app.bindings)
    for model in MODELS:
        assert {record.id for record in await session.query(model.where())} == oracle.stored[model].keys()
    assert (await app.fsck()).is_whole


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_a_new_reference_to_what_is_removed_is_refused_by_name(case: Case, layout: str, tmp_path: Path) -> None:
    app, oracle = await stored(layout, tmp_path, case.stored)
    session, (model, key) = Session(app.bindings), case.changed
    record = await session.require(model, key)
    for number, (removed, removed_key) in enumerate(case.removed):
        session.remove(await session.require(removed, removed_key))
        del oracle.now[removed][removed_key]
        if not number:
            setattr(record, case.field, case.value)
            oracle.now[model][key][case.field] = case.value
    with pytest.raises(ValidationError, match="is removed") as caught:
        await session.commit()
    assert {error.path.split(".")[0] for error in caught.value.errors} == {case.field}
    assert {error.code for error in caught.value.errors} == {"reference"}
    with pytest.raises(Refused):
        oracle.commit()
    await demand_nothing_written(app, oracle)
    session.rollback()
    setattr(record, case.field, case.value)
    await session.commit()  # without the removals there is no contradiction
    changed = getattr(await Session(app.bindings).require(model, key), case.field)
    assert (list(changed.keys) if isinstance(case.value, list) else changed.key) == case.value


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
async def test_so_is_one_that_is_set_at_the_other_end_by_key(layout: str, tmp_path: Path) -> None:
    records: list[Any] = [(Author, 1, {}), (Author, 2, {}), (Book, 1, {**BOOK, "author": 1})]
    app, oracle = await stored(layout, tmp_path, records)
    session = Session(app.bindings)
    owner = await session.require(Author, 2)
    owner.books.add(1)  # not loaded, so that the commit alone will change it
    session.remove(owner)
    with pytest.raises(ValidationError, match="author: refers to a record that is removed"):
        await session.commit()
    await demand_nothing_written(app, oracle)


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
async def test_so_is_one_that_is_set_at_an_end_that_goes_with_another(layout: str, tmp_path: Path) -> None:
    nodes: list[Any] = [(Node, 1, {"parent": None}), (Node, 2, {"parent": 1}), (Node, 3, {"parent": None})]
    app, oracle = await stored(layout, tmp_path, nodes)
    session = Session(app.bindings)
    (await session.require(Node, 2)).children.add(3)
    session.remove(await session.require(Node, 1))
    with pytest.raises(ValidationError, match="parent: refers to a record that is removed"):
        await session.commit()
    await demand_nothing_written(app, oracle)


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
async def test_what_is_removed_itself_may_refer_to_what_is_removed(layout: str, tmp_path: Path) -> None:
    app, _ = await stored(layout, tmp_path, CASES["cascade"].stored)
    session = Session(app.bindings)
    one, two, book = await session.require(Author, 1), await session.require(Author, 2), await session.require(Book, 1)
    book.author = two
    session.remove(book)
    session.remove(one)
    session.remove(two)
    await session.commit()
    assert await session.query(Author.where()) == []
    assert await session.query(Book.where()) == []


class Room(Model):
    id: int = field(pk=True)
    desks: Many[Desk] = back("room", on_delete=OnDelete.CASCADE)


class Lamp(Model):
    id: int = field(pk=True)
    desks: Many[Desk] = back("lamp", on_delete=OnDelete.CASCADE)


class Desk(Model):
    id: int = field(pk=True)
    room: Ref[Room]
    lamp: Ref[Lamp | None] = field(default=None)


@pytest.mark.parametrize("stores", [("memory:", "memory:"), ("sqlite://", "sqlite://"), ("memory:", "sqlite://")])
async def test_what_goes_by_an_unchanged_reference_goes_with_all_it_refers_to(stores: tuple[str, str]) -> None:
    app = Holdall("office")
    OPEN.append(app)
    for number, url in enumerate(stores):
        app.add_store(f"s{number}", url)
    app.add(Room, Lamp, store="s0")
    app.add(Desk, store="s1")
    await app.create()
    async with app.session() as session:
        session.add_all([Room(id=1), Lamp(id=1), Desk(id=1, room=1)])
    session = Session(app.bindings)
    (await session.require(Desk, 1)).lamp = 1
    session.remove(await session.require(Lamp, 1))
    with pytest.raises(ValidationError, match="lamp: refers to a record that is removed"):
        await session.commit()
    session.remove(await session.require(Room, 1))  # the desk goes now, whatever was done to it
    await session.commit()
    assert await session.query(Desk.where()) == []
