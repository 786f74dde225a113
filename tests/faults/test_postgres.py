"""PostgreSQL behind a network that fails."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack
from typing import Any

import asyncpg
import pytest

from holdall.stores.sql.postgres_pool import PostgresPool
from holdall.testing.fault import Fault
from tests.faults.matrix import connections_given_back, trials, tried
from tests.faults.subject import Subject
from tests.servers.scratch import scratch_database

pytestmark = [pytest.mark.early, pytest.mark.anyio]

_LIMITS = {"timeout": 0.4, "connect_timeout": 0.4}


@pytest.fixture(scope="module")
def subject(postgres_url: str) -> Iterator[Subject]:
    with ExitStack() as stack:
        url = stack.enter_context(scratch_database(postgres_url))
        made = Subject(url, 0.8, {"connections": 3}, _LIMITS, _counter(url))

        async def prepare() -> None:
            direct = made.open()
            await direct.prepare()
            await direct.app.close()

        asyncio.run(prepare())
        yield made


def _counter(url: str) -> Callable[[], Awaitable[int]]:
    async def count() -> int:
        raw = await asyncpg.connect(url)
        try:
            found: int = await raw.fetchval(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE application_name = 'holdall' AND datname = current_database()"
            )
            return found
        finally:
            await raw.close()

    return count


@pytest.fixture
async def torn_connections() -> AsyncIterator[None]:
    """Let connections be torn while nobody waits for their answers, which the driver reports to the loop alone."""
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if not isinstance(context.get("exception"), ConnectionError):
            (before or type(loop).default_exception_handler)(loop, context)

    loop.set_exception_handler(handle)
    yield
    loop.set_exception_handler(before)


@pytest.mark.usefixtures("torn_connections")
@pytest.mark.parametrize("operation, fault", trials(turn=1))
async def test_every_answer_is_true_and_comes_in_time(subject: Subject, operation: str, fault: Fault) -> None:
    assert await tried(subject, operation, fault) == []
    assert await connections_given_back(subject) == 0


@pytest.mark.parametrize("operation", ["apply one", "transaction", "session"])
async def test_a_store_that_takes_a_lost_answer_for_a_refusal_is_caught(
    subject: Subject, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted fault."""
    for module in ("postgres", "postgres_work"):
        monkeypatch.setattr(f"holdall.stores.sql.{module}.deciding", contextlib.nullcontext)
    wrong = await tried(subject, operation, Fault.RESET_ANSWER)
    assert any("is there, but the answer was" in line for line in wrong)


async def test_a_store_that_does_not_close_is_caught(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted fault."""
    closed = PostgresPool.close
    pools: list[PostgresPool] = []

    async def close(pool: PostgresPool) -> None:
        pools.append(pool)

    monkeypatch.setattr(PostgresPool, "close", close)
    monkeypatch.setattr("tests.faults.matrix.PATIENCE", 0.5)
    wrong = await tried(subject, "fetch", Fault.RESET_REQUEST)
    for pool in pools:
        await closed(pool)
    assert any("were left open" in line for line in wrong)
