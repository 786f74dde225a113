"""Persistence middleware: around each call of a store, with its query or its changes; stores stay what they are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from holdall import Holdall, Model, Ref, User, field
from holdall.dao import DAO
from holdall.errors import CommitAborted, DeclarationError, StateError, StoreUnavailable
from holdall.query import format_query
from holdall.session import StoreCall, StoreHandler
from holdall.session.store_in_middleware import in_middleware, store_within
from holdall.store import (
    Aggregating,
    Isolating,
    Preparable,
    Provisioned,
    SpeaksSql,
    Store,
    Streaming,
    Transactional,
)
from holdall.testing.isolation import isolated

pytestmark = pytest.mark.anyio


class Author(Model):
    id: int = field(pk=True)
    name: str = field(default="", unique=True)


class Book(Model):
    id: int = field(pk=True)
    author: Ref[Author | None] = field(default=None)
    pages: int = 0


class Note(Model):
    id: int = field(pk=True)


class NoteDAO(DAO[Note]):
    async def get(self, *, id: int) -> Note | None:  # noqa: A002 - the name of the key
        return Note(id=id)

    async def add(self, record: Note) -> None:
        pass


@pytest.fixture(params=["memory:", "sqlite://", "sqlite+aiosqlite"])
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Holdall]:
    made = Holdall("library", journal=f"sqlite:///{tmp_path / 'journal.db'}")
    url = request.param if request.param != "sqlite+aiosqlite" else f"sqlite:///{tmp_path / 'main.db'}"
    made.add_store("main", url)
    made.add_store("other", f"yaml:{tmp_path / 'other'}")
    made.add(Book, store="main")
    made.add(Author, store="other" if request.param == "sqlite+aiosqlite" else "main")
    await made.create()
    yield made
    await made.close()


def noting(app: Holdall) -> list[str]:
    log: list[str] = []

    async def note(call: StoreCall, handler: StoreHandler) -> Any:
        about: object = [f"{each.verb} {each.key}" for each in call.changes]
        if call.query is not None:
            about = format_query(call.query)
        log.append(f"{call.verb} {','.join(call.collections)} in {call.store}: {about}")
        return await handler(call)

    app.add_persistence_middleware(note)
    return log


async def test_each_read_and_write_passes_with_its_query_or_changes(app: Holdall) -> None:
    log = noting(app)
    async with app.session() as session:
        session.add(Book(id=1, pages=100))
    async with app.session() as session:
        book = await session.require(Book, 1)
        await session.query(Book.where(Book.pages > 10))
        assert await session.count(Book.where()) == 1
        assert [each.id async for each in session.stream(Book.where())] == [1]
        book.pages = 200
    verbs = [line.partition(":")[0] for line in log]
    write = ["apply book in main"]
    assert [verb for verb in verbs if verb.startswith(("apply", "prepare"))] == write * 2
    assert "fetch book in main: book where pages > 10" in log
    assert "count book in main" in verbs
    assert {"stream book in main", "fetch book in main"} & set(verbs[4:])
    assert [line for line in log if line.startswith("apply")] == [
        "apply book in main: ['add 1']",
        "apply book in main: ['update 1']",
    ]


async def test_transactions_and_bulk_changes_pass(app: Holdall) -> None:
    log = noting(app)
    async with app.session() as session, session.transaction("main"):
        session.add(Book(id=1))
        assert await session.count(Book.where()) == 1
        async with session.savepoint():
            session.add(Book(id=2))
    async with app.session() as session:
        await session.update(Book.where(), pages=7)
    kinds = {line.partition(" ")[0] for line in log}
    assert {"apply", "count"} <= kinds
    assert "change_all" in kinds


async def test_the_outermost_comes_first_and_sees_errors(app: Holdall) -> None:
    log: list[str] = []

    def named(name: str) -> Callable[..., Any]:
        async def middleware(call: StoreCall, handler: StoreHandler) -> Any:
            log.append(f"{name} {call.verb}")
            try:
                return await handler(call)
            except Exception as error:
                log.append(f"{name} {type(error).__name__}")
                raise

        return middleware

    async with app.session() as session:
        session.add(Book(id=1))
    app.add_persistence_middleware(named("outer"), named("inner"))
    with pytest.raises(CommitAborted):
        async with app.session() as session:
            session.add(Book(id=1))
    assert log[:2] == ["outer apply", "inner apply"]
    assert [line.partition(" ")[0] for line in log[2:4]] == ["inner", "outer"]


async def test_it_may_answer_by_itself_raise_and_ask_otherwise(app: Holdall) -> None:
    async def guard(call: StoreCall, handler: StoreHandler) -> Any:
        if call.is_write and call.collections == ("author",):
            raise StoreUnavailable(call.store, "no authors today")
        if call.verb == "count":
            return 42
        if call.verb == "fetch" and call.query is not None:
            call = call.replace(query=call.query.limit(1))
        return await handler(call)

    async with app.session() as session:
        session.add_all([Book(id=1), Book(id=2)])
    app.add_persistence_middleware(guard)
    async with app.session() as session:
        assert await session.count(Book.where()) == 42
        assert len(await session.query(Book.where())) == 1
    with pytest.raises(CommitAborted, match="no authors today"):
        async with app.session() as session:
            session.add(Author(id=1))


async def test_a_call_knows_its_context(app: Holdall) -> None:
    seen: list[Any] = []

    async def look(call: StoreCall, handler: StoreHandler) -> Any:
        seen.append(call.context and call.context.user.id)
        return await handler(call)

    app.add_persistence_middleware(look)
    async with app.session() as session:
        await session.query(Book.where())
    async with app.context(user=User("ann", unrestricted=True)) as context:
        await context.session.query(Book.where())
    assert seen == [None, "ann"]


async def test_commits_over_several_stores_go_well_and_show_no_rows_of_the_journal(app: Holdall) -> None:
    log = noting(app)
    app.add_store("third", "memory:")
    app.add(Note, store="third")
    async with app.session() as session:
        author = session.add(Author(id=1, name="Ann"))
        session.add(Book(id=1, author=author))
        session.add(Note(id=1))
    async with app.session() as session:
        book = await session.require(Book, 1)
        author = await book.author  # type: ignore[assignment]
        assert author.name == "Ann"
        assert await session.count(Note.where()) == 1
    assert not [line for line in log if "holdall_" in line]
    writes = {word for line in log for word in ("book", "author", "note") if "add 1" in line and word in line}
    assert writes == {"book", "author", "note"}


async def test_reads_and_writes_of_daos_pass(app: Holdall) -> None:
    log: list[Any] = []

    async def look(call: StoreCall, handler: StoreHandler) -> Any:
        log.append((call.verb, call.collection, call.key, call.record and call.record.id))
        return await handler(call)

    app.add_dao(NoteDAO())
    app.add_persistence_middleware(look)
    async with app.session() as session:
        assert (await session.require(Note, 1)).id == 1
        session.add(Note(id=2))
    assert log == [("fetch_record", "note", {"id": 1}, None), ("apply_record", "note", None, 2)]


async def test_stores_that_stand_in_pass_it_too(app: Holdall) -> None:
    log = noting(app)
    async with app.session() as session:
        await session.query(Book.where())
    async with app.replaced("memory:"), app.session() as session:
        session.add(Book(id=1))
    async with app.session() as session:
        assert await session.query(Book.where()) == []
    assert [line.partition(" ")[0] for line in log] == ["fetch", "apply", "fetch"]


async def test_a_middleware_added_late_stands_around_sessions_that_follow(app: Holdall) -> None:
    async with app.session() as session:
        log = noting(app)
        await session.query(Book.where())
    assert log == []
    async with app.session() as session:
        await session.query(Book.where())
    again = noting(app)
    async with app.session() as session:
        await session.query(Book.where())
    assert (len(log), len(again)) == (2, 1)


async def test_persistence_middleware_is_replaced_in_its_place(app: Holdall) -> None:
    log: list[str] = []

    def named(name: str) -> Callable[..., Any]:
        async def middleware(call: StoreCall, handler: StoreHandler) -> Any:
            log.append(name)
            return await handler(call)

        return middleware

    a, b, c = map(named, "abc")
    with pytest.raises(DeclarationError, match="is no persistence middleware"):
        app.replace_persistence_middleware(a, c)
    app.add_persistence_middleware(a, b)
    app.replace_persistence_middleware(a, c)
    async with app.session() as session:
        await session.query(Book.where())
    assert log == ["c", "b"]


def plain(call: StoreCall, handler: StoreHandler) -> None: ...


async def one(call: StoreCall) -> None: ...


class Counting:
    count = 0

    async def __call__(self, call: StoreCall, handler: StoreHandler) -> Any:
        Counting.count += 1
        return await handler(call)


async def test_objects_and_classes_are_middleware(app: Holdall) -> None:
    Counting.count = 0
    app.add_persistence_middleware(Counting, Counting())
    async with app.session() as session:
        await session.query(Book.where())
    assert Counting.count == 2


@pytest.mark.parametrize("given", [7, None, plain, one, object])
def test_what_is_no_middleware_is_refused(given: Any) -> None:
    with pytest.raises(DeclarationError, match="persistence middleware"):
        Holdall("library").add_persistence_middleware(given)


async def test_what_is_handed_on_is_a_call(app: Holdall) -> None:
    async def wrong(call: StoreCall, handler: Any) -> Any:
        return await handler(call.query)

    async def inner(call: StoreCall, handler: StoreHandler) -> Any:
        return await handler(call)

    app.add_persistence_middleware(wrong, inner)
    with pytest.raises(StateError, match="hands on a StoreCall, not Query"):
        async with app.session() as session:
            await session.query(Book.where())


def test_a_store_stays_what_it_is(app: Holdall) -> None:
    kinds: list[Any] = [Store, Aggregating, Streaming, Transactional, Isolating, Preparable, Provisioned, SpeaksSql]
    for store in app.stores.values():
        app.add_persistence_middleware(Counting)
        persistence = app.bindings.persistence
        assert persistence is not None
        within = in_middleware(store, persistence)
        assert store_within(within) is store
        assert in_middleware(within, persistence) is within
        for kind in kinds:
            if hasattr(kind, "_is_runtime_protocol") and kind is not Store:
                assert isinstance(within, kind) is isinstance(store, kind), kind
        assert (within.name, within.capabilities) == (store.name, store.capabilities)


async def test_it_works_without_async(app: Holdall) -> None:
    log = noting(app)

    def work() -> None:
        with app.sync.session() as session:
            session.query(Book.where())

    await asyncio.to_thread(work)
    assert log == ["fetch book in main: book"]
    await asyncio.to_thread(app.sync.close)


async def test_isolated_tests_pass_it(app: Holdall) -> None:
    log = noting(app)
    async with isolated(app, clean=["other"]), app.session() as session:
        session.add(Book(id=1))
    assert [line.partition(":")[0] for line in log if line.startswith("apply")][:1] == ["apply book in main"]
