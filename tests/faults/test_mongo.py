"""MongoDB behind a network that fails, with transactions and without."""

from __future__ import annotations

import asyncio

import pytest

from holdall.testing.fault import Fault
from tests.faults.matrix import trials, tried
from tests.faults.subject import Subject

# a driver task that is cancelled while it connects leaves its socket to the collector
pytestmark = [pytest.mark.early, pytest.mark.anyio, pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")]

_LIMITS = {"timeout": 0.5, "connect_timeout": 0.5}


@pytest.fixture(scope="module")
def subject(mongo_url: str) -> Subject:
    # the address alone: the replica set would tell the client where the server is, past the proxy
    url = mongo_url.partition("?")[0].replace("/test", "/faults") + "?directConnection=true"

    made = Subject(url, 1.0, {"connections": 3, "transactions": True}, _LIMITS)

    async def prepare() -> None:
        direct = made.open()
        await direct.prepare()
        await direct.app.close()

    asyncio.run(prepare())
    return made


@pytest.mark.parametrize("operation, fault", trials())
async def test_every_answer_is_true_and_comes_in_time(subject: Subject, operation: str, fault: Fault) -> None:
    assert await tried(subject, operation, fault) == []
