"""A killed server comes back at its address with what it had said was written."""

from __future__ import annotations

import asyncpg
import pytest
from redis import Redis

from tests.servers.killable import KillablePostgres, KillableValkey

pytestmark = pytest.mark.anyio


async def test_postgresql_comes_back_with_what_was_written() -> None:
    async def run(statement: str) -> list[tuple[int]]:
        connection = await asyncpg.connect(server.url, timeout=10)
        try:
            return [tuple(row) for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    with KillablePostgres() as server:
        await run("CREATE TABLE t AS SELECT 7 AS n")
        server.kill()
        server.start()
        assert await run("SELECT n FROM t") == [(7,)]


def test_valkey_comes_back_with_what_was_written() -> None:
    with KillableValkey() as server:
        for number in range(2):
            with Redis.from_url(server.url) as client:
                assert client.incr("n") == number + 1
            server.kill()
            server.start()
