"""Loops end when they are cancelled, also where a driver lost the cancellation, as wait_for of Python 3.11 does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest

from holdall.app.background import Background
from holdall.errors import StoreUnavailable
from holdall.events.worker import Worker
from holdall.session import Recovered, recovering
from holdall.session.commit.two_phase.idempotent_apply import until_answered

pytestmark = pytest.mark.anyio


class _Driver:
    """Loses the first cancellation of whoever waits for it."""

    def __init__(self, result: object = None, error: Exception | None = None) -> None:
        self.asked = asyncio.Event()
        self._result = result
        self._error = error

    async def ask(self, *_: object) -> Any:
        if not self.asked.is_set():
            self.asked.set()
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        if self._error is not None:
            raise self._error
        return self._result


async def _ends(driver: _Driver, stop: Callable[[], Awaitable[object]]) -> None:
    await driver.asked.wait()
    await asyncio.wait_for(stop(), 30)


async def test_rounds_of_recovery_end() -> None:
    driver = _Driver(Recovered())
    task = asyncio.create_task(recovering(driver.ask, driver.ask, 3600, 1))

    async def stop() -> None:
        task.cancel()
        await asyncio.wait([task])

    await _ends(driver, stop)
    assert task.cancelled()


async def test_an_application_ends_amid_a_round() -> None:
    driver = _Driver(Recovered())
    recovery: Any = SimpleNamespace(run=driver.ask, sweep=driver.ask)
    background = Background(recovery)
    background.recover(3600, 1)
    await _ends(driver, background.stop)


async def test_the_worker_of_an_outbox_ends() -> None:
    driver = _Driver([])
    outbox: Any = SimpleNamespace(waiting=driver.ask)
    worker = Worker(outbox, lambda: asyncio.sleep(0))
    worker.start()
    await _ends(driver, worker.stop)


async def test_a_time_limit_holds_for_what_is_asked_until_it_is_answered() -> None:
    driver = _Driver(error=StoreUnavailable("main", "away"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await until_answered(driver.ask)
