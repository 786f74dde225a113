"""Holdall's records, changed by an action and by what it does, in sessions and over HTTP in the same process."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from functools import cache, partial

from bench.book import named
from bench.ours.book import Book
from holdall import SYSTEM, Action, ActionPolicy, Context, Everyone, Holdall, One, Policy
from holdall.testing.client import Client

_RECORDS = 1_000
_Once = Callable[[Holdall, Client, int], Awaitable[None]]


class Recount(Action[Book], on=One):
    """Another number of pages."""

    pages: int

    async def run(self, context: Context, book: Book) -> None:
        """Set it."""
        book.pages = self.pages


@cache
def _served(url: str) -> tuple[Holdall, Client]:
    app = Holdall("library with actions")
    app.add_store("main", url)
    app.add(Book, store="main", policy=Policy(read=Everyone, write=Everyone))
    app.add_action(Recount, policy=ActionPolicy(execute=Everyone))
    return app, Client(app.asgi(docs=False))


async def _session_patch(app: Holdall, client: Client, number: int) -> None:
    async with app.session(SYSTEM) as session:
        book = await session.require(Book, number % _RECORDS + 1)
        book.pages = number
        await session.commit()


async def _session_action(app: Holdall, client: Client, number: int) -> None:
    async with app.session(SYSTEM) as session:
        await session.act(Recount(pages=number), await session.require(Book, number % _RECORDS + 1))


async def _http_patch(app: Holdall, client: Client, number: int) -> None:
    answer = await client.patch(f"/book/{number % _RECORDS + 1}", {"pages": number})
    assert answer.status == 200, answer.body


async def _http_action(app: Holdall, client: Client, number: int) -> None:
    answer = await client.post(f"/book/{number % _RECORDS + 1}/actions/recount", {"pages": number})
    assert answer.status == 200, answer.body


async def _calls(once: _Once, database: str, count: int) -> float:
    app, client = _served(database)
    await app.create()
    async with app.session() as session:
        if await session.count(Book.where()) < _RECORDS:
            session.add_all([Book(**values) for values in named(_RECORDS)])
    first = time.time_ns()  # a value that no record has, so that each call is a change
    start = time.perf_counter()
    for number in range(first, first + count):
        await once(app, client, number)
    return (time.perf_counter() - start) / count


session_patch, session_action = partial(_calls, _session_patch), partial(_calls, _session_action)
http_patch, http_action = partial(_calls, _http_patch), partial(_calls, _http_action)
