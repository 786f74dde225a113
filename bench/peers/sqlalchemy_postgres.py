"""SQLAlchemy on PostgreSQL, asynchronous, by asyncpg: the ORM's unit of work and Core."""

from __future__ import annotations

import time
from functools import cache
from typing import cast

from sqlalchemy import Table, bindparam, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from bench.book import named, rows
from bench.peers.sqlalchemy_book import Base, Book

_TABLE = cast(Table, Book.__table__)


async def orm_load(database: str, count: int) -> float:
    """All instances, in a new session."""
    async with AsyncSession(await _filled(database, count)) as session:
        start = time.perf_counter()
        loaded = (await session.scalars(select(Book))).all()
        seconds = time.perf_counter() - start
        assert len(loaded) == count
    return seconds / count


async def orm_insert(database: str, count: int) -> float:
    """add_all and commit of instances that are there."""
    engine = await _emptied(database)
    async with AsyncSession(engine, expire_on_commit=False) as session:
        instances = [Book(**values) for values in named(count)]
        start = time.perf_counter()
        session.add_all(instances)
        await session.commit()
        return (time.perf_counter() - start) / count


async def orm_update(database: str, count: int) -> float:
    """Two attributes of each loaded instance, and commit."""
    async with AsyncSession(await _filled(database, count), expire_on_commit=False) as session:
        instances = (await session.scalars(select(Book))).all()
        start = time.perf_counter()
        for book in instances:
            book.pages += 1
            book.price += 1.0
        await session.commit()
        return (time.perf_counter() - start) / count


async def core_load(database: str, count: int) -> float:
    """All rows."""
    async with (await _filled(database, count)).connect() as connection:
        start = time.perf_counter()
        loaded = (await connection.execute(select(_TABLE))).all()
        seconds = time.perf_counter() - start
        assert len(loaded) == count
    return seconds / count


async def core_insert(database: str, count: int) -> float:
    """One executemany, committed."""
    engine = await _emptied(database)
    values = named(count)
    start = time.perf_counter()
    async with engine.begin() as connection:
        await connection.execute(insert(_TABLE), values)
    return (time.perf_counter() - start) / count


async def core_update(database: str, count: int) -> float:
    """New values of two columns for each loaded row, in one executemany, committed."""
    engine = await _emptied(database)
    await _filled(database, count)
    statement = update(_TABLE).where(_TABLE.c.id == bindparam("key"))
    loaded = rows(count)
    start = time.perf_counter()
    edits = [{"pages": values[5] + 1, "price": values[6] + 1.0, "key": values[0]} for values in loaded]
    async with engine.begin() as connection:
        await connection.execute(statement.values(pages=bindparam("pages"), price=bindparam("price")), edits)
    return (time.perf_counter() - start) / count


@cache
def _engine(database: str) -> AsyncEngine:
    return create_async_engine(database.replace("postgresql://", "postgresql+asyncpg://", 1))


async def _emptied(database: str) -> AsyncEngine:
    engine = _engine(database)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        await connection.execute(text("TRUNCATE book"))
    return engine


async def _filled(database: str, count: int) -> AsyncEngine:
    engine = _engine(database)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        if await connection.scalar(select(func.count()).select_from(_TABLE)) == count:
            return engine
    await _emptied(database)
    async with engine.begin() as connection:
        await connection.execute(insert(_TABLE), named(count))
    return engine
