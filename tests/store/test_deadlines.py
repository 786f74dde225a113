"""Deadlines: what takes too long is ended, and nothing else; cancellations of others stay what they are."""

from __future__ import annotations

import asyncio
from time import monotonic

import pytest

from holdall.store import Deadlines, Watchdog

pytestmark = pytest.mark.anyio


async def test_what_takes_too_long_is_ended_and_its_task_goes_on() -> None:
    deadlines = Deadlines(0.02)
    for _ in range(2):
        with pytest.raises(TimeoutError):
            await deadlines.within(asyncio.sleep(60))
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    assert await deadlines.within(asyncio.sleep(0, "done")) == "done"


async def test_a_call_may_have_less_time_than_others() -> None:
    with pytest.raises(TimeoutError):
        await Deadlines(0.2).within(asyncio.sleep(60), until=monotonic() + 0.01)


async def test_nothing_is_begun_when_its_time_is_over() -> None:
    async def call() -> None:
        begun.append(call)

    begun = list[object]()
    with pytest.raises(TimeoutError):
        await Deadlines(60).within(call(), until=monotonic() - 1)
    assert begun == []


async def test_a_cancellation_by_others_is_one() -> None:
    deadlines = Deadlines(60)
    task = asyncio.ensure_future(deadlines.within(asyncio.sleep(60)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_by_others_at_the_same_time_is_one() -> None:
    deadlines = Deadlines(0.02)

    async def stubborn() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            task.cancel()
            raise

    task = asyncio.ensure_future(deadlines.within(stubborn()))
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_task_that_went_on_after_a_cancellation_has_its_time() -> None:
    deadlines = Deadlines(0.02)

    async def cleaning_up() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            with pytest.raises(TimeoutError):
                await deadlines.within(asyncio.sleep(60))

    task = asyncio.ensure_future(cleaning_up())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelling() == 1


async def test_an_act_within_another_leaves_it_its_time() -> None:
    deadlines = Deadlines(0.02)

    async def outer() -> None:
        await deadlines.within(asyncio.sleep(0))
        await asyncio.sleep(60)

    with pytest.raises(TimeoutError):
        await deadlines.within(outer())


async def test_within_each_other_each_ends_its_own() -> None:
    outer, inner = Deadlines(0.02), Deadlines(60)
    with pytest.raises(TimeoutError):
        await outer.within(inner.within(asyncio.sleep(60)))
    with pytest.raises(TimeoutError):
        await inner.within(outer.within(asyncio.sleep(60)))
    assert await outer.within(inner.within(asyncio.sleep(0, "done"))) == "done"


async def test_an_answer_that_swallows_its_cancellation_leaves_no_trace() -> None:
    async def deaf() -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return "done"
        return ""

    assert await Deadlines(0.02).within(deaf()) == "done"
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_errors_are_those_of_the_answer() -> None:
    async def failing() -> None:
        raise OSError("away")

    with pytest.raises(OSError, match="away"):
        await Deadlines(60).within(failing())


async def test_nothing_looks_where_nothing_is_watched() -> None:
    ended: asyncio.Queue[str] = asyncio.Queue()
    watchdog = Watchdog[str](0.02, ended.put_nowait)
    watchdog.watch("slow")
    watchdog.watch("quick")
    watchdog.forget("quick")
    assert await ended.get() == "slow"
    await asyncio.sleep(0.03)
    assert ended.empty()
    assert watchdog._loops == {}


def test_each_loop_has_items_of_its_own() -> None:
    ended: asyncio.Queue[str] = asyncio.Queue()
    watchdog = Watchdog[str](0.02, ended.put_nowait)

    async def leave_behind() -> asyncio.AbstractEventLoop:
        watchdog.watch("left behind")
        return asyncio.get_running_loop()

    async def wait() -> str:
        watchdog.watch("slow")
        watchdog.forget("left behind")
        return await ended.get()

    ended_loop = asyncio.run(leave_behind())
    assert ended_loop in watchdog._loops
    assert asyncio.run(wait()) == "slow"
    assert ended.empty()
    assert ended_loop not in watchdog._loops


def test_what_is_closed_after_its_loop_is_forgotten() -> None:
    deadlines = Deadlines(60)
    waiting = deadlines.within(asyncio.sleep(60))

    async def begin() -> None:
        tasks.append(asyncio.ensure_future(waiting))
        await asyncio.sleep(0)

    tasks = list[object]()
    loop = asyncio.new_event_loop()
    loop.run_until_complete(begin())
    loop.close()
    waiting.close()
