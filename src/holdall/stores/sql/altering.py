"""Engines of SQLAlchemy through which tables are revised, one for each kind of database."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects.sqlite.base import SQLiteIdentifierPreparer
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from holdall.errors import RevisionError
from holdall.stores.sql.functions import register
from holdall.stores.sql.given_connections import Connections, connections_of

__all__ = ["lent_by", "postgres_engine", "sqlite_engine"]


@asynccontextmanager
async def lent_by(store: str, engine: sa.Engine | AsyncEngine) -> AsyncIterator[Connections]:
    """Lend connections of an engine that nobody else uses, and dispose of it."""
    try:
        yield connections_of(store, engine)
    finally:
        if isinstance(engine, AsyncEngine):
            await engine.dispose()
        else:
            engine.dispose()


def sqlite_engine(store: str, path: str | None, seconds: float) -> sa.Engine:
    """An engine for a file, by the standard library's ``sqlite3``: no other connection of this process may be open.

    Raises RevisionError for a database in memory, which nobody but its own connection can reach.
    """
    if path is None:
        raise RevisionError(store, "a database in memory has no revisions: make its tables by create()")

    def opened() -> sqlite3.Connection:
        made = sqlite3.connect(
            f"file:{quote(path)}?mode=rwc", uri=True, isolation_level=None, check_same_thread=False, timeout=seconds
        )
        register(made)
        made.execute("PRAGMA foreign_keys = off")  # they are looked at in the end
        return made

    engine = sa.create_engine("sqlite://", creator=opened, poolclass=NullPool)
    engine.dialect.identifier_preparer = _Quoting(engine.dialect)
    event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


class _Quoting(SQLiteIdentifierPreparer):
    """Writes every name in quotes, as ``create`` does."""

    def _requires_quotes(self, value: str) -> bool:
        return True


def postgres_engine(opened: Callable[[], Awaitable[Any]]) -> AsyncEngine:
    """An engine whose connections are opened by the store's own function."""
    return create_async_engine("postgresql+asyncpg://", async_creator=opened, poolclass=NullPool)
