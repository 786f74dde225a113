"""Functions that are told of events after their commit: at least once, in order for each record, or listed as dead."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from holdall import Event, Holdall
from holdall.errors import CommitAborted, DeclarationError, NotFound, StoreUnavailable
from holdall.events import Delivered
from holdall.store import Change, Verb
from tests.support.event_library import Author, Book, Pin

pytestmark = pytest.mark.anyio


def told_by(app: Holdall, name: str = "tell", **options: Any) -> list[Event]:
    found: list[Event] = []

    @app.after(Book.created, Book.changed, Book.deleted, name=name, **options)
    async def tell(event: Event) -> None:
        found.append(event)

    return found


async def delivered_soon(app: Holdall) -> Delivered:
    """What is delivered as soon as the next try is due."""
    report = await app.outbox.deliver()
    if report.next_due is not None and not (report.delivered or report.failed or report.dead):
        await asyncio.sleep((report.next_due - dt.datetime.now(dt.UTC)).total_seconds())
        report = await app.outbox.deliver()
    return report


async def test_events_are_told_after_the_commit_with_keys_that_the_store_made(app: Holdall) -> None:
    told = told_by(app)
    await app.create()
    async with app.session() as session:
        jane = session.add(Author(name="Jane"))
        book = session.add(Book(title="Emma", author=jane, pin=Pin("one-two")))
    async with app.session() as session:
        again = await session.require(Book, book.id)
        again.status, again.pin = "out", Pin("three-four")
    async with app.session() as session:
        session.remove(await session.require(Book, book.id))
    assert told == []
    report = await app.outbox.deliver()
    assert (report.delivered, report.failed, report.dead, report.waiting) == (3, 0, 0, 0)
    created, changed, deleted = told
    assert created.new == {
        "id": book.id, "title": "Emma", "status": "draft", "notes": 0, "author": jane.id, "version": 1
    }  # fmt: skip
    assert (changed.key, changed.old, changed.new) == (book.id, {"status": "draft"}, {"status": "out"})
    assert changed.fields == ("status", "pin")  # told that it changed, and not from what to what
    assert (deleted.key, deleted.old["status"], deleted.new) == (book.id, "out", {})
    assert len({event.id for event in told}) == len({event.commit for event in told}) == 3
    assert {event.user_id for event in told} == {"system"}
    assert [entry async for entry in app.outbox.entries()] == []
    assert (await app.outbox.deliver()).delivered == 0


async def test_a_commit_that_is_refused_leaves_nothing_in_the_outbox(app: Holdall) -> None:
    told_by(app)
    await app.create()
    async with app.session() as session:
        book = session.add(Book(title="Emma"))
        await session.commit()
        async with app.session() as other:
            (await other.require(Book, book.id)).notes = 1
        book.status = "out"
        with pytest.raises(CommitAborted):
            await session.commit()
        session.rollback()
    kinds = [(entry.kind, entry.fields) async for entry in app.outbox.entries()]
    assert [kind for kind, _ in kinds] == ["created", "changed"]
    assert kinds[1][1] == ("notes",)


async def test_a_transaction_that_is_undone_leaves_nothing_in_the_outbox(local: Holdall) -> None:
    told_by(local)
    async with local.session() as session:
        book = session.add(Book(title="Persuasion"))
        assert [task.record for task in (await session.commit()).tasks] == [book]
    async for entry in local.outbox.entries():
        await local.outbox.drop(entry.id)

    async def undone() -> None:
        async with local.session() as session, session.transaction():
            session.add(Book(title="Emma"))
            await session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await undone()
    assert [entry async for entry in local.outbox.entries()] == []
    async with local.session() as session, session.transaction():
        session.add(Book(title="Emma"))
        await session.flush()
    assert [entry.kind async for entry in local.outbox.entries()] == ["created"]


async def test_a_try_in_vain_is_repeated_and_later_events_of_the_record_wait(app: Holdall) -> None:
    order: dict[Any, list[Any]] = defaultdict(list)
    is_closed = True

    @app.after(Book.created, Book.changed, name="shop", backoff=0.001)
    async def tell(event: Event) -> None:
        if is_closed and event.key == emma.id:
            raise ConnectionError("the shop is closed")
        order[event.key].append((event.id, event.new.get("status")))

    await app.create()
    async with app.session() as session:
        emma, other = session.add(Book(title="Emma")), session.add(Book(title="Persuasion"))
        await session.commit()
        emma.status = other.status = "out"
        await session.commit()
        emma.status = "in"
    report = await app.outbox.deliver()
    assert (report.delivered, report.failed, report.waiting) == (2, 1, 2)
    (first, *_) = [entry async for entry in app.outbox.entries()]
    assert (first.attempts, first.error) == (1, "ConnectionError: the shop is closed")
    is_closed = False
    assert (await delivered_soon(app)).delivered == 3
    assert [status for _, status in order[emma.id]] == ["draft", "out", "in"]
    assert [status for _, status in order[other.id]] == ["draft", "out"]
    assert order[emma.id][0][0] == first.event


async def test_after_the_last_try_an_event_is_a_dead_letter(app: Holdall, caplog: pytest.LogCaptureFixture) -> None:
    is_closed = True
    told: list[Event] = []

    @app.after(Book.created, name="shop", attempts=2, backoff=0.001)
    def tell(event: Event) -> None:
        if is_closed:
            raise ConnectionError("closed")
        told.append(event)

    await app.create()
    async with app.session() as session:
        session.add(Book(title="Emma"))
    with caplog.at_level(logging.WARNING, "holdall.events"):
        assert (await delivered_soon(app)).failed == 1
        assert (await delivered_soon(app)).dead == 1
    assert "is a dead letter of 'shop' at try 2" in caplog.text
    (letter,) = [entry async for entry in app.outbox.entries(handler="shop", is_dead=True)]
    assert (letter.attempts, letter.is_known, letter.kind) == (2, True, "created")
    assert (await app.outbox.deliver()).delivered == 0
    is_closed = False
    await app.outbox.retry(letter.id)
    assert (await app.outbox.deliver()).delivered == 1
    assert (told[0].id, told[0].attempt) == (letter.event, 1)
    for verb in (app.outbox.retry, app.outbox.drop, app.outbox.entry):
        for wrong in (letter.id, "main:x", "other:1", "", "main:" + "9" * 30):
            with pytest.raises(NotFound):
                await verb(wrong)


async def test_an_event_for_a_function_that_is_gone_is_kept_and_listed(tmp_path: Path) -> None:
    def library() -> Holdall:
        app = Holdall("library")
        app.add_store("main", f"sqlite:///{tmp_path}/library.db")
        app.add(Author, Book, store="main")
        return app

    before = library()
    told_by(before, "former")
    await before.create()
    async with before.session() as session:
        session.add(Book(title="Emma"))
    await before.close()
    after = library()
    told = told_by(after, "new")
    assert (await after.outbox.deliver()).delivered == 0
    (entry,) = [entry async for entry in after.outbox.entries()]
    assert (entry.handler, entry.is_known, told) == ("former", False, [])
    await after.close()
    silent = library()  # without any function
    (entry,) = [entry async for entry in silent.outbox.entries()]
    await silent.outbox.drop(entry.id)
    assert [entry async for entry in silent.outbox.entries()] == []
    await silent.close()


async def test_who_delivers_has_a_lease_until_he_is_dead_or_slow(tmp_path: Path) -> None:
    started, go_on = asyncio.Event(), asyncio.Event()

    def library(lease: float) -> tuple[Holdall, list[str]]:
        app, told = Holdall("library", lease=lease), list[str]()
        app.add_store("main", f"sqlite:///{tmp_path}/library.db")
        app.add(Author, Book, store="main")

        @app.after(Book.created, name="slow")
        async def tell(event: Event) -> None:
            started.set()
            await go_on.wait()
            told.append(event.id)

        return app, told

    one, told_one = library(15.0)
    two, told_two = library(15.0)
    await one.create()
    async with one.session() as session:
        session.add(Book(title="Emma"))
    delivering = asyncio.create_task(one.outbox.deliver())
    await started.wait()
    assert (await two.outbox.deliver()).delivered == 0
    go_on.set()
    assert (await delivering).delivered == 1
    async with one.session() as session:
        session.add(Book(title="Persuasion"))
    assert (await two.outbox.deliver()).delivered == 1
    assert (len(told_one), len(told_two)) == (1, 1)
    await one.close()
    await two.close()


async def test_a_function_that_hangs_costs_one_try_and_holds_up_nobody(local: Holdall) -> None:
    told = told_by(local, "quick")

    @local.after(Book.created, name="hang", timeout=0.02, attempts=1)
    async def hang(event: Event) -> None:
        await asyncio.Event().wait()

    async with local.session() as session:
        session.add(Book(title="Emma"))
    report = await local.outbox.deliver()
    assert (report.delivered, report.dead, len(told)) == (1, 1, 1)
    (letter,) = [entry async for entry in local.outbox.entries()]
    assert "took longer than 0.02 seconds" in letter.error


async def test_a_function_may_write_the_record_that_it_is_told_of(local: Holdall) -> None:
    @local.after(Book.created, Book.changed("notes"), name="count")
    async def count(event: Event) -> None:
        async with local.session() as session:
            book = await session.require(Book, event.key)
            if book.notes < 3:
                book.notes += 1

    async with local.session() as session:
        book = session.add(Book(title="Emma"))
    while (await local.outbox.deliver()).delivered:
        pass
    async with local.session() as session:
        assert (await session.require(Book, book.id)).notes == 3


async def test_a_started_application_delivers_by_itself(local: Holdall) -> None:
    arrived = asyncio.Event()

    @local.after(Book.created, name="tell")
    async def tell(event: Event) -> None:
        arrived.set()

    async with local:
        async with local.session() as session:
            session.add(Book(title="Emma"))
        async with asyncio.timeout(5):
            await arrived.wait()


async def test_a_body_of_another_version_is_left_alone_and_listed(local: Holdall) -> None:
    told = told_by(local)
    async with local.session() as session:
        session.add(Book(title="Emma"))
    store: Any = local.stores["main"]
    for number, (body, problem) in enumerate([(b"\x91\x09", "format is 9"), (b"\xc1", "damaged")], 100):
        values = (number, "e", "tell", "book", False, 0, "", body)
        names = ("id", "event", "handler", "collection", "is_dead", "attempts", "error", "body")
        await store.apply([Change(Verb.ADD, "holdall_outbox_main", number, names, values)])
        assert problem in (await local.outbox.entry(f"main:{number}")).problem
    report = await local.outbox.deliver()
    assert (report.delivered, report.failed, len(told)) == (1, 1, 1)
    entries = [(entry.id, entry.attempts) async for entry in local.outbox.entries()]
    assert entries == [("main:100", 0), ("main:101", 1)]


async def test_events_of_a_commit_over_two_stores_lie_with_their_records(tmp_path: Path) -> None:
    for stores in (("sqlite:///a.db", "yaml:b"), ("yaml:c", "memory:"), ("sqlite:///d.db", "sqlite:///e.db")):
        app = Holdall("library", journal=f"sqlite:///{tmp_path}/journal.db")
        for name, url in zip("xy", stores, strict=True):
            app.add_store(name, url.replace("///", f"///{tmp_path}/").replace("yaml:", f"yaml:{tmp_path}/"))
        app.add(Author, store="x")
        app.add(Book, store="y")
        told: list[Event] = []

        @app.after(Author.created, Book.created, name="tell")
        async def tell(event: Event, told: list[Event] = told) -> None:
            told.append(event)

        await app.create()
        async with app.session() as session:
            jane = session.add(Author(name="Jane"))
            book = session.add(Book(title="Emma", author=jane))
        ids = [entry.id async for entry in app.outbox.entries()]
        assert sorted(ids) == ["x:1", "y:1"]
        assert (await app.outbox.deliver()).delivered == 2
        assert sorted((event.collection, event.key) for event in told) == [("author", jane.id), ("book", book.id)]
        assert [event.new["author"] for event in told if event.collection == "book"] == [jane.id]
        await app.close()


async def test_names_and_limits_are_looked_at_when_a_function_is_declared(local: Holdall) -> None:
    told_by(local, "tell")
    with pytest.raises(DeclarationError, match="already a function for events named 'tell'"):
        told_by(local, "tell")
    for options in ({"attempts": 0}, {"attempts": True}, {"timeout": 0}, {"timeout": float("nan")}, {"backoff": -1.0}):
        with pytest.raises(DeclarationError):
            told_by(local, "other", **options)
    for name in ("", "a b", "ä", "x" * 101, "-"):
        with pytest.raises(DeclarationError):
            told_by(local, name)


async def test_without_a_store_that_keeps_rows_events_are_refused() -> None:
    app = Holdall("library")
    app.add_store("api", "https://example.invalid")
    app.add(Author, store="api")
    app.after(Author.created, name="tell")(print)
    with pytest.raises(DeclarationError, match="add a database"):
        async with app.session():
            pass
    await app.close()


async def test_the_worker_goes_on_when_a_store_was_away(local: Holdall, caplog: pytest.LogCaptureFixture) -> None:
    arrived, store = asyncio.Event(), local.stores["main"]

    @local.after(Book.created, name="tell")
    async def tell(event: Event) -> None:
        arrived.set()

    fetch, tries = store.fetch, [StoreUnavailable("main", "away")]

    async def failing(query: Any) -> Any:
        if tries:
            raise tries.pop()
        return await fetch(query)

    async with local.session() as session:
        session.add(Book(title="Emma"))
    store.fetch = failing  # type: ignore[method-assign]
    async with local:
        async with asyncio.timeout(5):
            await arrived.wait()
    assert "could not be looked for" in caplog.text


async def test_a_store_that_is_away_holds_up_no_events_of_others(tmp_path: Path) -> None:
    app, arrived = Holdall("library"), list[str]()
    for name, model in (("books", Book), ("authors", Author)):
        app.add_store(name, f"sqlite:///{tmp_path}/{name}.db")
        app.add(model, store=name)

    @app.after(Book.created, Author.created, name="tell")
    async def tell(event: Event) -> None:
        arrived.append(event.collection)

    await app.create()
    async with app.session() as session:
        session.add_all([Book(title="Emma"), Author(name="Jane")])
    store: Any = app.stores["books"]
    fetch = store.fetch

    async def away(query: Any) -> Any:
        raise StoreUnavailable("books", "away")

    store.fetch = away
    with pytest.raises(StoreUnavailable, match="away"):
        await app.outbox.deliver()
    assert arrived == ["author"]
    store.fetch = fetch
    assert (await app.outbox.deliver()).delivered == 1
    assert arrived == ["author", "book"]
    await app.close()


def test_a_pause_is_at_most_an_hour() -> None:
    from holdall.events.delivery import pause_after

    assert all(pause_after(number, 60.0) <= 3_600 for number in (1, 7, 500))
    assert dt.timedelta(seconds=pause_after(1, 1.0)) <= dt.timedelta(seconds=1)


@pytest.mark.parametrize("kind", [asyncio.CancelledError, SystemExit, RecursionError, TimeoutError])
async def test_whatever_a_function_raises_costs_a_try(local: Holdall, kind: type[BaseException]) -> None:
    told = told_by(local, "good")

    @local.after(Book.created, name="hostile", attempts=1)
    async def tell(event: Event) -> None:
        raise kind("hostile")

    async with local.session() as session:
        session.add(Book(title="Emma"))
    report = await local.outbox.deliver()
    assert (report.delivered, report.dead, len(told)) == (1, 1, 1)
    (letter,) = [entry async for entry in local.outbox.entries()]
    assert letter.error == f"{kind.__name__}: hostile"


@pytest.mark.parametrize("is_sync", [False, True], ids=["async", "in a thread"])
@pytest.mark.parametrize(
    "error",
    [
        BaseExceptionGroup("hostile", [asyncio.CancelledError(), ValueError("hostile")]),
        BaseExceptionGroup("hostile", [KeyboardInterrupt()]),
        BaseException("hostile"),
    ],
    ids=["cancelled", "interrupted", "no exception"],
)
async def test_what_is_no_exception_costs_a_try_and_holds_up_no_other_record(
    local: Holdall, error: BaseException, is_sync: bool
) -> None:
    told = list[str]()

    def tell(event: Event) -> None:
        if event.new["title"] == "Emma":
            raise error
        told.append(event.new["title"])

    async def tell_on_loop(event: Event) -> None:
        await asyncio.sleep(0)
        tell(event)

    local.after(Book.created, name="hostile", attempts=1)(tell if is_sync else tell_on_loop)
    async with local.session() as session:
        session.add_all([Book(title="Emma"), Book(title="Persuasion")])
    report = await local.outbox.deliver()
    assert (report.delivered, report.dead, told) == (1, 1, ["Persuasion"])
    (letter,) = [entry async for entry in local.outbox.entries()]
    assert letter.error.startswith(f"{type(error).__name__}: hostile")


async def test_a_function_that_hangs_holds_up_no_other_one(local: Holdall) -> None:
    hangs, arrived = asyncio.Event(), asyncio.Event()

    @local.after(Book.created, name="hang", timeout=60.0)
    async def hang(event: Event) -> None:
        hangs.set()
        await asyncio.Event().wait()

    @local.after(Book.created, name="quick")
    async def quick(event: Event) -> None:
        if event.new["title"] == "Persuasion":
            arrived.set()

    async with local, asyncio.timeout(5):
        async with local.session() as session:
            session.add(Book(title="Emma"))
        await hangs.wait()
        async with local.session() as session:
            session.add(Book(title="Persuasion"))
        await arrived.wait()
    assert [entry.handler async for entry in local.outbox.entries()] == ["hang", "hang"]
