"""A database of PostgreSQL for one test, and a connection to it that is not Holdall's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import asyncpg
import pytest


@pytest.fixture
def url(postgres_url: str, fresh_database: Callable[[str], str]) -> str:
    """A database in which nothing was ever made or held."""
    return fresh_database(postgres_url)


@pytest.fixture
async def raw(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of a program that is not Holdall's, to the same database."""
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close(timeout=5)
