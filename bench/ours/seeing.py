"""Holdall's statements of one's own, and its queries while somebody listens or nobody does."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Awaitable, Callable
from functools import cache, partial

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from bench.book import COLUMNS, named
from bench.ours.book import Book, library
from holdall import Session

_SELECT = f"SELECT {COLUMNS} FROM book WHERE id > :least ORDER BY id LIMIT 50"
_RECORDS = 1_000


async def _sql(prefix: str, database: str, count: int) -> float:
    """A statement with a parameter, its rows as named tuples."""
    await _filled(prefix + database)
    async with library(prefix + database).session() as session:
        start = time.perf_counter()
        for number in range(count):
            assert len(await session.sql(_SELECT, {"least": number})) == 50
        return (time.perf_counter() - start) / count


async def _seen(prefix: str, how: str, database: str, count: int) -> float:
    """A query of 50 records while it is seen in this way."""
    url = prefix + database
    app, logger = library(url), logging.getLogger("holdall")
    app.observe(telemetry=how == "spans")
    logger.setLevel(logging.DEBUG if how == "logs" else logging.INFO)
    logger.propagate, logger.handlers = False, [logging.StreamHandler(io.StringIO())]
    look, app.bindings.look = app.bindings.look, None if how == "unseen" else app.bindings.look
    if how == "spans":
        _tracing()

    async def once(session: Session, least: int) -> None:
        assert len(await session.query(Book.where(Book.id > least).sort(Book.id).limit(50))) == 50

    try:
        return await _timed(url, count, once)
    finally:
        logger.setLevel(logging.INFO)
        app.bindings.look = look
        app.observe()


async def _timed(url: str, count: int, once: Callable[[Session, int], Awaitable[None]]) -> float:
    await _filled(url)
    start = time.perf_counter()
    for number in range(count):
        async with library(url).session() as session:
            await once(session, number)
    return (time.perf_counter() - start) / count


async def _filled(url: str) -> None:
    await library(url).create()
    async with library(url).session() as session:
        if await session.count(Book.where()) != _RECORDS:
            for book in await session.query(Book.where()):
                session.remove(book)
            await session.commit()
            session.add_all([Book(**values) for values in named(_RECORDS)])


@cache
def _tracing() -> None:
    """Spans that are recorded, and exported to nobody."""
    trace.set_tracer_provider(TracerProvider())


sqlite_sql, postgres_sql = partial(_sql, "sqlite:///"), partial(_sql, "")
sqlite_unseen, sqlite_off = partial(_seen, "sqlite:///", "unseen"), partial(_seen, "sqlite:///", "off")
sqlite_logs, sqlite_spans = partial(_seen, "sqlite:///", "logs"), partial(_seen, "sqlite:///", "spans")
postgres_off, postgres_logs = partial(_seen, "", "off"), partial(_seen, "", "logs")
postgres_spans = partial(_seen, "", "spans")
