"""A record removed and made again under its key: references lead to the new one, and a rollback brings back the old."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from holdall import Fill, Holdall, Many, Model, OnDelete, Ref, Session, State, back, field, state_of
from tests.support.local_stores import LOCAL, local_url

pytestmark = pytest.mark.anyio


class Author(Model):
    id: int = field(pk=True)
    name: str = field(default="")
    books: Many[Book] = back("author")
    listed: Many[Essay] = back("author", fill=Fill.STORED)


class Book(Model):
    id: int = field(pk=True)
    title: str = field(default="")
    author: Ref[Author | None] = field(default=None)
    others: Many[Author] = field(default=())


class Essay(Model):
    id: int = field(pk=True)
    author: Ref[Author | None] = field(default=None, on_delete=OnDelete.UNLINK)


@pytest.fixture(params=LOCAL)
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Holdall]:
    made = Holdall("succession")
    made.add_store("m", local_url(request.param, tmp_path))
    made.add(Author, Book, Essay, store="m")
    await made.create()
    async with made:
        async with made.session() as session:
            session.add_all([Author(id=1, name="old"), Author(id=2), Book(id=1, author=1, others=[1, 2])])
            session.add_all([Essay(id=1, author=1), Essay(id=2, author=1), Essay(id=3)])
        yield made


async def test_what_refers_to_the_key_leads_to_the_new_record(app: Holdall) -> None:
    async with app.session() as session:
        book, old = await session.require(Book, 1), await session.require(Author, 1)
        assert await book.author is old
        assert (await book.others)[0] is old
        book.title = "changed"
        session.remove(old)
        new = session.add(Author(id=1, name="new"))
        assert await book.author is new
        assert (await book.others)[0] is new
    async with app.session() as session:
        book = await session.require(Book, 1)
        author = await book.author
        assert author is not None
        assert (book.title, author.name, book.others.keys) == ("changed", "new", (1, 2))


@pytest.mark.parametrize("form", ["add", "assign"])
async def test_a_stored_list_of_what_refers_to_it_stays(app: Holdall, form: str) -> None:
    async with app.session() as session:
        session.remove(await session.require(Author, 1))
        session.add(Author(id=1, name="new"))
    async with app.session() as session:
        author = await session.require(Author, 1)
        assert (author.name, sorted(author.listed.keys)) == ("new", [1, 2])
        session.remove(author)
        new = Author(id=1)
        if form == "add":
            new.listed.add(3)
        else:
            new.listed = [3]
        session.add(new)
    async with app.session() as session:
        essays = {essay.id: essay.author.key for essay in await session.query(Essay.where())}
        stored = (await session.require(Author, 1)).listed.keys
        assert sorted(stored) == [key for key, author in sorted(essays.items()) if author == 1]
        assert sorted(stored) == ([1, 2, 3] if form == "add" else [3])


@pytest.mark.parametrize("times", [1, 2])
async def test_a_rollback_brings_back_the_record_that_was_stored(app: Holdall, times: int) -> None:
    session = Session(app.bindings)
    book, old = await session.require(Book, 1), await session.require(Author, 1)
    assert await book.author is old
    old.name = "edited"
    made = [old]
    for number in range(times):
        session.remove(made[-1])
        made.append(session.add(Author(id=1, name=f"new {number}")))
    session.rollback()
    assert (state_of(old), old.name) == (State.CLEAN, "old")
    assert [state_of(one) for one in made[1:]] == [State.DISCARDED] * times
    assert await session.require(Author, 1) is old
    assert await book.author is old
    old.name = "after"
    await session.commit()
    async with app.session() as other:
        assert (await other.require(Author, 1)).name == "after"


async def test_after_a_commit_the_new_record_stays(app: Holdall) -> None:
    session = Session(app.bindings)
    old = await session.require(Author, 1)
    session.remove(old)
    new = session.add(Author(id=1, name="new"))
    await session.commit()
    new.name = "newer"
    session.rollback()
    assert (state_of(old), state_of(new), new.name) == (State.DISCARDED, State.CLEAN, "new")


async def test_a_session_that_has_ended_reaches_no_record_of_another(app: Holdall) -> None:
    for verb in (Session.rollback, Session.reset):
        left = Session(app.bindings)
        edited, gone = await left.require(Author, 1), await left.require(Book, 1)
        edited.name = "edited"
        left.remove(gone)
        await left.leave()
        async with app.session() as session:
            session.attach(edited)
            session.attach(gone)
            gone.title = f"by {verb.__name__}"
            verb(left)
            assert (state_of(edited), edited.name, state_of(gone)) == (State.DIRTY, "edited", State.DIRTY)
        async with app.session() as session:
            assert (await session.require(Author, 1)).name == "edited"
            book = await session.require(Book, 1)
            assert book.title == f"by {verb.__name__}"
            (await session.require(Author, 1)).name = ""


async def test_a_block_whose_session_is_left_ends_without_more(app: Holdall) -> None:
    async with app.session() as session:
        author = await session.require(Author, 1)
        author.books.add(2)
        author.name = "edited"
        await session.leave()
    with contextlib.suppress(KeyError):
        async with app.session() as session:
            other = await session.require(Author, 2)
            other.name = "edited"
            await session.leave()
            raise KeyError
    assert (author.name, other.name) == ("edited", "edited")
