"""SQLAlchemy on SQLite, synchronous, by its default driver: the ORM's unit of work and Core, with equal durability."""

from __future__ import annotations

import time
from functools import cache
from typing import Any, cast

from sqlalchemy import Engine, Table, bindparam, create_engine, delete, event, func, insert, select, update
from sqlalchemy.orm import Session

from bench.book import named, rows
from bench.peers.sqlalchemy_book import Base, Book

_TABLE = cast(Table, Book.__table__)


def orm_load(database: str, count: int) -> float:
    """All instances, in a new session."""
    with Session(_filled(database, count)) as session:
        start = time.perf_counter()
        loaded = session.scalars(select(Book)).all()
        seconds = time.perf_counter() - start
        assert len(loaded) == count
    return seconds / count


def orm_insert(database: str, count: int) -> float:
    """add_all and commit of instances that are there."""
    engine = _open(database)
    _clear(engine)
    with Session(engine) as session:
        instances = [Book(**values) for values in named(count)]
        start = time.perf_counter()
        session.add_all(instances)
        session.commit()
        return (time.perf_counter() - start) / count


def orm_update(database: str, count: int) -> float:
    """Two attributes of each loaded instance, and commit."""
    with Session(_filled(database, count)) as session:
        instances = session.scalars(select(Book)).all()
        start = time.perf_counter()
        for book in instances:
            book.pages += 1
            book.price += 1.0
        session.commit()
        return (time.perf_counter() - start) / count


def core_load(database: str, count: int) -> float:
    """All rows."""
    with _filled(database, count).connect() as connection:
        start = time.perf_counter()
        loaded = connection.execute(select(_TABLE)).all()
        seconds = time.perf_counter() - start
        assert len(loaded) == count
    return seconds / count


def core_insert(database: str, count: int) -> float:
    """One executemany, committed."""
    engine = _open(database)
    _clear(engine)
    values = named(count)
    start = time.perf_counter()
    with engine.begin() as connection:
        connection.execute(insert(_TABLE), values)
    return (time.perf_counter() - start) / count


def core_update(database: str, count: int) -> float:
    """New values of two columns for each loaded row, in one executemany, committed."""
    engine = _filled(database, count)
    statement = update(_TABLE).where(_TABLE.c.id == bindparam("key"))
    loaded = rows(count)
    start = time.perf_counter()
    edits = [{"pages": values[5] + 1, "price": values[6] + 1.0, "key": values[0]} for values in loaded]
    with engine.begin() as connection:
        connection.execute(statement.values(pages=bindparam("pages"), price=bindparam("price")), edits)
    return (time.perf_counter() - start) / count


@cache
def _open(database: str) -> Engine:
    engine = create_engine(f"sqlite:///{database}")

    @event.listens_for(engine, "connect")
    def set_durability(connection: Any, record: Any) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")

    Base.metadata.create_all(engine)
    return engine


def _filled(database: str, count: int) -> Engine:
    engine = _open(database)
    with engine.connect() as connection:
        if connection.scalar(select(func.count()).select_from(_TABLE)) == count:
            return engine
    _clear(engine)
    with engine.begin() as connection:
        connection.execute(insert(_TABLE), named(count))
    return engine


def _clear(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(delete(_TABLE))
