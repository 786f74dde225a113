"""Rows of the outbox, a feed and a lease in which somebody wrote what nobody can read: all others go their way."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from holdall import Event, Holdall
from holdall.events.feed import Feed
from tests.support.event_library import Author, Book

pytestmark = pytest.mark.anyio

OUTBOX = {
    "due": "'never'",
    "attempts": "'many'",
    "error": "x'ff'",
    "body": "'text'",
    "event": "x'00ff'",
    "collection": "x'ff'",
    "is_dead": "'maybe'",
    "made_0": "'x'",
}
FEED = {"at": "'never'", "body": "'text'", "event": "x'00ff'", "made_0": "'x'"}
LEASE = {"owner": "x'ff'", "until": "'never'"}


def library(folder: Path) -> Holdall:
    app = Holdall("library")
    app.add_store("main", f"sqlite:///{folder}/library.db")
    app.add(Author, Book, store="main")
    return app


async def damage(app: Holdall, folder: Path, table: str, column: str, value: str, row: str) -> None:
    await app.stores["main"].close()  # no two libraries have a file open at once
    with sqlite3.connect(folder / "library.db") as connection:
        assert connection.execute(f"UPDATE {table} SET {column} = {value} WHERE {row}").rowcount == 1
    connection.close()


@pytest.mark.parametrize("column", OUTBOX)
async def test_a_damaged_event_is_in_the_way_of_no_other_one(tmp_path: Path, column: str) -> None:
    app, told = library(tmp_path), list[Event]()

    @app.after(Book.created, name="tell", attempts=1)
    async def tell(event: Event) -> None:
        told.append(event)

    await app.create()
    async with app.session() as session:
        session.add_all([Book(title=str(number)) for number in range(1, 4)])
    await damage(app, tmp_path, "holdall_outbox_main", column, OUTBOX[column], "id = 2")
    await app.outbox.deliver()
    assert {event.new["title"] for event in told} >= {"1", "3"}
    left = [entry async for entry in app.outbox.entries()]
    assert len(told) + len(left) == 3
    for entry in left:
        assert (await app.outbox.entry(entry.id)).id == entry.id == "main:2"
        await app.outbox.retry(entry.id)
        await app.outbox.deliver()
    if column in ("due", "attempts", "error", "is_dead"):
        assert [event.new["title"] for event in told].count("2") == 1
    else:
        (letter,) = [entry async for entry in app.outbox.entries(is_dead=True)]
        assert letter.problem
        assert None not in [event.key for event in told]
    await app.close()


@pytest.mark.parametrize("column", ["due", "attempts", "error", "is_dead"])
async def test_a_bundle_with_a_damaged_column_is_delivered(tmp_path: Path, column: str) -> None:
    app, told = library(tmp_path), list[Event]()

    @app.after(Book.changed, name="tell", attempts=1)
    async def tell(event: Event) -> None:
        if event.new["status"] == "lost":
            raise ValueError("lost")
        told.append(event)

    await app.create()
    async with app.session() as session:
        books = [session.add(Book(title="Emma")) for _ in range(3)]
        await session.commit()
        for book, status in zip(books, ("out", "lost", "in"), strict=True):
            book.status = status
    await damage(app, tmp_path, "holdall_outbox_main", column, OUTBOX[column], "id = 1")
    if column == "is_dead":
        await app.outbox.retry("main:1.0")
    await app.outbox.deliver()
    assert {event.new["status"] for event in told} == {"out", "in"}
    (letter,) = [entry async for entry in app.outbox.entries(is_dead=True)]
    assert letter.key == books[1].id
    await app.close()


@pytest.mark.parametrize("column", LEASE)
async def test_a_damaged_lease_is_taken(tmp_path: Path, column: str) -> None:
    app, told = library(tmp_path), list[Event]()

    @app.after(Book.created, name="tell")
    async def tell(event: Event) -> None:
        told.append(event)

    await app.create()
    for number in (1, 2):
        async with app.session() as session:
            session.add(Book(title="Emma"))
        await app.outbox.deliver()
        assert len(told) == number
        await damage(app, tmp_path, "holdall_lease_main", column, LEASE[column], "id = 'tell'")
    await app.close()


@pytest.mark.parametrize("column", FEED)
async def test_a_damaged_row_of_a_feed_is_passed_over_and_swept(tmp_path: Path, column: str) -> None:
    app = library(tmp_path)
    app.add_feed(Book, seconds=3_600.0)
    await app.create()
    async with app.session() as session:
        session.add_all([Book(title=str(number)) for number in range(1, 4)])
    await damage(app, tmp_path, "holdall_feed_main", column, FEED[column], "id = 2")
    feed = app.listeners.feed
    assert isinstance(feed, Feed)
    rows = feed.of("book")
    assert rows is not None
    assert await feed.ends(rows) == (1, 3)
    assert [row.id for row in await feed.read(rows, 0, 10)] == [1, 2, 3]
    await feed.sweep()
    assert [row.id for row in await feed.read(rows, 0, 10)] == ([1, 3] if column == "at" else [1, 2, 3])
    await app.close()
