"""Sessions: one record per key, states, rollback, reads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from holdall import Holdall, Query, State, desc, state_of
from holdall.errors import (
    FrozenError,
    NotFound,
    NotLoaded,
    QueryError,
    StateError,
    ValidationError,
)
from holdall.testing.wrapping import wrap_store
from tests.support.library import Author, Book, Country, Line, library

pytestmark = pytest.mark.anyio


@pytest.fixture
async def app() -> AsyncIterator[Holdall]:
    """One book of one author in one country."""
    application = library()
    async with application.session() as session:
        session.add(Country(code="FR", name="France"))
        author = session.add(Author(name="Ursula", country="FR"))
        session.add(Book(title="The Dispossessed", isbn="1", author=author, pages=387))
    yield application
    await application.close()


async def test_get_gives_one_record_per_key_and_none_when_absent(app: Holdall) -> None:
    async with app.session() as session:
        one, other = await session.get(Author, 1), await session.get(Author, id=1)
        assert one is other
        assert one is not None
        assert one.name == "Ursula"
        assert await session.get(Author, 99) is None
        with pytest.raises(NotFound):
            await session.require(Author, 99)


async def test_a_key_of_the_wrong_type_is_refused_by_name(app: Holdall) -> None:
    async with app.session() as session:
        for args, key in ((("1",), {}), ((), {"nope": 1}), ((), {}), ((1, 2), {}), ((None,), {}), ((True,), {})):
            with pytest.raises(ValidationError):
                await session.get(Author, *args, **key)  # type: ignore[arg-type]


class Counting:
    """A store that counts the fetches that reach the one behind it."""

    def __init__(self, store: Any) -> None:
        self.store = store
        self.queries: list[Query[Any]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    async def fetch(self, query: Query[Any]) -> Any:
        self.queries.append(query)
        await asyncio.sleep(0)
        return await self.store.fetch(query)


def counted(app: Holdall) -> Counting:
    return wrap_store(app, "main", Counting)


async def test_gets_of_one_tick_share_one_fetch(app: Holdall) -> None:
    async with app.session() as session:
        for number in range(2, 6):
            session.add(Author(name=f"author {number}"))
    counting = counted(app)
    async with app.session() as session:
        found = await asyncio.gather(*(session.get(Author, key) for key in (1, 2, 3, 3, 99)))
        assert [record and record.id for record in found] == [1, 2, 3, 3, None]
        assert found[2] is found[3]
    assert len(counting.queries) == 1


async def test_a_cancelled_get_does_not_harm_the_others(app: Holdall) -> None:
    counted(app)
    async with app.session() as session:
        tasks = [asyncio.create_task(session.get(Author, 1)) for _ in range(3)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(results[0], asyncio.CancelledError)
        assert results[1] is results[2]
        assert isinstance(results[1], Author)


async def test_query_first_one_count_exists_and_only(app: Holdall) -> None:
    async with app.session() as session:
        author = await session.require(Author, 1)
        for number in range(5):
            session.add(Book(title=f"book {number}", isbn=f"x{number}", author=author, pages=number))
        await session.commit()
        long_ones = Book.where(Book.pages >= 2).sort(desc(Book.pages))
        assert [book.pages for book in await session.query(long_ones)] == [387, 4, 3, 2]
        assert (await session.first(long_ones)) is (await session.query(long_ones.limit(1)))[0]
        assert await session.count(long_ones) == 4
        assert await session.exists(long_ones)
        assert not await session.exists(Book.where(Book.pages > 1000))
        assert (await session.one(Book.where(Book.isbn == "x3"))).pages == 3
        with pytest.raises(QueryError):
            await session.one(long_ones)
        with pytest.raises(NotFound):
            await session.one(Book.where(Book.isbn == "nope"))
        rows: Any = await session.query(long_ones.only(Book.title, Book.author.name))
        assert rows[0] == ("The Dispossessed", "Ursula")


async def test_stream_gives_everything_and_keeps_what_was_changed(app: Holdall) -> None:
    async with app.session() as session:
        for number in range(2, 26):
            session.add(Author(name=f"author {number}"))
    async with app.session() as session:
        names = []
        async for author in session.stream(Author.where(), batch=7):
            names.append(author.name)
            if author.id == 3:
                author.name = "changed"
        assert len(names) == 25
    async with app.session() as session:
        assert (await session.require(Author, 3)).name == "changed"


async def test_states_follow_what_is_done(app: Holdall) -> None:
    async with app.session() as session:
        author = Author(name="Italo")
        assert state_of(author) is State.UNBOUND
        session.add(author)
        assert state_of(author) is State.NEW
        await session.commit()
        assert state_of(author) is State.CLEAN
        author.name = "Calvino"
        assert state_of(author) is State.DIRTY
        assert author.is_field_modified("name")
        author.name = "Italo"
        assert state_of(author) is State.CLEAN
        assert session.remove(author)
        assert session.remove(author)
        assert state_of(author) is State.DELETED
        assert await session.get(Author, author.id) is None
        session.rollback()
        assert state_of(author) is State.CLEAN
        session.remove(author)
        await session.commit()
        assert state_of(author) is State.DISCARDED
        with pytest.raises(StateError):
            session.remove(author)
        fresh = session.add(Author(name="x"))
        assert not session.remove(fresh)
        assert state_of(fresh) is State.DISCARDED
        await session.commit()


async def test_rollback_is_complete(app: Holdall) -> None:
    async with app.session() as session:
        book = await session.require(Book, 1)
        author = await session.require(Author, 1)
        book.title, book.pages = "x", 5
        book.tags.append("sf")
        author.name = "y"
        session.remove(author)
        new = session.add(Author(name="z"))
        session.rollback()
        assert (book.title, book.pages, book.tags, author.name) == ("The Dispossessed", 387, [], "Ursula")
        assert [state_of(record) for record in (book, author, new)] == [State.CLEAN, State.CLEAN, State.DISCARDED]
        assert not session.plan().steps


async def test_leaving_the_block_commits_and_an_exception_rolls_back(app: Holdall) -> None:
    async def fail() -> None:
        async with app.session() as session:
            (await session.require(Author, 1)).name = "lost"
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        await fail()
    async with app.session() as session:
        assert (await session.require(Author, 1)).name == "Ursula"


async def test_values_changed_in_place_are_found_at_commit(app: Holdall) -> None:
    async with app.session() as session:
        (await session.require(Book, 1)).tags.append("sf")
    async with app.session() as session:
        book = await session.require(Book, 1)
        assert (book.tags, book.version) == (["sf"], 2)
        assert not session.plan().steps


async def test_a_value_handed_out_before_a_commit_is_still_watched_after_it(app: Holdall) -> None:
    async with app.session() as session:
        book = await session.require(Book, 1)
        new = session.add(Book(title="n", isbn="9", author=1))
        handed_out = (book.tags, new.tags)
        handed_out[0].append("one")
        await session.commit()
        for tags in handed_out:
            tags.append("two")
        await session.commit()
    async with app.session() as session:
        assert (await session.require(Book, 1)).tags == ["one", "two"]
        assert (await session.require(Book, 2)).tags == ["two"]


async def test_rollback_undoes_a_change_in_place_that_was_then_assigned_over(app: Holdall) -> None:
    async with app.session() as session:
        book = await session.require(Book, 1)
        book.tags.append("in place")
        book.tags = ["assigned"]
        session.rollback()
        assert book.tags == []


async def test_frozen_fields_hold_in_their_states(app: Holdall) -> None:
    async with app.session() as session:
        book = await session.require(Book, 1)
        with pytest.raises(FrozenError):
            book.isbn = "2"
        with pytest.raises(FrozenError):
            book.id = 7
        new = Book(title="t", isbn="3", author=1)
        new.isbn = "4"
        session.add(new)
        new.isbn = "5"
        with pytest.raises(FrozenError):
            new.id = 7
        unbound = Author(name="n")
        unbound.id = 9
        with pytest.raises(FrozenError):
            session.add(unbound)
        assert state_of(unbound) is State.UNBOUND


async def test_references_load_on_await_and_tell_when_not_loaded(app: Holdall) -> None:
    async with app.session() as session:
        book = await session.require(Book, 1)
        assert book.author.key == 1
        assert not book.author.loaded
        with pytest.raises(NotLoaded):
            _ = book.author.name
        author = await book.author
        assert book.author.name == "Ursula"
        assert author is await session.get(Author, 1)
        country = await author.country
        assert country is not None
        assert country.name == "France"
        assert await author.books == [book]
        lonely = session.add(Author(name="l"))
        assert await lonely.country is None
        assert await lonely.books == []


async def test_refresh_takes_over_what_the_store_has(app: Holdall) -> None:
    async with app.session() as session:
        author = await session.require(Author, 1)
        async with app.session() as other:
            (await other.require(Author, 1)).name = "Le Guin"
        author.name = "mine"
        await session.refresh(author)
        assert author.name == "Le Guin"
        assert state_of(author) is State.CLEAN
        line = session.register(Line(order=1, number=2, text="x"))
        with pytest.raises(NotFound):
            await session.refresh(line)
        assert state_of(line) is State.DISCARDED


async def test_register_unregister_and_reset(app: Holdall) -> None:
    async with app.session() as session:
        line = session.register(Line(order=1, number=2, text="x"))
        assert await session.get(Line, order=1, number=2) is line
        with pytest.raises(StateError):
            session.add(Line(order=1, number=2, text="again"))
        line.text = "y"
        session.unregister(line)
        assert state_of(line) is State.UNBOUND
        assert not session.plan().steps
        author = await session.require(Author, 1)
        session.reset()
        assert state_of(author) is State.DISCARDED
        assert await session.require(Author, 1) is not author


async def test_the_active_record_look_uses_the_active_session(app: Holdall) -> None:
    created = await Author.objects.create(name="Italo")
    assert created.id == 2
    assert await Author.objects.filter(name="Italo").count() == 1
    assert [author.name for author in await Author.objects.order_by("-name")] == ["Ursula", "Italo"]
    assert [book.title for book in await Book.objects.filter(author=1).order_by("author.country.code", "-title")]
    async with app.session() as session:
        author = await Author.objects.get(2)
        assert author is await session.get(Author, 2)
        assert author is not None
        author.name = "Calvino"
        await author.save()
    fresh = Author(name="new")
    await fresh.save()
    assert state_of(fresh) is State.CLEAN
    assert await Author.objects.all().count() == 3


def test_the_sync_facade_has_the_same_verbs() -> None:
    app = library()
    with app.sync.session() as session:
        session.add(Country(code="FR", name="France"))
        author = session.add(Author(name="Ursula", country="FR"))
    with app.sync.session() as session:
        found = session.require(Author, author.id)
        assert session.query(Author.where(Author.name == "Ursula")) == [found]
        country = session.wait(found.country)
        assert country is not None
        assert country.name == "France"
        assert session.count(Author.where()) == 1
        assert [item.name for item in session.stream(Author.where(), batch=1)] == ["Ursula"]
    app.sync.close()


async def test_a_record_outlives_its_session(app: Holdall) -> None:
    async def load() -> Author:
        async with app.session() as session:
            return await session.require(Author, 1)

    author = await load()
    author.name = "changed"
    with pytest.raises(NotLoaded):
        author.country.name  # noqa: B018
    country = await author.country
    assert country is not None
    assert country.name == author.country.name


async def test_a_session_holds_only_records_of_its_holdall() -> None:
    app = Holdall("empty")

    async with app.session() as session:
        with pytest.raises(StateError, match=r"app\.add\(Author"):
            session.add(Author(name="x"))
