"""Holdall's records read under a rule that is a condition, and with the same condition written into each query.

Requests come from a user who is made anew for each, past any server.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from functools import cache, partial
from typing import Any

from bench.book import named
from bench.ours.book import Book
from holdall import Holdall, Policy, Session, User, me

_RECORDS = 1_000
_READER = User("en")
_Once = Callable[[Session, int], Awaitable[None]]


@cache
def _library(url: str, has_rule: bool) -> Holdall:
    app = Holdall("library under rules" if has_rule else "library")
    app.add_store("main", url)
    app.add(Book, store="main", policy=Policy(read=Book.language == me.id) if has_rule else None)
    return app


@cache
def _service(url: str, has_rule: bool) -> Any:
    return _library(url, has_rule).asgi(authenticate=_reader, docs=False)


async def _reader(scope: Any) -> User:
    return User("en")


async def _get_by_rule(session: Session, number: int) -> None:
    assert await session.get(Book, number % 200 * 5 + 5) is not None


async def _get_by_hand(session: Session, number: int) -> None:
    assert await session.first(Book.where(Book.id == number % 200 * 5 + 5, Book.language == "en")) is not None


async def _list_by_rule(session: Session, number: int) -> None:
    assert len(await session.query(Book.where(Book.id > number % 100).sort(Book.id).limit(50))) == 50


async def _list_by_hand(session: Session, number: int) -> None:
    query = Book.where(Book.id > number % 100, Book.language == "en").sort(Book.id).limit(50)
    assert len(await session.query(query)) == 50


async def _count_by_rule(session: Session, number: int) -> None:
    assert await session.count(Book.where(Book.id > number % 100)) > 0


async def _count_by_hand(session: Session, number: int) -> None:
    assert await session.count(Book.where(Book.id > number % 100, Book.language == "en")) > 0


async def _filled(app: Holdall) -> None:
    await app.create()
    async with app.session() as session:
        if await session.count(Book.where()) < _RECORDS:
            session.add_all([Book(**values) for values in named(_RECORDS)])


async def _read(once: _Once, has_rule: bool, database: str, count: int) -> float:
    app = _library(database, has_rule)
    await _filled(app)
    start = time.perf_counter()
    for number in range(count):
        async with app.session(user=_READER) as session:
            await once(session, number)
    return (time.perf_counter() - start) / count


async def _ask(path: str, query: bytes, has_rule: bool, database: str, count: int) -> float:
    app = _library(database, has_rule)
    await _filled(app)
    service, sent = _service(database, has_rule), list[Any]()
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query if has_rule else query + b"&language=en",
        "headers": [],
        "root_path": "",
    }

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    start = time.perf_counter()
    for _ in range(count):
        await service(scope.copy(), receive, send)
    took = (time.perf_counter() - start) / count
    assert b'"total_count":200' in sent[-1]["body"], sent[-1]
    return took


rule_get, hand_get = partial(_read, _get_by_rule, True), partial(_read, _get_by_hand, False)
rule_list, hand_list = partial(_read, _list_by_rule, True), partial(_read, _list_by_hand, False)
rule_count, hand_count = partial(_read, _count_by_rule, True), partial(_read, _count_by_hand, False)
rule_request, hand_request = [partial(_ask, "/book", b"page=1&page_size=50", has_rule) for has_rule in (True, False)]
