"""Holdall's statements of one's own, and its queries while somebody listens or nobody does."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial

from opentelemetry import metrics, trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind

from bench.book import COLUMNS, named
from bench.ours.book import Book, library
from holdall import Session

_SELECT = f"SELECT {COLUMNS} FROM book WHERE id > :least ORDER BY id LIMIT 50"
_RECORDS = 1_000

_hand = logging.getLogger("by_hand")
_hand.setLevel(logging.DEBUG)
_statements, _reads = (metrics.get_meter("by hand").create_histogram(name, "s") for name in ("statements", "reads"))


async def _sql(prefix: str, database: str, count: int) -> float:
    """A statement with a parameter, its rows as named tuples."""
    await _filled(prefix + database)
    async with library(prefix + database).session() as session:
        start = time.perf_counter()
        for number in range(count):
            assert len(await session.sql(_SELECT, {"least": number})) == 50
        return (time.perf_counter() - start) / count


async def _seen(prefix: str, how: str, database: str, count: int) -> float:
    """A query of 50 records while it is seen in this way; by hand, around it, if that is how it ends."""
    url, by_hand = prefix + database, _BY_HAND.get(how)
    app, logger = library(url), logging.getLogger("holdall")
    app.observe(telemetry=how == "spans")
    logger.setLevel(logging.DEBUG if how == "logs" else logging.INFO)
    for each in (logger, _hand):
        each.propagate, each.handlers = False, [logging.StreamHandler(io.StringIO())]
    look, app.bindings.look = app.bindings.look, None if how == "unseen" else app.bindings.look
    if how.startswith("spans"):
        _tracing()

    async def once(session: Session, least: int) -> None:
        assert len(await session.query(Book.where(Book.id > least).sort(Book.id).limit(50))) == 50

    async def once_by_hand(session: Session, least: int) -> None:
        assert by_hand is not None
        with by_hand():
            await once(session, least)

    try:
        return await _timed(url, count, once if by_hand is None else once_by_hand)
    finally:
        logger.setLevel(logging.INFO)
        app.bindings.look = look
        app.observe()


@contextmanager
def _logged_by_hand() -> Iterator[None]:
    """One line for a statement, as anybody would write it."""
    begun = time.perf_counter()
    yield
    seconds = time.perf_counter() - begun
    extra = {"store": "main", "statement": _SELECT, "seconds": seconds, "rows": 50, "failure": None}
    _hand.debug("%s: %s (%.6f s, %d rows)", "main", _SELECT, seconds, 50, extra=extra)


@contextmanager
def _traced_by_hand() -> Iterator[None]:
    """A span for the read and one for its statement, with the attributes and measures that Holdall gives them."""
    tracer, begun = trace.get_tracer("by hand"), time.perf_counter()
    read = {"db.operation.name": "query", "db.collection.name": "book"}
    labels = {"db.system.name": "sqlite", "db.operation.name": "SELECT", "holdall.store": "main"}
    with tracer.start_as_current_span("query book", attributes=read) as outer:
        with tracer.start_as_current_span("SELECT main", kind=SpanKind.CLIENT, attributes=labels) as inner:
            yield
            inner.set_attributes({"db.query.text": _SELECT, "db.response.returned_rows": 50})
            _statements.record(time.perf_counter() - begun, labels)
        outer.set_attribute("db.response.returned_rows", 50)
        _reads.record(time.perf_counter() - begun, read)


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


_BY_HAND = {"logs by hand": _logged_by_hand, "spans by hand": _traced_by_hand}


@cache
def _tracing() -> None:
    """Spans that are recorded, and exported to nobody."""
    trace.set_tracer_provider(TracerProvider())


sqlite_sql, postgres_sql = partial(_sql, "sqlite:///"), partial(_sql, "")
sqlite_unseen, sqlite_off = partial(_seen, "sqlite:///", "unseen"), partial(_seen, "sqlite:///", "off")
sqlite_logs, sqlite_spans = partial(_seen, "sqlite:///", "logs"), partial(_seen, "sqlite:///", "spans")
sqlite_logs_by_hand = partial(_seen, "sqlite:///", "logs by hand")
sqlite_spans_by_hand = partial(_seen, "sqlite:///", "spans by hand")
postgres_logs_by_hand, postgres_spans_by_hand = partial(_seen, "", "logs by hand"), partial(_seen, "", "spans by hand")
postgres_off, postgres_logs = partial(_seen, "", "off"), partial(_seen, "", "logs")
postgres_spans = partial(_seen, "", "spans")
