"""Resources: opened on first touch, once for each context, closed in reverse, told how the context ended."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from holdall import Context, Holdall, SyncContext
from holdall.errors import StateError

pytestmark = pytest.mark.anyio


@pytest.fixture
def app() -> Iterator[Holdall]:
    made = Holdall("notes")
    yield made
    made.sync.close()


def declared(app: Holdall, log: list[str], *names: str, is_async: bool = True) -> None:
    """Resources that note when they are opened and closed, and with which error."""

    def one(name: str) -> Callable[..., Any]:
        async def opened(context: Context) -> AsyncIterator[str]:
            log.append(f"open {name}")
            try:
                yield name
                log.append(f"close {name}")
            except BaseException as error:
                log.append(f"close {name} by {type(error).__name__}")
                raise

        def waiting(context: SyncContext) -> Iterator[str]:
            log.append(f"open {name}")
            try:
                yield name
                log.append(f"close {name}")
            except BaseException as error:
                log.append(f"close {name} by {type(error).__name__}")
                raise

        return opened if is_async else waiting

    app.add_resources(**{name: one(name) for name in names})


# --- opening ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_async", [True, False])
async def test_a_resource_is_opened_on_first_touch_and_once(app: Holdall, is_async: bool) -> None:
    log: list[str] = []
    declared(app, log, "one", "two", is_async=is_async)
    async with app.context() as context:
        assert (log, "one" in context) == ([], False)
        assert [await context.one, await context.one, await context.resource("one")] == ["one"] * 3
        assert ("one" in context, "two" in context) == (True, False)
    assert log == ["open one", "close one"]


@pytest.mark.parametrize("is_async", [True, False])
def test_so_it_is_without_async(app: Holdall, is_async: bool) -> None:
    log: list[str] = []
    declared(app, log, "one", "two", is_async=is_async)
    with app.sync.context() as context:
        assert (log, "one" in context) == ([], False)
        assert [context.one, context.one, context.resource("one")] == ["one"] * 3
        assert ("one" in context, "two" in context) == (True, False)
    assert log == ["open one", "close one"]


@pytest.mark.parametrize("is_async", [True, False])
async def test_resources_are_closed_in_reverse(app: Holdall, is_async: bool) -> None:
    log: list[str] = []
    declared(app, log, "a", "b", "c", is_async=is_async)
    async with app.context() as context:
        for name in "bca":
            await context.resource(name)
    assert log == ["open b", "open c", "open a", "close a", "close c", "close b"]


@pytest.mark.parametrize("is_async", [True, False])
async def test_concurrent_first_touches_open_once(app: Holdall, is_async: bool) -> None:
    opened: list[int] = []

    @app.resource("slow")
    async def slow(context: Context) -> AsyncIterator[object]:
        opened.append(1)
        await asyncio.sleep(0.02)
        yield object()

    @app.resource("slow_thread")
    def slow_thread(context: SyncContext) -> Iterator[object]:
        opened.append(1)
        threading.Event().wait(0.02)
        yield object()

    async with app.context() as context:
        name = "slow" if is_async else "slow_thread"
        found = await asyncio.gather(*[context.resource(name) for _ in range(20)])
    assert (len(set(map(id, found))), len(opened)) == (1, 1)


def test_threads_that_share_a_context_open_once(app: Holdall) -> None:
    opened: list[int] = []

    @app.resource
    def slow(context: SyncContext) -> Iterator[object]:
        opened.append(1)
        threading.Event().wait(0.02)
        yield object()

    with app.sync.context() as context:
        found: list[object] = []
        threads = [threading.Thread(target=lambda: found.append(context.slow)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (len(found), len(set(map(id, found))), len(opened)) == (8, 1, 1)


async def test_an_opening_that_fails_is_an_error_where_it_was_touched_and_can_be_tried_again(app: Holdall) -> None:
    tries: list[int] = []

    @app.resource
    async def pool(context: Context) -> AsyncIterator[int]:
        tries.append(1)
        await asyncio.sleep(0)
        if len(tries) < 3:
            raise ConnectionError
        yield len(tries)

    async with app.context() as context:
        with pytest.raises(ConnectionError):
            await context.pool
        found = await asyncio.gather(context.resource(pool), context.resource(pool), return_exceptions=True)
        assert (type(found[0]), found[1]) == (ConnectionError, 3)  # who waited for the one that failed tries again
        assert await context.pool == 3


async def test_a_task_that_is_cancelled_while_it_opens_leaves_the_others_going(app: Holdall) -> None:
    @app.resource
    async def pool(context: Context) -> AsyncIterator[int]:
        await asyncio.sleep(0.01)
        yield 7

    async with app.context() as context:
        first = asyncio.create_task(context.resource(pool))
        await asyncio.sleep(0)
        second = asyncio.create_task(context.resource(pool))
        await asyncio.sleep(0)
        first.cancel()
        assert await second == 7
        assert first.cancelled()


async def test_a_generator_that_does_not_yield_says_so(app: Holdall) -> None:
    @app.resource
    async def nothing(context: Context) -> AsyncIterator[int]:
        if context.meta.get("never"):
            yield 1

    async with app.context() as context:
        with pytest.raises(StateError, match=r"resource 'nothing' was not set up.*without a yield"):
            await context.nothing


@pytest.mark.parametrize("is_async", [True, False])
async def test_a_generator_that_yields_twice_says_so(app: Holdall, is_async: bool) -> None:
    @app.resource("twice")
    async def twice(context: Context) -> AsyncIterator[int]:
        yield 1
        yield 2

    @app.resource("twice_thread")
    def twice_thread(context: SyncContext) -> Iterator[int]:
        yield 1
        yield 2

    context = app.context()

    async def work() -> None:
        async with context:
            await context.resource("twice" if is_async else "twice_thread")

    with pytest.raises(StateError, match=r"resource 'twice.*yielded more than once"):
        await work()


async def test_nothing_new_is_opened_while_a_context_ends(app: Holdall) -> None:
    log: list[str] = []
    declared(app, log, "open", "late")

    @app.middleware
    async def around(context: Context) -> AsyncIterator[None]:
        yield
        assert await context.resource("open") == "open"
        with pytest.raises(StateError, match="'late' was not opened before"):
            await context.late

    async with app.context() as context:
        await context.resource("open")
    assert log == ["open open", "close open"]


async def test_a_resource_that_opens_too_late_is_closed(app: Holdall) -> None:
    log: list[str] = []

    @app.resource
    async def slow(context: Context) -> AsyncIterator[int]:
        await asyncio.sleep(0.02)
        try:
            yield 1
        finally:
            log.append("closed")

    async with app.context() as context:
        late = asyncio.create_task(context.resource(slow))
        await asyncio.sleep(0)
    with pytest.raises(StateError, match="opened too late"):
        await late
    assert log == ["closed"]


# --- one that uses another --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_sync", [True, False])
def test_a_resource_uses_others_of_either_kind(app: Holdall, is_sync: bool) -> None:
    @app.resource
    async def settings(context: Context) -> AsyncIterator[dict[str, int]]:
        yield {"size": 3}

    @app.resource
    def pool(context: SyncContext) -> Iterator[list[int]]:
        yield [0] * context.settings["size"]

    @app.resource
    async def connection(context: Context) -> AsyncIterator[int]:
        yield len(await context.pool)

    async def work() -> int:
        async with app.context() as context:
            return await context.resource(connection)

    if is_sync:
        with app.sync.context() as context:
            assert context.connection == 3
    else:
        assert asyncio.run(work()) == 3


@pytest.mark.parametrize("is_sync", [True, False])
def test_a_circle_is_an_error_with_its_path(app: Holdall, is_sync: bool) -> None:
    @app.resource
    async def a(context: Context) -> AsyncIterator[None]:
        await context.b
        yield

    @app.resource
    def b(context: SyncContext) -> Iterator[None]:
        context.c  # noqa: B018
        yield

    @app.resource
    async def c(context: Context) -> AsyncIterator[None]:
        await context.a
        yield

    async def work() -> None:
        async with app.context() as context:
            await context.a

    def work_in_thread() -> None:
        with app.sync.context() as context:
            context.a  # noqa: B018

    with pytest.raises(StateError, match=r"in a circle: c -> a -> b -> c|in a circle: a -> b -> c -> a"):
        work_in_thread() if is_sync else asyncio.run(asyncio.wait_for(work(), 5))


async def test_a_circle_that_two_tasks_close_is_an_error_too(app: Holdall) -> None:
    @app.resource
    async def a(context: Context) -> AsyncIterator[None]:
        await asyncio.sleep(0.01)
        await context.b
        yield

    @app.resource
    async def b(context: Context) -> AsyncIterator[None]:
        await asyncio.sleep(0.01)
        await context.a
        yield

    async with app.context() as context:
        both = asyncio.gather(context.resource(a), context.resource(b), return_exceptions=True)
        found = await asyncio.wait_for(both, 5)
        assert all(isinstance(each, StateError) and "in a circle" in str(each) for each in found)


async def test_resources_that_need_one_at_once_are_no_circle(app: Holdall) -> None:
    @app.resource
    async def base(context: Context) -> AsyncIterator[int]:
        await asyncio.sleep(0.01)
        yield 1

    @app.resource
    async def left(context: Context) -> AsyncIterator[int]:
        yield await context.base

    @app.resource
    async def right(context: Context) -> AsyncIterator[int]:
        yield await context.base

    @app.resource
    async def both(context: Context) -> AsyncIterator[int]:
        yield sum(await asyncio.gather(context.resource(left), context.resource(right)))

    async with app.context() as context:
        found = await asyncio.gather(context.resource(both), context.resource(left), context.resource(base))
    assert list(found) == [2, 1, 1]


# --- closing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_async", [True, False])
async def test_each_is_told_of_the_final_exception(app: Holdall, is_async: bool) -> None:
    log: list[str] = []
    declared(app, log, "a", "b", is_async=is_async)

    @app.middleware
    async def replace(context: Context) -> AsyncIterator[None]:
        try:
            yield
        except ZeroDivisionError as error:
            raise KeyError from error

    context = app.context()

    async def work() -> None:
        async with context:
            await context.a, await context.b
            raise ZeroDivisionError

    with pytest.raises(KeyError):
        await work()
    assert log == ["open a", "open b", "close b by KeyError", "close a by KeyError"]


async def test_none_is_told_of_an_exception_that_middleware_suppressed(app: Holdall) -> None:
    log: list[str] = []
    declared(app, log, "a")

    @app.middleware
    async def suppressing(context: Context) -> AsyncIterator[None]:
        with suppress(ZeroDivisionError):
            yield

    async with app.context() as context:
        await context.a
        raise ZeroDivisionError
    assert log == ["open a", "close a"]


def failing(app: Holdall, *names: str) -> None:
    def one(name: str) -> Callable[[Context], AsyncIterator[None]]:
        async def opened(context: Context) -> AsyncIterator[None]:
            try:
                yield
            finally:
                raise OSError(name)

        return opened

    app.add_resources(**{name: one(name) for name in names})


async def test_errors_of_closing_never_hide_the_first(app: Holdall, caplog: pytest.LogCaptureFixture) -> None:
    log: list[str] = []
    failing(app, "a", "b")
    declared(app, log, "last")
    context = app.context()

    async def work() -> None:
        async with context:
            await context.last, await context.a, await context.b
            raise ZeroDivisionError

    with caplog.at_level(logging.ERROR, "holdall.context"), pytest.raises(ZeroDivisionError) as caught:
        await work()
    assert [str(error) for error in context.closing_errors] == ["b", "a"]
    assert caught.value.__notes__ == [
        "resource 'b' failed to close: OSError: b",
        "resource 'a' failed to close: OSError: a",
    ]
    assert [record.exc_info[1] for record in caplog.records if record.exc_info] == list(context.closing_errors)
    assert log == ["open last", "close last by ZeroDivisionError"]  # each is closed, whatever others do


async def test_errors_of_closing_are_raised_where_there_is_no_other(app: Holdall) -> None:
    failing(app, "a", "b")
    context = app.context()

    async def work() -> None:
        async with context:
            await context.a, await context.b

    with pytest.raises(OSError, match="b") as caught:
        await work()
    assert caught.value.__notes__ == ["resource 'a' failed to close: OSError: a"]
    assert context.state == "exited"
    assert app.active_context is None


async def test_a_resource_cannot_suppress(app: Holdall) -> None:
    @app.resource
    async def swallowing(context: Context) -> AsyncIterator[None]:
        with suppress(ZeroDivisionError):
            yield

    context = app.context()

    async def work() -> None:
        async with context:
            await context.swallowing
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await work()


async def test_a_cancelled_context_closes_what_it_opened(app: Holdall) -> None:
    log: list[str] = []
    declared(app, log, "a", "b")

    async def work() -> None:
        async with app.context() as context:
            await context.a, await context.b
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log == ["open a", "open b", "close b by CancelledError", "close a by CancelledError"]


async def test_cancelling_while_resources_close_closes_them_all_and_counts(app: Holdall) -> None:
    log: list[str] = []
    declared(app, log, "a")

    @app.resource
    async def slow(context: Context) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await asyncio.sleep(60)

    async def work() -> None:
        async with app.context() as context:
            await context.a, await context.slow
            raise ZeroDivisionError

    task = asyncio.create_task(work())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log == ["open a", "close a by ZeroDivisionError"]


@pytest.mark.parametrize("error", [StopIteration, StopAsyncIteration, GeneratorExit, KeyboardInterrupt])
@pytest.mark.parametrize("is_async", [True, False])
async def test_exceptions_that_generators_know_pass_as_they_are(
    app: Holdall, error: type[BaseException], is_async: bool
) -> None:
    log: list[str] = []
    declared(app, log, "a", is_async=is_async)
    raised, context = error(), app.context()
    assert await context.__aenter__() is context
    await context.a
    assert await context.__aexit__(error, raised, None) is False  # it goes on as it is
    assert (log[1], context.closing_errors) == (f"close a by {error.__name__}", ())
