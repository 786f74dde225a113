"""The asynchronous SQLAlchemy engine both web peers use: durable on SQLite, pooled on PostgreSQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bench.peers.sqlalchemy_book import Base


def open_engine(database: str) -> AsyncEngine:
    """The engine for a SQLite file's path or a PostgreSQL URL.

    Five connections on SQLite, each of which is a thread: of 1, 2, 5 and 10 the number that serves its users best.
    """
    if database.startswith("postgresql://"):
        return create_async_engine(
            database.replace("postgresql://", "postgresql+asyncpg://", 1), pool_size=10, max_overflow=0
        )
    engine = create_async_engine(f"sqlite+aiosqlite:///{database}", pool_size=5, max_overflow=0)

    @event.listens_for(engine.sync_engine, "connect")
    def set_durability(connection: Any, record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.close()

    return engine


async def create_tables(engine: AsyncEngine) -> None:
    """Make the table."""
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
