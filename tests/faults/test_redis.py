"""Redis behind a network that fails."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from holdall.testing.fault import Fault
from tests.faults.matrix import connections_given_back, trials, tried
from tests.faults.subject import Subject

pytestmark = pytest.mark.anyio

_OPTIONS = {"connections": 3, "prefix": "faults", "scan_limit": 1000}
_LIMITS = {"timeout": 0.4, "connect_timeout": 0.4}


@pytest.fixture(scope="module")
def subject(redis_url: str) -> Subject:
    async def clients() -> int:
        async with Redis.from_url(redis_url) as raw:
            return len(await raw.client_list()) - 1

    before = asyncio.run(clients())

    async def count() -> int:
        return max(0, await clients() - before)

    made = Subject(redis_url, 0.8, _OPTIONS, _LIMITS, count)

    async def prepare() -> None:
        direct = made.open()
        await direct.prepare()
        await direct.app.close()

    asyncio.run(prepare())
    return made


@pytest.mark.parametrize("operation, fault", trials("transaction"))
async def test_every_answer_is_true_and_comes_in_time(subject: Subject, operation: str, fault: Fault) -> None:
    assert await tried(subject, operation, fault) == []
    assert await connections_given_back(subject) == 0
