"""Work that many ask for is done once; work that asks for itself, however indirectly, is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from holdall.errors import StateError
from holdall.session.dao.single_flight import SingleFlight

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Works:
    """Each piece of work asks for others, by name, one after the other or all at once."""

    def __init__(self, needs: dict[str, list[str]], *, is_at_once: bool = False) -> None:
        self.flight = SingleFlight()
        self.needs = needs
        self.is_at_once = is_at_once
        self.done: list[str] = []

    def get(self, name: str) -> Awaitable[str]:
        return self.flight.run(name, name, self._work(name))

    def _work(self, name: str) -> Callable[[], Awaitable[str]]:
        async def work() -> str:
            await asyncio.sleep(0)
            if self.is_at_once:
                await asyncio.gather(*map(self.get, self.needs.get(name, [])))
            else:
                for other in self.needs.get(name, []):
                    await self.get(other)
            self.done.append(name)
            return name.upper()

        return work


async def test_what_is_asked_for_at_the_same_time_is_done_once() -> None:
    works = Works({"a": ["d"], "b": ["d"]})
    assert await asyncio.gather(*map(works.get, "abdab")) == list("ABDAB")
    assert sorted(works.done) == list("abd")


@pytest.mark.parametrize("is_at_once", [False, True])
@pytest.mark.parametrize("needs", [{"a": ["a"]}, {"a": ["b"], "b": ["a"]}, {"a": ["x", "b"], "b": ["c"], "c": ["a"]}])
async def test_work_that_needs_itself_is_refused(needs: dict[str, list[str]], is_at_once: bool) -> None:
    works = Works(needs, is_at_once=is_at_once)
    async with asyncio.timeout(10):
        with pytest.raises(StateError, match="is needed to make"):
            await works.get("a")
    assert "a" not in works.done


async def test_two_that_wait_for_each_other_are_told() -> None:
    works = Works({"a": ["b"], "b": ["a"]})
    async with asyncio.timeout(10):
        ends = await asyncio.gather(works.get("a"), works.get("b"), return_exceptions=True)
    assert [type(end) for end in ends] == [StateError, StateError]


async def test_the_next_one_takes_the_place_of_a_cancelled_one() -> None:
    works = Works({})
    first, second = asyncio.ensure_future(works.get("a")), asyncio.ensure_future(works.get("a"))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == "A"
    assert works.done == ["a"]


async def test_whoever_is_cancelled_while_he_waits_stops_and_the_work_goes_on() -> None:
    works = Works({})
    first, second = asyncio.ensure_future(works.get("a")), asyncio.ensure_future(works.get("a"))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    assert await first == "A"


async def test_a_task_that_outlives_its_work_may_ask_for_the_same() -> None:
    """The task was started by work that is done, which it cannot wait for any more."""
    works = Works({})
    later: list[asyncio.Task[str]] = []
    is_over = asyncio.Event()

    async def ask() -> str:
        await is_over.wait()
        return await works.get("a")

    async def work() -> str:
        later.append(asyncio.create_task(ask()))
        return "first"

    assert await works.flight.run("a", "a", work) == "first"
    is_over.set()
    assert await later[0] == "A"


async def test_a_failure_is_told_to_all_and_kept_for_nobody() -> None:
    works = Works({})
    failures = [ZeroDivisionError()]

    async def work() -> str:
        await asyncio.sleep(0)
        if failures:
            raise failures.pop()
        return "A"

    ends = await asyncio.gather(*[works.flight.run("a", "a", work) for _ in range(3)], return_exceptions=True)
    assert [type(end) for end in ends] == [ZeroDivisionError] * 3
    assert await works.flight.run("a", "a", work) == "A"
