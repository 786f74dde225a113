"""What is open across a yield ends in the task in which it began: task groups, timeouts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import anyio
import pytest

from holdall import Context, Holdall

pytestmark = pytest.mark.anyio


@pytest.fixture
def app() -> Iterator[Holdall]:
    made = Holdall("notes")
    yield made
    made.sync.close()


def grouped(app: Holdall, log: list[str]) -> None:
    @app.resource
    async def group(context: Context) -> AsyncIterator[anyio.abc.TaskGroup]:
        async with anyio.create_task_group() as tasks:
            yield tasks
        log.append("all tasks have ended")


async def test_a_task_group_is_open_across_the_yield_of_a_resource(app: Holdall) -> None:
    log: list[str] = []
    grouped(app, log)

    async def work() -> None:
        await asyncio.sleep(0.01)
        log.append("worked")

    async with app.context() as context:
        (tasks, _) = await asyncio.gather(context.resource("group"), context.resource("group"))  # in another task
        tasks.start_soon(work)
    assert log == ["worked", "all tasks have ended"]


def test_so_it_is_without_async_and_for_middleware(app: Holdall) -> None:
    log: list[str] = []
    grouped(app, log)

    @app.middleware
    async def around(context: Context) -> AsyncIterator[None]:
        async with anyio.create_task_group(), asyncio.timeout(60):
            yield
            log.append("middleware")

    with app.sync.context() as context:
        assert context.group
    assert log == ["middleware", "all tasks have ended"]


async def test_a_resource_that_goes_on_though_it_is_cancelled_is_ended(app: Holdall) -> None:
    log: list[str] = []

    @app.resource
    async def stubborn(context: Context) -> AsyncIterator[int]:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        try:
            yield 1
        finally:
            log.append("ended")

    async with app.context() as context:
        opening = asyncio.create_task(context.resource(stubborn))
        await asyncio.sleep(0.01)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        assert log == ["ended"]
        assert "stubborn" not in context
