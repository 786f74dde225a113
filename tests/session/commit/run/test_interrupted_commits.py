"""Commits that are cancelled, stores that break their contract, and what is refused while a commit runs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from holdall import Session, State, state_of
from holdall.errors import CommitAborted, CommitPartial, CommitUnknown, StateError, StoreTimeout, StoreUnavailable
from holdall.store import Outcome
from holdall.testing.wrapping import wrap_store
from tests.support.library import Author, Book, Person, library
from tests.support.stand_in_stores import Failing, Held

pytestmark = pytest.mark.anyio


async def test_a_cancelled_commit_settles_its_records_first() -> None:
    app = library()
    async with app.session() as session:
        author = session.add(Author(name="old"))
        await session.commit()
        held = wrap_store(app, "main", Held)
        author.name = "sent"
        fresh = session.add(Person(name="new"))
        running = asyncio.create_task(session.commit())
        await held.entered.wait()
        running.cancel()
        await asyncio.sleep(0)
        running.cancel()
        held.go.set()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert [state_of(author), state_of(fresh), fresh.id] == [State.CLEAN, State.CLEAN, 1]
        assert not session.plan().steps
    async with app.session() as session:
        assert await session.count(Person.where()) == 1
        assert (await session.require(Author, 1)).name == "sent"


async def test_a_commit_cancelled_before_it_began_changes_nothing() -> None:
    app = library()
    async with app.session() as session:
        fresh = session.add(Person(name="new"))
        running = asyncio.create_task(session.commit())
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert state_of(fresh) is State.NEW
        await session.commit()
        assert fresh.id == 1


async def test_a_time_limit_on_a_commit_leaves_what_was_refused_as_it_is() -> None:
    app = library()
    async with app.session() as session:
        author = session.add(Author(name="x"))
        session.add(Book(title="a", isbn="1", author=author))
        session.add(Book(title="b", isbn="1", author=author))
        held = wrap_store(app, "main", Held)
        asyncio.get_running_loop().call_later(0.05, held.go.set)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await session.commit()
        assert state_of(author) is State.NEW
        session.rollback()


@pytest.mark.parametrize("answer", [RuntimeError("a bug"), KeyError("x")])
async def test_an_error_that_is_not_ours_aborts_as_one_of_ours_does(answer: Exception) -> None:
    app = library(country_url="memory:")
    wrap_store(app, "main", lambda store: Failing(store, answer))
    async with app.session() as session:
        author = session.add(Author(name="x"))
        with pytest.raises(CommitAborted) as caught:
            await session.commit()
        assert caught.value.__cause__ is answer
        assert state_of(author) is State.NEW
        session.rollback()


@pytest.mark.parametrize("answer", [[], [Outcome(), Outcome()], [Outcome()]])
async def test_a_store_that_answers_too_little_leaves_the_outcome_unknown(answer: list[Outcome]) -> None:
    app = library()
    session = Session(app.bindings)
    wrap_store(app, "main", lambda store: Failing(store, answer, applies=True))
    author = session.add(Author(name="x"))
    with pytest.raises(CommitUnknown):
        await session.commit()
    assert state_of(author) is State.NEW


@pytest.mark.parametrize("kind", [StoreUnavailable, StoreTimeout])
async def test_what_may_have_been_written_is_not_written_again(kind: type[Any]) -> None:
    app = library()
    session = Session(app.bindings)
    author = session.add(Author(name="old"))
    await session.commit()
    real = app.stores["main"]
    wrap_store(app, "main", lambda store: Failing(store, kind("main", "gone", is_outcome_unknown=True), applies=True))
    author.name = "new"
    fresh = session.add(Author(name="fresh"))
    with pytest.raises(CommitUnknown):
        await session.commit()
    wrap_store(app, "main", lambda _: real)
    with pytest.raises(StateError, match="rollback"):
        await session.commit()
    session.rollback()
    assert [state_of(author), state_of(fresh)] == [State.DISCARDED, State.DISCARDED]
    again = await session.require(Author, 1)
    assert again.name == "new"
    assert await session.count(Author.where()) == 2


async def test_nothing_is_dropped_while_a_commit_runs() -> None:
    app = library()
    async with app.session() as session:
        author = session.add(Author(name="old"))
        await session.commit()
        held = wrap_store(app, "main", Held)
        author.name = "sent"
        running = asyncio.create_task(session.commit())
        await held.entered.wait()
        for act in (session.rollback, session.reset, lambda: session.unregister(author)):
            with pytest.raises(StateError, match="await it"):
                act()
        with pytest.raises(StateError, match="await it"):
            await session.refresh(author)
        late = session.add(Person(name="added meanwhile"))
        gone = session.add(Person(name="added and removed meanwhile"))
        session.remove(gone)
        held.go.set()
        await running
        assert [state_of(author), state_of(late), state_of(gone)] == [State.CLEAN, State.NEW, State.DISCARDED]
    async with app.session() as session:
        assert [person.name for person in await session.query(Person.where())] == ["added meanwhile"]


async def test_leaving_the_block_by_an_exception_awaits_the_running_commit() -> None:
    app = library()
    held = wrap_store(app, "main", Held)
    author = Author(name="sent")
    tasks = []

    async def fail() -> None:
        async with app.session() as session:
            session.add(author)
            tasks.append(asyncio.create_task(session.commit()))
            await held.entered.wait()
            asyncio.get_running_loop().call_later(0.01, held.go.set)
            author.name = "later"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    await tasks[0]
    assert (author.id, author.name, state_of(author)) == (1, "sent", State.CLEAN)


async def test_a_commit_that_fails_at_the_end_of_the_block_is_rolled_back() -> None:
    app = library()
    with pytest.raises(StateError, match="add it first"):
        async with app.session() as session:
            book = session.add(Book(title="a", isbn="1", author=Author(name="nobody")))
    assert state_of(book) is State.DISCARDED


class Refusing:
    """A store that tells each change's fate by itself, and refuses some."""

    def __init__(self, store: Any, refused: set[int]) -> None:
        self.store = store
        self.refused = refused

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    async def apply(self, changes: Any) -> Any:
        error = StoreUnavailable("main", "no")
        kept = [change for place, change in enumerate(changes) if place not in self.refused]
        done = iter(await self.store.apply(kept))
        return [Outcome(error=error) if place in self.refused else next(done) for place in range(len(changes))]


async def test_keys_made_by_a_store_that_refuses_others_are_in_the_tasks() -> None:
    app = library()
    wrap_store(app, "main", lambda store: Refusing(store, {0}))
    session = Session(app.bindings)
    for name in ("a", "b"):
        session.add(Author(name=name))
    with pytest.raises(CommitPartial) as caught:
        await session.commit()
    assert [task.key for task in caught.value.tasks] == [None, 1]
