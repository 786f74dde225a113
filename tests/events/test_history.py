"""The history of records: each moment is given back as it was, whatever was done since, in every store."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdall import Authenticated, Everyone, Holdall, Model, Policy, Ref, Role, SoftDeleted, User, field
from holdall.errors import Forbidden, NotFound, QueryError, StateError
from holdall.events import AuditEntry, as_of, history, restore
from tests.support.draws import draws
from tests.support.local_stores import LOCAL, local_url

pytestmark = pytest.mark.anyio


class Author(Model, collection="authors"):
    code: str = field(pk=True)


class Book(Model, collection="books"):
    id: int = field(pk=True)
    title: str = ""
    price: float | None = None
    day: dt.date | None = None
    tags: tuple[str, ...] = ()
    author: Ref[Author | None] = field(default=None)
    version: int = field(version=True)


class Shelf(Model, collection="shelves"):
    room: str = field(pk=True)
    number: int = field(pk=True)
    label: str = ""


def library(url: str, elsewhere: str = "") -> tuple[Holdall, Any]:
    app = Holdall("library")
    app.add_store("main", url)
    if elsewhere:
        app.add_store("trail", elsewhere)
    app.add(Author, Book, Shelf, store="main", policy=Policy(read=Everyone, write=Authenticated))
    entries = app.add_audit(Book, Shelf, store="trail" if elsewhere else "main", read=Role("auditor"))
    return app, entries


async def shown(app: Holdall, number: int) -> dict[str, Any] | None:
    async with app.session() as session:
        book = await session.get(Book, number)
        if book is None:
            return None
        day = None if book.day is None else book.day.isoformat()
        author = book.to_dict()["author"]
        return {
            "id": book.id, "title": book.title, "price": book.price, "day": day, "tags": list(book.tags),
            "author": author,
        }  # fmt: skip


async def acted(app: Holdall, chance: random.Random, step: int) -> None:
    async with app.session() as session:
        book = await session.get(Book, 1)
        if book is None:
            session.add(Book(id=1, title=f"t{step}"))
        elif chance.random() < 0.25:
            session.remove(book)
        elif chance.random() < 0.3:
            await session.update(Book.where(Book.id == 1), title=f"bulk {step}")
        else:
            book.price = chance.choice([None, step / 2])
            book.day = chance.choice([None, dt.date(2020, 1, 1 + step)])
            book.tags = tuple(f"{step}{n}" for n in range(chance.randrange(3)))
            book.author = chance.choice([None, await session.require(Author, chance.choice("ab"))])
            book.title += "."


@pytest.mark.parametrize("kind", LOCAL)
@pytest.mark.parametrize("is_elsewhere", [False, True])
@pytest.mark.parametrize("seed", range(draws(3, 20)))
async def test_every_moment_is_given_back(tmp_path: Path, kind: str, is_elsewhere: bool, seed: int) -> None:
    app, entries = library(local_url(kind, tmp_path), f"sqlite:///{tmp_path}/trail.db" if is_elsewhere else "")
    await app.create()
    async with app.session() as session:
        session.add_all([Author(code="a"), Author(code="b")])
    chance = random.Random(seed)
    moments: list[tuple[dt.datetime, dict[str, Any] | None]] = [(dt.datetime.now(dt.UTC), None)]
    for step in range(12):
        await acted(app, chance, step)
        await asyncio.sleep(0.001)
        moments.append((dt.datetime.now(dt.UTC), await shown(app, 1)))
        await asyncio.sleep(0.001)
    async with app.session() as session:
        for moment, there in moments:
            assert await as_of(session, entries, Book, 1, moment) == there
        changes = await history(session, entries, Book, 1)
        assert [change.at for change in changes] == sorted((change.at for change in changes), reverse=True)
        assert changes[-1].kind == "created"
        assert len(await history(session, entries, Book, 1, limit=2)) == 2
    for moment, there in reversed(moments):
        async with app.session() as session:
            if there is None:
                with pytest.raises(NotFound):
                    await restore(session, entries, Book, 1, moment)
            else:
                await restore(session, entries, Book, 1, moment)
        if there is not None:
            assert await shown(app, 1) == there
    await app.close()


async def test_keys_of_several_parts_have_a_history(tmp_path: Path) -> None:
    app, entries = library("memory:")
    async with app.session() as session:
        session.add_all([Shelf(room="r", number=1, label="x"), Shelf(room="r", number=2)])
        await session.commit()
        (await session.require(Shelf, ("r", 1))).label = "y"
    async with app.session() as session:
        (last, first) = await history(session, entries, Shelf, ("r", 1))
        assert (last.changes["label"].before, last.changes["label"].after) == ("x", "y")
        assert await as_of(session, entries, Shelf, ("r", 1), first.at) == {"room": "r", "number": 1, "label": "x"}
    await app.close()


async def test_a_model_whose_changes_are_not_kept_is_refused() -> None:
    app, entries = library("memory:")
    async with app.session() as session:
        session.add(Author(code="a"))
        await session.commit()
        with pytest.raises(QueryError, match=r"changes of authors are not kept.*app\.add_audit\(Author"):
            await history(session, entries, Author, "a")
        with pytest.raises(QueryError, match="not kept"):
            await as_of(session, entries, Author, "a", dt.datetime.now(dt.UTC))
        with pytest.raises(QueryError, match=r"Author is no audit trail; name the model that app\.add_audit"):
            await history(session, cast(type[AuditEntry], Author), Author, "a")
    await app.close()


async def test_only_who_may_read_the_trail_has_the_history(tmp_path: Path) -> None:
    app, entries = library("memory:")
    async with app.session() as session:
        session.add(Book(id=1, title="a"))
    async with app.session(User("ann", roles=frozenset({"auditor"}))) as session:
        assert [change.by for change in await history(session, entries, Book, 1)] == ["system"]
    async with app.session(User("eve")) as session:
        for work in (history(session, entries, Book, 1), as_of(session, entries, Book, 1, dt.datetime.now(dt.UTC))):
            with pytest.raises(Forbidden):
                await work
    await app.close()


async def test_a_record_written_past_the_trail_is_told(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    app, entries = library(url)
    await app.create()
    begin = dt.datetime.now(dt.UTC)
    async with app.session() as session:
        book = session.add(Book(id=1, title="a"))
        await session.commit()
        book.title = "b"
    async with app.session() as session:
        await session.sql("DELETE FROM books", store="main")
    async with app.session() as session:
        created = (await history(session, entries, Book, 1))[-1].at
        with pytest.raises(StateError, match="not there"):
            await as_of(session, entries, Book, 1, created)
        assert await as_of(session, entries, Book, 1, dt.datetime.now(dt.UTC)) is None
        assert begin < created
    await app.close()


@given(st.lists(st.sampled_from(["", "a", "b"]), max_size=6))
def test_differences_are_those_of_neighbours(titles: list[str]) -> None:
    async def work() -> None:
        app, entries = library("memory:")
        async with app.session() as session:
            book = session.add(Book(id=1, title="first"))
            await session.commit()
            for title in titles:
                book.title = title
                await session.commit()
        async with app.session() as session:
            found = [change.changes["title"] for change in reversed(await history(session, entries, Book, 1))]
        pairs = zip(["first", *titles], titles, strict=False)
        assert [(each.before, each.after) for each in found[1:]] == [pair for pair in pairs if pair[0] != pair[1]]
        await app.close()

    asyncio.run(work())


class Draft(SoftDeleted, collection="drafts"):
    id: int = field(pk=True)
    text: str = ""


async def test_a_deleted_record_is_restored_and_what_is_not_written_yet_is_no_history() -> None:
    app = Holdall("drafts")
    app.add_store("main", "memory:")
    app.add(Draft, store="main")
    entries = app.add_audit(Draft, store="main")
    async with app.session() as session:
        draft = session.add(Draft(id=1, text="first"))
        await session.commit()
        then = (await history(session, entries, Draft, 1))[0].at
        draft.text = "second"
        await session.commit()
        draft.text = "not written"
        assert await as_of(session, entries, Draft, 1, dt.datetime.now(dt.UTC)) == {
            "id": 1, "text": "second", "deleted_at": None, "deleted_by": None,
        }  # fmt: skip
        session.rollback()
        session.remove(draft)
        await session.commit()
    async with app.session() as session:
        (await session.one(Draft.only_deleted())).text = "changed while deleted"
    async with app.session() as session:
        assert await as_of(session, entries, Draft, 1, dt.datetime.now(dt.UTC)) is None
        before = await as_of(session, entries, Draft, 1, then)
        assert before is not None
        assert before["text"] == "first"
        await restore(session, entries, Draft, 1, then)
    async with app.session() as session:
        assert (await session.require(Draft, 1)).text == "first"


class Line(Model, collection="lines"):
    code: str = field(pk=True)
    part: str = field(pk=True)
    text: str = ""


async def test_keys_that_look_alike_have_histories_of_their_own() -> None:
    app = Holdall("lines")
    app.add_store("main", "memory:")
    app.add(Line, store="main")
    entries = app.add_audit(Line, store="main")
    keys = [("a,b", "c"), ("a", "b,c"), ("x" * 600, "1"), ("x" * 600, "2")]
    async with app.session() as session:
        session.add_all([Line(code=code, part=part) for code, part in keys])
        await session.commit()
        for key in keys:
            (change,) = await history(session, entries, Line, key)
            assert (change.changes["code"].after, change.changes["part"].after) == key
