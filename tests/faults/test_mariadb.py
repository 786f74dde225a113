"""MariaDB behind a network that fails."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from holdall.stores.sql import engine
from holdall.testing.fault import Fault
from tests.faults.matrix import trials, tried
from tests.faults.subject import Subject
from tests.servers.scratch import scratch_database

pytestmark = [pytest.mark.early, pytest.mark.anyio]

_LIMITS = {"timeout": 0.4, "connect_timeout": 0.4, "acquire_timeout": 0.4}


@pytest.fixture(scope="module")
def subject(mariadb_url: str) -> Iterator[Subject]:
    with ExitStack() as stack:
        url = stack.enter_context(scratch_database(mariadb_url))
        made = Subject(url, 1.3, {"connections": 3}, _LIMITS)

        async def prepare() -> None:
            direct = made.open()
            await direct.prepare()
            await direct.app.close()

        asyncio.run(prepare())
        yield made


@pytest.fixture(autouse=True)
def short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_GRACE", 0.1)


@pytest.mark.parametrize("operation, fault", trials(turn=1))
async def test_every_answer_is_true_and_comes_in_time(subject: Subject, operation: str, fault: Fault) -> None:
    assert await tried(subject, operation, fault) == []


@pytest.mark.parametrize("operation", ["apply one", "transaction", "session"])
async def test_a_store_that_takes_a_lost_answer_for_a_refusal_is_caught(
    subject: Subject, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted fault."""
    monkeypatch.setattr(engine, "deciding", contextlib.nullcontext)
    wrong = await tried(subject, operation, Fault.RESET_ANSWER)
    assert any("is there, but the answer was" in line for line in wrong)
