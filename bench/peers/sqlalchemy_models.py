"""SQLAlchemy's ORM: instances as a session loads them from SQLite in memory; its constructor checks nothing."""

from __future__ import annotations

import time
from functools import cache

import msgspec
from sqlalchemy import Engine, create_engine, insert, select
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from bench.book import FIELDS, named, rows
from bench.peers.sqlalchemy_book import Base, Book
from bench.record import bytes_per_record, seconds_per_read, seconds_per_write


@cache
def _engine(count: int) -> Engine:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(Book), named(count))
    return engine


def from_row(count: int) -> float:
    """Loading instances, less what Core takes to fetch the same rows."""
    with Session(_engine(count)) as session:
        start = time.perf_counter()
        session.execute(select(Book.__table__)).all()
        middle = time.perf_counter()
        session.scalars(select(Book)).all()
        return (time.perf_counter() - middle - (middle - start)) / count


def construct(count: int) -> float:
    """The constructor, which does not check."""
    sources = named(count)
    start = time.perf_counter()
    for source in sources:
        Book(**source)
    return (time.perf_counter() - start) / count


def read(count: int) -> float:
    """Attribute reads of a loaded instance."""
    with Session(_engine(count)) as session:
        return seconds_per_read(session.get(Book, 1), count)


def write(count: int, is_again: bool) -> float:
    """Tracked writes to loaded instances; not checked."""
    with Session(_engine(count), autoflush=False) as session:
        return seconds_per_write(session.scalars(select(Book)).all(), is_again)


def to_json(count: int) -> float:
    """A dict of the attributes through msgspec, the fastest encoder there is for it."""
    with Session(_engine(count)) as session:
        records = session.scalars(select(Book)).all()
        encode = msgspec.json.Encoder().encode
        start = time.perf_counter()
        for record in records:
            encode({name: getattr(record, name) for name in FIELDS})
        return (time.perf_counter() - start) / count


def memory(count: int) -> float:
    """An instance made of values that are there."""
    return bytes_per_record(lambda source: Book(**dict(zip(FIELDS, source, strict=True))), rows(count))
