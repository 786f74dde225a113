"""Work within a bound of time is the work itself: what it gives, raises and waits for; a timer only where it waits."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from holdall.web.waiting import within

pytestmark = pytest.mark.anyio


class Timers:
    """Counts the bounds of time that were set."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.count = 0
        timeout = asyncio.timeout

        def counted(seconds: float | None) -> asyncio.Timeout:
            self.count += 1
            return timeout(seconds)

        patch.setattr(asyncio, "timeout", counted)


@pytest.fixture(name="timers")
def _timers(monkeypatch: pytest.MonkeyPatch) -> Timers:
    return Timers(monkeypatch)


async def test_what_is_ready_sets_no_timer(timers: Timers) -> None:
    async def ready() -> int:
        return 7

    async def wrong() -> int:
        raise ValueError("no number")

    assert await within(ready(), 1e-9) == 7
    with pytest.raises(ValueError, match="no number"):
        await within(wrong(), 1.0)
    assert timers.count == 0


async def test_what_waits_goes_on_as_if_it_were_awaited(timers: Timers) -> None:
    order: list[Any] = []

    async def waits() -> list[Any]:
        await asyncio.sleep(0)
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(future.set_result, "a")
        order.append(await future)
        refused: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(refused.set_exception, KeyError("b"))
        try:
            await refused
        except KeyError as error:
            order.append(error.args)
        return order

    assert await within(waits(), 60.0) == ["a", ("b",)]
    assert timers.count == 1


async def test_what_takes_too_long_is_ended() -> None:
    ended = []

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("closed")

    with pytest.raises(TimeoutError):
        await within(endless(), 0.0)
    assert ended == ["closed"]


async def test_a_cancelled_caller_cancels_the_work() -> None:
    ended = []

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    task = asyncio.ensure_future(within(endless(), 60.0))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["cancelled"]
