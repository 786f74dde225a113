"""Holdall's commits with events for an outbox, and without."""

from __future__ import annotations

import time
from functools import cache, partial

from bench.book import named
from bench.ours.book import Book
from holdall import Event, Holdall, Model, field

_RECORDS = 100


class Note(Model):
    """Another collection, whose events somebody listens to."""

    id: int = field(pk=True)


@cache
def _library(url: str, how: str) -> Holdall:
    app = Holdall("bench")
    app.add_store("main", url)
    app.add(Book, Note, store="main")
    if how != "plain":
        app.after(Book.changed if how == "outbox" else Note.changed, name="receiver")(_receive)
    return app


async def _receive(event: Event) -> None:
    """Take an event; nothing is delivered here."""


async def _commits(how: str, size: int, url: str, count: int) -> float:
    """Seconds of a commit that changes so many records."""
    app = _library(url, how)
    await app.create()
    async with app.session() as session:
        if await session.count(Book.where()) != _RECORDS:
            session.add_all([Book(**values) for values in named(_RECORDS)])
    seconds = 0.0
    for number in range(count):
        async with app.session() as session:
            for place in range(size):
                book = await session.require(Book, (number * size + place) % _RECORDS + 1)
                book.pages += 1
            start = time.perf_counter()
            await session.commit()
            seconds += time.perf_counter() - start
    if how == "outbox":
        async with app.session() as session:
            rows = app.bindings.of_name("holdall_outbox_main").model
            assert await session.delete(rows.where(), max_affected=None) == count
    return seconds / count


plain, outbox, none = (partial(_commits, how, 1) for how in ("plain", "outbox", "none"))
plain_ten, outbox_ten, none_ten = (partial(_commits, how, 10) for how in ("plain", "outbox", "none"))
