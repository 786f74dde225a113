from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdall.session.commit.calls.group_calls import group_calls
from holdall.session.commit.calls.ready_set import ReadySet, Strategy, carry_out

pytestmark = pytest.mark.anyio


@st.composite
def graphs(draw: st.DrawFn) -> list[list[int]]:
    count = draw(st.integers(0, 25))
    return [sorted(draw(st.sets(st.integers(0, number - 1), max_size=4))) if number else [] for number in range(count)]


@given(graphs(), st.lists(st.integers(1, 3), min_size=1, max_size=3), st.data())
def test_everything_runs_once_after_its_needs_and_within_the_width(
    needs: list[list[int]], widths: list[int], data: st.DataObject
) -> None:
    lanes = [data.draw(st.integers(0, len(widths) - 1)) for _ in needs]
    pauses = [data.draw(st.integers(0, 3)) for _ in needs]
    done: list[int] = []
    running = [0] * len(widths)

    async def perform(number: int) -> bool:
        assert number not in done
        assert set(needs[number]) <= set(done)
        running[lanes[number]] += 1
        assert running[lanes[number]] <= widths[lanes[number]]
        for _ in range(pauses[number]):
            await asyncio.sleep(0)
        running[lanes[number]] -= 1
        done.append(number)
        return True

    asyncio.run(carry_out(needs, perform, lanes=lanes, widths=widths))
    assert sorted(done) == list(range(len(needs)))


@given(graphs(), st.data(), st.sampled_from(Strategy))
def test_a_failure_stops_what_has_not_started_or_only_what_the_strategy_says(
    needs: list[list[int]], data: st.DataObject, strategy: Strategy
) -> None:
    failing = data.draw(st.sets(st.integers(0, 24)))
    begun: list[int] = []
    ended: list[int] = []

    async def perform(number: int) -> bool:
        begun.append(number)
        await asyncio.sleep(0)
        ended.append(number)
        return number not in failing

    asyncio.run(carry_out(needs, perform, lanes=[0] * len(needs), widths=[3], strategy=strategy))
    assert begun and sorted(begun) == sorted(ended) if needs else not begun
    if strategy is Strategy.CONTINUE_ON_ERROR or failing.isdisjoint(begun):
        assert sorted(ended) == list(range(len(needs)))
    else:
        first = min(ended.index(number) for number in failing if number in ended)
        assert len(begun) <= first + 3  # what was under way, and nothing after


@given(graphs(), st.lists(st.integers(1, 4), min_size=1, max_size=3), st.data())
def test_groups_hold_what_may_go_together(needs: list[list[int]], sizes: list[int], data: st.DataObject) -> None:
    lanes = [data.draw(st.integers(0, len(sizes) - 1)) for _ in needs]
    groups, group_needs, group_lanes = group_calls(needs, lanes, sizes)
    assert sorted(number for group in groups for number in group) == list(range(len(needs)))
    for group, needed, lane in zip(groups, group_needs, group_lanes, strict=True):
        assert 0 < len(group) <= sizes[lane]
        assert {lanes[number] for number in group} == {lane}
        wanted = {other for number in group for other in needs[number]}
        assert wanted.isdisjoint(group)
        assert wanted <= {other for item in needed for other in groups[item]}
    done: list[int] = []

    async def perform(number: int) -> bool:
        assert all(other in done for item in groups[number] for other in needs[item])
        done.extend(groups[number])
        return True

    asyncio.run(carry_out(group_needs, perform, lanes=group_lanes, widths=[2] * len(sizes)))
    assert sorted(done) == list(range(len(needs)))


async def _waiting(needs: Sequence[Sequence[int]], started: list[int], ended: list[int]) -> None:
    async def perform(number: int) -> bool:
        started.append(number)
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            ended.append(number)
        return True

    await carry_out(needs, perform, lanes=[0] * len(needs), widths=[2])


async def test_being_cancelled_cancels_and_awaits_what_is_under_way() -> None:
    started: list[int] = []
    ended: list[int] = []

    task = asyncio.create_task(_waiting([[], [], []], started, ended))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert started == sorted(ended) == [0, 1]


async def test_an_exception_ends_it_once_what_was_started_is_done() -> None:
    ended: list[int] = []

    async def perform(number: int) -> bool:
        await asyncio.sleep(0)
        if number == 0:
            raise KeyError("planted")
        await asyncio.sleep(0.01)
        ended.append(number)
        return True

    with pytest.raises(KeyError):
        await carry_out([[], [], []], perform, lanes=[0, 0, 0], widths=[2])
    assert ended == [1]


async def test_being_cancelled_twice_still_awaits_what_is_under_way() -> None:
    started: list[int] = []
    ended: list[int] = []

    async def perform(number: int) -> bool:
        started.append(number)
        try:
            await asyncio.sleep(60)
        finally:
            for _ in range(10):
                await asyncio.sleep(0)
            ended.append(number)
        return True

    task = asyncio.create_task(carry_out([[], []], perform, lanes=[0, 0], widths=[2]))
    await asyncio.sleep(0.01)
    assert started == [0, 1]
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(ended) == [0, 1]


@pytest.mark.parametrize("when", ["before it runs", "while it runs"])
async def test_it_can_be_stopped_without_cancelling_who_awaits_it(when: str) -> None:
    started: list[int] = []

    async def perform(number: int) -> bool:
        started.append(number)
        await asyncio.sleep(60)
        return True

    ready = ReadySet([[], [], []], perform, lanes=[0, 0, 0], widths=[2])
    if when == "before it runs":
        ready.cancel()
    else:
        asyncio.get_running_loop().call_later(0.01, ready.cancel)
    with pytest.raises(asyncio.CancelledError):
        await ready.run()
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()
    assert started == ([] if when == "before it runs" else [0, 1])


async def test_needs_that_are_all_in_a_circle_are_refused_instead_of_awaited() -> None:
    async def perform(number: int) -> bool:
        return True

    with pytest.raises(ValueError, match="in a circle"):
        await asyncio.wait_for(carry_out([[1], [0]], perform, lanes=[0, 0], widths=[2]), 5)
