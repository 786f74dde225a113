"""What is written at other ends of references holds, be the records here, in no session or in one that has ended."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from holdall import Fill, Holdall, Many, Model, Ref, Session, State, back, field, state_of
from holdall.errors import StateError
from tests.support.local_stores import LOCAL, local_url

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("older_objects_apart")]


class Author(Model):
    id: int = field(pk=True)
    books: Many[Book] = back("author")
    prize: Ref[Prize | None] = back("winner")
    essays: Many[Essay] = back("writers", fill=Fill.STORED)
    kept: Many[Book] = back("keepers")
    leaves: Many[Leaf] = back("author", fill=Fill.STORED)


class Book(Model):
    id: int = field(pk=True)
    version: int = field(version=True)
    title: str = field(default="")
    author: Ref[Author | None] = field(default=None)
    keepers: Many[Author] = field(default=())


class Leaf(Model):
    id: int = field(pk=True)
    author: Ref[Author | None] = field(default=None)


class Prize(Model):
    id: int = field(pk=True)
    winner: Ref[Author | None] = field(default=None)


class Essay(Model):
    id: int = field(pk=True)
    writers: Many[Author] = field(default=())


@pytest.fixture(params=LOCAL)
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Holdall]:
    made = Holdall("elsewhere")
    made.add_store("m", local_url(request.param, tmp_path))
    made.add(Author, Book, Prize, Essay, Leaf, store="m")
    await made.create()
    async with made:
        async with made.session() as session:
            session.add_all([Author(id=1), Author(id=2)])
            session.add_all([Book(id=number) for number in (1, 2, 3)])
            session.add_all([Prize(id=1), Essay(id=1)])
        yield made


async def _of(app: Holdall, author: int) -> tuple[list[int], int | None, list[int]]:
    """The keys of the author's books, prize and essays, asked of the references and of the stored list."""
    async with app.session() as session:
        books = await session.query(Book.where(Book.author.id == author).sort(Book.id))
        prizes = await session.query(Prize.where(Prize.winner.id == author))
        essays = [essay for essay in await session.query(Essay.where()) if author in essay.writers.keys]
        stored = (await session.require(Author, author)).essays.keys
        assert sorted(stored) == sorted(essay.id for essay in essays)
        return [book.id for book in books], prizes[0].id if prizes else None, sorted(stored)


async def _all(app: Holdall) -> tuple[Author, Book, Prize, Essay]:
    """One of each, of a session that has ended and is gone."""
    async with app.session() as session:
        found = (
            await session.require(Author, 1),
            await session.require(Book, 1),
            await session.require(Prize, 1),
            await session.require(Essay, 1),
        )
    del session
    gc.collect()
    return found


async def test_stored_records_of_another_session_count_as_their_keys(app: Holdall) -> None:
    _, book, prize, essay = await _all(app)
    async with app.session() as session:
        author = await session.require(Author, 1)
        author.books.add(book)
        author.prize = prize
        author.essays.add(essay)
    assert await _of(app, 1) == ([1], 1, [1])
    assert state_of(book) is State.CLEAN
    async with app.session() as session:
        author = await session.require(Author, 1)
        author.books.remove(book)
        author.prize = None
        author.essays.remove(essay)
    assert await _of(app, 1) == ([], None, [])
    async with app.session() as session:
        author = await session.require(Author, 1)
        author.books = [book, await session.require(Book, 2)]
        author.essays = [essay]
    assert await _of(app, 1) == ([1, 2], None, [1])


async def test_a_record_of_this_session_is_meant_by_that_of_another(app: Holdall) -> None:
    _, book, _, _ = await _all(app)
    async with app.session() as session:
        author, mine = await session.require(Author, 1), await session.require(Book, 1)
        author.books.add(book)
        assert mine.author.key == 1
        author.books.remove(book)
        assert not mine.author
        author.books.add(book)
    assert await _of(app, 1) == ([1], None, [])


async def test_outside_of_any_block_a_save_writes_what_was_asked_at_the_other_end(app: Holdall) -> None:
    author, book, prize, essay = await _all(app)
    author.books.add(book)
    author.books.add(2)
    author.prize = prize
    author.essays.add(essay)
    assert book.author.key == 1
    await author.save()
    assert await _of(app, 1) == ([1, 2], 1, [1])
    book.title = "after"
    await book.save()
    author.books.remove(book)
    author.books.remove(2)
    author.books.add(3)
    await author.save()
    assert await _of(app, 1) == ([3], 1, [1])


@pytest.mark.parametrize("is_held", [True, False])
async def test_it_goes_along_whether_or_not_the_ended_session_is_held(app: Holdall, is_held: bool) -> None:
    held: list[Any] = []
    async with app.session() as session:
        author = await session.require(Author, 1)
    if is_held:
        held.append(session)
    del session
    gc.collect()
    author.books = [2]
    async with app.session() as other:
        other.attach(author)
    assert await _of(app, 1) == ([2], None, [])


async def test_a_session_that_was_left_gives_what_was_asked_to_the_next(app: Holdall) -> None:
    session = Session(app.bindings)
    author, book = await session.require(Author, 1), await session.require(Book, 1)
    new = session.add(Author(id=9))
    author.books.add(book)
    author.books.add(2)
    new.books.add(3)
    await session.leave()
    async with app.session() as other:
        other.attach(author)
        other.add(new)
    assert (await _of(app, 1))[0] == [1, 2]
    assert (await _of(app, 9))[0] == [3]


async def test_a_refused_save_keeps_it(app: Holdall) -> None:
    author, book, _, _ = await _all(app)
    async with app.session() as session:
        other = await session.require(Author, 2)
    async with app.session() as session:
        (await session.require(Book, 1)).title = "newer"
    book.title = "mine"
    author.books.add(book)
    author.books.add(2)
    with pytest.raises(Exception, match="changed"):
        await author.save()
    async with app.session() as session:
        book = await session.require(Book, 1)
    author.books.remove(1)
    with pytest.raises(Exception, match="changed"):
        await author.save()
    other.books.add(book)
    await other.save()
    assert (await _of(app, 2))[0] == [1]


async def test_a_record_that_is_in_no_session_yet_takes_all_there_are(app: Holdall) -> None:
    _, book, _, essay = await _all(app)
    author = Author(id=9)
    author.books.add(book)
    author.books.add(2)
    author.essays = [essay]
    await author.save()
    assert await _of(app, 9) == ([1, 2], None, [1])


async def test_a_discarded_record_is_refused(app: Holdall) -> None:
    _, book, _, _ = await _all(app)
    await book.delete()
    async with app.session() as session:
        author = await session.require(Author, 1)
        with pytest.raises(StateError, match="discarded"):
            author.books.add(book)


@pytest.mark.parametrize("form", ["add", "assign"])
async def test_a_new_record_there_must_be_added_as_one_at_this_end_must(app: Holdall, form: str) -> None:
    async def ask(books: Sequence[Book]) -> None:
        async with app.session() as session:
            author = await session.require(Author, 1)
            if form == "add":
                author.books.add(books[0])
            else:
                author.books = books

    with pytest.raises(StateError, match="add it first"):
        await ask([Book(id=9)])
    async with app.session() as session:
        book = Book(id=9)
        (await session.require(Author, 1)).books.add(book)
        session.add(book)
    assert (await _of(app, 1))[0] == [9]


async def test_a_record_that_another_end_touched_too_is_nobodys_once_it_is_taken_away(app: Holdall) -> None:
    async with app.session() as session:
        (await session.require(Book, 1)).author = 1
    async with app.session() as session:
        one, two = await session.require(Author, 1), await session.require(Author, 2)
        one.kept.add(1)
        two.books.add(1)
        two.books.remove(1)
    assert (await _of(app, 1))[0] == (await _of(app, 2))[0] == []


async def test_a_stored_list_lets_go_of_what_another_takes_by_key(app: Holdall) -> None:
    async with app.session() as session:
        session.add_all([Leaf(id=1), Leaf(id=2)])
    async with app.session() as session:
        one, two = await session.require(Author, 1), await session.require(Author, 2)
    one.leaves.add(1)
    two.leaves.add(1)
    assert one.leaves.keys == ()
    await one.save()
    await two.save()
    async with app.session() as session:
        assert (await session.require(Leaf, 1)).author.key == 2
        assert [(await session.require(Author, key)).leaves.keys for key in (1, 2)] == [(), (1,)]
    assert (await app.fsck()).is_whole


class TestALaterAssignment:
    """An assignment wins over what was asked before by key, also where it is what was loaded."""

    async def test_to_what_is_stored(self, app: Holdall) -> None:
        async with app.session() as session:
            (await session.require(Book, 1)).author = 1
        async with app.session() as session:
            (await session.require(Author, 2)).books.add(1)
            book = await session.require(Book, 1)
            assert book.author.key == 2
            book.author = 1
        assert (await _of(app, 1))[0] == [1]

    async def test_to_none_again(self, app: Holdall) -> None:
        async with app.session() as session:
            (await session.require(Author, 2)).books = [1]
            (await session.require(Book, 1)).author = None
        assert (await _of(app, 2))[0] == []

    async def test_after_a_removal_and_a_whole_list(self, app: Holdall) -> None:
        async with app.session() as session:
            for number in (1, 2):
                (await session.require(Book, number)).author = 1
        async with app.session() as session:
            author = await session.require(Author, 1)
            author.books.remove(1)
            one = await session.require(Book, 1)
            assert not one.author
            one.author = 1
        assert (await _of(app, 1))[0] == [1, 2]
        async with app.session() as session:
            (await session.require(Author, 1)).books = []
            (await session.query(Book.where(Book.id == 2)))[0].author = 1
        assert (await _of(app, 1))[0] == [2]

    async def test_of_a_list(self, app: Holdall) -> None:
        async with app.session() as session:
            (await session.require(Author, 1)).essays.add(1)
            essay = await session.require(Essay, 1)
            assert essay.writers.keys == (1,)
            essay.writers = []
        assert (await _of(app, 1))[2] == []

    async def test_without_one_what_was_asked_is_written_once(self, app: Holdall) -> None:
        async with app.session() as session:
            (await session.require(Author, 2)).books.add(1)
            book = await session.require(Book, 1)
            await session.commit()
            assert (book.author.key, book.version, state_of(book)) == (2, 2, State.CLEAN)
            await session.commit()
            assert book.version == 2
