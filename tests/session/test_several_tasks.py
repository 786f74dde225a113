"""Several tasks on one session, streams, what is found first, and what becomes of dropped sessions."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path
from typing import Any
from weakref import ref

import pytest

from holdall import Holdall, Model, Session, State, field, state_of
from holdall.errors import CorruptRecord, NotFound, QueryError, StateError, StoreUnavailable
from holdall.store import Change, Verb
from holdall.testing.wrapping import wrap_store
from tests.support.library import Author, Book, Line, library

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("older_objects_apart")]


class Waiting:
    """A store whose fetches wait until they may go on, and are counted."""

    def __init__(self, store: Any) -> None:
        self.store = store
        self.fetches = 0
        self.go = asyncio.Event()
        self.error: Exception | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    async def fetch(self, query: Any) -> Any:
        self.fetches += 1
        await self.go.wait()
        if self.error is not None:
            raise self.error
        return await self.store.fetch(query)


async def filled(number: int = 5) -> tuple[Holdall, Waiting]:
    app = library()
    async with app.session() as session:
        for name in range(number):
            author = session.add(Author(name=f"author {name}"))
            session.add(Book(title=f"book {name}", isbn=str(name), author=author, tags=["a"]))
    return app, wrap_store(app, "main", Waiting)


async def test_a_get_of_a_key_that_is_being_fetched_awaits_that() -> None:
    app, store = await filled()
    session = Session(app.bindings)
    first = asyncio.create_task(session.get(Author, 1))
    for _ in range(5):
        await asyncio.sleep(0)
    assert store.fetches == 1
    second = asyncio.create_task(session.get(Author, 1))
    other = asyncio.create_task(session.get(Author, 2))
    for _ in range(5):
        await asyncio.sleep(0)
    assert store.fetches == 2
    store.go.set()
    assert await first is await second
    assert (await other) is not None


@pytest.mark.parametrize("cancelled", [(0,), (1,), (0, 1), (0, 1, 2)])
async def test_whoever_is_cancelled_the_others_get_their_record(cancelled: tuple[int, ...]) -> None:
    app, store = await filled()
    session = Session(app.bindings)
    tasks = [asyncio.create_task(session.get(Author, 1)) for _ in range(4)]
    for _ in range(5):
        await asyncio.sleep(0)
    for place in cancelled:
        tasks[place].cancel()
    store.go.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    for place, result in enumerate(results):
        assert isinstance(result, asyncio.CancelledError if place in cancelled else Author)


async def test_an_error_reaches_everyone_who_waits_and_the_next_get_asks_again() -> None:
    app, store = await filled()
    store.error = StoreUnavailable("main", "gone")
    store.go.set()
    session = Session(app.bindings)
    results = await asyncio.gather(*(session.get(Author, key) for key in (1, 2)), return_exceptions=True)
    assert results == [store.error, store.error]
    store.error = None
    assert await session.get(Author, 1) is not None


async def test_of_keys_that_are_fetched_together_those_that_can_be_read_are_given() -> None:
    app, store = await filled()
    store.go.set()
    await store.store.apply([Change(Verb.UPDATE, "book", 2, ("tags",), (7,))])
    session = Session(app.bindings)
    for keys in ((1, 2, 3, 2), (2, 1, 99)):
        results = await asyncio.gather(*(session.get(Book, key) for key in keys), return_exceptions=True)
        for key, result in zip(keys, results, strict=True):
            assert type(result) is {2: CorruptRecord, 99: type(None)}.get(key, Book)


async def test_a_record_removed_while_it_is_fetched_is_not_given() -> None:
    app, store = await filled()
    session = Session(app.bindings)
    running = asyncio.create_task(session.get(Author, 1))
    for _ in range(5):
        await asyncio.sleep(0)
    session.remove(session.register(Author.__holdall__.create(1, "author 0", None)))
    store.go.set()
    assert await running is None


async def test_many_composite_keys_are_fetched_in_parts() -> None:
    app, store = await filled(1)
    store.go.set()
    async with app.session() as session:
        session.add_all(Line(order=number, number=1, text="x") for number in range(700))
    session = Session(app.bindings)
    found = await asyncio.gather(*(session.get(Line, number, 1) for number in range(701)))
    assert sum(line is not None for line in found) == 700
    assert store.fetches == 3


async def test_what_is_to_be_removed_is_passed_by() -> None:
    app, store = await filled(3)
    store.go.set()
    session = Session(app.bindings)
    by_id = Author.where().sort(Author.id)
    first = await session.first(by_id)
    assert first is not None
    session.remove(first)
    second = await session.first(by_id)
    assert second is not None
    assert second.id == 2
    session.remove(second)
    assert (await session.one(by_id)).id == 3
    assert await session.first(by_id.limit(0)) is None
    assert await session.first(by_id.limit(2)) is None
    assert not await session.exists(by_id.limit(0))
    assert not await session.exists(by_id.offset(3))
    assert await session.exists(by_id.offset(2))
    rows: Any = await session.first(by_id.only(Author.name).offset(1))
    assert rows == ("author 1",)
    fresh = Session(app.bindings)
    assert (await fresh.one(by_id.limit(1))).id == 1
    with pytest.raises(QueryError):
        await fresh.one(by_id)
    with pytest.raises(NotFound):
        await fresh.one(by_id.limit(0))


async def test_a_stream_keeps_what_the_session_had_and_takes_back_what_is_changed() -> None:
    app, store = await filled()
    store.go.set()
    session = Session(app.bindings)
    mine = await session.require(Book, 1)
    passed = [book async for book in session.stream(Book.where(), batch=2)]
    assert await session.get(Book, 1) is mine is passed[0]
    twin = await session.require(Book, 3)
    assert twin is not passed[2]
    with pytest.raises(StateError, match="loaded meanwhile"):
        passed[2].title = "x"
    assert (passed[2].title, state_of(passed[2])) == ("book 2", State.CLEAN)
    passed[3].title = "changed"
    session.remove(passed[4])
    assert await session.get(Book, 4) is passed[3]
    assert await session.get(Book, 5) is None
    passed[1].tags.append("b")
    await session.commit()
    other = Session(app.bindings)
    assert (await other.require(Book, 4)).title == "changed"
    assert (await other.require(Book, 2)).tags == ["a", "b"]


async def test_a_stream_lets_go_of_what_was_only_looked_at() -> None:
    app, store = await filled()
    store.go.set()
    session = Session(app.bindings)
    seen = []
    async for book in session.stream(Book.where(), batch=2):
        assert book.tags == ["a"]
        seen.append(id(book))
    assert not session.context.records.all()
    assert not session.context.records.watcher._snapshots


async def test_a_stream_that_is_left_closes_the_store_s_and_may_be_changed_on_the_way() -> None:
    app, store = await filled()
    store.go.set()
    closed = []

    class Streaming(Waiting):
        async def stream(self, query: Any, batch: int) -> Any:
            try:
                async for rows in self.store.stream(query, batch):
                    yield rows
            finally:
                closed.append(True)

    wrap_store(app, "main", lambda waiting: Streaming(waiting.store))
    session = Session(app.bindings)
    stream: Any = session.stream(Author.where().sort(Author.id), batch=2)
    async for author in stream:
        if author.id == 1:
            session.remove(await session.require(Author, 2))
        else:
            assert author.id == 3
            break
    await stream.aclose()
    assert closed == [True]


async def test_refresh_takes_back_changes_and_removals_but_not_what_is_new() -> None:
    app, store = await filled()
    store.go.set()
    session = Session(app.bindings)
    new = session.add(Line(order=1, number=1, text="x"))
    with pytest.raises(StateError, match="is new"):
        await session.refresh(new)
    assert state_of(new) is State.NEW
    session.unregister(new)
    book = await session.require(Book, 1)
    book.title = "mine"
    session.remove(book)
    await session.refresh(book)
    assert (book.title, state_of(book)) == ("book 0", State.CLEAN)
    assert await session.get(Book, 1) is book
    assert book.tags == ["a"]
    async with app.session() as other:
        (await other.require(Book, 1)).tags.append("b")
    await session.refresh(book)
    assert not session.plan().steps
    line = session.add(new)
    assert line is new
    await session.commit()
    assert state_of(new) is State.CLEAN


async def test_sessions_and_their_records_are_freed_when_dropped() -> None:
    app, store = await filled()
    store.go.set()
    gc.collect()
    gc.disable()
    try:
        session = Session(app.bindings)
        book = await session.require(Book, 1)
        await session.query(Author.where())
        book.tags.append("b")
        session.add(Line(order=1, number=1, text="x"))
        await session.commit()
        gone = ref(session)
        del session, book
        assert gone() is None
    finally:
        gc.enable()


async def test_a_block_that_committed_keeps_nothing_alive(tmp_path: Path) -> None:
    class Page(Model):
        id: int = field(pk=True)

    app = Holdall("test")
    app.add_store("main", f"sqlite:///{tmp_path / 'pages.db'}")
    app.add(Page, store="main")
    await app.create()
    gc.collect()
    gc.disable()
    try:
        async with app.session() as session:
            session.add(Page(id=1))
            gone = ref(session)
            del session
        assert gone() is None  # at once, before the loop comes round
    finally:
        gc.enable()
        await app.close()
