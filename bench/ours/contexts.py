"""Holdall's records in sessions, and in contexts with middleware that stands around them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import cache, partial

from bench.book import named
from bench.ours.book import Book
from holdall import Context, Holdall, Session

_RECORDS = 1_000
_Once = Callable[[Session, int], Awaitable[None]]


@cache
def _library(url: str, has_middleware: bool) -> Holdall:
    app = Holdall("library in contexts" if has_middleware else "library")
    app.add_store("main", url)
    app.add(Book, store="main")
    if has_middleware:
        app.add_middleware(_around)
    return app


async def _around(context: Context) -> AsyncIterator[None]:
    """Middleware as programs have it: it looks at the outcome."""
    outcome = "failed"
    try:
        yield
        outcome = "went well"
    finally:
        context.meta.require("path"), outcome


async def _get(session: Session, number: int) -> None:
    assert await session.get(Book, number % _RECORDS + 1) is not None


async def _list(session: Session, number: int) -> None:
    assert len(await session.query(Book.where(Book.id > number % 100).sort(Book.id).limit(50))) == 50


async def _create(session: Session, number: int) -> None:
    session.add(Book(**{**named(1)[0], "id": time.time_ns()}))


async def _in_sessions(once: _Once, database: str, count: int) -> float:
    app = await _filled(database, has_middleware=False)
    start = time.perf_counter()
    for number in range(count):
        async with app.session() as session:
            await once(session, number)
    return (time.perf_counter() - start) / count


async def _in_contexts(once: _Once, database: str, count: int) -> float:
    app = await _filled(database, has_middleware=True)
    start = time.perf_counter()
    for number in range(count):
        async with app.context({"path": "/books"}) as context:
            await once(context.session, number)
    return (time.perf_counter() - start) / count


async def _filled(url: str, *, has_middleware: bool) -> Holdall:
    """The application with at least a thousand records, whichever of the two was asked before."""
    app = _library(url, has_middleware)
    await app.create()
    async with app.session() as session:
        if await session.count(Book.where()) < _RECORDS:
            session.add_all([Book(**values) for values in named(_RECORDS)])
    return app


session_get, context_get = partial(_in_sessions, _get), partial(_in_contexts, _get)
session_list, context_list = partial(_in_sessions, _list), partial(_in_contexts, _list)
session_create, context_create = partial(_in_sessions, _create), partial(_in_contexts, _create)
